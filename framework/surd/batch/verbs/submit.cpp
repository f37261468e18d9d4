// surd submit: writes the job's Slurm script, and gives it to sbatch.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/data_plan.hpp"
#include "surd/batch/detail/shell_word.hpp"
#include "surd/batch/memory_plan.hpp"
#include "surd/batch/slurm.hpp"
#include "surd/batch/submit_script.hpp"
#include "surd/batch/survey.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/sweep/command.hpp"

namespace surd::batch::verbs {
namespace {

using base::ExitStatus;
using base::Json;

/// Memory that a point of a sweep is given if the job does not say (memory_per_point) and the nodes have it.
constexpr std::uint64_t usual_point_bytes = base::GiB;

/// Of a node's memory, what jobs can have: some is kept for the system.
constexpr double usable_share = 0.95;

/// A time limit is the estimate, half as much again, and this: for the start and the results.
constexpr double spare_seconds = 600;

/// What the job asks of Slurm.
struct Needs {
  std::string name;
  WorkDirectory work;
  std::uint64_t memory_per_rank = 0;
  std::uint64_t wished_memory = 0;  ///< Per rank, if the nodes have so much; at least memory_per_rank.
  double seconds = 0;               ///< Estimated run time; 0: unknown.
  std::string time_basis;           ///< Why so long.
};

/// What `run` would refuse at once: better to hear it now than after hours in the queue.
void refuse_hopeless(const Request& request, const Job& job, int ranks) {
  const auto& flags = request.line.submit;
  const int least = flags.least_nodes > 0 ? flags.least_nodes * (ranks / flags.nodes) : ranks;
  if (job.ranks_per_point > least) {
    throw base::UsageError(
        fmt::format("ranks_per_point is {}, but the job may have only {} ranks: ask for more nodes, or more "
                    "--tasks-per-node",
                    job.ranks_per_point, least));
  }
  if (job.command) (void)sweep::evaluate_command(*job.command);  // looks for the program
}

Needs needs_of(const Request& request, const Job& job, int ranks) {
  refuse_hopeless(request, job, ranks);
  const auto work = work_directory(job, request.line.work);
  const auto known = survey(request.files, work, job);
  if (const auto refusal = version_refusal(known, job); !refusal.empty()) throw base::UsageError(refusal);
  const auto plan = memory_plan(job, known.bytes_per_point(), {.all = ranks});
  const auto needed = memory_per_rank(plan.budget_bytes, job.memory_per_point);
  const auto teams = std::max(1, ranks / job.ranks_per_point);
  const auto to_do = known.missing() + (request.line.retry_failed ? known.failed : 0);
  return {job.name,
          work,
          needed,
          needed + (job.memory_per_point > 0 ? 0 : usual_point_bytes),
          known.point_seconds * static_cast<double>(to_do) / teams,
          fmt::format("{} points of {} each, as those stored took, {} at a time", to_do,
                      base::format_seconds(known.point_seconds), teams)};
}

Needs needs_of(const Request& request, const TableJob& job, int ranks) {
  if (request.line.submit.array > 0)
    throw base::UsageError("--array is for sweeps: the ranks of a data job belong to one Slurm job");
  const auto work = work_directory(job, request.line.work);
  try {
    require_apart(request.files, job);
    const auto memory = memory_plan(job.memory_bytes, input_bytes(request.files, job), {.all = ranks});
    const auto needed = memory_per_rank(memory.budget_bytes, 0);
    const auto plan = plan_data(request.files, job, memory, work.root);
    const auto time = data_time(plan.stages, ranks, request.line.submit.nodes);
    return {job.name, work, needed, needed, time.seconds, time.basis()};
  } catch (const base::UsageError& e) {
    throw JobError(explain(job, e));
  }
}

int tasks_per_node(const SubmitFlags& flags, const std::optional<SlurmPartition>& partition) {
  if (flags.tasks_per_node > 0) return flags.tasks_per_node;
  if (partition) return std::max(1, partition->cores / flags.cpus_per_task);
  base::log_warning(
      "sinfo does not say how many cores the nodes have: 1 rank per node; choose --tasks-per-node");
  return 1;
}

int number_of_ranks(const SubmitFlags& flags) {
  const auto ranks = std::int64_t{flags.nodes} * flags.tasks_per_node;
  if (ranks <= std::numeric_limits<int>::max()) return static_cast<int>(ranks);
  throw base::UsageError(fmt::format("{} nodes with {} tasks each: MPI counts no more than {} ranks",
                                     flags.nodes, flags.tasks_per_node, std::numeric_limits<int>::max()));
}

std::uint64_t memory_to_ask_for(const Needs& needs, const SubmitFlags& flags,
                                const std::optional<SlurmPartition>& partition) {
  if (!partition || partition->memory_bytes == 0) return needs.wished_memory;
  const auto share = usable_share * static_cast<double>(partition->memory_bytes) / flags.tasks_per_node;
  return std::clamp(static_cast<std::uint64_t>(share), needs.memory_per_rank, needs.wished_memory);
}

/// A time limit, and where it comes from, for the reader of the script.
struct TimeLimit {
  double seconds = 0;  ///< 0: the partition's default.
  std::string basis;   ///< Empty if the user chose it or nothing is known.
};

TimeLimit time_limit(const SubmitFlags& flags, const Needs& needs,
                     const std::optional<SlurmPartition>& partition) {
  if (flags.time_seconds > 0) return {flags.time_seconds, {}};
  if (needs.seconds <= 0) {
    base::log_info(
        "how long the job takes is not known before some of it is done: the partition's default time limit "
        "holds, and when it strikes the job goes on after a restart; choose with --time");
    return {};
  }
  const auto estimated = needs.seconds / std::max(1, flags.array);
  const auto wished = 1.5 * estimated + spare_seconds;
  const auto basis = fmt::format("{}{}: {}; ", needs.time_basis,
                                 flags.array > 1 ? fmt::format(" in each of {} jobs", flags.array) : "",
                                 base::format_seconds(estimated));
  const auto longest = partition ? partition->longest_seconds : 0;
  if (longest > 0 && wished > longest) {  // Slurm would never start it
    return {longest, basis + "the partition allows less at a time, and the job goes on after a restart"};
  }
  return {wished, basis + fmt::format("half as much again is asked for, and {} for start and end",
                                      base::format_seconds(spare_seconds))};
}

const char* word_for(VersionChange change) {
  if (change == VersionChange::fresh) return "new";
  return change == VersionChange::keep ? "keep" : "error";
}

/// `surd run` with the options that submit was given for it.
std::vector<std::string> run_command(const CommandLine& line) {
  std::vector<std::string> words = {std::filesystem::read_symlink("/proc/self/exe").string(), "run",
                                    line.file.string()};
  const auto add = [&](const char* option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  for (const auto& setting : line.settings) add("--set", setting);
  if (!line.work.empty()) add("--work", line.work.string());
  if (line.memory_bytes)
    add("--memory", *line.memory_bytes == 0 ? "sqrt" : std::to_string(*line.memory_bytes));
  if (line.ranks_per_point) add("--ranks-per-point", std::to_string(*line.ranks_per_point));
  if (line.on_version_change) add("--version-change", word_for(*line.on_version_change));
  if (line.retry_failed) words.emplace_back("--retry-failed");
  return words;
}

/// A data job's commits have one writer; a second job on them would be a second one.
void refuse_second_job(const Request& request, const WorkDirectory& work) {
  const auto id = text_in(read_json(request.files, work.submitted()), "job_id", "");
  const auto queue = slurm_queue(id);
  if (!queue || queue->empty()) return;
  throw base::UsageError(
      fmt::format("{} is the work directory of Slurm job {}, which is {}: scancel {} first",
                  work.root.string(), id, queue->front().state, id));
}

/// The id of the new job.
std::string give_to_sbatch(const storage::Path& script) {
  const auto answer = ask_slurm({"sbatch", "--parsable", script.string()});
  if (!answer.found) {
    throw base::Error(
        "there is no sbatch on PATH: submit from a login node of the cluster (--dry-run prints the script)");
  }
  auto id = answer.output.substr(0, answer.output.find_first_of(";\n"));
  if (answer.status == 0 && !id.empty()) return id;
  throw base::UsageError(
      fmt::format("Slurm refuses the job: {} (its script: {})", answer.errors, script.string()));
}

bool chooses_output(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const auto& word) { return word.starts_with("--output") || word.starts_with("-o"); });
}

void submit_script(const Request& request, const Needs& needs, const SubmitFlags& flags,
                   const std::string& text) {
  auto& files = request.files;
  const auto& work = needs.work;
  const auto path = work.root / "submit.sbatch";
  try {
    files.make_directories(work.root);
    storage::write_atomically(files, path, text);
  } catch (const base::IoError& e) {
    throw base::UsageError(fmt::format(
        "{}; choose a directory that can be written, and that the nodes see, with --work", e.what()));
  }
  const auto submitted = utc_now();
  const auto id = give_to_sbatch(path);
  const Json record = {{"job_id", id},
                       {"submitted", submitted},
                       {"command_line", request.line.text},
                       {"nodes", flags.nodes},
                       {"tasks_per_node", flags.tasks_per_node}};
  storage::write_atomically(files, work.submitted(), batch::to_text(record));
  const auto& chosen = request.line.work;
  fmt::print("submitted job {}; watch it with: surd status {}{}\n", id,
             detail::shell_word(request.line.file.string()),
             chosen.empty() ? "" : " --work " + detail::shell_word(chosen.string()));
  if (chooses_output(flags.sbatch_options)) return;
  const auto log = fmt::format("slurm-{}{}.out", id, flags.array > 0 ? "_*" : "");
  base::log_info(fmt::format("its messages: {}", (work.root / log).string()));
}

}  // namespace

