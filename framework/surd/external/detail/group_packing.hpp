// How the records of a group-by of numbers are written to a partition: every number in as few bytes as it
// needs, since keys and values are small far more often than not, and the disk is what a group-by waits for.
//
// A packed record: u8 kind (2 bits), bytes of the key - 1 (3 bits), of the first word - 1 (3 bits); for the
// words after the first, u8 bytes - 1 of each two (4 bits each); what precedes the words (null bits); the key
// and the words, each folded (n or -n by n, sign last) and without its zero upper bytes.
//
// Westmann, Kossmann, Helmer & Moerkotte: The implementation and performance of compressed databases, SIGMOD
// Record 29(3), 2000.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "surd/external/detail/group_layout.hpp"
#include "surd/external/partition.hpp"

namespace surd::external::detail {

class GroupPacking {
 public:
  /// Bytes after a packed record that put() may overwrite, and unpack() read.
  static constexpr std::size_t slack = 7;
  /// Longest records that are packed, as they are when unpacked: what a GroupUnpacker has room for.
  static constexpr std::size_t most_bytes = 1024;

  explicit GroupPacking(const Layout& layout) noexcept;

  /// Whether all records are numbers, and not too many.
  [[nodiscard]] static bool suits(const Layout& layout) noexcept;

  /// Most that put() writes, with the slack.
  [[nodiscard]] std::size_t room(Kind kind) const noexcept {
    const auto& form = form_of(kind);
    return 1 + form.words / 2 + form.lead + 8 * (1 + form.words) + slack;
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

  /// Unpacks records from `at` on, to `into`, as long as there are any before `end` and there is room for the
  /// longest. The hash of the key stands where records have it. `at` and `into` move on.
  void unpack(const std::byte*& at, const std::byte* end, std::byte*& into,
              const std::byte* into_end) const noexcept;

 private:
  /// Of a kind of record.
  struct Form {
    std::size_t lead = 0;  ///< Bytes before the words.
    std::size_t words = 0;
  };

  [[nodiscard]] const Form& form_of(Kind kind) const noexcept {
    return forms_[static_cast<std::size_t>(kind)];
  }

  [[nodiscard]] static constexpr std::uint64_t fold(std::uint64_t word) noexcept {
    return word << 1 ^ (std::uint64_t{0} - (word >> 63));
  }
  [[nodiscard]] static constexpr std::uint64_t unfold(std::uint64_t word) noexcept {
    return word >> 1 ^ (std::uint64_t{0} - (word & 1));
  }
  /// Returns how many of the 8 bytes written are needed.
  static unsigned put_word(std::byte* at, std::uint64_t word) noexcept {
    const auto folded = fold(word);
    store(at, folded);
    return (71U - static_cast<unsigned>(std::countl_zero(folded | 1))) / 8;
  }
  [[nodiscard]] static std::uint64_t get_word(const std::byte* at, unsigned bytes) noexcept {
    return unfold(load<std::uint64_t>(at) & ~std::uint64_t{0} >> (64 - 8 * bytes));
  }

  /// A run of rows of one number.
  static void unpack_rows(const std::byte*& at, const std::byte* end, std::byte*& into,
                          const std::byte* into_end) noexcept;
  [[nodiscard]] const std::byte* unpack_one(const std::byte* at, std::byte* into) const noexcept;

  std::array<Form, 3> forms_;
  std::size_t longest_ = 0;  ///< Of unpacked records.
};

/// Reads a partition of packed records, unpacked little by little to memory that stays in the cache.
class GroupUnpacker {
 public:
  using Buffer = std::array<std::byte, 12 * GroupPacking::most_bytes>;

  GroupUnpacker(const GroupPacking& packing, PartitionReader from, Buffer& buffer) noexcept
      : packing_(packing), from_(std::move(from)), buffer_(buffer) {}

  /// Whole records as they are when not packed; empty at the end. Valid until the next call.
  /// @throws base::FormatError  if a piece ends inside of a record.
  [[nodiscard]] std::span<const std::byte> next();

 private:
  const GroupPacking& packing_;
  PartitionReader from_;
  Buffer& buffer_;
  const std::byte* at_ = nullptr;  ///< In the piece that is being unpacked.
  const std::byte* end_ = nullptr;
};

}  // namespace surd::external::detail
