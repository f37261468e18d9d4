// A memo's blocks without a memo, for tests of the report.
#pragma once

#include <bit>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "surd/batch/job.hpp"
#include "surd/batch/report_data.hpp"
#include "surd/sweep/function.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::tests {

/// A block of outcomes given in memory. Fields are those of the first success.
class FakeBlock : public sweep::Block {
 public:
  explicit FakeBlock(std::vector<std::pair<std::uint64_t, sweep::Outcome>> entries)
      : entries_(std::move(entries)) {
    std::size_t fields = 0;
    for (const auto& [position, outcome] : entries_) fields = std::max(fields, outcome.values.size());
    bytes_.resize(fields);
    for (std::size_t f = 0; f < fields; ++f) fill(f);
  }

  [[nodiscard]] std::size_t size() const override { return entries_.size(); }
  [[nodiscard]] std::uint64_t position(std::size_t i) const override { return entries_[i].first; }
  [[nodiscard]] sweep::Status status(std::size_t i) const override { return entries_[i].second.status; }
  [[nodiscard]] double seconds(std::size_t i) const override { return entries_[i].second.seconds; }
  [[nodiscard]] sweep::Outcome outcome(std::size_t i) const override { return entries_[i].second; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] const sweep::Origin& origin() const override { return origin_; }

 private:
  void fill(std::size_t f) {
    Column column{"", 0, {}, {}};
    for (const auto& [position, outcome] : entries_) {
      if (outcome.values.empty()) continue;
      const auto& field = outcome.values[f];
      column.name = field.name;
      column.type = field.value.index();
      if (const auto* array = std::get_if<sweep::Array>(&field.value)) column.shape = array->shape;
    }
    for (const auto& [position, outcome] : entries_) append(outcome, f, column);
    column.values = bytes_[f];
    columns_.push_back(std::move(column));
  }

  void append(const sweep::Outcome& outcome, std::size_t f, const Column& column) {
    std::size_t elements = 1;
    for (const auto extent : column.shape) elements *= extent;
    std::vector<double> numbers(elements, 0.0);
    if (!outcome.values.empty()) {
      const auto& value = outcome.values[f].value;
      if (const auto* flag = std::get_if<bool>(&value)) numbers[0] = *flag ? 1 : 0;
      if (const auto* integer = std::get_if<std::int64_t>(&value))
        numbers[0] = std::bit_cast<double>(*integer);
      if (const auto* number = std::get_if<double>(&value)) numbers[0] = *number;
      if (const auto* array = std::get_if<sweep::Array>(&value)) numbers = array->values;
    }
    if (column.type == 3) return;
    if (column.type == 0) {
      bytes_[f].push_back(numbers[0] != 0 ? std::byte{1} : std::byte{0});
      return;
    }
    const auto at = bytes_[f].size();
    bytes_[f].resize(at + elements * sizeof(double));
    std::memcpy(bytes_[f].data() + at, numbers.data(), elements * sizeof(double));
  }

  std::vector<std::pair<std::uint64_t, sweep::Outcome>> entries_;
  std::vector<std::vector<std::byte>> bytes_;
  std::vector<Column> columns_;
  sweep::Origin origin_;
};

/// A job over `axes` (the part of a job file, as JSON).
inline batch::Job job_over(const std::string& axes, const std::string& name = "test") {
  const auto document = base::Json::parse(R"({"axes": )" + axes + "}");
  batch::Job job;
  job.file = "jobs/" + name + ".yaml";
  job.name = name;
  job.text = "kind: sweep\nname: " + name + "\n";
  job.definition = sweep::Definition{{"function", "f", "1", 0, {}}, sweep::Grid::parse(base::Spec(document))};
  return job;
}

using Compute = std::function<sweep::Outcome(const sweep::Point&)>;

/// Computes every point, a thousand to a block.
inline batch::ReportCollector collect(const batch::Job& job, const Compute& compute,
                                      const batch::PlotChoice& choice = {}) {
  batch::ReportCollector collector(*job.definition, choice);
  sweep::Point point(*job.definition);
  std::vector<std::pair<std::uint64_t, sweep::Outcome>> entries;
  for (std::uint64_t position = 0; position < job.definition->grid.size(); ++position) {
    point.move_to(position);
    entries.emplace_back(position, compute(point));
    if (entries.size() == 1000) collector.add(FakeBlock(std::exchange(entries, {})));
  }
  if (!entries.empty()) collector.add(FakeBlock(std::move(entries)));
  return collector;
}

inline sweep::Outcome ok(sweep::Values values, double seconds = 0.1) {
  return {sweep::Status::ok, std::move(values), "", seconds, 1, std::nullopt};
}

inline sweep::Outcome failed(std::string message, sweep::Status status = sweep::Status::failed) {
  return {status, {}, std::move(message), 0.1, 3, std::nullopt};
}

/// report-<run>.json of `ranks` ranks with `samples` samples.
inline base::Json run_report(const std::string& run, int ranks, int samples) {
  base::Json memory = base::Json::array();
  base::Json lines = base::Json::array();
  base::Json seconds = base::Json::array();
  base::Json done = base::Json::array();
  base::Json none = base::Json::array();
  for (int i = 0; i < samples; ++i) {
    seconds.push_back(0.5 * i);
    done.push_back(12 * i);
    none.push_back(0);
  }
  for (int rank = 0; rank < ranks; ++rank) {
    base::Json busy = base::Json::array();
    base::Json resident = base::Json::array();
    for (int i = 0; i < samples; ++i) {
      busy.push_back(0.97 - 0.02 * rank / ranks - 0.1 * ((i * 7 + rank * 3) % 5) / 5.0);
      resident.push_back((30 + rank % 7 + 4.0 * i / samples) * 1024 * 1024);
    }
    const std::string host = "node" + std::to_string(rank / 4);
    memory.push_back({{"rank", rank},
                      {"host", host},
                      {"baseline_bytes", 30 << 20},
                      {"peak_bytes", (38 + rank % 7) << 20},
                      {"phases",
                       {{{"name", "scan memo"},
                         {"seconds", 0.02},
                         {"cpu_seconds", 0.02},
                         {"peak_bytes", 31 << 20},
                         {"read_bytes", 4096},
                         {"written_bytes", 0}},
                        {{"name", "sweep"},
                         {"seconds", 20.5},
                         {"cpu_seconds", 20.1},
                         {"peak_bytes", 38 << 20},
                         {"read_bytes", 65536},
                         {"written_bytes", 1 << 20}}}}});
    lines.push_back({{"rank", rank}, {"host", host}, {"busy", busy}, {"resident_bytes", resident}});
  }
  return {{"run", run},
          {"job", "test"},
          {"program", {{"version", "0.1.0"}, {"revision", "abc1234"}, {"compiler", "GNU 12.2.0"}}},
          {"started", "2026-01-31T12:00:00Z"},
          {"ended", "2026-01-31T12:00:21Z"},
          {"seconds", 21.5},
          {"exit_status", 0},
          {"end", "complete"},
          {"ranks", ranks},
          {"points",
           {{"total", 492},
            {"excluded", 0},
            {"stored_before", 100},
            {"computed", 392},
            {"failed", 0},
            {"done", 492},
            {"remaining", 0}}},
          {"memory", {{"budget_bytes", 16 << 20}, {"per_rank", memory}}},
          {"timeline", {{"seconds", seconds}, {"done", done}, {"failed", none}, {"ranks", lines}}},
          {"slurm", nullptr},
          {"command_line", "ising run jobs/ising/job.yaml"}};
}

}  // namespace surd::tests
