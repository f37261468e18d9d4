// What a unit leaves behind: the content of stages' artifacts.
#pragma once

#include <cstdint>
#include <span>
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
/// All but the partitions. @throws FormatError
[[nodiscard]] UnitOutput decode(const std::string& content);
[[nodiscard]] std::vector<UnitOutput> decode(std::span<const Artifact> artifacts);

/// The partitions in artifacts, decoded one at a time: all of them, [units] x [partitions], would be
/// megabytes.
class PartitionTable {
 public:
  /// Borrows the artifacts.
  PartitionTable(std::span<const Artifact> artifacts, std::uint32_t partitions);

  [[nodiscard]] std::uint32_t partitions() const noexcept {
    return static_cast<std::uint32_t>(bytes_.size());
  }
  /// What the units left in a partition, in order; those that left nothing are not there.
  [[nodiscard]] std::vector<external::PartitionExtents> parts(std::size_t partition) const;
  [[nodiscard]] std::uint64_t bytes(std::size_t partition) const { return bytes_.at(partition); }
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

 private:
  std::span<const Artifact> artifacts_;
  std::vector<std::uint64_t> bytes_;
  std::uint64_t records_ = 0;
};

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
