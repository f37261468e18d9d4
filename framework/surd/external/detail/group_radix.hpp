// Groups of a partition that fits into memory as it was written: its records are parted by the hash's next
// bits into lists of chunks, some thousand records each, and one list after the other is grouped in a table
// that stays in the cache. Only for 8-byte keys and states of fixed size.
//
// Müller, Sanders, Lacurie, Lehner & Färber: Cache-efficient aggregation: hashing is sorting, SIGMOD 2015;
// Manegold, Boncz & Kersten: Optimizing main-memory join on modern hardware, TKDE 14(4), 2002.
#pragma once

#include <array>

#include "surd/external/detail/group_layout.hpp"
#include "surd/external/detail/group_packing.hpp"

namespace surd::external::detail {

class RadixGroups {
 public:
  [[nodiscard]] static bool suits(const Layout& layout) noexcept;

  /// Lives in `region`, which is 8-byte aligned.
  RadixGroups(const Layout& layout, std::span<std::byte> region, std::uint64_t records);

  /// In how much memory `records`, of `bytes` in all, are likely to fit.
  [[nodiscard]] static std::uint64_t bytes_for(const Layout& layout, std::uint64_t records,
                                               std::uint64_t bytes) noexcept;
  /// Takes whole records. False if they do not fit after all, or if their hashes do not share the leading
  /// bits that those of the first piece do: the partition must then be grouped in another way.
  [[nodiscard]] bool add(std::span<const std::byte> piece);
  /// The same for a run of rows of one number, all of it. After the first piece.
  [[nodiscard]] bool add_rows(PackedRows& run);
  /// After the last piece. False if there is no room for the table.
  [[nodiscard]] bool end_input();
  /// Appends groups, in order of hashes, until `into` has `rows` or there are no more.
  void next(Groups& into, std::size_t rows);

 private:
  static constexpr std::size_t kinds = 3;  ///< raw, raw_nulls, state.
  static constexpr std::size_t chunk_bytes = 4096;
  static constexpr std::size_t list_records = 2048;  ///< Aimed at.
  static constexpr unsigned most_bits = 8;
  static constexpr std::size_t least_capacity = 256;
  static constexpr std::size_t slack = 64;  ///< Cells after the last home.
  static constexpr std::size_t most_batch = chunk_bytes / 8;

  /// Chunks begin with the address of the next one. All but the last are full.
  struct List {
    std::byte* first = nullptr;
    std::byte* at = nullptr;  ///< End of what the last chunk holds.
    std::byte* end = nullptr;
    std::size_t records = 0;
  };

  [[nodiscard]] static std::array<std::size_t, kinds> record_sizes(const Layout& layout) noexcept;
  [[nodiscard]] bool find_prefix(std::span<const std::byte> piece);
  template <std::size_t Bytes>
  [[nodiscard]] const std::byte* scatter(const std::byte* at, const std::byte* end);
  [[nodiscard]] bool new_chunk(List& list);
  [[nodiscard]] std::size_t list_size(std::size_t list) const noexcept;
  [[nodiscard]] static unsigned bits_for(std::uint64_t records) noexcept;
  [[nodiscard]] static std::size_t table_bytes(const Layout& layout, std::size_t capacity) noexcept;

  void group_list(std::size_t list);
  void clear_table(std::size_t capacity) noexcept;
  [[nodiscard]] bool fill_table(std::size_t list);
  [[nodiscard]] bool absorb(const std::byte* records, std::size_t n, Kind kind);
  [[nodiscard]] std::byte* probe(std::byte* at, std::uint64_t hash) const noexcept;
  [[nodiscard]] std::byte* cell(std::size_t i) const noexcept { return cells_ + i * cell_bytes_; }
  void order_cells() noexcept;
  void put(Groups& into, std::size_t n);

  const Layout& layout_;
  std::array<std::size_t, kinds> record_bytes_;
  std::size_t cell_bytes_;  ///< A hash (0: free), then the state.
  std::byte* free_;         ///< Chunks grow up from here,
  std::byte* end_;          ///< the table lies in what they leave.
  unsigned bits_ = 0;       ///< That part the lists.
  unsigned prefix_ = 64;    ///< Leading bits that all hashes share; 64: no record yet.
  std::uint64_t first_hash_ = 0;
  std::vector<List> lists_;  ///< Of the kinds, of the parts of the hashes.

  std::size_t next_list_ = 0;
  std::size_t most_capacity_ = 0;
  std::size_t capacity_ = least_capacity;
  unsigned shift_ = 0;
  std::byte* cells_ = nullptr;
  std::uint32_t* order_ = nullptr;  ///< Cells in use, by hash.
  std::size_t groups_ = 0;
  std::size_t given_ = 0;
  bool zero_ = false;  ///< Cell 0, of hash 0, is in use.
  std::array<std::byte*, most_batch> states_;
};

}  // namespace surd::external::detail
