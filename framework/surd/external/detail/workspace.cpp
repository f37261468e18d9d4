#include "surd/external/detail/workspace.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::external::detail {

Workspace::Workspace(memory::Budget& budget, std::uint64_t least, std::uint64_t wanted,
                     std::string_view purpose)
    : reservation_(budget.reserve(least, wanted, purpose)),
      bytes_(static_cast<std::size_t>(reservation_.bytes())) {
  if (bytes_ == 0) return;
  void* const memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw base::IoError(
        fmt::format("cannot get {} bytes of memory for {}: {}", bytes_, purpose, std::strerror(errno)),
        errno);
  }
  ::madvise(memory, bytes_, MADV_HUGEPAGE);  // advice: sorting jumps about, and misses fewer large pages
  memory_ = static_cast<std::byte*>(memory);
}

Workspace::Workspace(Workspace&& other) noexcept
    : reservation_(std::move(other.reservation_)),
      memory_(std::exchange(other.memory_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      used_(std::exchange(other.used_, 0)) {}

Workspace& Workspace::operator=(Workspace&& other) noexcept {
  Workspace taken(std::move(other));
  std::swap(reservation_, taken.reservation_);
  std::swap(memory_, taken.memory_);
  std::swap(bytes_, taken.bytes_);
  std::swap(used_, taken.used_);
  return *this;
}

Workspace::~Workspace() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

std::span<std::byte> Workspace::take(std::size_t bytes) {
  base::expect(bytes <= left(), "a workspace is smaller than its parts");
  const std::span part(memory_ + used_, bytes);
  used_ = std::min(bytes_, used_ + (bytes + 63) / 64 * 64);
  return part;
}

std::span<std::byte> Workspace::take_rest(std::size_t unit) {
  const auto bytes = left() / unit * unit;
  const std::span part(memory_ + used_, bytes);
  used_ = bytes_;
  return part;
}

}  // namespace surd::external::detail
