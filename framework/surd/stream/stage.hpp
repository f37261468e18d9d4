// A data job as stages of units: the shape in which it can be run by one process or many ranks, be killed,
// and be resumed by any number of them.
//
// A job is a list of stages; a stage is a number of units that may be done in any order by anybody; a unit
// reads its inputs, appends to spill files, and returns what it left behind (where its runs, partitions or
// output pieces lie) as a few bytes: its artifact. When all units of a stage are done, the artifacts, ordered
// by unit, are the input of the next stage. What was committed (artifact in a log, its bytes durable) is
// never done again; what was not leaves bytes that nobody refers to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "surd/external/spill.hpp"
#include "surd/memory/budget.hpp"
#include "surd/memory/pressure.hpp"
#include "surd/storage/async_io.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::stream {

/// What consecutive units [first, last) left behind.
struct Artifact {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::string content;  ///< The stage's own encoding; names spill files by number.
};

/// Spill files of a job, by number. The numbers, and the paths behind them, are the same on all ranks.
class SpillStore {
 public:
  virtual ~SpillStore() = default;
  /// This process's own file for the current stage.
  virtual external::SpillFile& own() = 0;
  virtual std::uint64_t own_number() const = 0;
  /// Any committed file, open for reading.
  virtual storage::ReadableFile& open(std::uint64_t number) = 0;
  /// Gives a committed file a second name, so that it need not be copied. False if that cannot be.
  virtual bool link(std::uint64_t /*number*/, const storage::Path& /*second*/) { return false; }
};

/// What a stage works with, on one process.
struct Worker {
  storage::FileSystem& files;
  SpillStore& spills;
  memory::Budget& budget;
  memory::Pressure& pressure;
  storage::AsyncIo& io;
  storage::Path scratch;       ///< For what need not survive this process.
  std::function<bool()> stop;  ///< Asked between batches: leave soon, uncommitted.
  std::function<void(std::uint64_t rows, std::uint64_t bytes)>
      progress;  ///< Input consumed since the last call.
  /// Called before a commit that refers to bytes of this file, an output's, that end at `end`: makes it
  /// durable before the commit is logged. Empty where nothing is logged.
  std::function<void(const storage::Path&, std::uint64_t end)> sync_at_commit = {};
  /// Input after which a commit is due: stages commit no more rarely, unless memory holds more than that.
  std::uint64_t epoch_bytes = UINT64_MAX;
};

class Stage {
 public:
  virtual ~Stage() = default;
  [[nodiscard]] virtual std::string name() const = 0;  ///< "group by product", for progress and errors
  [[nodiscard]] virtual std::uint64_t units() const = 0;
  /// Bytes a unit reads, for balance and progress.
  [[nodiscard]] virtual std::uint64_t unit_bytes(std::uint64_t unit) const = 0;
  /// Does units [first, last), in order. `commit` is called, in order, for each stretch whose bytes have been
  /// handed to the spill file or output; it makes them durable and logs them. Returns early, after the last
  /// commit, if worker.stop().
  virtual void run(std::uint64_t first, std::uint64_t last, Worker& worker,
                   const std::function<void(Artifact)>& commit) = 0;
};

/// A job. All methods give the same on every rank for the same arguments.
class DataJob {
 public:
  virtual ~DataJob() = default;
  /// Changes if the job or its input does: a resume with another identity is refused.
  [[nodiscard]] virtual std::string identity() const = 0;
  [[nodiscard]] virtual std::size_t stages() const = 0;
  /// Stage k, given the artifacts of the stages before it (shape [k][...], each ordered by unit and covering
  /// all units). The stage borrows `before`.
  [[nodiscard]] virtual std::unique_ptr<Stage> stage(
      std::size_t k, const std::vector<std::vector<Artifact>>& before) const = 0;
  /// Whether the spills of stage k are still read after stage `done` is complete.
  [[nodiscard]] virtual bool needs(std::size_t k, std::size_t done) const = 0;
  /// A file that the last stage writes under a temporary name, and the name that finish() gives it. Not all
  /// need come to be.
  struct Output {
    storage::Path part;
    storage::Path path;
  };
  [[nodiscard]] virtual std::vector<Output> outputs() const { return {}; }
  struct Summary {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::uint64_t bad_rows = 0;
    std::string output;
  };
  /// After the last stage, on one process: renames the outputs into place, says what is in them. `renamed`:
  /// parts that an earlier run has renamed. @throws IoError  if another part is missing.
  virtual Summary finish(const std::vector<std::vector<Artifact>>& artifacts, storage::FileSystem& files,
                         const std::set<storage::Path>& renamed) const = 0;
};

}  // namespace surd::stream
