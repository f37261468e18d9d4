#include "surd/batch/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "surd/base/spec.hpp"
#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/detail/shell_word.hpp"

namespace surd::batch {
namespace {

/// Runs `read` on an option's text; what it throws becomes CLI11's own error, which names the option.
template <class Read>
auto reader(std::string option, Read read) {
  return [option = std::move(option), read](const std::string& text) {
    try {
      read(text);
    } catch (const base::UsageError& e) {
      throw CLI::ValidationError(option, e.what());
    }
  };
}

/// Declares the verbs and their options on a CLI::App.
class Declaration {
 public:
  Declaration(CLI::App& app, CommandLine& line) : app_(app), line_(line) {
    run();
    submit();
    plan();
    look();
    results();
    keep();
    machine();
    shortcuts();
  }

 private:
  CLI::App* verb(const char* name, const char* what) {
    auto* verb = app_.add_subcommand(name, what);
    verb->callback([this, name] { line_.verb = name; });
    return verb;
  }

  /// A verb on a job.
  CLI::App* job_verb(const char* name, const char* what) {
    auto* added = verb(name, what);
    added->add_option("JOB", line_.file, "The job file (YAML)")->required();
    added->add_option("--set", line_.settings, "Replace a key of the job file: --set axes.L='[16, 32]'")
        ->type_name("KEY=VALUE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    added->add_option("--work", line_.work, "Work directory (default .surd/<name>)")->type_name("DIR");
    return added;
  }

  void add_memory(CLI::App* verb) {
    verb->add_option_function<std::string>(
            "--memory",
            reader("--memory", [this](const std::string& text) { line_.memory_bytes = read_memory(text); }),
            "Memory budget of each rank: 512MiB, or sqrt (default: the job's)")
        ->type_name("SIZE|sqrt");
  }

  static std::uint64_t read_memory(const std::string& text) {
    if (text == "sqrt") return 0;
    const auto bytes = base::parse_bytes(text);
    if (bytes > 0) return bytes;
    throw base::UsageError("must be more than 0, or sqrt");
  }

  static std::uint64_t read_rows(const std::string& text) {
    std::int64_t rows = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rows);
    if (error == std::errc() && end == text.data() + text.size() && rows >= 0) {
      return static_cast<std::uint64_t>(rows);
    }
    throw base::UsageError(fmt::format("'{}' is no number of rows", text));
  }

  void add_version_change(CLI::App* verb) {
    verb->add_option_function<std::string>(
            "--version-change",
            reader("--version-change",
                   [this](const std::string& text) {
                     line_.on_version_change = version_change(text);
                     if (!line_.on_version_change) throw base::UsageError("choices are error, new, keep");
                   }),
            "What to do with points stored by other versions (default: the job's on_version_change)")
        ->type_name("error|new|keep");
  }

  void add_json(CLI::App* verb) { verb->add_flag("--json", line_.json, "Print JSON"); }

  /// What run and submit have in common.
  CLI::App* running_verb(const char* name, const char* what) {
    auto* verb = job_verb(name, what);
    add_memory(verb);
    verb->add_option_function<int>(
            "--ranks-per-point", [this](int ranks) { line_.ranks_per_point = ranks; },
            "Ranks that work on each point together")
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("N");
    add_version_change(verb);
    verb->add_flag("--retry-failed", line_.retry_failed, "Compute failed points again");
    return verb;
  }

  void run() {
    auto* verb = running_verb("run", "Compute what is missing, then write the output; run again to resume");
    verb->add_option_function<std::string>(
            "--time-left",
            reader("--time-left",
                   [this](const std::string& text) { line_.time_left_seconds = base::parse_seconds(text); }),
            "Start nothing that cannot end within this time: 90s, 04:00:00")
        ->type_name("TIME");
    verb->add_option_function<std::string>(
            "--grace",
            reader("--grace",
                   [this](const std::string& text) { line_.grace_seconds = base::parse_seconds(text); }),
            "After a signal, give up points that have not ended within this time (default 10s)")
        ->type_name("TIME");
    verb->add_flag("--quiet", line_.quiet, "No progress, no summary");
  }

