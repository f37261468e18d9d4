// The spill files of a data job: <work>/spill/<stage>-<run>-<rank>, known by numbers that keep their meaning
// over runs: number of the run, stage, rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "surd/base/digest.hpp"
#include "surd/external/spill.hpp"
#include "surd/ranks/detail/epoch_log.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/stage.hpp"

namespace surd::ranks::detail {

/// 32 bits run, 8 bits stage, 24 bits rank. @throws UsageError  if one is too large.
[[nodiscard]] std::uint64_t spill_number(std::uint32_t run, std::size_t stage, int rank);
[[nodiscard]] std::size_t spill_stage(std::uint64_t number) noexcept;

[[nodiscard]] storage::Path spill_directory(const storage::Path& work);
/// @throws FormatError  if no run has that number.
[[nodiscard]] storage::Path spill_path(const storage::Path& work, const RunNames& runs, std::uint64_t number);
/// All that are there, whoever needs them.
[[nodiscard]] std::vector<storage::Path> list_spills(storage::FileSystem& files, const storage::Path& work);
/// Removes the files that `keep`, if there is one, does not want. Returns how many.
std::size_t remove_spills(storage::FileSystem& files, const storage::Path& work,
                          const std::function<bool(const storage::Path& path, std::size_t stage)>& keep = {});

/// An error that a stage met, with the files that it read, where the damage may be.
[[nodiscard]] std::string name_spills(const std::string& error, const std::string& stage,
                                      const std::vector<storage::Path>& read);

/// Keeps at most as many files open as the process may have; others are closed and opened again when they
/// are read. What open() returns may be read by any thread.
class SpillFiles final : public stream::SpillStore {
 public:
  /// `runs` must outlive it. `open_limit` 0: RLIMIT_NOFILE less what others need.
  SpillFiles(storage::FileSystem& files, storage::Path work, const RunNames& runs, std::uint32_t run,
             int rank, std::size_t open_limit = 0);
  ~SpillFiles() override;

  /// How files are written and read from now on: Access::pieces if the pieces will be large enough to pass
  /// the page cache by, else Access::cached.
  void set_access(storage::Access access) noexcept { access_ = access; }
  /// own() is this stage's from now on. Files that were opened are closed; references to them end.
  void begin_stage(std::size_t stage);

  external::SpillFile& own() override { return own(stage_); }
  [[nodiscard]] std::uint64_t own_number() const override { return own_number(stage_); }
  storage::ReadableFile& open(std::uint64_t number) override;
  bool link(std::uint64_t number, const storage::Path& second) override;

  /// This process's file of a stage.
  [[nodiscard]] external::SpillFile& own(std::size_t stage);
  /// Of all bytes of that file. What is appended to it must have been flushed.
  [[nodiscard]] std::uint64_t digest(std::size_t stage) const { return own_.at(stage)->digest->value(); }
  [[nodiscard]] std::uint64_t own_number(std::size_t stage) const { return spill_number(run_, stage, rank_); }
  [[nodiscard]] std::size_t open_files();
  /// Files that were read in this stage and are still open, the last one first.
  [[nodiscard]] std::vector<storage::Path> read_last();

 private:
  class File;
  struct Own {
    std::unique_ptr<base::Digest> digest;  ///< Outlives what is still being appended.
    external::SpillFile file;
  };
  std::shared_ptr<storage::ReadableFile> use(File& file);

  storage::FileSystem& files_;
  storage::Path work_;
  const RunNames& runs_;
  std::uint32_t run_;
  int rank_;
  std::size_t limit_;
  storage::Access access_ = storage::Access::pieces;
  std::size_t stage_ = 0;
  std::vector<std::optional<Own>> own_;  ///< By stage.
  std::mutex mutex_;
  std::map<std::uint64_t, std::unique_ptr<File>> known_;
  std::list<File*> open_;  ///< Read last comes first.
};

}  // namespace surd::ranks::detail
