#include "surd/batch/submit_script.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/detail/launch.hpp"
#include "surd/batch/detail/shell_word.hpp"
#include "surd/batch/detail/supervise.hpp"

namespace surd::batch {
namespace {

/// Resident when main() begins to work, with buffers for connections to hundreds of ranks.
constexpr std::uint64_t overhead_bytes = 256 * base::MiB;

/// How long before its end Slurm signals the job. Points get 10 s to end, then logs are flushed.
constexpr double longest_notice_seconds = 120;
constexpr double shortest_notice_seconds = 15;

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }

/// A value as sbatch reads it on an #SBATCH line: in double quotes, '\' before what would end them.
std::string sbatch_value(std::string_view text) {
  constexpr std::string_view special = " \t'\"\\#";
  if (!text.empty() && text.find_first_of(special) == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

/// A path in which Slurm finds no placeholder but ours; with a '\' in it, it would find not even those.
std::string log_pattern(const storage::Path& directory, bool array) {
  std::string path;
  const auto plain = directory.string();
  if (plain.find('\\') != std::string::npos)
    throw base::UsageError(fmt::format("Slurm cannot write into '{}', for its name holds a '\\'", plain));
  for (const char c : plain) path += c == '%' ? std::string("%%") : std::string(1, c);
  return path + (array ? "/slurm-%A_%a.out" : "/slurm-%j.out");
}

int notice_seconds(double time_seconds) {
  if (time_seconds <= 0) return static_cast<int>(longest_notice_seconds);
  return static_cast<int>(std::clamp(time_seconds / 10, shortest_notice_seconds, longest_notice_seconds));
}

/// What the script stands on must not be undone by an option of sbatch, not even by a short or shortened one.
void refuse_undoing(std::string_view word) {
  constexpr struct {
    std::string_view option, letter, advice;
  } undoings[] = {
      {"--array", "-a", "give --array to surd submit, before the --"},
      {"--signal", "", "only as --signal=B:USR1@SECONDS, for the script itself must be signalled"},
      {"--no-requeue", "", "use --max-restarts 0"}};
  if (word.starts_with("--signal=B:USR1@")) return;
  const auto name = word.substr(0, word.find('='));
  for (const auto& [option, letter, advice] : undoings) {
    const bool is_long = name.size() > 3 && option.starts_with(name);
    const bool is_short = !letter.empty() && word.starts_with(letter);
    if (is_long || is_short) throw base::UsageError(fmt::format("'{}' after --: {}", word, advice));
  }
}

/// The #SBATCH lines.
class Options {
 public:
  void add(std::string_view name, std::string_view value) {
    refuse_line_end(value);
    text_ += fmt::format("#SBATCH --{}={}\n", name, sbatch_value(value));
  }
  void add(std::string_view name, int value) { add(name, std::to_string(value)); }
  void flag(std::string_view name) { text_ += fmt::format("#SBATCH --{}\n", name); }

  /// What the user gave after "--": an option a line, with the words that follow it.
  void add_words(const std::vector<std::string>& words) {
    for (const auto& word : words) {
      refuse_line_end(word);
      refuse_undoing(word);
      const bool begins = word.starts_with('-');
      if (!begins && &word == &words.front()) {
        throw base::UsageError(fmt::format("'{}' after -- is no option of sbatch", word));
      }
      if (begins && &word != &words.front()) text_ += '\n';
      text_ += (begins ? "#SBATCH " : " ") + sbatch_value(word);
    }
    if (!words.empty()) text_ += '\n';
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  static void refuse_line_end(std::string_view value) {
    if (!has_line_end(value)) return;
    throw base::UsageError(fmt::format("sbatch cannot take a line end in a name or option: '{}'", value));
  }

  std::string text_;
};

bool asks_for_memory(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const auto& word) {
    return word == "--mem" || word.starts_with("--mem=") || word.starts_with("--mem-per-");
  });
}

bool asks_for_whole_nodes(const SubmitFlags& flags) {
  const auto& words = flags.sbatch_options;
  return flags.least_nodes > 0 || std::any_of(words.begin(), words.end(), [](const auto& word) {
           return word == "--exclusive" || word == "--exclusive=user";
         });
}

std::string options_text(const SubmitScript& script) {
  const auto& flags = script.flags;
  Options options;
  options.add("job-name", script.job_name);
  if (flags.least_nodes > 0) {
    // A number of tasks would be kept by Slurm, and could never start again on fewer nodes: the launcher has
    // it.
    options.add("nodes", fmt::format("{}-{}", flags.least_nodes, flags.nodes));
    options.flag("exclusive");
  } else {
    options.add("nodes", flags.nodes);
    options.add("ntasks-per-node", flags.tasks_per_node);
  }
  options.add("cpus-per-task", flags.cpus_per_task);
  if (asks_for_memory(flags.sbatch_options)) {
    // As it is asked for.
  } else if (asks_for_whole_nodes(flags)) {
    options.add("mem", 0);  // all there is
  } else {
    // Of a node: memory per CPU would be counted for every hardware thread of the cores that ranks get.
    const auto node_bytes = static_cast<double>(script.memory_per_rank) * flags.tasks_per_node;
    options.add("mem", fmt::format("{:.0f}M", std::ceil(node_bytes / base::MiB)));
  }
  if (flags.time_seconds > 0) options.add("time", format_time_limit(flags.time_seconds));
  if (!flags.partition.empty()) options.add("partition", flags.partition);
  if (!flags.account.empty()) options.add("account", flags.account);
  if (flags.gpus_per_node > 0) options.add("gpus-per-node", flags.gpus_per_node);
  if (flags.array > 0) options.add("array", fmt::format("0-{}", flags.array - 1));
  options.add("signal", fmt::format("B:USR1@{}", notice_seconds(flags.time_seconds)));
  options.flag("requeue");
  options.add("open-mode", "append");
  options.add("output", log_pattern(script.log_directory, flags.array > 0));
  options.add_words(flags.sbatch_options);
  return options.text();
}

std::string array_text(std::string_view name, const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + detail::shell_word(word);
  return fmt::format("{}=({})\n", name, text);
}

std::vector<std::string> launch_words(const SubmitScript& script) {
  const auto& flags = script.flags;
  const bool count_here = flags.least_nodes > 0;
  if (flags.launcher == Launcher::srun) {
    std::vector<std::string> words = {"srun", detail::srun_option(script.mpi_library),
                                      "--kill-on-bad-exit=1"};
    if (count_here) words.push_back(fmt::format("--ntasks-per-node={}", flags.tasks_per_node));
    return words;
  }
  if (!script.mpi_library.starts_with("Open MPI")) {  // MPICH and its kin, by the name all of them have
    return {"mpiexec.hydra", "-ppn", std::to_string(flags.tasks_per_node)};
  }
  if (flags.cpus_per_task == 1 && !count_here) return {"mpirun"};
  return {"mpirun", "--map-by", fmt::format("ppr:{}:node:PE={}", flags.tasks_per_node, flags.cpus_per_task)};
}

}  // namespace

std::string to_text(const SubmitScript& script) {
  auto made_by = script.made_by;
  std::replace_if(
      made_by.begin(), made_by.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  const auto basis = script.time_basis.empty() ? "" : "# Time: " + script.time_basis + "\n";
  return fmt::format("#!/bin/bash\n# Made by: {}\n{}{}\n{}{}max_restarts={}\n\n{}", made_by, basis,
                     options_text(script), array_text("run", script.run),
                     array_text("launch", launch_words(script)), script.flags.max_restarts,
                     detail::supervise_script());
}

std::uint64_t memory_per_rank(std::uint64_t budget_bytes, std::uint64_t point_bytes) {
  return budget_bytes + budget_bytes / 4 + point_bytes + overhead_bytes;
}

void parse_nodes(const std::string& text, SubmitFlags& flags) {
  constexpr int limit = 1'000'000;
  const auto dash = text.find('-');
  const auto number = [&](const std::string& digits) {
    int value = 0;
    const auto* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, value);
    if (read.ec == std::errc() && read.ptr == end && value >= 1 && value <= limit) return value;
    throw base::UsageError(fmt::format("'{}' is no number of nodes: 2, or 1-2", text));
  };
  flags.nodes = number(dash == std::string::npos ? text : text.substr(dash + 1));
  const int least = dash == std::string::npos ? flags.nodes : number(text.substr(0, dash));
  if (least > flags.nodes)
    throw base::UsageError(fmt::format("'{}' nodes: the first number must not be the greater one", text));
  flags.least_nodes = least < flags.nodes ? least : 0;
}

double parse_time_limit(const std::string& text) {
  const auto number = [&](std::string_view digits) {
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  auto full = text;
  const auto dash = text.find('-');
  if (number(text)) {
    full += ":00";  // sbatch's minutes
  } else if (dash != std::string::npos) {
    const auto colons = std::count(text.begin(), text.end(), ':');
    if (colons < 2) full += colons == 0 ? ":00:00" : ":00";
  }
  const double seconds = base::parse_seconds(full);
  if (seconds > 0) return seconds;
  throw base::UsageError(fmt::format("'{}' is no time to run", text));
}

std::string format_time_limit(double seconds) {
  const auto minutes = static_cast<std::uint64_t>(std::ceil(seconds / 60));
  const auto clock = fmt::format("{:02}:{:02}:00", minutes / 60 % 24, minutes % 60);
  const auto days = minutes / (24 * 60);
  return days > 0 ? fmt::format("{}-{}", days, clock) : clock;
}

}  // namespace surd::batch
