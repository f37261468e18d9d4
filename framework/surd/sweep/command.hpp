// An external program as the evaluator of points.
//
//   command: ["./model", "--t", "{T}", "--out", "{scratch}/out.json"]   argv; no shell
//   command: "./model --t {T} | tail -1"      with shell: true: through /bin/sh -c; values are quoted
//   parse: json | csv | none | {regex: "E=(?<energy>[-0-9.e]+)"}        default json; regex: also a list
//   parse: {json: "{scratch}/out.json"}       likewise csv: from a file instead of stdout; regex: file: ...
//   timeout: 60s        TERM to its process group, then KILL after 2 s
//   retries: 2          more attempts after a failure, each with a fresh scratch directory
//   capture: 64KiB      how much of stdout and of stderr is stored (head and tail); 0 for nothing
//   env: {OMP_NUM_THREADS: "{threads}"}       added to the environment; MPI's own variables are removed
//   directory: scratch | here                 default here: the directory surd was started in
// Placeholders: every axis and parameter, and {scratch}; {{ and }} are braces. stdin is empty. SURD_POINT is
// the point's identity, SURD_SEED a number below 2^63 keyed by the job's seed and the point. What parse makes
// of the output: detail/parse_output.hpp.
//
// Each command runs in its own process group and dies with its rank, however the rank dies: the child itself
// by PR_SET_PDEATHSIG, what it started by a guardian process that kills the group when the rank is gone. When
// a command ends, what it started is killed too. Only a process that leaves the group (setsid) escapes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/sweep/function.hpp"

namespace surd::sweep {

/// The `command` part of a job, checked.
struct CommandSpec {
  std::vector<std::string> argv;  ///< With placeholders; one item if shell.
  bool shell = false;
  base::Json parse;            ///< As in the job, with defaults filled in.
  double timeout_seconds = 0;  ///< 0: none.
  std::uint32_t retries = 0;
  std::uint64_t capture_bytes = 64 * 1024;
  std::vector<std::pair<std::string, std::string>> environment;
  bool run_in_scratch = false;

  /// Reads command, shell, parse, timeout, retries, capture, env, directory of a job. `names`: valid
  /// placeholders.
  /// @throws SpecError  also for a placeholder that is no axis or parameter, with the nearest.
  static CommandSpec read(const base::Spec& job, const std::vector<std::string>& names);

  /// What makes two commands the same subject: argv, shell, parse, env (not timeout, retries, capture).
  [[nodiscard]] std::string identity() const;

  /// The keys read() looks at.
  static const std::vector<std::string_view>& keys();
};

/// Starts the guardian (once per process); the evaluator runs one command at a time, 16 evaluators at most. A
/// command that fails while the job is being stopped is Abandoned, since the signal may have reached it as
/// well.
/// @throws UsageError  if the program (without placeholders) is not there on this host: better one error than
///                     as many failed points. A program that is missing at one point fails that point.
[[nodiscard]] std::unique_ptr<Evaluator> evaluate_command(CommandSpec spec);

/// If argv says that this process was started as a guardian, does its work and returns its exit status, else
/// -1. Call first in main(), before MPI.
[[nodiscard]] int guardian_main(int argc, char** argv);

}  // namespace surd::sweep
