// Files of the local file system, and the system calls around them.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "surd/storage/file_system.hpp"

namespace surd::storage {

/// @throws IoError  "<call> <path>: <text of code><detail>".
[[noreturn]] void fail_call(std::string_view call, std::string_view path, int code,
                            std::string_view detail = {});

/// Calls `call` until it is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

[[nodiscard]] int open_or_fail(const Path& path, int flags);

/// The files own `fd`.
[[nodiscard]] std::unique_ptr<WritableFile> local_writable(std::string path, int fd, Access access);
[[nodiscard]] std::unique_ptr<SharedFile> local_shared(std::string path, int fd);
[[nodiscard]] std::unique_ptr<ReadableFile> local_readable(const Path& path, Access access);
[[nodiscard]] std::pair<std::unique_ptr<WritableFile>, std::unique_ptr<ReadableFile>> local_scratch(
    const Path& directory);

}  // namespace surd::storage
