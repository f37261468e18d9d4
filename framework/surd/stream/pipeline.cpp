#include "surd/stream/pipeline.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/stream/detail/cuts.hpp"
#include "surd/stream/detail/file_job.hpp"
#include "surd/stream/detail/local_run.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream {
namespace {

storage::Path scratch_of(const RunOptions& options) {
  if (!options.scratch.empty()) return options.scratch;
  for (const char* name : {"SURD_SCRATCH", "SLURM_TMPDIR", "TMPDIR"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return std::filesystem::temp_directory_path();
}

CompileOptions options_for(const RunOptions& run, std::uint64_t input_bytes) {
  CompileOptions options;
  options.memory_bytes = run.memory_bytes;
  return detail::with_memory(options, input_bytes);
}

Pipeline read(std::string path, table::Format format) {
  Query query;
  query.input.paths = {std::move(path)};
  query.input.format = format;
  return Pipeline(std::move(query));
}

ToFile to(storage::Path path, table::Format format) {
  ToFile sink;
  sink.output.path = std::move(path);
  sink.output.format = format;
  return sink;
}

/// Gives the rows that the last stage left.
class EachFlow : public detail::Flow {
 public:
  explicit EachFlow(const std::function<void(const table::Batch&)>& use) : use_(use) {}
  void begin(std::uint64_t) override {}
  void push(table::Batch& rows, std::uint64_t) override { use_(rows); }
  [[nodiscard]] bool full() const override { return false; }
  void bad(const std::vector<table::BadRow>&, std::uint64_t) override {}
  void end() override {}

 private:
  const std::function<void(const table::Batch&)>& use_;
};

}  // namespace

table::Schema Pipeline::schema() const { return detail::bind(query_, storage::local_file_system())->schema; }

void Pipeline::each(const std::function<void(const table::Batch&)>& use) const {
  auto& files = storage::local_file_system();
  const auto bound = detail::bind(query_, files);
  const auto options = options_for(options_, bound->input_bytes());
  const auto cut = detail::choose_cut(*bound, options);
  auto plan = detail::plan_stages(bound, cut, std::nullopt, false);
  const auto schema = plan.schema;
  const auto last = plan.result_rows;
  const auto memory = detail::divide(cut.memory_bytes, 0, 0, plan.columns_bytes);
  const auto job = detail::rows_job(std::move(plan));
  const auto done = [&](const std::vector<std::vector<Artifact>>& artifacts, Worker& worker) {
    const auto rows = detail::rows_source(schema, detail::decode(artifacts.at(last)), {}, false);
    EachFlow flow(use);
    rows->run(0, rows->units(), {worker, memory}, flow);
  };
  detail::run_stages(*job, files, scratch_of(options_), cut.memory_bytes, done);
}

DataJob::Summary Pipeline::write(const table::OutputSpec& output) const {
  auto& files = storage::local_file_system();
  const auto bytes = detail::bind(query_, files)->input_bytes();
  const auto options = options_for(options_, bytes);
  const auto job = compile(query_, output, options, files);
  return run_here(*job, files, scratch_of(options_), options.memory_bytes);
}

Pipeline csv(std::string path) { return read(std::move(path), table::Format::csv); }
Pipeline jsonl(std::string path) { return read(std::move(path), table::Format::jsonl); }
Pipeline npy(std::string path) { return read(std::move(path), table::Format::npy); }
Pipeline hdf5(std::string path) { return read(std::move(path), table::Format::hdf5); }

Pipeline fixed(std::string path, std::uint32_t record_bytes, std::vector<table::FixedColumn> columns) {
  Query query;
  query.input.paths = {std::move(path)};
  query.input.format = table::Format::fixed;
  query.input.record_bytes = record_bytes;
  query.input.columns = std::move(columns);
  return Pipeline(std::move(query));
}

Step join(const Pipeline& right, std::vector<std::string> on, external::JoinKind kind) {
  auto join = std::make_shared<Join>();
  join->right = right.query();
  join->left_by = on;
  join->right_by = std::move(on);
  join->kind = kind;
  return join;
}

GroupColumn aggregate(external::Aggregate what, std::string name, std::string of) {
  GroupColumn column;
  column.aggregate = what;
  column.input = of.empty() && what != external::Aggregate::count ? name : std::move(of);
  column.name = std::move(name);
  return column;
}

GroupColumn aggregate(const external::UserAggregate& what, std::string name, std::string of) {
  auto column = aggregate(external::Aggregate::user, std::move(name), std::move(of));
  column.user = &what;
  return column;
}

ToFile to_csv(storage::Path path) { return to(std::move(path), table::Format::csv); }
ToFile to_jsonl(storage::Path path) { return to(std::move(path), table::Format::jsonl); }

DataJob::Summary operator|(const Pipeline& pipeline, const ToFile& sink) {
  return pipeline.write(sink.output);
}

table::Batch operator|(const Pipeline& pipeline, Collect sink) {
  table::Batch all;
  all.clear(pipeline.schema());
  pipeline.each([&](const table::Batch& rows) {
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      all.columns[i].append(rows.columns[i], 0, rows.rows);
    }
    all.rows += rows.rows;
    if (all.memory_bytes() <= sink.limit_bytes) return;
    throw base::UsageError(fmt::format("collect: the first {} rows take more than {}; write them to a file",
                                       all.rows, base::format_bytes(sink.limit_bytes)));
  });
  return all;
}

}  // namespace surd::stream
