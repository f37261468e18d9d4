// How fast outcomes are stored, found again and planned for.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "surd/memory/limits.hpp"
#include "surd/ranks/sweep.hpp"
#include "surd/sweep/memo.hpp"
#include "workload.hpp"

namespace bench {
namespace {

using surd::sweep::Memo;
using surd::sweep::MemoWriter;
using surd::sweep::MemoWriterOptions;
using surd::sweep::Outcome;
using surd::sweep::Values;

surd::storage::FileSystem& disk() { return surd::storage::local_file_system(); }

std::string line_grid(std::uint64_t points, std::uint64_t chunk) {
  return fmt::format(R"({{"axes": {{"i": {{"range": [0, {}]}}}}, "chunk": {}}})", points, chunk);
}

/// Records of one outcome of `floats` numbers each, per second.
double record_rate(const Options& options, std::uint64_t records, std::size_t floats, const char* name,
                   MemoWriterOptions writer_options, bool sync_each) {
  const auto wanted = definition(line_grid(records, 1), name);
  surd::base::RandomStream random(1, floats);
  std::vector<double> values(floats);
  for (auto& value : values) value = random.uniform();
  Outcome outcome;
  outcome.values = {{"x", values}};
  outcome.seconds = 1e-6;
  const Stopwatch watch;
  MemoWriter writer(disk(), options.directory / name, wanted, {"bench", 0, "host", "bench"}, writer_options);
  for (std::uint64_t i = 0; i < records; ++i) {
    writer.add(i, outcome);
    writer.flush();
    if (sync_each) writer.sync();
  }
  writer.close();
  const auto rate = static_cast<double>(records) / watch.seconds();
  // The next round is to get these pages again: those that nobody has touched may be slow to come.
  std::filesystem::remove_all(options.directory / name);
  return rate;
}

}  // namespace

std::vector<Figure> records(const surd::mpi::Session& session, const Options& options) {
  const double scale = options.n > 0 ? static_cast<double>(options.n) / 200'000 : 1;
  const auto count = [&](double n) { return static_cast<std::uint64_t>(std::max(100.0, n * scale)); };
  const auto mine = fmt::format("-{}", session.world().rank());
  const auto rate = [&](double n, std::size_t floats, const std::string& name, bool sync_each) {
    double best = 0;
    for (int round = 0; round < 3; ++round) {
      MemoWriterOptions writer;
      best =
          std::max(best, record_rate(options, count(n), floats,
                                     fmt::format("{}{}-{}", name, mine, round).c_str(), writer, sync_each));
    }
    return session.world().min(best);
  };
  return {{"64 B", rate(200e3, 8, "b64", false), "records/s per rank", 250e3},
          {"4 KiB", rate(40e3, 512, "b4k", false), "records/s per rank", 60e3},
          {"32 KiB", rate(8e3, 4096, "b32k", false), "records/s per rank", 15e3},
          {"4 KiB, fdatasync each (the disk decides)", rate(2e3, 512, "s4k", true), "records/s per rank"}};
}

std::vector<Figure> chunks(const surd::mpi::Session& session, const Options& options) {
  const std::uint64_t n = options.n > 0 ? options.n : 10'000'000;
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const auto name = fmt::format("chunks-{}-{}", session.world().rank(), round);
    const auto wanted = definition(line_grid(n, 1000), name);
    const Stopwatch watch;
    MemoWriter writer(disk(), options.directory / name, wanted, {"bench", 0, "host", "bench"});
    Outcome outcome;
    outcome.values = {{"x", 0.0}};
    outcome.seconds = 1e-7;
    for (std::uint64_t i = 0; i < n; ++i) {
      std::get<double>(outcome.values[0].value) = static_cast<double>(i);
      writer.add(i, outcome);
      if (i % 1000 == 999) writer.flush();
    }
    writer.close();
    best = std::max(best, static_cast<double>(n) / watch.seconds());
  }
  return {{"8-byte results in chunks of 1,000", session.world().min(best), "points/s per rank", 2e6}};
}

