#include "surd/stream/compile.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/hash.hpp"
#include "surd/base/units.hpp"
#include "surd/stream/detail/cuts.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/file_job.hpp"
#include "surd/stream/detail/planner.hpp"

namespace surd::stream {
namespace {

using base::MiB;

/// Sampling numbers rows by unit, so that its units depend on nothing else.
constexpr std::uint64_t sample_unit_bytes = 16 * MiB;

/// Of a join, at most: its rows come in the order of its units, which must depend on nothing but the input.
constexpr std::uint64_t join_unit_bytes = 256 * MiB;

/// For 512 units or more, so that many ranks have work; at least 4 MiB, at most `most`; but no more than 4096
/// units, since every unit leaves an artifact. Ranks have no say: the order in which a join's rows come
/// depends on its units.
std::uint64_t choose_unit_bytes(std::uint64_t input_bytes, std::uint64_t most) {
  return std::max(std::clamp<std::uint64_t>(input_bytes / 512, 4 * MiB, most), input_bytes / 4096);
}

std::string inputs_text(const detail::BoundQuery& query) {
  auto text = query.input->fingerprint();
  for (const auto& step : query.steps) {
    if (step.right) text += "\n" + inputs_text(*step.right);
  }
  return text;
}

std::string output_text(const table::OutputSpec& output) {
  auto text = fmt::format("{} format {} compression {} dataset {} record {}", output.path.string(),
                          static_cast<int>(output.format), static_cast<int>(output.compression),
                          output.dataset, output.record_bytes);
  for (const auto& column : output.columns) {
    text += fmt::format(" {}:{}@{}+{}", column.name, column.type, column.offset, column.bytes);
  }
  return text;
}

/// What a resumed job must have in common with the one it resumes.
std::string identity_of(const Query& query, const detail::BoundQuery& bound, const table::OutputSpec& output,
                        const Cut& cut) {
  std::string text = "surd table job 2\n";
  for (const auto& step : query.steps) text += to_text(step) + "\n";
  text += fmt::format("{}\n{}\n{}", inputs_text(bound), output_text(output), to_text(cut));
  return base::hash128(text).hex();
}

bool quarantines(const Query& query) {
  if (query.input.on_bad_row == table::OnBadRow::quarantine) return true;
  return std::any_of(query.steps.begin(), query.steps.end(), [](const Step& step) {
    const auto* join = std::get_if<std::shared_ptr<Join>>(&step);
    return join != nullptr && quarantines((*join)->right);
  });
}

}  // namespace

namespace detail {

Cut choose_cut(std::uint64_t input_bytes, const CompileOptions& options) {
  if (options.memory_bytes < least_memory_bytes) {
    throw base::UsageError(fmt::format("{} of memory per rank is too little; give at least {}",
                                       base::format_bytes(options.memory_bytes),
                                       base::format_bytes(least_memory_bytes)));
  }
  Cut cut;
  // At most what fills a rank's memory, or 32 MiB where that is less.
  cut.unit_bytes = choose_unit_bytes(input_bytes, std::max<std::uint64_t>(32 * MiB, options.memory_bytes));
  cut.memory_bytes = options.memory_bytes;
  // 256: a page of 4 KiB per partition fits in what a stage with two large parts has of 8 MiB.
  cut.partitions = std::min(256U, external::partitions_for(input_bytes, options.block_bytes));
  return cut;
}

void refuse_less_memory(const Cut& cut, const CompileOptions& options) {
  if (options.memory_bytes >= cut.memory_bytes) return;
  throw base::UsageError(fmt::format(
      "the job was begun with {} of memory per rank and has {} now; resume it with at least as much",
      base::format_bytes(cut.memory_bytes), base::format_bytes(options.memory_bytes)));
}

namespace {

/// The most that an input takes beside what is read.
std::uint64_t input_beside_bytes(const BoundQuery& query) {
  auto bytes = query.input->beside_bytes(query.needed);
  for (const auto& step : query.steps) {
    if (step.right) bytes = std::max(bytes, input_beside_bytes(*step.right));
  }
  return bytes;
}

}  // namespace

std::uint64_t least_memory(const BoundQuery& query) {
  return least_memory_bytes + input_beside_bytes(query) + query.columns_bytes();
}

void refuse_wide_output(const table::OutputSpec& output, const BoundQuery& query, const Cut& cut) {
  const auto bytes = table::beside_bytes(output, query.schema);
  const auto least = least_memory_bytes + query.columns_bytes() + bytes;
  if (bytes == 0 || cut.memory_bytes >= least) return;
  throw base::UsageError(fmt::format(
      "{}: {} columns in an HDF5 file take up to {}: give at least --memory {}MiB, not {}",
      output.path.string(), query.schema.size(), base::format_bytes(bytes + query.columns_bytes()),
      (least + MiB - 1) / MiB, base::format_bytes(cut.memory_bytes)));
}

Cut choose_cut(const BoundQuery& query, const CompileOptions& options) {
  if (const auto least = least_memory(query); options.memory_bytes < least && least > least_memory_bytes) {
    const auto columns = query.columns_bytes();
    const auto bytes = input_beside_bytes(query);
    std::string what;
    if (bytes > 0) what = "decompressing or opening the input takes " + base::format_bytes(bytes);
    if (columns > 0) {
      what += fmt::format("{}a table of {} columns takes {}", bytes > 0 ? " and " : "", query.most_columns(),
                          base::format_bytes(columns));
    }
    throw base::UsageError(fmt::format("{} beside what a job needs: give at least --memory {}MiB, not {}",
                                       what, (least + MiB - 1) / MiB,
                                       base::format_bytes(options.memory_bytes)));
  }
  auto cut = choose_cut(query.input_bytes(), options);
  // Partitions of a join are written unit by unit, since its rows' order depends on that: larger units, so
  // that what one leaves in a partition is worth a read.
  if (query.has<std::shared_ptr<Join>>()) {
    const auto bytes = query.input_bytes();
    cut.unit_bytes =
        std::max(choose_unit_bytes(bytes, join_unit_bytes), std::min(bytes / 64, join_unit_bytes));
  }
  if (query.has<Sample>()) cut.unit_bytes = sample_unit_bytes;
  return cut;
}

CompileOptions with_memory(CompileOptions options, std::uint64_t input_bytes) {
  if (options.memory_bytes == 0) {
    options.memory_bytes = memory::sqrt_budget(input_bytes, options.block_bytes);
  }
  return options;
}

}  // namespace detail

std::string to_text(const Cut& cut) {
  return fmt::format(R"({{"unit_bytes": {}, "memory_bytes": {}, "partitions": {}}})", cut.unit_bytes,
                     cut.memory_bytes, cut.partitions);
}

Cut parse_cut(std::string_view text) {
  const auto document = base::Json::parse(text, nullptr, false);
  if (document.is_discarded()) throw base::FormatError("the stored cut of the job is damaged");
  const base::Spec spec(document);
  Cut cut;
  cut.unit_bytes = spec.at("unit_bytes").bytes();
  cut.memory_bytes = spec.at("memory_bytes").bytes();
  cut.partitions = static_cast<std::uint32_t>(spec.at("partitions").bytes());
  return cut;
}

Cut choose_cut(const Query& query, const CompileOptions& options, storage::FileSystem& files) {
  return detail::choose_cut(*detail::bind(query, files), options);
}

std::unique_ptr<DataJob> compile(const Query& query, const table::OutputSpec& output,
                                 const CompileOptions& options, const Cut& cut, storage::FileSystem& files) {
  detail::refuse_less_memory(cut, options);
  const auto bound = detail::bind(query, files);
  auto identity = identity_of(query, *bound, output, cut);
  const auto tag = identity.substr(0, 8);
  detail::FilePlan file;
  file.output = output;
  file.part = output.path.string() + "." + tag + ".part";
  if (quarantines(query))
    file.quarantine_part = table::quarantine_path(output).string() + "." + tag + ".part";
  detail::refuse_wide_output(output, *bound, cut);
  auto plan = detail::plan_stages(bound, cut, file, quarantines(query));
  return detail::file_job(std::move(identity), std::move(plan), file);
}

std::unique_ptr<DataJob> compile(const Query& query, const table::OutputSpec& output,
                                 const CompileOptions& options, storage::FileSystem& files) {
  return compile(query, output, options, choose_cut(query, options, files), files);
}

PipelinePlan plan(const Query& query, const CompileOptions& options, storage::FileSystem& files) {
  const auto bound = detail::bind(query, files);
  const auto cut = detail::choose_cut(*bound, detail::with_memory(options, bound->input_bytes()));
  const auto stages = detail::plan_stages(bound, cut, std::nullopt, false);
  PipelinePlan plan;
  std::uint64_t spilling = 0;
  for (const auto& stage : stages.stages) {
    plan.stages.push_back(stage.name);
    const auto left = std::ranges::count_if(stage.reads, [&](auto k) { return !stages.stages[k].spare; });
    spilling = std::max(spilling, static_cast<std::uint64_t>(left));
  }
  plan.schema = stages.schema;
  plan.input_bytes = bound->input_bytes();
  // What one stage leaves is about the input's size at most; it lies there until the stages that read it, and
  // write their own, are done.
  plan.scratch_bytes = plan.input_bytes * (1 + std::min<std::uint64_t>(spilling, 2));
  plan.least_memory = detail::least_memory(*bound);
  return plan;
}

}  // namespace surd::stream
