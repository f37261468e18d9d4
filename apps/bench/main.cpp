// surd_bench: measures what surd promises, one JSON line per figure.
//
//   mpirun -n 2 surd_bench grants            one workload
//   mpirun -n 2 surd_bench all --check 0.5   all of them; status 1 if a figure misses half of its goal
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/mpi/fatal.hpp"
#include "workload.hpp"

namespace bench {

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all{
      {"grants", "batches of one point granted, per second", grants},
      {"guided", "points handed out in guided batches, per second", guided},
      {"records", "records stored by one rank, per second", records},
      {"chunks", "points evaluated and stored in chunks of 1,000, per second and rank", chunks},
      {"sweep", "points of a whole sweep, scheduled and stored, per second and rank", sweep_points},
      {"scan", "seconds to find 10^6 stored records again", scan},
      {"plan", "seconds and memory to plan a grid", plan},
      {"sort-u64", "seconds and memory to sort random u64 from file to file, on rank 0", sort_u64},
      {"sort-records", "seconds and memory to sort records of 100 bytes from file to file, on rank 0",
       sort_records},
      {"balance", "share of the ideal makespan", balance},
      {"ranks-sort", "keys in memory sorted across ranks, per second and rank", ranks_sort},
  };
  return all;
}

surd::sweep::Definition definition(const std::string& job, const std::string& name) {
  const auto json = surd::base::Json::parse(job);
  return {{"function", name, "1", 0, {}}, surd::sweep::Grid::parse(surd::base::Spec(json))};
}

namespace {

struct CommandLine {
  std::string workload = "all";
  Options options;
  double check = 0;
};

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] {
      if (i + 1 == argc) throw surd::base::UsageError(argument + " needs a value");
      return std::string(argv[++i]);
    };
    if (argument == "-n") {
      line.options.n = std::stoull(value());
    } else if (argument == "--check") {
      line.check = std::stod(value());
    } else if (argument == "--memory") {
      line.options.memory_bytes = surd::base::parse_bytes(value());
    } else if (argument == "--directory") {
      line.options.directory = value();
    } else {
      line.workload = argument;
    }
  }
  return line;
}

/// Prints the figures of one workload; false if one misses its goal by more than `check` allows.
bool print(const Workload& workload, const std::vector<Figure>& figures, int ranks, double check) {
  bool good = true;
  for (const auto& figure : figures) {
    const double ratio = figure.goal <= 0        ? 0
                         : figure.less_is_better ? figure.goal / figure.value
                                                 : figure.value / figure.goal;
    surd::base::Json line{
        {"workload", workload.name}, {"what", figure.what}, {"value", figure.value},
        {"unit", figure.unit},       {"ranks", ranks},      {"revision", surd::base::git_revision()}};
    if (figure.goal > 0) {
      line["goal"] = figure.goal;
      line["of_goal"] = ratio;
    }
    std::cout << line.dump() << std::endl;
    good = good && (figure.goal <= 0 || ratio >= check);
  }
  return good;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  surd::mpi::install_fatal_handler();
  const surd::mpi::Session session(argc, argv);
  const auto line = bench::parse(argc, argv);
  const auto& world = session.world();
  const auto root =
      line.options.directory.empty() ? std::filesystem::temp_directory_path() : line.options.directory;
  bool good = true;
  bool known = false;
  for (const auto& workload : bench::workloads()) {
    if (line.workload != "all" && line.workload != workload.name) continue;
    known = true;
    auto options = line.options;
    auto name = (root / "surd-bench-XXXXXX").string();
    if (world.is_root() && ::mkdtemp(name.data()) == nullptr) {
      surd::mpi::end_job("cannot make a directory " + name);
    }
    options.directory = world.broadcast_text(name);
    const auto figures = workload.run(session, options);
    world.barrier();
    if (world.is_root()) {
      std::filesystem::remove_all(options.directory);
      good = bench::print(workload, figures, world.size(), line.check) && good;
    }
  }
  if (!known) throw surd::base::UsageError("unknown workload '" + line.workload + "'");
  return world.broadcast_value(good) ? 0 : 1;
}
