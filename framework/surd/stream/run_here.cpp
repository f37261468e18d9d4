#include "surd/stream/compile.hpp"
#include "surd/stream/detail/local_run.hpp"

namespace surd::stream {
namespace detail {

LocalSpills::LocalSpills(storage::FileSystem& files, storage::Path scratch)
    : files_(files), scratch_(std::move(scratch)) {}

external::SpillFile& LocalSpills::own() {
  const auto found = spills_.find(current_);
  if (found != spills_.end()) return found->second;
  return spills_.emplace(current_, external::SpillFile::scratch(files_, scratch_)).first->second;
}

storage::ReadableFile& LocalSpills::open(std::uint64_t number) { return spills_.at(number).reader(); }

void run_stages(const DataJob& job, storage::FileSystem& files, const storage::Path& scratch,
                std::uint64_t memory_bytes, const WithArtifacts& done) {
  memory::Budget budget(memory_bytes);
  memory::Pressure pressure(memory_bytes);
  storage::AsyncIo io;
  LocalSpills spills(files, scratch);
  Worker worker{.files = files,
                .spills = spills,
                .budget = budget,
                .pressure = pressure,
                .io = io,
                .scratch = scratch,
                .stop = {},
                .progress = {}};
  std::vector<std::vector<Artifact>> artifacts;
  artifacts.reserve(job.stages());
  for (std::size_t k = 0; k < job.stages(); ++k) {
    spills.begin(k);
    const auto stage = job.stage(k, artifacts);
    std::vector<Artifact> made;
    const auto commit = [&](Artifact artifact) {
      spills.own().flush(io);
      made.push_back(std::move(artifact));
    };
    if (stage->units() > 0) stage->run(0, stage->units(), worker, commit);
    artifacts.push_back(std::move(made));
    for (std::size_t earlier = 0; earlier <= k; ++earlier) {
      if (k + 1 < job.stages() && !job.needs(earlier, k)) spills.drop(earlier);
    }
  }
  done(artifacts, worker);
}

}  // namespace detail

DataJob::Summary run_here(const DataJob& job, storage::FileSystem& files, const storage::Path& scratch,
                          std::uint64_t memory_bytes) {
  DataJob::Summary summary;
  for (const auto& output : job.outputs()) files.remove(output.part);  // of a run that was killed
  detail::run_stages(job, files, scratch, memory_bytes,
                     [&](const auto& artifacts, Worker&) { summary = job.finish(artifacts, files, {}); });
  return summary;
}

}  // namespace surd::stream
