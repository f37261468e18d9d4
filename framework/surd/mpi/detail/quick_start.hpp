// What Open MPI is told before it starts. MPICH does not ask.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace surd::mpi::detail {

/// Keeps Open MPI, while it starts, from what serves nobody here. What this program starts is told nothing of
/// it, and what the user or the site has set, in the environment or in a file, is left as it is.
class QuickStart {
 public:
  QuickStart();
  QuickStart(const QuickStart&) = delete;
  QuickStart& operator=(const QuickStart&) = delete;
  ~QuickStart();

 private:
  void set(const char* variable, const std::string& value);

  std::vector<const char*> set_;
};

/// Files of parameters that Open MPI reads, the user's before the site's.
[[nodiscard]] std::vector<std::filesystem::path> parameter_files();
/// The value of `parameter` in the first file that has one: lines of "name = value", of which the last
/// counts.
[[nodiscard]] std::optional<std::string> parameter_in(const std::vector<std::filesystem::path>& files,
                                                      std::string_view parameter);

}  // namespace surd::mpi::detail
