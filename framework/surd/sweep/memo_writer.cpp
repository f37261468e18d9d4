#include <optional>

#include "surd/base/clock.hpp"
#include "surd/sweep/detail/memo_codec.hpp"
#include "surd/sweep/detail/memo_segment.hpp"

namespace surd::sweep {

using namespace detail;

struct MemoWriter::State {
  storage::FileSystem* files;
  storage::Path directory;
  std::string definition;
  std::uint64_t definition_id;
  Origin origin;
  MemoWriterOptions options;
  BlockEncoder encoder;
  base::ByteWriter payload;
  std::optional<SegmentWriter> segment;
  std::uint64_t points = 0;
  double oldest = 0;     ///< When the first outcome of the block was added.
  double last_sync = 0;  ///< Or when the segment was opened.
  bool synced = true;

  void open(double now);
  void flush(double now);
  void sync(double now);
};

void MemoWriter::State::open(double now) {
  files->make_directories(directory);
  segment.emplace(*files, free_segment_path(*files, directory, origin));
  segment->put_origin(origin);
  segment->put_definition(definition_id, definition);
  last_sync = now;
}

void MemoWriter::State::flush(double now) {
  if (encoder.empty()) return;
  if (!segment) open(now);
  const auto count = encoder.entries();
  if (encoder.has_values()) segment->put_schema(encoder.schema());
  payload.clear();
  encoder.finish(definition_id, payload);
  segment->put_block(payload.bytes());
  points += count;
  synced = false;
  if (now - last_sync >= options.sync_seconds) sync(now);
}

void MemoWriter::State::sync(double now) {
  if (synced) return;
  segment->log().sync();
  synced = true;
  last_sync = now;
}

MemoWriter::MemoWriter(storage::FileSystem& files, const storage::Path& directory,
                       const Definition& definition, const Origin& origin, MemoWriterOptions options)
    : state_(std::make_unique<State>()) {
  state_->files = &files;
  state_->directory = directory;
  state_->definition = definition.text();
  state_->definition_id = definition_id(state_->definition);
  state_->origin = origin;
  state_->options = options;
}
MemoWriter::MemoWriter(MemoWriter&&) noexcept = default;
MemoWriter& MemoWriter::operator=(MemoWriter&&) noexcept = default;
MemoWriter::~MemoWriter() = default;

void MemoWriter::add(std::uint64_t position, const Outcome& outcome) {
  auto& state = *state_;
  const auto now = base::now_seconds();
  if (!state.encoder.prepare(outcome)) {
    state.flush(now);
    base::expect(state.encoder.prepare(outcome), "an empty block refused an outcome");
  }
  if (state.encoder.empty()) state.oldest = now;
  state.encoder.add(position, outcome);
  const auto& options = state.options;
  if (state.encoder.bytes() >= options.flush_bytes || outcome.seconds > options.flush_seconds ||
      now - state.oldest >= options.flush_seconds) {
    state.flush(now);
  }
}

void MemoWriter::flush() { state_->flush(base::now_seconds()); }

void MemoWriter::sync() {
  const auto now = base::now_seconds();
  state_->flush(now);
  state_->sync(now);
}

void MemoWriter::close() {
  sync();
  if (state_->segment) state_->segment->log().close();
}

std::uint64_t MemoWriter::points() const noexcept { return state_->points; }
std::uint64_t MemoWriter::records() const noexcept {
  return state_->segment ? state_->segment->log().records() : 0;
}
std::uint64_t MemoWriter::bytes() const noexcept {
  return state_->segment ? state_->segment->log().bytes() : 0;
}

}  // namespace surd::sweep
