// What a data job has done, on disk: one log per rank and run under <work>/epochs/ (storage/log.hpp).
//
// Records, little-endian, by kind (epoch_log.cpp writes and reads them):
//   1 header    u32 version (2), u32 number of the run, text name of the run, u32 rank, text identity of the
//               job; the first record of every log: what comes before it does not count
//   2 commit    u32 stage, u64 lineage, u64 number, u64 bytes and u64 digest of the spill file, varint
//   outputs, and as
//               often text path, varint bytes; varint artifacts, and as often varint first, varint last, text
//               content
//   3 finished  u64 rows, u64 bytes, u64 bad rows, text output, u8 has size, u64 size of the output
//   4 renaming  varint count, and as often text temporary name of an output, text name, u64 bytes, i64 time
//   of
//               modification: what is about to be renamed
//   5 release   varint count, and as often u32 stage: what this run and those before it have spilled in these
//               is not needed any more
//
// The digest is XXH3-64 of the first bytes of the spill file, all up to its size when the commit was made:
// what a killed run has written after them does not matter. Nothing reads it but `surd verify`.
//
// Lineage is a hash of all artifacts of the stages before: a commit counts only as long as these are what
// they were when it was made.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/storage/log.hpp"
#include "surd/stream/stage.hpp"

namespace surd::ranks::detail {

/// Where a record stands.
struct Place {
  storage::Path log;
  std::uint64_t offset = 0;

  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Commit {
  std::uint32_t stage = 0;
  std::uint64_t lineage = 0;
  std::uint64_t spill = 0;        ///< Number of the file that the artifacts' maker wrote.
  std::uint64_t spill_bytes = 0;  ///< Its size then; 0: it wrote none.
  std::uint64_t spill_digest = 0;
  std::map<storage::Path, std::uint64_t> outputs;  ///< What the artifacts need of outputs: their first bytes.
  std::vector<stream::Artifact> artifacts;
  Place place;  ///< Not in the record itself.
};

struct Finished {
  stream::DataJob::Summary summary;
  std::optional<std::uint64_t> output_bytes;  ///< Nothing if the output is no regular file.
};

/// The output is what it was when the job was finished.
[[nodiscard]] bool output_stands(storage::FileSystem& files, const Finished& finished);

/// An output under its temporary name, as it was before it was renamed, which does not change its version.
struct Renaming {
  stream::DataJob::Output output;
  storage::FileVersion version;

  [[nodiscard]] bool is_done(storage::FileSystem& files) const {
    return !files.file_size(output.part) && files.file_version(output.path) == version;
  }
};

void put_artifacts(base::ByteWriter& into, const std::vector<stream::Artifact>& artifacts);
[[nodiscard]] std::vector<stream::Artifact> get_artifacts(base::ByteReader& from);
void put_commit(base::ByteWriter& into, const Commit& commit);
[[nodiscard]] Commit get_commit(base::ByteReader& from);
void put_summary(base::ByteWriter& into, const stream::DataJob::Summary& summary);
[[nodiscard]] stream::DataJob::Summary get_summary(base::ByteReader& from);

/// Lineage of the stage after one that left `artifacts` and has itself `lineage`.
[[nodiscard]] std::uint64_t next_lineage(std::uint64_t lineage,
                                         const std::vector<stream::Artifact>& artifacts);

/// Names of the runs that have a log, by number.
using RunNames = std::map<std::uint32_t, std::string>;

/// One rank's log. Nothing is on disk before the first record.
class EpochLog {
 public:
  struct Origin {
    std::uint32_t number = 0;
    std::string run;
    int rank = 0;
    std::string identity;
  };

  EpochLog(storage::FileSystem& files, const storage::Path& work, Origin origin);

  void append(const Commit& commit);
  void append(const Finished& finished);
  void append(const std::vector<Renaming>& renamings);
  void append_release(const std::set<std::uint32_t>& stages);
  void sync() { log_.sync(); }
  [[nodiscard]] bool empty() const noexcept { return log_.records() == 0; }
  [[nodiscard]] const storage::Path& path() const noexcept { return log_.path(); }

 private:
  void append(std::uint8_t kind);

  Origin origin_;
  storage::LogWriter log_;
  base::ByteWriter record_;
};

struct Epochs {
  RunNames runs;
  std::vector<Commit> commits;  ///< In the order of runs.
  std::vector<Renaming> renamings;
  std::map<std::uint32_t, std::uint32_t> released;  ///< By stage: the last run whose spill file may be gone.
  std::optional<Finished> finished;
  std::string identity;        ///< Of the job that wrote last.
  std::string other_identity;  ///< Of a finished job that is not this one; empty: there is none.

  /// What the commit has spilled is not needed any more.
  [[nodiscard]] bool is_released(const Commit& commit) const {
    const auto found = released.find(commit.stage);
    return found != released.end() && commit.spill >> 32 <= found->second;
  }
  [[nodiscard]] std::uint32_t next_run() const { return runs.empty() ? 1 : runs.rbegin()->first + 1; }
};

/// Reads all logs: what they hold of the job of that identity, or of any. What is torn or damaged is passed
/// over.
/// @throws UsageError  if they are those of another job that is not finished.
[[nodiscard]] Epochs read_epochs(storage::FileSystem& files, const storage::Path& work,
                                 std::optional<std::string_view> identity = {});

/// Takes commits out of the logs, for good: whatever happens later, they do not count again. Damaged places
/// in these logs, and in those of `also`, go as well.
void drop_commits(storage::FileSystem& files, const std::set<Place>& dropped,
                  const std::set<storage::Path>& also = {});

/// All logs.
[[nodiscard]] std::vector<storage::Path> list_epochs(storage::FileSystem& files, const storage::Path& work);

/// Removes all logs but `kept`.
void remove_epochs(storage::FileSystem& files, const storage::Path& work, const storage::Path& kept = {});

[[nodiscard]] storage::Path epochs_directory(const storage::Path& work);

}  // namespace surd::ranks::detail
