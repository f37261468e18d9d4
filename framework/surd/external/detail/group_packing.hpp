// How the records of a group-by of numbers are written to a partition: every number in as few bytes as it
// needs (packed_words.hpp), since the disk is what a group-by waits for.
//
// A packed record: u8 kind (2 bits), bytes of the key - 1 (3 bits), of the first word - 1 (3 bits); for the
// words after the first, u8 bytes - 1 of each two (4 bits each); what precedes the words (null bits); the key
// and the words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "surd/external/detail/group_layout.hpp"
#include "surd/external/detail/hash_mix.hpp"
#include "surd/external/detail/packed_words.hpp"
#include "surd/external/partition.hpp"

namespace surd::external::detail {

class GroupPacking {
 public:
  /// Longest records that are packed, as they are when unpacked: what a GroupUnpacker has room for.
  static constexpr std::size_t most_bytes = 1024;

  explicit GroupPacking(const Layout& layout) noexcept;

  /// Whether all records are numbers, and not too many.
  [[nodiscard]] static bool suits(const Layout& layout) noexcept;

  /// Most that put() writes, with the slack.
  [[nodiscard]] std::size_t room(Kind kind) const noexcept {
    const auto& form = form_of(kind);
    return 1 + form.words / 2 + form.lead + 8 * (1 + form.words) + word_slack;
  }
  /// Of a record that is not packed.
  [[nodiscard]] std::size_t unpacked_bytes(Kind kind) const noexcept {
    const auto& form = form_of(kind);
    return 9 + form.lead + 8 * form.words;
  }

  /// Packs a record of `kind` with this payload. Returns its end.
  [[nodiscard]] std::byte* put(std::byte* at, Kind kind, std::uint64_t key,
                               const std::byte* payload) const noexcept;

  /// The same for a row of one number.
  [[nodiscard]] static std::byte* put_row(std::byte* at, std::uint64_t key, std::uint64_t value) noexcept {
    auto* to = at + 1;
    const auto key_bytes = put_word(to, key);
    to += key_bytes;
    const auto value_bytes = put_word(to, value);
    *at = static_cast<std::byte>(static_cast<unsigned>(Kind::raw) | (key_bytes - 1) << 2 |
                                 (value_bytes - 1) << 5);
    return to + value_bytes;
  }

  /// Whether rows are of one number: those that PackedRows reads.
  [[nodiscard]] bool rows_of_one() const noexcept { return forms_[0].words == 1; }

  /// Unpacks records from `at` on, to `into`, as long as there are any before `end` and there is room for the
  /// longest; not rows of one number, if they are kept apart. The hash of the key stands where records have
  /// it. `at` and `into` move on.
  void unpack(const std::byte*& at, const std::byte* end, std::byte*& into, const std::byte* into_end,
              bool rows_apart) const noexcept;

 private:
  friend class PackedRows;

  /// Of a kind of record.
  struct Form {
    std::size_t lead = 0;  ///< Bytes before the words.
    std::size_t words = 0;
  };

  [[nodiscard]] const Form& form_of(Kind kind) const noexcept {
    return forms_[static_cast<std::size_t>(kind)];
  }

  [[nodiscard]] const std::byte* unpack_one(const std::byte* at, std::byte* into) const noexcept;

  std::array<Form, 3> forms_;
  std::size_t longest_ = 0;  ///< Of unpacked records.
};

/// A run of rows of one number, that ends where the records or the rows end.
class PackedRows {
 public:
  PackedRows(const std::byte* at, const std::byte* end) noexcept : at_(at), end_(end) {}

  /// False at the end of the run.
  [[nodiscard]] bool next(std::uint64_t& hash, std::uint64_t& value) noexcept {
    if (at_ >= end_) return false;
    const auto first = std::to_integer<unsigned>(*at_);
    if ((first & 3) != static_cast<unsigned>(Kind::raw)) return false;
    const auto key_bytes = (first >> 2 & 7) + 1;
    const auto value_bytes = (first >> 5) + 1;
    hash = mix(get_word(at_ + 1, key_bytes));
    value = get_word(at_ + 1 + key_bytes, value_bytes);
    at_ += 1 + key_bytes + value_bytes;
    return true;
  }
  /// Of what was not read; beyond the end if the last row is not whole.
  [[nodiscard]] const std::byte* at() const noexcept { return at_; }

 private:
  const std::byte* at_;
  const std::byte* end_;
};

/// Reads a partition of packed records, unpacked little by little to memory that stays in the cache.
class GroupUnpacker {
 public:
  using Buffer = std::array<std::byte, 12 * GroupPacking::most_bytes>;

  GroupUnpacker(const GroupPacking& packing, PartitionReader from, Buffer& buffer) noexcept
      : packing_(packing), from_(std::move(from)), buffer_(buffer) {}

  /// Whole records as they are when not packed; empty at the end. Valid until the next call.
  /// @throws base::FormatError  if a piece ends inside of a record.
  [[nodiscard]] std::span<const std::byte> next() { return next(false); }

  /// All of it for who takes rows of one number as numbers: calls rows(PackedRows&) for runs of those, which
  /// it reads to their end, and other(records) for the rest and for what comes first, until one returns
  /// false. Returns whether none did. @throws base::FormatError  as next().
  template <class Rows, class Other>
  [[nodiscard]] bool for_each(const Rows& rows, const Other& other) {
    for (bool apart = false;; apart = packing_.rows_of_one()) {
      const auto records = next(apart);
      if (records.empty() && at_ == end_) return true;
      if (!records.empty() && !other(records)) return false;
      if (!packing_.rows_of_one()) continue;
      PackedRows run(at_, end_);
      if (!rows(run)) return false;
      move_to(run.at());
    }
  }

 private:
  [[nodiscard]] std::span<const std::byte> next(bool rows_apart);
  void move_to(const std::byte* at);

  const GroupPacking& packing_;
  PartitionReader from_;
  Buffer& buffer_;
  const std::byte* at_ = nullptr;  ///< In the piece that is being unpacked.
  const std::byte* end_ = nullptr;
};

}  // namespace surd::external::detail
