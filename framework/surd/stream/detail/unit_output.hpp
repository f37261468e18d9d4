// What a unit leaves behind: the content of stages' artifacts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "surd/external/partition.hpp"
#include "surd/external/run.hpp"
#include "surd/stream/stage.hpp"

namespace surd::stream::detail {

/// Bytes in spill files. A piece of output, of packed rows or of quarantined rows.
using Piece = external::PartitionExtents;

/// Only the members of the stage's kind of sink are used. Files are numbers of the SpillStore.
struct UnitOutput {
  std::uint64_t rows = 0;  ///< That reached the sink.
  std::uint64_t bad_rows = 0;
  Piece quarantine;                                    ///< Lines of the quarantine file.
  std::vector<external::Run> runs;                     ///< Of a sort, in order of input.
  std::vector<external::PartitionExtents> partitions;  ///< [partitions] of a group or a join; empty: no rows.
  Piece piece;                                         ///< Output or packed rows.
};

[[nodiscard]] std::string encode(const UnitOutput& output);
/// @throws FormatError
[[nodiscard]] UnitOutput decode(const std::string& content);
[[nodiscard]] std::vector<UnitOutput> decode(const std::vector<Artifact>& artifacts);

/// Maps numbers of spill files, as artifacts have them, to indices into a list of open files.
class OpenFiles {
 public:
  explicit OpenFiles(SpillStore& store) : store_(store) {}

  /// Index of the file with this number; opens it when it is met first.
  [[nodiscard]] std::uint64_t index(std::uint64_t number);
  [[nodiscard]] const std::vector<storage::ReadableFile*>& list() const noexcept { return files_; }

 private:
  SpillStore& store_;
  std::vector<std::uint64_t> numbers_;
  std::vector<storage::ReadableFile*> files_;
};

}  // namespace surd::stream::detail
