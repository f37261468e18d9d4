#include "surd/ranks/data_job.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "surd/base/clock.hpp"
#include "surd/base/error.hpp"
#include "surd/base/log.hpp"
#include "surd/memory/limits.hpp"
#include "surd/ranks/detail/all_gather.hpp"
#include "surd/ranks/detail/committer.hpp"
#include "surd/ranks/detail/resume.hpp"
#include "surd/ranks/detail/unit_source.hpp"
#include "surd/ranks/watch.hpp"
#include "surd/ranks/work_lock.hpp"

namespace surd::ranks {
namespace {

using Artifacts = std::vector<stream::Artifact>;

constexpr std::uint64_t least_epoch_bytes = std::uint64_t{256} << 20;

/// What rank 0 finds, on all ranks. Holds the lock of the work directory on rank 0, unless the caller does.
class Opening {
 public:
  Opening(const mpi::Communicator& world, const stream::DataJob& job, storage::FileSystem& files,
          const DataJobOptions& options) {
    std::string found;
    std::string refusal;
    if (world.is_root()) {
      try {  // rank-local work before any collective: all ranks throw together below
        files.make_directories(options.work);
        if (!options.locked) lock_.emplace(files, options.work, options.run, options.stale_seconds);
        found = detail::prepare(job, files, options.work, options.run).encode();
      } catch (const base::UsageError& e) {
        refusal = e.what();
        lock_.reset();
      }
    }
    refusal = world.broadcast_text(std::move(refusal));
    if (!refusal.empty()) throw base::UsageError(refusal);
    start = detail::Start::decode(world.broadcast_text(std::move(found)));
  }

  detail::Start start;

 private:
  std::optional<WorkLock> lock_;
};

/// One rank's part in a run of a job.
class Run {
 public:
  Run(const mpi::Session& session, const stream::DataJob& job, storage::FileSystem& files,
      const DataJobOptions& options, detail::Start start, const std::atomic<bool>& stop,
      const std::function<void(const DataJobState&)>& observe)
      : session_(session),
        world_(session.world()),
        job_(job),
        files_(files),
        options_(options),
        start_(std::move(start)),
        stop_(stop),
        observe_(observe),
        epoch_bytes_(options.epoch_bytes > 0 ? options.epoch_bytes
                                             : std::max(options.memory_bytes, least_epoch_bytes)),
        budget_(options.memory_bytes),
        pressure_(options.memory_bytes),
        spills_(files, options.work, start_.runs, start_.run, world_.rank()),
        log_(files, options.work, {start_.run, options.run, world_.rank(), job.identity()}),
        committer_(files, spills_, log_, io_, {epoch_bytes_, options.epoch_seconds}) {
    const auto hosts = static_cast<std::uint64_t>(world_.size() - session.world().node().size());
    several_nodes_ = world_.max(hosts) > 0;
    logged_ = start_.runs.size() > 1;
    result_.state.stages = job.stages();
  }

  DataJobResult run() {
    for (std::size_t number = 0; number < job_.stages(); ++number) {
      if (number < start_.complete) {
        take_over(number);
      } else if (!run_stage(number)) {
        committer_.save();
        world_.barrier();
        return conclude();
      }
    }
    finish();
    return conclude();
  }

 private:
  void take_over(std::size_t number) {
    lineage_ = detail::next_lineage(lineage_, start_.done[number]);
    if (!start_.done[number].empty()) result_.state.units_resumed += start_.done[number].back().last;
    artifacts_.push_back(std::move(start_.done[number]));
  }

  /// False if the job is to stop.
  bool run_stage(std::size_t number) {
    memory::release_free_memory();  // what the stage before has left would come on top of what this one takes
    auto phase = std::optional(profile_.phase(fmt::format("stage {}", number + 1)));
    const auto stage = job_.stage(number, artifacts_);
    make_safe(number, *stage);
    if (world_.max(std::uint64_t{stop_.load()}) > 0) return false;
    spills_.begin_stage(number);
    committer_.begin_stage(number, lineage_);
    const bool stopping = work(number, *stage);
    auto artifacts = exchange(committer_.end_stage(several_nodes_), std::move(start_.done[number]));
    phase.reset();
    if (!detail::cover(artifacts, stage->units())) {
      base::expect(world_.max(std::uint64_t{stopping}) > 0, "units of a data job were left undone");
      return false;
    }
    lineage_ = detail::next_lineage(lineage_, artifacts);
    artifacts_.push_back(std::move(artifacts));
    return true;
  }

