// The records that the first half of a group-by writes to partitions: rows as they are, single values,
// states; see group_layout.hpp.
#pragma once

#include <optional>
#include <vector>

#include "surd/external/detail/group_cache.hpp"
#include "surd/external/detail/group_packing.hpp"

namespace surd::external::detail {

class GroupRecords {
 public:
  explicit GroupRecords(const Layout& layout);

  /// The rows that are written from now on. In place until the last one is.
  void begin(const GroupInput& input);
  /// Rows [n], whose keys have these hashes.
  void write(const std::uint32_t* rows, const std::uint64_t* hashes, std::size_t n, PartitionPages& to) const;
  /// What medians, lists and distinct counts need of the rows [first, first + n): a record per value.
  void write_values(std::size_t first, std::size_t n, const std::uint64_t* hashes, PartitionPages& to) const;
  void write_state(const GroupCache& cache, std::size_t slot, PartitionPages& to) const;

  /// Empty where keys are numbers.
  [[nodiscard]] std::span<const std::byte> key(std::size_t row) const {
    return layout_.byte_keys ? input_->byte_keys[row] : std::span<const std::byte>{};
  }
  [[nodiscard]] static bool is_null(const Values& values, std::size_t row) {
    return !values.nulls.empty() && values.nulls[row] != 0;
  }

 private:
  /// Where values lie, and where they come in a row's record.
  struct Source {
    const std::byte* from;
    std::uint32_t to;
  };

  void write_packed(const std::uint32_t* rows, const std::uint64_t* hashes, std::size_t n,
                    PartitionPages& to) const;
  void write_wide(const std::uint32_t* rows, const std::uint64_t* hashes, std::size_t n,
                  PartitionPages& to) const;
  std::byte* put_key(std::byte* at, Kind kind, std::uint64_t hash, std::span<const std::byte> key) const;
  [[nodiscard]] std::size_t key_room(std::span<const std::byte> key) const;
  std::byte* put_fixed(std::byte* at, std::size_t row) const;

  const Layout& layout_;
  std::optional<GroupPacking> packing_;
  const GroupInput* input_ = nullptr;
  std::vector<Source> sources_;
  bool nulls_ = false;  ///< There may be some.
};

}  // namespace surd::external::detail
