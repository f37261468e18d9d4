#include "surd/mpi/detail/farewell.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <fmt/format.h>

namespace surd::mpi::detail {
namespace {

constexpr std::size_t page_bytes = 4096;

/// A file in memory that others can open by this process's entry in /proc; -1 if there is none.
int make_file() {
  const int fd = ::memfd_create("surd", MFD_CLOEXEC);
  if (fd >= 0 && ::ftruncate(fd, page_bytes) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

/// Tells a file from all others, for in another container the path may lead elsewhere.
std::string identity(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? fmt::format("{} {}", status.st_dev, status.st_ino) : "unknown";
}

}  // namespace

Farewell::~Farewell() {
  if (arrived_ != nullptr) ::munmap(arrived_, page_bytes);
}

void Farewell::share(const Communicator& node) {
  ranks_ = node.size();
  if (ranks_ == 1) return;
  int fd = node.is_root() ? make_file() : -1;
  const auto path = node.broadcast_text(fmt::format("/proc/{}/fd/{}", ::getpid(), fd));
  const auto file = node.broadcast_text(identity(fd));
  if (!node.is_root()) fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* page = MAP_FAILED;
  if (fd >= 0 && identity(fd) == file)
    page = ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const bool all_have_it = node.max(std::uint64_t{page == MAP_FAILED}) == 0;  // and have opened the root's
  if (fd >= 0) ::close(fd);
  if (all_have_it) {
    arrived_ = static_cast<int*>(page);
  } else if (page != MAP_FAILED) {
    ::munmap(page, page_bytes);
  }
}

void Farewell::arrive() noexcept {
  if (arrived_ != nullptr) std::atomic_ref<int>(*arrived_).fetch_add(1);
}

bool Farewell::wait_for_all() const noexcept {
  using namespace std::chrono_literals;
  if (arrived_ == nullptr) return false;
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (std::atomic_ref<int>(*arrived_).load() < ranks_) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace surd::mpi::detail
