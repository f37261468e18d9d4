#include <chrono>
#include <set>

#include <fmt/format.h>

#include "surd/sweep/memo_codec.hpp"
#include "surd/sweep/memo_segment.hpp"

namespace surd::sweep {
namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A path that does not exist: a run that writes a memo twice gets a second segment.
storage::Path free_path(storage::FileSystem& files, const storage::Path& directory, const Origin& origin) {
  auto path = directory / segment_name(origin);
  for (int n = 2; files.file_size(path); ++n) path = directory / fmt::format("{}-{}.{}.log", origin.run, origin.rank, n);
  return path;
}

}  // namespace

struct MemoWriter::State {
  storage::FileSystem* files;
  storage::Path directory;
  std::string definition;
  std::uint64_t definition_id;
  Origin origin;
  MemoWriterOptions options;
  BlockEncoder encoder;
  std::optional<SegmentWriter> segment;
  std::uint64_t points = 0;
  double oldest = 0;     ///< When the first outcome of the block was added.
  double last_sync = 0;  ///< Or when the segment was opened.
  bool synced = true;
  bool entry_synced = false;  ///< The directory knows the segment, whatever happens.

  void open(double now);
  void flush(double now);
  void sync(double now);
};
