// Finding one text, or a pattern, in many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "surd/table/detail/operation.hpp"

namespace surd::table::detail {

/// Whether texts equal one that is known.
class TextEquality {
 public:
  explicit TextEquality(std::string text);
  /// into[i] |= texts[i] == text. Without a branch per row for texts of up to 16 bytes: about 1 ns.
  void test(const Texts& texts, std::size_t rows, std::uint8_t* into) const noexcept;

 private:
  std::string text_;
  std::uint64_t words_[2] = {0, 0};  ///< The text's first 16 bytes,
  std::uint64_t masks_[2] = {0, 0};  ///< and which of these it has.
};

/// A pattern of `like`: % stands for any characters, _ for one, \% \_ \\ for themselves. A character is a
/// byte and the UTF-8 continuation bytes behind it.
///
/// The pieces between % are searched from left to right, each at its first place: a later place cannot help,
/// so nothing is ever tried again. Linear in the text for pieces without _ (memmem is), else times the
/// longest piece.
class LikePattern {
 public:
  explicit LikePattern(std::string_view pattern);
  [[nodiscard]] bool matches(std::string_view text) const noexcept;

 private:
  struct Piece {
    std::string bytes;                 ///< A 0 stands for each _.
    std::vector<std::uint8_t> is_any;  ///< [bytes]; empty if the piece has no _.
    std::size_t characters = 0;
  };

  [[nodiscard]] static std::size_t end_of_match(const Piece& piece, std::string_view text,
                                                std::size_t begin) noexcept;
  [[nodiscard]] static std::size_t find(const Piece& piece, std::string_view text,
                                        std::size_t begin) noexcept;
  [[nodiscard]] static bool ends_with(const Piece& piece, std::string_view text, std::size_t begin) noexcept;

  std::vector<Piece> pieces_;  ///< One more than there are %.
};

/// How many characters a text has.
[[nodiscard]] std::size_t characters(std::string_view text) noexcept;
/// Where character `count` of the text begins, from `begin` on; the text's size if it has fewer.
[[nodiscard]] std::size_t skip_characters(std::string_view text, std::size_t begin,
                                          std::uint64_t count) noexcept;

}  // namespace surd::table::detail
