#include "surd/table/detail/text_match.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace surd::table::detail {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool continues(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

std::size_t next_character(std::string_view text, std::size_t at) noexcept {
  ++at;
  while (at < text.size() && continues(text[at])) ++at;
  return at;
}

std::uint64_t load(const char* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Rows, from the first, that begin at least 16 bytes before the end of the bytes: begins ascend.
std::size_t rows_with_16_bytes(const Texts& texts, std::size_t rows) noexcept {
  if (rows == 0 || texts.size < 16 || texts.first > texts.size - 16) return 0;
  const auto last = static_cast<std::uint32_t>(std::min<std::size_t>(texts.size - 16, UINT32_MAX));
  const auto* const end = texts.ends + (rows - 1);
  return static_cast<std::size_t>(std::upper_bound(texts.ends, end, last) - texts.ends) + 1;
}

}  // namespace

TextEquality::TextEquality(std::string text) : text_(std::move(text)) {
  char bytes[16] = {};
  char mask[16] = {};
  const auto count = std::min<std::size_t>(text_.size(), 16);
  std::memcpy(bytes, text_.data(), count);
  std::memset(mask, 0xFF, count);
  for (std::size_t i = 0; i < 2; ++i) {
    words_[i] = load(bytes + 8 * i);
    masks_[i] = load(mask + 8 * i);
  }
}

void TextEquality::test(const Texts& texts, std::size_t rows, std::uint8_t* into) const noexcept {
  if (texts.ends == nullptr) {
    const std::uint8_t equal = texts[0] == text_;
    for (std::size_t i = 0; i < rows; ++i) into[i] |= equal;
    return;
  }
  std::size_t i = 0;
  if (text_.size() <= 16) {
    const auto fast = rows_with_16_bytes(texts, rows);
    std::size_t begin = texts.first;
    for (; i < fast; ++i) {
      const char* const bytes = texts.bytes + begin;
      const std::size_t end = texts.ends[i];
      const auto difference = ((load(bytes) ^ words_[0]) & masks_[0]) |
                              ((load(bytes + 8) ^ words_[1]) & masks_[1]) | ((end - begin) ^ text_.size());
      into[i] |= static_cast<std::uint8_t>(difference == 0);
      begin = end;
    }
  }
  for (; i < rows; ++i) into[i] |= static_cast<std::uint8_t>(texts[i] == text_);
}

LikePattern::LikePattern(std::string_view pattern) : pieces_(1) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool escaped = pattern[i] == '\\' && i + 1 < pattern.size() &&
                         (pattern[i + 1] == '%' || pattern[i + 1] == '_' || pattern[i + 1] == '\\');
    if (!escaped && pattern[i] == '%') {
      pieces_.emplace_back();
      continue;
    }
    const bool any = !escaped && pattern[i] == '_';
    i += escaped ? 1 : 0;
    pieces_.back().bytes += any ? '\0' : pattern[i];
    pieces_.back().is_any.push_back(any ? 1 : 0);
  }
  for (auto& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes.size(); ++i) {
      piece.characters += piece.is_any[i] != 0 || !continues(piece.bytes[i]) ? 1U : 0U;
    }
    if (!any(piece.is_any.data(), piece.is_any.size())) piece.is_any.clear();
  }
}

bool LikePattern::matches(std::string_view text) const noexcept {
  auto at = end_of_match(pieces_.front(), text, 0);
  if (at == none || pieces_.size() == 1) return at == text.size();
  for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
    at = find(pieces_[i], text, at);
    if (at == none) return false;
  }
  return ends_with(pieces_.back(), text, at);
}

/// Where a match that begins at `begin` ends, or none.
std::size_t LikePattern::end_of_match(const Piece& piece, std::string_view text, std::size_t begin) noexcept {
  if (piece.is_any.empty()) {
    return text.substr(begin).starts_with(piece.bytes) ? begin + piece.bytes.size() : none;
  }
  for (std::size_t i = 0; i < piece.bytes.size(); ++i) {
    if (begin >= text.size()) return none;
    if (piece.is_any[i] != 0) {
      begin = next_character(text, begin);
    } else if (text[begin] == piece.bytes[i]) {
      ++begin;
    } else {
      return none;
    }
  }
  return begin;
}

/// Where the first match at or behind `begin` ends, or none.
std::size_t LikePattern::find(const Piece& piece, std::string_view text, std::size_t begin) noexcept {
  if (piece.is_any.empty()) {
    if (piece.bytes.empty()) return begin;
    const auto* const place =
        ::memmem(text.data() + begin, text.size() - begin, piece.bytes.data(), piece.bytes.size());
    if (place == nullptr) return none;
    return static_cast<std::size_t>(static_cast<const char*>(place) - text.data()) + piece.bytes.size();
  }
  for (; begin < text.size(); begin = next_character(text, begin)) {
    const auto end = end_of_match(piece, text, begin);
    if (end != none) return end;
  }
  return none;
}

/// The piece matches the end of the text, at or behind `begin`.
bool LikePattern::ends_with(const Piece& piece, std::string_view text, std::size_t begin) noexcept {
  if (piece.is_any.empty()) return text.substr(begin).ends_with(piece.bytes);
  auto at = text.size();
  for (std::size_t left = piece.characters; left > 0; --left) {
    if (at <= begin) return false;
    --at;
    while (at > begin && continues(text[at])) --at;
  }
  return end_of_match(piece, text, at) == text.size();
}

std::size_t characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char byte : text) count += continues(byte) ? 0U : 1U;
  return count;
}

std::size_t skip_characters(std::string_view text, std::size_t begin, std::uint64_t count) noexcept {
  while (begin < text.size() && count > 0) {
    begin = next_character(text, begin);
    --count;
  }
  return begin;
}

}  // namespace surd::table::detail
