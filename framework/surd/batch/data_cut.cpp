#include "surd/batch/data_cut.hpp"

#include <string>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/table/input.hpp"

namespace surd::batch {
namespace {

storage::Path cut_path(const WorkDirectory& work) { return work.root / "cut.json"; }

std::optional<stream::Cut> stored_cut(storage::FileSystem& files, const WorkDirectory& work) {
  if (!files.file_size(cut_path(work))) return std::nullopt;
  return stream::parse_cut(storage::read_file(files, cut_path(work)));
}

}  // namespace

std::uint64_t input_bytes(storage::FileSystem& files, const TableJob& job) {
  if (!job.records) {
    auto bytes = table::open_input(job.query.input, files)->bytes();
    for (const auto& step : job.query.steps) {
      const auto* join = std::get_if<std::shared_ptr<stream::Join>>(&step);
      if (join != nullptr) bytes += table::open_input((*join)->right.input, files)->bytes();
    }
    return bytes;
  }
  return stream::plan(*job.records, {}, files).input_bytes;
}

stream::Cut cut_for(storage::FileSystem& files, const WorkDirectory& work, const TableJob& job,
                    const stream::CompileOptions& options) {
  if (const auto stored = stored_cut(files, work)) {
    if (stored->memory_bytes <= options.memory_bytes) return *stored;
    throw base::UsageError(fmt::format(
        "the job was begun with {} per rank and needs as much to go on, not {}: say --memory {}, or "
        "remove {} to start afresh",
        base::format_bytes(stored->memory_bytes), base::format_bytes(options.memory_bytes),
        stored->memory_bytes, work.root.string()));
  }
  const auto cut = job.records ? stream::choose_cut(*job.records, options, files)
                               : stream::choose_cut(job.query, options, files);
  storage::write_atomically(files, cut_path(work), stream::to_text(cut));
  return cut;
}

std::unique_ptr<stream::DataJob> compile_job(storage::FileSystem& files, const TableJob& job,
                                             const stream::CompileOptions& options, const stream::Cut& cut) {
  if (job.records) return stream::compile(*job.records, options, cut, files);
  return stream::compile(job.query, job.output, options, cut, files);
}

}  // namespace surd::batch
