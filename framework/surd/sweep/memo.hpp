// The memo store: every result ever computed, found again by the identity of its point.
//
// A memo is a directory of append-only logs ("segments"), one per rank and run: <run>-<rank>.log. A segment
// holds, once each and twice in a row (so that one damaged byte costs no more than its own record), the
// definitions its records refer to, and then blocks of outcomes. A block refers to a definition by hash and
// to points by runs of positions, and holds their outcomes as columns: a chunk of 1,000 points with one float
// is 8 KB and one write. Nothing is ever changed in place, no file has two writers, and there are no locks.
// The same point twice is harmless: the first valid success, in order of segment name and offset, is the one
// that counts.
//
//   Memo memo(files, directory, wanted, options);   // scans what is there
//   auto missing = PointSet({0, grid.size()});  missing -= memo.done();
//   MemoWriter writer(files, directory, wanted, origin);
//   writer.add(position, outcome);  writer.flush();
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "surd/storage/file_system.hpp"
#include "surd/storage/log.hpp"
#include "surd/sweep/outcome.hpp"
#include "surd/sweep/point_set.hpp"
#include "surd/sweep/subject.hpp"

namespace surd::sweep {

/// Who writes a segment; kept in its first record.
struct Origin {
  std::string run;  ///< Unique; sorts by start time: "20260131T120000-1a2b3c4d".
  int rank = 0;
  std::string host;
  std::string program;  ///< Version and revision of the program.
};

/// Kinds of records in a segment; stored, never renumber.
enum class RecordKind : std::uint8_t { origin = 1, definition = 2, schema = 3, block = 4 };

struct MemoWriterOptions {
  std::size_t flush_bytes = 256 * 1024;  ///< A block is written when it holds this much,
  double flush_seconds = 0.05;  ///< or when its oldest outcome has waited this long (checked by add()),
  double sync_seconds = 1.0;    ///< and fsynced this often, for the death of the node.
};

/// Appends outcomes to one segment. Creates no file before the first outcome. The destructor drops what was
/// not flushed: call close().
class MemoWriter {
 public:
  MemoWriter(storage::FileSystem& files, const storage::Path& directory, const Definition& definition,
             const Origin& origin, MemoWriterOptions options = {});
  MemoWriter(MemoWriter&&) noexcept;
  MemoWriter& operator=(MemoWriter&&) noexcept;
  ~MemoWriter();

  /// Adds the outcome of `position`; written by the time flush() returns, or sooner by the limits above. An
  /// outcome that took longer than flush_seconds is written at once.
  void add(std::uint64_t position, const Outcome& outcome);
  /// Writes what was added: it then survives the death of this process.
  void flush();
  void sync();
  void close();

  [[nodiscard]] std::uint64_t points() const noexcept;  ///< Written so far.
  [[nodiscard]] std::uint64_t records() const noexcept;
  [[nodiscard]] std::uint64_t bytes() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Outcomes of some points of the wanted grid, decoded column by column.
class Block {
 public:
  virtual ~Block() = default;

  [[nodiscard]] virtual std::size_t size() const = 0;
  /// Position of entry `i` in the wanted grid.
  [[nodiscard]] virtual std::uint64_t position(std::size_t i) const = 0;
  [[nodiscard]] virtual Status status(std::size_t i) const = 0;
  [[nodiscard]] virtual double seconds(std::size_t i) const = 0;
  /// Everything about entry `i`; allocates.
  [[nodiscard]] virtual Outcome outcome(std::size_t i) const = 0;
  /// Fields of the entries that are ok: all entries of a block have the same fields.
  struct Column {
    std::string name;
    std::size_t type;                   ///< Index into FieldValue's alternatives.
    std::vector<std::uint64_t> shape;   ///< Of one value; empty for a scalar.
    std::span<const std::byte> values;  ///< Row i of [size(), shape...]; 1 or 8 bytes each; empty for texts.
  };
  [[nodiscard]] virtual const std::vector<Column>& columns() const = 0;
  [[nodiscard]] virtual const Origin& origin() const = 0;
};

struct MemoStatistics {
  std::uint64_t segments = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t points = 0;            ///< Outcomes read, of any definition.
  std::uint64_t unrelated_points = 0;  ///< Of other functions, parameters or grids.
  std::map<std::string, std::uint64_t>
      other_versions;  ///< Points of the wanted grid stored by other versions.
};

struct MemoOptions {
  bool keep_other_versions = false;  ///< Points of other versions count as done.
  /// Called for each block of wanted points while scanning (to learn costs, or to fill results); may be
  /// empty.
  std::function<void(const Block&)> visit = {};
};

/// What a memo holds of a wanted definition. Memory: one bit per wanted point at worst; nothing per stored
/// point.
class Memo {
 public:
  /// Scans all segments. `wanted` must outlive it.
  /// @throws FormatError  if a segment was written by a newer surd; IoError.
  Memo(storage::FileSystem& files, storage::Path directory, const Definition& wanted,
       MemoOptions options = {});
  Memo(Memo&&) noexcept;
  Memo& operator=(Memo&&) noexcept;
  ~Memo();

  /// Reads what appeared since: new segments and the new ends of known ones.
  void refresh();

  [[nodiscard]] const PointSet& done() const noexcept;
  [[nodiscard]] const PointSet& failed() const noexcept;  ///< Failed and not done.
  [[nodiscard]] const MemoStatistics& statistics() const noexcept;
  [[nodiscard]] const std::vector<storage::LogDamage>& damage() const noexcept;

  /// Reads everything once more and calls `visit` with the outcomes that count: of each done point the first
  /// success, of each failed point its failures (the last call is the latest). With `parts` readers, each
  /// reads the segments that fall to its `part` by their names, so that ranks can share the reading and agree
  /// even if they see the directory at different times: the outcomes that count are then those within each
  /// part (duplicates across parts hold the same bytes). Memory: one bit per point of the part, and one
  /// block.
  void read(const std::function<void(const Block&)>& visit, int part = 0, int parts = 1) const;

  /// The outcomes ever stored of one point, oldest first, with their origins.
  [[nodiscard]] std::vector<std::pair<Outcome, Origin>> history(std::uint64_t position) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What `verify` finds in one segment.
struct SegmentReport {
  storage::Path path;
  std::uint64_t records = 0;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;
  std::vector<storage::LogDamage> damage;
};

/// Reads and checks every byte of every segment, and decodes every record.
[[nodiscard]] std::vector<SegmentReport> verify_memo(storage::FileSystem& files,
                                                     const storage::Path& directory);

/// Rewrites segments with damage, torn tails included, without it (new file, then rename). The caller makes
/// sure that no job is writing. Returns how many were rewritten. @throws UsageError  if one grew meanwhile.
std::uint64_t repair_memo(storage::FileSystem& files, const storage::Path& directory);

/// Merges all segments into one of larger blocks. Of the points of `wanted`'s grid, leaves out duplicates,
/// failures that succeeded later, and outcomes of other versions; points outside that grid and other subjects
/// stay as they are, and so does who computed what. Crash-safe: the merged segment appears by rename before
/// the old ones go. The caller makes sure that no job is writing. Returns bytes before and after.
std::pair<std::uint64_t, std::uint64_t> compact_memo(storage::FileSystem& files,
                                                     const storage::Path& directory, const Definition& wanted,
                                                     const Origin& origin);

}  // namespace surd::sweep