  /// Between two stages: makes what is done durable, unless the job is so short that it is not worth it;
  /// then spill files that are not needed any more can go.
  void make_safe(std::size_t number, const stream::Stage& next) {
    std::uint64_t bytes = 0;
    for (std::uint64_t unit = 0; unit < next.units(); ++unit) bytes += next.unit_bytes(unit);
    spills_.set_access(access_for(bytes));
    if (number == 0) return;
    spills_.begin_stage(number);  // closes what was read
    if (!worth_saving(bytes)) return;
    committer_.save();
    world_.barrier();
    if (world_.is_root()) release(number);
  }

  /// Removes the spill files that stage `number` and those after it do not need, once that is in the log.
  void release(std::size_t number) {
    std::set<std::uint32_t> stages;
    for (std::size_t stage = 0; stage < number; ++stage) {
      if (!job_.needs(stage, number - 1)) stages.insert(static_cast<std::uint32_t>(stage));
    }
    if (stages.size() > released_) {
      log_.append_release(stages);
      log_.sync();
      released_ = stages.size();
    }
    detail::remove_spills(files_, options_.work, [&](const storage::Path&, std::size_t stage) {
      return !stages.contains(static_cast<std::uint32_t>(stage));
    });
  }

  /// Runs and partitions are read in pieces of about memory^2 / bytes. Small ones are best left to the page
  /// cache, which gathers what the disk would else do one by one.
  [[nodiscard]] storage::Access access_for(std::uint64_t bytes) const {
    constexpr double least_piece_bytes = 256 << 10;
    const auto memory = static_cast<double>(options_.memory_bytes);
    const bool small = memory * memory < least_piece_bytes * static_cast<double>(bytes);
    return small ? storage::Access::cached : storage::Access::pieces;
  }

  /// Collective. From the first epoch on it stays true: no spill file may go, and no log begin, while a rank
  /// has not logged its share.
  bool worth_saving(std::uint64_t bytes_to_come) {
    const auto per_rank = (consumed_ + bytes_to_come) / static_cast<std::uint64_t>(world_.size());
    const bool mine = logged_ || committer_.epochs() > 0 || per_rank >= epoch_bytes_ ||
                      base::now_seconds() - begin_ >= options_.epoch_seconds;
    logged_ = world_.max(std::uint64_t{mine}) > 0;
    return logged_;
  }

  /// Does units until there are none. Returns whether the job is stopping.
  bool work(std::size_t number, stream::Stage& stage) {
    result_.state.stage = number;
    std::optional<detail::UnitSource> source;
    if (world_.is_root()) {
      const auto missing = detail::missing_units(start_.done[number], stage.units());
      const auto least = std::min(options_.memory_bytes, epoch_bytes_);
      source.emplace(stage, missing, detail::UnitSource::Limits{world_.size(), least, epoch_bytes_},
                     result_.state, observe_);
    }
    Scheduler scheduler(world_, source ? &*source : nullptr, stop_);
    {
      Watch watch(
          &scheduler, nullptr, stop_, session_.threads(), world_.is_root(),
          {options_.grace_seconds, static_cast<int>(base::ExitStatus::interrupted), world_.is_root()});
      while (const auto batch = scheduler.next()) do_batch(stage, batch->runs[0], scheduler, watch);
      scheduler.finish();
    }
    consumed_ = world_.sum(read_bytes_);
    return scheduler.stopping();
  }

  void do_batch(stream::Stage& stage, const sweep::Run& units, Scheduler& scheduler, Watch& watch) {
    Report report;
    auto next = units.first;
    const double begin = base::now_seconds();
    const auto stop = [&] {
      scheduler.between_points(base::now_seconds());
      pressure_.check();
      return scheduler.stopping();
    };
    const auto progress = [&](std::uint64_t rows, std::uint64_t bytes) {
      report.rows += rows;
      read_bytes_ += bytes;
      committer_.consumed(bytes);
    };
    const auto commit = [&](stream::Artifact artifact) {
      base::expect(artifact.first == next && artifact.last > next && artifact.last <= units.end(),
                   "a stage committed units out of order");
      next = artifact.last;
      committer_.commit(std::move(artifact));
    };
    const auto sync_at_commit = [&](const storage::Path& path, std::uint64_t end) {
      committer_.sync_at_commit(path, end);
    };
    stream::Worker worker{files_,           spills_, budget_,  pressure_,      io_,
                          options_.scratch, stop,    progress, sync_at_commit, epoch_bytes_};
    watch.enter(begin);
    try {
      stage.run(units.first, units.end(), worker, commit);
    } catch (const base::FormatError& e) {
      throw base::FormatError(detail::name_spills(e.what(), stage.name(), spills_.read_last()));
    } catch (const std::length_error& e) {  // of what has the size that damaged bytes say
      throw base::FormatError(detail::name_spills(e.what(), stage.name(), spills_.read_last()));
    }
    watch.leave();
    report.points = next - units.first;
    report.given_up = units.end() - next;
    report.seconds = base::now_seconds() - begin;
    scheduler.done(report);
  }

