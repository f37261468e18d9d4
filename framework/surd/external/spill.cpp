#include "surd/external/spill.hpp"

#include <array>
#include <exception>
#include <utility>

namespace surd::external {

struct SpillFile::State {
  storage::FileSystem* files;
  storage::Path path;       ///< Empty: scratch.
  storage::Path directory;  ///< Of scratch.
  std::unique_ptr<storage::WritableFile> writer;
  std::unique_ptr<storage::ReadableFile> reader;
  storage::Access access = storage::Access::pieces;
  Wrap wrap;
  std::uint64_t bytes = 0;
  storage::AsyncIo* io = nullptr;     ///< Of the last append.
  storage::AsyncIo::Ticket last = 0;  ///< 0: nothing is under way.
  bool name_durable = false;

  void create() {
    if (writer) return;
    if (path.empty()) {
      std::tie(writer, reader) = files->create_scratch(directory);
    } else {
      writer = files->create(path, access);
      if (wrap) writer = wrap(std::move(writer));
    }
  }

  /// For an append by `to`.
  void prepare(storage::AsyncIo& to) {
    create();
    if (io != &to) settle();
    io = &to;
  }

  void settle() {
    if (last != 0) io->wait(std::exchange(last, 0));
  }

  ~State() {
    try {
      settle();
    } catch (const std::exception&) {  // who did not flush() does not want to know
    }
  }
};

SpillFile::SpillFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
SpillFile::SpillFile(SpillFile&&) noexcept = default;
SpillFile& SpillFile::operator=(SpillFile&&) noexcept = default;
SpillFile::~SpillFile() = default;

SpillFile SpillFile::scratch(storage::FileSystem& files, const storage::Path& directory) {
  auto state = std::make_unique<State>();
  state->files = &files;
  state->directory = directory;
  return SpillFile(std::move(state));
}

SpillFile SpillFile::named(storage::FileSystem& files, storage::Path path, storage::Access access,
                           Wrap wrap) {
  auto state = std::make_unique<State>();
  state->access = access;
  state->wrap = std::move(wrap);
  state->files = &files;
  state->path = std::move(path);
  return SpillFile(std::move(state));
}

SpillFile::Pending SpillFile::append(storage::AsyncIo& io, std::span<const std::byte> bytes) {
  auto& state = *state_;
  state.prepare(io);
  state.last = io.append(*state.writer, bytes);
  return {std::exchange(state.bytes, state.bytes + bytes.size()), state.last};
}

SpillFile::Pending SpillFile::append(storage::AsyncIo& io,
                                     std::span<const std::span<const std::byte>> pieces) {
  auto& state = *state_;
  state.prepare(io);
  state.last = io.append(*state.writer, pieces);
  const auto offset = state.bytes;
  for (const auto piece : pieces) state.bytes += piece.size();
  return {offset, state.last};
}

std::uint64_t SpillFile::append_now(storage::AsyncIo& io, std::span<const std::byte> bytes) {
  const auto pending = append(io, bytes);
  io.wait(pending.ticket);
  return pending.offset;
}

void SpillFile::align(storage::AsyncIo& io) {
  static constexpr std::array<std::byte, 4096> zeros{};
  const auto past = state_->bytes % zeros.size();
  if (past > 0) (void)append(io, std::span(zeros).subspan(past));
}

void SpillFile::flush(storage::AsyncIo& /*io*/, bool durable) {
  auto& state = *state_;
  state.settle();
  if (!durable || !state.writer) return;
  state.writer->sync();
  if (state.path.empty() || state.name_durable) return;
  const auto directory = state.path.parent_path();
  state.files->sync_directory(directory.empty() ? storage::Path(".") : directory);
  state.name_durable = true;
}

std::uint64_t SpillFile::bytes() const noexcept { return state_->bytes; }
const storage::Path& SpillFile::path() const noexcept { return state_->path; }

storage::ReadableFile& SpillFile::reader() {
  auto& state = *state_;
  state.create();
  if (!state.reader) state.reader = state.files->open(state.path, state.access);
  return *state.reader;
}

}  // namespace surd::external
