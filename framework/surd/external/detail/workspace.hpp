// The memory of one operation: reserved from its budget, mapped once, carved into parts, given back to the
// system (not to malloc, which might keep it) at the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "surd/memory/budget.hpp"

namespace surd::external::detail {

class Workspace {
 public:
  Workspace() noexcept = default;
  /// @throws UsageError  if `budget` has less than `least` left; takes up to `wanted`.
  Workspace(memory::Budget& budget, std::uint64_t least, std::uint64_t wanted, std::string_view purpose);
  Workspace(Workspace&& other) noexcept;
  Workspace& operator=(Workspace&& other) noexcept;
  ~Workspace();

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_ - used_; }

  /// What is taken next begins at a multiple of 4096.
  void align_to_page() noexcept { used_ = std::min(bytes_, (used_ + 4095) / 4096 * 4096); }
  /// The next `bytes`, aligned to 64; takes a multiple of 64 from the workspace.
  [[nodiscard]] std::span<std::byte> take(std::size_t bytes);
  /// What is left, rounded down to a multiple of `unit`.
  [[nodiscard]] std::span<std::byte> take_rest(std::size_t unit = 1);

 private:
  memory::Reservation reservation_;
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t used_ = 0;
};

}  // namespace surd::external::detail
