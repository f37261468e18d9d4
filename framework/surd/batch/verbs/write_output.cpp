#include "surd/batch/verbs/write_output.hpp"

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/version.hpp"
#include "surd/ranks/results.hpp"

namespace surd::batch::verbs {
namespace {

ranks::ResultsOptions results_options(const Job& job, const storage::Path& output,
                                      std::uint64_t memory_bytes) {
  ranks::ResultsOptions options;
  options.output = output;
  options.scratch = scratch_directory();
  options.memory_bytes = memory_bytes;
  options.keep_other_versions = job.on_version_change == VersionChange::keep;
  options.compression_asked = !job.compression.empty();
  if (options.compression_asked) options.compression = job.compression;
  options.attributes = {{"title", job.name},
                        {"job", job.text},
                        {"subject", job.definition->subject.describe().dump()},
                        {"surd_version", base::version()}};
  options.fields = job.fields;
  return options;
}

}  // namespace

std::uint64_t write_output(storage::FileSystem& files, const WorkDirectory& work, const Job& job,
                           const storage::Path& output, std::uint64_t memory_bytes, bool with_failed,
                           const mpi::Communicator& ranks) {
  const auto options = results_options(job, output, memory_bytes);
  const auto extension = output == "-" ? std::string(".csv") : output.extension().string();
  if (extension == ".h5")
    return ranks::write_results(ranks, files, work.memo, *job.definition, options).bytes;
  if (extension != ".csv" && extension != ".jsonl") {
    throw base::UsageError(fmt::format("{}: must end in .h5, .csv or .jsonl", output.string()));
  }
  std::uint64_t bytes = 0;
  if (ranks.is_root()) {
    bytes = ranks::export_table(files, work.memo, *job.definition, extension.substr(1), options, with_failed)
                .bytes;
  }
  return ranks.broadcast_value(bytes);
}

}  // namespace surd::batch::verbs