  void submit() {
    auto* verb = running_verb("submit", "Run the job on a Slurm cluster, again and again until it is done");
    auto& flags = line_.submit;
    verb->add_option_function<std::string>(
            "--nodes,-N", reader("--nodes", [&flags](const std::string& text) { parse_nodes(text, flags); }),
            "Nodes (default 1); 1-2: two whole ones, and one when a node fails")
        ->type_name("N|LEAST-MOST");
    add_count(verb, "--tasks-per-node", flags.tasks_per_node, "Ranks of a node (default: one for each core)");
    add_count(verb, "--cpus-per-task", flags.cpus_per_task, "Threads of a rank (default 1)");
    add_count(verb, "--gpus-per-node", flags.gpus_per_node, "GPUs of a node (default none)");
    add_count(verb, "--array", flags.array, "So many jobs at once that share one memo; sweeps only");
    add_count(verb, "--max-restarts", flags.max_restarts, "Back into the queue so often (default 20)", 0);
    verb->add_option_function<std::string>(
            "-t,--time",
            reader("--time",
                   [&flags](const std::string& text) { flags.time_seconds = parse_time_limit(text); }),
            "Time limit as for sbatch: 90 (minutes), 4:00:00, 1-12, or 90m (default: what plan estimates)")
        ->type_name("TIME");
    verb->add_option("-p,--partition", flags.partition, "Slurm's partition")->type_name("NAME");
    verb->add_option("-A,--account", flags.account, "Slurm's account")->type_name("NAME");
    verb->add_option_function<std::string>(
            "--launcher",
            [&flags](const std::string& name) {
              flags.launcher = name == "mpirun" ? Launcher::mpirun : Launcher::srun;
            },
            "What starts the ranks: srun (default) or mpirun")
        ->check(CLI::IsMember({"srun", "mpirun"}));
    verb->add_flag("--dry-run", flags.dry_run, "Print the script and submit nothing");
    verb->footer(
        "What follows -- goes to sbatch as it is: surd submit JOB -- --constraint=skylake --exclusive");
  }

  static void add_count(CLI::App* verb, const char* names, int& into, const char* what, int least = 1) {
    verb->add_option(names, into, what)->check(CLI::Range(least, 1'000'000))->type_name("N");
  }

  void plan() {
    auto* verb = job_verb("plan", "Say what run would do, and do nothing");
    add_memory(verb);
    add_version_change(verb);
    verb->add_flag("--retry-failed", line_.retry_failed, "As for run");
    add_json(verb);
  }

  void look() {
    add_json(job_verb("status", "Progress of a job, while it runs or after"));
    auto* verify = job_verb("verify", "Reread everything stored and check every checksum");
    verify->add_flag("--repair", line_.repair, "Drop damaged records; run computes their points again");
    add_json(verify);
  }

  void results() {
    auto* write = job_verb("export", "Write the results stored so far");
    write->add_option("-o,--output", line_.output, "OUT.h5, OUT.csv or OUT.jsonl; '-' writes CSV to stdout")
        ->required()
        ->type_name("OUT");
    write->add_flag("--failed", line_.with_failed, "Rows of failed points too (csv, jsonl)");
    add_version_change(write);
    auto* show = job_verb("show", "One point: values, attempts, time, host, captured output");
    show->add_option("POINT", line_.point, "T=1.5,L=16, or the first digits of the point's identity")
        ->required();
    auto* report = job_verb("report", "Write a page with plots of the results and of the run");
    report->add_option("-o,--output", line_.output, "OUT.html, or OUT.svg for one result")
        ->required()
        ->type_name("OUT");
    report->add_option("--field", line_.field, "The result that OUT.svg shows")->type_name("NAME");
  }

  void keep() { job_verb("compact", "Merge the memo's segments into one and drop what no longer counts"); }

  void machine() {
    auto* inspect = verb("inspect", "Say what a file holds, and verify it");
    inspect->add_option("FILE", line_.file, "Any file that surd wrote, or .npy, .h5, .csv, .jsonl")
        ->required();
    add_json(inspect);
    auto* doctor = verb("doctor", "Say what this machine offers, and what will hurt");
    doctor->add_option("--work", line_.work, "Directory to test (default: the current one)")
        ->type_name("DIR");
    add_json(doctor);
  }

  /// A data job whose flags are the keys of a job file.
  CLI::App* shortcut(const char* name, const char* what, const char* inputs) {
    auto* added = verb(name, what);
    auto& flags = line_.shortcut;
    added->add_option(inputs, flags.inputs, "Files; globs in quotes")->required();
    added
        ->add_option("-o,--output", flags.output,
                     "Its name tells the format: .csv .jsonl .npy .h5 .bin (+ .gz .zst)")
        ->required()
        ->type_name("OUT");
    added
        ->add_option("--format", flags.format,
                     "Of the input: csv, jsonl, npy, hdf5, or fixed:BYTES (default: by name)")
        ->type_name("FORMAT");
    added->add_option("--where", flags.where, "Keep rows for which this is true: \"price > 0\"")
        ->type_name("EXPR");
    added
        ->add_option_function<std::string>(
            "--take", reader("--take", [&flags](const std::string& text) { flags.take = read_rows(text); }),
            "Only the first N rows of the result")
        ->type_name("N");
    added
        ->add_option("--on-bad-row", flags.on_bad_row,
                     "Rows that cannot be read: error (default), skip, quarantine")
        ->check(CLI::IsMember({"error", "skip", "quarantine"}));
    added
        ->add_option(
            "--work", line_.work,
            "Work directory (default .surd/<verb>-<output>-<hash>). It goes at the end; if the command is "
            "killed it stays: the same command goes on, or remove it")
        ->type_name("DIR");
    add_memory(added);
    added->add_flag("--quiet", line_.quiet, "No progress, no summary");
    return added;
  }