std::vector<Figure> sweep_points(const surd::mpi::Session& session, const Options& options) {
  const std::uint64_t n = options.n > 0 ? options.n : 10'000'000;
  const auto wanted = definition(line_grid(n, 1000), "sweep");
  const auto evaluator =
      surd::sweep::evaluate_function([](const surd::sweep::Point& point, surd::sweep::Context&) {
        return Values{{"x", static_cast<double>(point.position())}};
      });
  surd::ranks::SweepOptions sweep;
  sweep.memo = options.directory / "memo";
  sweep.leases = options.directory / "leases";
  sweep.scratch = options.directory / "scratch";
  sweep.origin.run = "bench";
  const std::atomic<bool> stop{false};
  const auto before = surd::memory::usage().resident;
  session.world().barrier();
  const Stopwatch watch;
  const auto result = run_sweep(session, wanted, *evaluator, disk(), sweep, stop);
  const double seconds = session.world().max(watch.seconds());
  surd::base::expect(result.state.done == n, "the sweep is incomplete");
  const auto peak = session.world().max(surd::memory::usage().peak_resident - before);
  return {{"whole sweep, 8-byte results", static_cast<double>(n) / seconds / session.world().size(),
           "points/s per rank", 2e6},
          {"growth of the largest rank", static_cast<double>(peak) / (1 << 20), "MiB", 20, true}};
}

std::vector<Figure> scan(const surd::mpi::Session& session, const Options& options) {
  const std::uint64_t n = options.n > 0 ? options.n : 1'000'000;
  if (!session.world().is_root()) return {};
  const auto wanted = definition(line_grid(n, 1), "scan");
  {
    MemoWriter writer(disk(), options.directory / "memo", wanted, {"bench", 0, "host", "bench"});
    Outcome outcome;
    outcome.values = {{"x", 1.0}, {"y", 2.0}};
    outcome.seconds = 1e-3;
    for (std::uint64_t i = 0; i < n; ++i) {
      writer.add(i, outcome);
      writer.flush();
    }
    writer.close();
  }
  double best = 1e300;
  for (int round = 0; round < 3; ++round) {
    const Stopwatch watch;
    const Memo memo(disk(), options.directory / "memo", wanted);
    surd::base::expect(memo.done().size() == n, "the scan lost points");
    best = std::min(best, watch.seconds());
  }
  return {{"10^6 records of one point", best * 1e6 / static_cast<double>(n), "s", 1.0, true}};
}

std::vector<Figure> plan(const surd::mpi::Session& session, const Options& options) {
  if (!session.world().is_root()) return {};
  std::vector<Figure> figures;
  for (const double exponent : {8.0, 9.0}) {
    const auto n = static_cast<std::uint64_t>(std::pow(10, exponent));
    const auto before = surd::memory::usage().resident;
    const Stopwatch watch;
    const auto wanted =
        definition(fmt::format(R"({{"axes": {{"a": {{"range": 100}}, "b": {{"linspace": [0, 1, 1000]}},
      "seed": {{"range": {}}}}}}})",
                               n / 100'000),
                   "plan");
    const Memo memo(disk(), options.directory / "none", wanted);
    surd::sweep::PointSet missing(surd::sweep::Run{0, wanted.grid.size()});
    missing -= memo.done();
    surd::base::expect(missing.size() == n, "the plan is wrong");
    const auto grown = surd::memory::usage().resident - before;
    figures.push_back({fmt::format("grid of 10^{:.0f} points", exponent), watch.seconds(), "s", 1.0, true});
    figures.push_back({fmt::format("memory of a plan of 10^{:.0f} points", exponent),
                       static_cast<double>(grown) / (1 << 20) + 0.01, "MiB", 100, true});
  }
  return figures;
}

}  // namespace bench
