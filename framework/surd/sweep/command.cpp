#include "surd/sweep/command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/sweep/detail/bounded_text.hpp"
#include "surd/sweep/detail/environment.hpp"
#include "surd/sweep/detail/guardian.hpp"
#include "surd/sweep/detail/parse_output.hpp"
#include "surd/sweep/detail/process.hpp"
#include "surd/sweep/detail/result_file.hpp"
#include "surd/sweep/detail/template.hpp"

namespace surd::sweep {
namespace {

using detail::Ending;
using detail::Lookup;
using detail::Template;

constexpr std::uint64_t most_output_bytes = 16 * base::MiB;
constexpr std::uint64_t message_bytes = 240;
constexpr const char* shell_path = "/bin/sh";

std::string signal_name(int signal) {
  static constexpr std::array<std::pair<int, const char*>, 18> names{{{SIGHUP, "SIGHUP"},
                                                                      {SIGINT, "SIGINT"},
                                                                      {SIGQUIT, "SIGQUIT"},
                                                                      {SIGILL, "SIGILL"},
                                                                      {SIGTRAP, "SIGTRAP"},
                                                                      {SIGABRT, "SIGABRT"},
                                                                      {SIGBUS, "SIGBUS"},
                                                                      {SIGFPE, "SIGFPE"},
                                                                      {SIGKILL, "SIGKILL"},
                                                                      {SIGUSR1, "SIGUSR1"},
                                                                      {SIGSEGV, "SIGSEGV"},
                                                                      {SIGUSR2, "SIGUSR2"},
                                                                      {SIGPIPE, "SIGPIPE"},
                                                                      {SIGALRM, "SIGALRM"},
                                                                      {SIGTERM, "SIGTERM"},
                                                                      {SIGXCPU, "SIGXCPU"},
                                                                      {SIGXFSZ, "SIGXFSZ"},
                                                                      {SIGSYS, "SIGSYS"}}};
  for (const auto& [number, name] : names) {
    if (number == signal) return name;
  }
  return fmt::format("signal {}", signal);
}

/// Whether a scheduler that is ending the job may have ended the command too: it signals every process of a
/// job.
bool may_come_from_outside(const Capture& end) {
  static constexpr std::array<int, 7> signals{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGKILL};
  const int signal = end.signal != 0 ? end.signal : end.exit_code - 128;  // as shells report it
  return std::find(signals.begin(), signals.end(), signal) != signals.end();
}

/// Waits a moment for a stop request: the signal that ended the command may reach us a little later.
bool stop_follows(const Context& context) {
  for (int i = 0; i < 10 && !context.stop_requested(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return context.stop_requested();
}

std::string why_not_started(const std::string& program, const Ending& ending, const std::string& directory) {
  if (std::strcmp(ending.failed, "chdir") == 0) {
    return fmt::format("cannot run in {}: {}", directory, std::strerror(ending.code));
  }
  const char* hint = "";
  if (ending.code == ENOEXEC) hint = " (a script needs a first line such as #!/bin/sh)";
  if (ending.code == ENOENT && detail::find_program(program))
    hint = " (the interpreter its first line names)";
  if (ending.code == E2BIG) hint = " (arguments and environment together)";
  return fmt::format("cannot run '{}': {}{}", program, std::strerror(ending.code), hint);
}

class CommandEvaluator final : public Evaluator {
 public:
  [[nodiscard]] bool collective() const noexcept override { return false; }
  explicit CommandEvaluator(CommandSpec spec)
      : spec_(std::move(spec)),
        parse_(detail::ParseSpec::read(base::Spec(spec_.parse, "parse"))),
        parser_(parse_),
        environment_(spec_.environment),
        output_(parse_.reads_stdout() ? most_output_bytes : spec_.capture_bytes, spec_.capture_bytes / 2),
        errors_(spec_.capture_bytes, std::max(spec_.capture_bytes / 2, message_bytes)) {
    for (const auto& word : spec_.argv) argv_.push_back(template_of(word, spec_.shell));
    if (!parse_.file.empty()) file_.push_back(template_of(parse_.file));
    uses_scratch_ = spec_.run_in_scratch || environment_.placeholders().contains("scratch");
    for (const auto* texts : {&argv_, &file_}) {
      for (const auto& text : *texts) uses_scratch_ = uses_scratch_ || text.names().contains("scratch");
    }
    if (!spec_.shell && argv_[0].is_constant()) require_program(argv_[0].render({}));
  }

  Outcome evaluate(const Point& point, Context& context) override {
    for (std::uint32_t attempt = 1;; ++attempt) {
      context.begin(point, attempt);
      auto outcome = attempt_once(point, context);
      outcome.attempts = attempt;
      if (outcome.status == Status::ok) return outcome;
      // A failure while the job is being stopped may be part of that, so it says nothing about the point.
      if (context.stop_requested()) throw Abandoned{};
      if (outcome.capture && may_come_from_outside(*outcome.capture) && stop_follows(context))
        throw Abandoned{};
      if (attempt > spec_.retries) return outcome;
    }
  }

 private:
  static Template template_of(const std::string& text, bool for_shell = false) {
    const base::Json node(text);
    return Template(base::Spec(node, "command"), for_shell);
  }

  /// Better one error now than one failed point after the other.
  static void require_program(const std::string& name) {
    if (detail::find_program(name)) return;
    const bool is_path = name.find('/') != std::string::npos;
    throw base::UsageError(fmt::format("command: '{}' is {} on {}", name,
                                       is_path ? "no executable file" : "not on PATH", mpi::host_name()));
  }

  /// Path of the program `name`, looked for once.
  const std::string& locate(const std::string& name) {
    if (name != program_name_) {
      program_name_ = name;
      program_path_ = detail::find_program(name).value_or(name);
    }
    return program_path_;
  }

  Outcome attempt_once(const Point& point, Context& context) {
    if (uses_scratch_) guarded_.protect(context.scratch().native());
    const Lookup lookup = [&](const std::string& name) {
      return name == "scratch" ? context.scratch().string() : point.text(name);
    };
    const auto directory = spec_.run_in_scratch ? context.scratch().string() : std::string();
    std::optional<detail::ResultFile> file;
    if (!file_.empty()) file.emplace(std::filesystem::path(directory) / file_[0].render(lookup));

    Outcome outcome;
    const auto ending = run_once(lookup, point, directory);
    outcome.seconds = ending.seconds;
    if (ending.failed != nullptr) {
      outcome.status = Status::failed;
      outcome.message = why_not_started(words_[0], ending, directory);
      return outcome;
    }
    outcome.capture = Capture{ending.exit_code, ending.signal, ending.peak_bytes,
                              output_.shortened(spec_.capture_bytes), errors_.shortened(spec_.capture_bytes)};
    judge(outcome, ending);
    if (outcome.status == Status::ok) read_results(outcome, file);
    return outcome;
  }

  Ending run_once(const Lookup& lookup, const Point& point, const std::string& directory) {
    words_.clear();
    if (spec_.shell) words_ = {"sh", "-c"};
    for (const auto& word : argv_) words_.push_back(word.render(lookup));
    std::vector<char*> arguments;
    for (auto& word : words_) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    output_.clear();
    errors_.clear();

    detail::Launch launch;
    launch.program = spec_.shell ? shell_path : locate(words_[0]).c_str();
    launch.arguments = arguments.data();
    const auto identity = point.identity();
    auto random = random_of(point.definition().subject, identity);
    launch.environment = environment_.for_point(lookup, identity.hex(), random() >> 1);
    launch.directory = directory.empty() ? nullptr : directory.c_str();
    launch.group = &guarded_.group();
    detail::Supervision supervision;
    supervision.timeout_seconds = spec_.timeout_seconds;
    if (spec_.capture_bytes > 0 || parse_.reads_stdout()) supervision.output = &output_;
    if (spec_.capture_bytes > 0) supervision.errors = &errors_;
    auto ending = detail::run(launch, supervision);
    // What is not about this command would fail every point on this machine.
    const bool ours = ending.failed != nullptr && std::strcmp(ending.failed, "execve") != 0 &&
                      std::strcmp(ending.failed, "chdir") != 0;
    if (ours) {
      throw base::IoError(
          fmt::format("cannot start '{}': {}: {}", words_[0], ending.failed, std::strerror(ending.code)),
          ending.code);
    }
    return ending;
  }

  /// Status and message by the way the command ended.
  void judge(Outcome& outcome, const Ending& ending) const {
    if (ending.timed_out) {
      outcome.status = Status::timed_out;
      outcome.message = fmt::format("timed out after {}", base::format_seconds(spec_.timeout_seconds));
      if (ending.forced) outcome.message += "; it ignored SIGTERM and was killed";
    } else if (ending.signal != 0) {
      outcome.status = Status::killed;
      outcome.message = "killed by " + signal_name(ending.signal);
      if (ending.core_dumped) outcome.message += " (core dumped)";
      if (ending.signal == SIGKILL) outcome.message += "; the kernel does that when memory runs out";
    } else if (ending.exit_code != 0) {
      outcome.status = Status::failed;
      outcome.message = fmt::format("exited with status {}", ending.exit_code);
    }
    if (outcome.status == Status::ok) return;
    const auto last_words = errors_.ending(message_bytes);
    if (!detail::trimmed(last_words).empty()) {
      outcome.message += "; stderr ends: " + detail::escaped(detail::trimmed(last_words));
    }
  }

  void read_results(Outcome& outcome, const std::optional<detail::ResultFile>& file) const {
    detail::Parsed parsed;
    if (file) {
      auto content = file->read(most_output_bytes);
      parsed.error = std::move(content.error);
      if (parsed.error.empty()) parsed = parser_.parse(content.text);
    } else if (!output_.is_whole() && parse_.reads_stdout()) {
      parsed.error = fmt::format("printed {}; the limit is {}", base::format_bytes(output_.total()),
                                 base::format_bytes(most_output_bytes));
    } else {
      parsed = parser_.parse(output_.whole());
    }
    outcome.values = std::move(parsed.values);
    if (parsed.error.empty()) return;
    outcome.status = Status::bad_output;
    outcome.message = std::move(parsed.error);
  }

  CommandSpec spec_;
  detail::ParseSpec parse_;
  detail::OutputParser parser_;
  detail::Environment environment_;
  detail::BoundedText output_;
  detail::BoundedText errors_;
  detail::Guarded guarded_;
  std::vector<Template> argv_;
  std::vector<Template> file_;  ///< None or one.
  bool uses_scratch_ = false;
  std::vector<std::string> words_;  ///< Of the running command.
  std::string program_name_;
  std::string program_path_;
};

}  // namespace

std::unique_ptr<Evaluator> evaluate_command(CommandSpec spec) {
  return std::make_unique<CommandEvaluator>(std::move(spec));
}

}  // namespace surd::sweep
