#include "surd/sweep/detail/bounded_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace surd::sweep::detail {
namespace {

constexpr std::size_t everyday_bytes = std::size_t{1} << 18;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Bytes of the UTF-8 character that `text` starts with; 0 if it starts with none.
std::size_t character_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), is_continuation))
    return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

}  // namespace

void BoundedText::append(std::string_view text) {
  total_ += text.size();
  const auto room = static_cast<std::size_t>(head_bytes_) - head_.size();
  const auto to_head = std::min(room, text.size());
  head_.append(text.substr(0, to_head));
  text.remove_prefix(to_head);
  if (text.empty() || tail_bytes_ == 0) return;
  const auto keep = static_cast<std::size_t>(tail_bytes_);
  if (text.size() > keep) text.remove_prefix(text.size() - keep);
  if (tail_.size() + text.size() > 2 * keep) tail_.erase(0, tail_.size() + text.size() - keep);
  tail_.append(text);
}

void BoundedText::clear() {
  total_ = 0;
  for (auto* part : {&head_, &tail_}) {
    part->clear();
    if (part->capacity() > everyday_bytes) part->shrink_to_fit();
  }
}

std::string BoundedText::shortened(std::uint64_t limit) const {
  if (limit == 0) return {};
  if (total_ <= limit) return head_;
  const auto half = static_cast<std::size_t>(limit / 2);
  const auto left_out = total_ - 2 * half;
  return fmt::format("{}\n... {} bytes left out ...\n{}", std::string_view(head_).substr(0, half), left_out,
                     ending(half));
}

std::string BoundedText::ending(std::uint64_t bytes) const {
  const auto wanted = static_cast<std::size_t>(std::min(bytes, total_));
  const auto from_tail = std::min(wanted, tail_.size());
  const auto from_head = std::min(wanted - from_tail, head_.size());
  return head_.substr(head_.size() - from_head) + tail_.substr(tail_.size() - from_tail);
}

std::string escaped(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto length = character_bytes(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte == '\n') {
      shown += "\\n";
    } else if (byte == '\t') {
      shown += "\\t";
    } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return shown;
}

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto length = character_bytes(bytes);
    if (length == 0 || bytes[0] == '\0') return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace surd::sweep::detail
