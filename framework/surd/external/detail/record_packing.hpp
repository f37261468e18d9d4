// How records of one size that are mostly numbers are written to a partition: as 8-byte words, each in as few
// bytes as it needs (packed_words.hpp), and what is left over after the last word.
//
// A packed record: for each two words a byte, of which the lower and the upper half hold bytes - 1 (3 bits
// each) of one; in the highest bit of the first, whether what is left over follows (else it is zeros); then
// that, and the words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "surd/external/detail/packed_words.hpp"

namespace surd::external::detail {

class RecordPacking {
 public:
  explicit constexpr RecordPacking(std::uint32_t record_bytes) noexcept
      : record_bytes_(record_bytes), words_(record_bytes / 8), rest_(record_bytes % 8) {}

  [[nodiscard]] constexpr std::uint32_t record_bytes() const noexcept { return record_bytes_; }
  /// Most that a packed record has.
  [[nodiscard]] constexpr std::size_t most_bytes() const noexcept {
    return (words_ + 2) / 2 + 8 + 8 * words_;
  }

  /// Calls use(packer) with what packs and unpacks single records fastest:
  ///   std::byte* put(std::byte* at, const std::byte* record)               returns the end
  ///   const std::byte* get(const std::byte* at, std::byte* record)         the same of what was read; may
  ///     read word_slack bytes more, and write up to the end of the record alone
  template <class Use>
  decltype(auto) with_packer(Use use) const {
    switch (words_) {
      case 1:
        return use(Packer<1>{words_, rest_});
      case 2:
        return use(Packer<2>{words_, rest_});
      case 3:
        return use(Packer<3>{words_, rest_});
      case 4:
        return use(Packer<4>{words_, rest_});
      default:
        return use(Packer<0>{words_, rest_});
    }
  }

  /// Unpacks records from `at` on to `into`, as long as there are any before `end` and there is room. Both
  /// move on; `at` beyond `end` if the last record is not whole.
  void unpack(const std::byte*& at, const std::byte* end, std::byte*& into, const std::byte* into_end) const {
    with_packer([&, this](auto packer) {
      const auto* from = at;
      auto* to = into;
      while (from < end && static_cast<std::size_t>(into_end - to) >= record_bytes_) {
        from = packer.get(from, to);
        to += record_bytes_;
      }
      at = from;
      into = to;
    });
  }

 private:
  static constexpr unsigned has_rest = 0x80;

  /// `Words` of a record, or any number of them: 0.
  template <std::size_t Words>
  struct Packer {
    std::size_t any_words;
    std::size_t rest;

    [[nodiscard]] std::size_t words() const noexcept { return Words > 0 ? Words : any_words; }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return words() < 2 ? 1 : (words() + 1) / 2; }

    std::byte* put(std::byte* at, const std::byte* record) const noexcept {
      auto* sizes = at;
      at += size_bytes();
      const auto* const left_over = record + 8 * words();
      unsigned flag = 0;
      for (std::size_t i = 0; i < rest; ++i) {
        if (left_over[i] != std::byte{0}) flag = has_rest;
      }
      if (flag != 0) {
        std::memcpy(at, left_over, rest);
        at += rest;
      }
      std::size_t i = 0;
      do {
        auto pair = std::exchange(flag, 0);
        for (const unsigned shift : {0U, 4U}) {
          if (i == words()) break;
          const auto bytes = put_word(at, base::load<std::uint64_t>(record + 8 * i++));
          pair |= (bytes - 1) << shift;
          at += bytes;
        }
        *sizes++ = static_cast<std::byte>(pair);
      } while (i < words());
      return at;
    }

    const std::byte* get(const std::byte* at, std::byte* record) const noexcept {
      const auto* const sizes = at;
      at += size_bytes();
      auto* const left_over = record + 8 * words();
      if ((std::to_integer<unsigned>(sizes[0]) & has_rest) != 0) {
        std::memcpy(left_over, at, rest);
        at += rest;
      } else {
        for (std::size_t i = 0; i < rest; ++i) left_over[i] = std::byte{0};
      }
      for (std::size_t i = 0; i < words(); ++i) {
        const auto pair = std::to_integer<unsigned>(sizes[i / 2]);
        const auto bytes = ((i % 2 == 0 ? pair : pair >> 4) & 7) + 1;
        base::store(record + 8 * i, get_word(at, bytes));
        at += bytes;
      }
      return at;
    }
  };

  std::uint32_t record_bytes_;
  std::size_t words_;
  std::size_t rest_;
};

}  // namespace surd::external::detail
