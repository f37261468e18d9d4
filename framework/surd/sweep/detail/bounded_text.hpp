// Keeps the head and the tail of a text of any length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace surd::sweep::detail {

class BoundedText {
 public:
  /// Keeps the first `head_bytes` and, of what follows, the last `tail_bytes`.
  BoundedText(std::uint64_t head_bytes, std::uint64_t tail_bytes)
      : head_bytes_(head_bytes), tail_bytes_(tail_bytes) {}

  void append(std::string_view text);
  /// Forgets the text, and memory beyond what texts of everyday size need.
  void clear();

  /// Bytes appended.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  /// Nothing is left out of whole().
  [[nodiscard]] bool is_whole() const noexcept { return total_ == head_.size(); }
  [[nodiscard]] const std::string& whole() const noexcept { return head_; }

  /// The text if it has at most `limit` bytes, else the first and the last half of that, and between them
  /// "... 12345 bytes left out ...". limit <= head_bytes, limit / 2 <= tail_bytes.
  [[nodiscard]] std::string shortened(std::uint64_t limit) const;
  /// The last `bytes` of the text, or all of it. bytes <= tail_bytes.
  [[nodiscard]] std::string ending(std::uint64_t bytes) const;

 private:
  std::uint64_t head_bytes_;
  std::uint64_t tail_bytes_;
  std::uint64_t total_ = 0;
  std::string head_;
  std::string tail_;  ///< At most twice tail_bytes_.
};

/// Text as a message can show it: UTF-8 as it is, control characters and other bytes as \n, \t, \x1b.
[[nodiscard]] std::string escaped(std::string_view text);

/// Valid UTF-8, without NUL.
[[nodiscard]] bool is_text(std::string_view bytes);

}  // namespace surd::sweep::detail