ExitStatus submit(const Request& request) {
  const auto job = load_any_job(request);
  auto flags = request.line.submit;
  const auto partition = slurm_partition(flags.partition);
  flags.tasks_per_node = tasks_per_node(flags, partition);
  const int ranks = number_of_ranks(flags);
  const auto needs = std::visit([&](const auto& known) { return needs_of(request, known, ranks); }, job);
  const auto time = time_limit(flags, needs, partition);
  flags.time_seconds = time.seconds;
  const auto text = to_text(SubmitScript{.made_by = request.line.text,
                                         .job_name = needs.name,
                                         .time_basis = time.basis,
                                         .flags = flags,
                                         .memory_per_rank = memory_to_ask_for(needs, flags, partition),
                                         .log_directory = std::filesystem::absolute(needs.work.root),
                                         .mpi_library = mpi::library_name(),
                                         .run = run_command(request.line)});
  if (flags.dry_run) {
    std::fputs(text.c_str(), stdout);
    return ExitStatus::done;
  }
  if (!time.basis.empty()) base::log_info("time: " + time.basis);
  if (std::holds_alternative<TableJob>(job)) refuse_second_job(request, needs.work);
  submit_script(request, needs, flags, text);
  return ExitStatus::done;
}

}  // namespace surd::batch::verbs
