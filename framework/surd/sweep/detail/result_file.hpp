// A file that a command is to write its results to.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace surd::sweep::detail {

/// Made before the command runs, read after it: a file that was there already counts only if the command has
/// written to it, so that what another point left behind is never taken for this one's result.
class ResultFile {
 public:
  explicit ResultFile(std::filesystem::path path);

  struct Content {
    std::string text;
    std::string error;  ///< Empty if it was read; otherwise names the file and what is wrong.
  };
  /// Of a regular file of at most `limit` bytes.
  [[nodiscard]] Content read(std::uint64_t limit) const;

 private:
  [[nodiscard]] std::optional<struct stat> look() const;

  std::filesystem::path path_;
  std::optional<struct stat> before_;
};

}  // namespace surd::sweep::detail