  /// All ranks' artifacts of a stage, and those of earlier runs, ordered by unit.
  Artifacts exchange(const Artifacts& mine, Artifacts all) {
    base::ByteWriter bytes;
    detail::put_artifacts(bytes, mine);
    const auto text = std::string_view(reinterpret_cast<const char*>(bytes.bytes().data()), bytes.size());
    for (const auto& theirs : detail::all_gather_texts(world_, text)) {
      base::ByteReader from(std::as_bytes(std::span(theirs)));
      std::ranges::move(detail::get_artifacts(from), std::back_inserter(all));
    }
    std::ranges::sort(all, {}, &stream::Artifact::first);
    return all;
  }

  void finish() {
    if (worth_saving(0)) committer_.save();
    world_.barrier();
    base::ByteWriter bytes;
    if (world_.is_root()) {
      detail::Finished finished;
      log_renaming();
      finished.summary = job_.finish(artifacts_, files_, start_.renamed);
      finished.output_bytes = files_.file_size(finished.summary.output);
      log_.append(finished);
      if (logged_) log_.sync();
      detail::put_summary(bytes, finished.summary);
    }
    const auto raw = bytes.bytes();
    const auto text = world_.broadcast_text({reinterpret_cast<const char*>(raw.data()), raw.size()});
    base::ByteReader from(std::as_bytes(std::span(text)));
    result_.summary = detail::get_summary(from);
    result_.complete = true;
    if (!world_.is_root()) return;
    detail::remove_epochs(files_, options_.work, log_.path());
    detail::remove_spills(files_, options_.work);
  }

  /// So that a run after a kill can tell whether the outputs have been renamed.
  void log_renaming() {
    std::vector<detail::Renaming> renamings;
    for (const auto& output : job_.outputs()) {
      if (!files_.file_size(output.part)) continue;
      const auto file = files_.open_shared(output.part);
      file->sync();  // what a cache writes later changes the version
      file->close();
      if (const auto version = files_.file_version(output.part)) renamings.push_back({output, *version});
    }
    if (renamings.empty()) return;
    log_.append(renamings);
    if (logged_) log_.sync();
  }

  DataJobResult conclude() {
    result_.state.seconds = base::now_seconds() - begin_;
    result_.epochs = committer_.epochs();
    result_.phases = profile_.phases();
    if (world_.is_root() && observe_) observe_(result_.state);
    return std::move(result_);
  }

  const mpi::Session& session_;
  const mpi::Communicator& world_;
  const stream::DataJob& job_;
  storage::FileSystem& files_;
  const DataJobOptions& options_;
  detail::Start start_;
  const std::atomic<bool>& stop_;
  const std::function<void(const DataJobState&)>& observe_;
  std::uint64_t epoch_bytes_;
  memory::Budget budget_;
  memory::Pressure pressure_;
  storage::AsyncIo io_;
  detail::SpillFiles spills_;
  detail::EpochLog log_;
  detail::Committer committer_;
  memory::Profile profile_;
  DataJobResult result_;
  std::vector<Artifacts> artifacts_;  ///< Of the stages that are complete.
  std::uint64_t lineage_ = 0;
  std::uint64_t read_bytes_ = 0;  ///< By this rank.
  std::uint64_t consumed_ = 0;    ///< By all ranks, at the end of the last stage.
  double begin_ = base::now_seconds();
  std::size_t released_ = 0;    ///< Stages of which this run has logged that nobody needs their spills.
  bool several_nodes_ = false;  ///< Others see what is written only once it is on the shared disk.
  bool logged_ = false;         ///< The job is worth being made safe: known to all ranks.
};

}  // namespace

DataJobResult run_data_job(const mpi::Session& session, const stream::DataJob& job,
                           storage::FileSystem& files, const DataJobOptions& options,
                           const std::atomic<bool>& stop,
                           const std::function<void(const DataJobState&)>& observe) {
  Opening opening(session.world(), job, files, options);
  if (opening.start.summary) {
    DataJobResult result;
    result.complete = result.was_complete = true;
    result.summary = *opening.start.summary;
    result.state.stage = result.state.stages = job.stages();
    base::log_info(fmt::format("{} is complete already; remove it to make it anew", result.summary.output));
    return result;
  }
  memory::limit_kept_memory(options.memory_bytes);
  auto result = Run(session, job, files, options, opening.start, stop, observe).run();
  session.world().barrier();
  return result;
}

}  // namespace surd::ranks
