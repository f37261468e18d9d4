// The command line of every surd program: surd VERB [options] arguments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "surd/batch/job.hpp"
#include "surd/batch/shortcut.hpp"
#include "surd/batch/submit_flags.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

/// What the user asked for. Options that the verb does not have keep their defaults.
struct CommandLine {
  std::string verb;
  storage::Path file;                         ///< The job file, or the file to inspect.
  ShortcutFlags shortcut;                     ///< sort, group, join
  SubmitFlags submit;                         ///< submit
  std::string point;                          ///< show: "T=1.5,L=16", or the beginning of a point's identity.
  std::vector<std::string> settings;          ///< --set
  storage::Path work;                         ///< --work; empty: .surd/<name of the job>
  std::optional<std::uint64_t> memory_bytes;  ///< --memory; 0: sqrt
  std::optional<int> ranks_per_point;         ///< --ranks-per-point
  std::optional<VersionChange> on_version_change;  ///< --version-change
  double time_left_seconds = 0;                    ///< --time-left; 0: unknown
  bool retry_failed = false;
  bool quiet = false;
  bool json = false;
  bool repair = false;        ///< verify
  bool with_failed = false;   ///< export: failed points too
  storage::Path output;       ///< export, report
  std::string field;          ///< report: the result that an .svg shows
  double grace_seconds = 10;  ///< --grace
  std::string text;           ///< The whole line, for reports.

  /// sort, group or join: a job without a file.
  [[nodiscard]] bool is_shortcut() const { return verb == "sort" || verb == "group" || verb == "join"; }
};

/// A command line, or what to print instead of doing anything.
struct ParsedLine {
  std::optional<CommandLine> line;
  std::string output;  ///< Help or version, for stdout.
  std::string error;   ///< A mistake, for stderr; the exit status is then ExitStatus::usage.
};

[[nodiscard]] ParsedLine parse_command_line(int argc, const char* const* argv);

}  // namespace surd::batch
