// A job file, read and checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/error.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/sweep/command.hpp"
#include "surd/sweep/function.hpp"
#include "surd/sweep/subject.hpp"

namespace surd::batch {

/// What to do when the memo holds points of another version of the function or command.
enum class VersionChange {
  error,  ///< Refuse, and say what would be computed again. The default.
  fresh,  ///< "new": compute them again under the new version; the old results stay.
  keep,   ///< Count them as done.
};

/// "error", "new" or "keep"; nullopt for other texts.
[[nodiscard]] std::optional<VersionChange> version_change(std::string_view text);

inline constexpr std::uint64_t least_memory_bytes = std::uint64_t{16} << 20;

/// kind: sweep. Defaults as in a job file that says nothing.
struct Job {
  storage::Path file;
  std::string text;  ///< The file as it was read, with --set applied as comments at its end.
  std::string name;
  std::optional<sweep::Definition> definition;  ///< Always set by parse_job().
  std::optional<sweep::CommandSpec> command;    ///< Else the registered function definition.subject.name.
  VersionChange on_version_change = VersionChange::error;
  std::uint64_t memory_bytes = 0;  ///< Per rank; 0: sqrt.
  storage::Path output;            ///< Relative to the current directory; default <name>.h5.
  std::string compression;         ///< Empty: not asked for.
  storage::Path memo;              ///< Empty: <work>/memo.
  double lease_seconds = 10;
  std::uint64_t max_failures = ~std::uint64_t{0};
  int ranks_per_point = 1;
  std::uint32_t retries = 0;
  std::uint64_t memory_per_point = 0;
  double time_limit_seconds = 0;
  std::string cost;
  std::map<std::string, std::map<std::string, std::string>>
      fields;  ///< units and long_name per result field.
};

/// A mistake in a job file. what() is the whole message:
///   jobs/ising/job.yaml:7: axes.T.linspce: unknown key 'linspce'; did you mean 'linspace'?
///   followed by the line of the file and a caret.
class JobError : public base::UsageError {
 public:
  using UsageError::UsageError;
};

/// Reads and checks a job. `settings` are --set values, "key.path=yaml". `functions` are the registered ones.
/// Rank-local: rank 0 reads the text, all ranks parse the same text.
/// @throws JobError  at the first mistake.
[[nodiscard]] Job parse_job(const std::string& text, const storage::Path& file,
                            std::span<const std::string> settings,
                            std::span<const sweep::Function> functions);

}  // namespace surd::batch