  void shortcuts() {
    auto& flags = line_.shortcut;
    auto* sort = shortcut("sort", "Sort rows or binary records of any amount", "IN");
    sort->add_option(
            "-k,--key", flags.keys,
            "Columns, '-' before a name for descending: --key a,-b; of records: 0:10 (bytes) or 0:u64")
        ->type_name("KEY");
    sort->add_flag("--descending", flags.descending, "Largest first");
    auto* group = shortcut("group", "Group rows and aggregate them", "IN");
    group->add_option("--by", flags.by, "Columns that make a group")->required()->type_name("COLUMN,...");
    group->add_option("--agg", flags.aggregates, "revenue=sum(price), n=count ...")
        ->type_name("NAME=AGG(COLUMN)");
    auto* join = shortcut("join", "Join the rows of two tables", "LEFT RIGHT");
    join->add_option("--on", flags.keys, "Columns that must be equal: id, or id=customer_id")
        ->required()
        ->type_name("KEY,...");
    join->add_option("--kind", flags.join, "inner (default), left, semi, anti")
        ->check(CLI::IsMember({"inner", "left", "semi", "anti"}));
  }

  CLI::App& app_;
  CommandLine& line_;
};

std::string joined(int argc, const char* const* argv) {
  std::string all;
  for (int i = 0; i < argc; ++i) all += (i == 0 ? "" : " ") + detail::shell_word(argv[i]);
  return all;
}

/// Takes what follows "--" of surd submit; returns how many words are left.
int keep_for_sbatch(int argc, const char* const* argv, SubmitFlags& flags) {
  if (argc < 2 || std::string_view(argv[1]) != "submit") return argc;
  const auto words = std::span(argv, static_cast<std::size_t>(argc));
  const auto dashes =
      std::find_if(words.begin(), words.end(), [](std::string_view word) { return word == "--"; });
  if (dashes != words.end()) flags.sbatch_options.assign(dashes + 1, words.end());
  return static_cast<int>(dashes - words.begin());
}

/// "; did you mean 'x'?" for a word that is no verb or option.
std::string hint(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  if (word.starts_with('-')) {
    for (const auto* option : app.get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const auto* verb : app.get_subcommands({})) names.push_back(verb->get_name());
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto guess = base::nearest(word.substr(0, word.find('=')), views);
  return guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess);
}

/// The mistake that CLI11 found, in our words where they say more.
std::string mistake(const CLI::App& app, const CLI::ParseError& error, std::span<const char* const> words) {
  const auto verbs = app.get_subcommands();
  const auto& at = verbs.empty() ? app : *verbs.front();
  const auto where = verbs.empty() ? app.get_name() : app.get_name() + " " + at.get_name();
  auto rest = at.remaining();
  if (rest.empty()) rest = app.remaining();
  const auto unknown = [&](const char* word) {
    return std::find(rest.begin(), rest.end(), word) != rest.end();
  };
  const auto first = std::find_if(words.begin(), words.end(), unknown);  // CLI11 mixes up their order
  if (first == words.end()) return fmt::format("{} (see {} --help)", error.what(), where);
  const std::string word = *first;
  const bool option = word.starts_with('-');
  return fmt::format("unknown {} '{}'{} (see {} --help)",
                     option          ? "option"
                     : verbs.empty() ? "verb"
                                     : "argument",
                     word, option || verbs.empty() ? hint(at, word) : "", where);
}

}  // namespace

ParsedLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  line.text = joined(argc, argv);
  argc = keep_for_sbatch(argc, argv, line.submit);
  const auto program = storage::Path(argc > 0 ? argv[0] : "surd").filename().string();
  CLI::App app(
      "Resumable batch computing. Killed at any moment, a job resumes where it was: run it again.\n"
      "Alone it is one rank; mpirun -n 8 or srun start it as many.\n",
      program);
  app.set_version_flag(
      "--version", fmt::format("surd {} ({}, {})", base::version(), base::git_revision(), base::compiler()));
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 3 done but points failed, 64 mistake in the command line or job file, 70 fatal,\n"
      "75 interrupted (run again to resume), 76 interrupted again without progress.");
  const Declaration declaration(app, line);
  ParsedLine parsed;
  try {
    if (argc <= 1) throw CLI::CallForHelp();
    app.parse(argc, argv);
    parsed.line = std::move(line);
  } catch (const CLI::CallForHelp&) {
    const auto verbs = app.get_subcommands();
    parsed.output = verbs.empty() ? app.help() : verbs.front()->help(program);
  } catch (const CLI::CallForVersion& e) {
    parsed.output = std::string(e.what()) + "\n";
  } catch (const CLI::ParseError& e) {
    parsed.error = mistake(app, e, std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  }
  return parsed;
}

}  // namespace surd::batch
