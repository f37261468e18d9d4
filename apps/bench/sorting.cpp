// How fast files are sorted in how little memory: read, runs, merge, write, on one rank.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "surd/base/random.hpp"
#include "surd/external/sort.hpp"
#include "surd/memory/limits.hpp"
#include "surd/memory/profile.hpp"
#include "surd/storage/async_io.hpp"
#include "workload.hpp"

namespace bench {
namespace {

using namespace surd;
using external::RecordFormat;
using Bytes = std::vector<std::byte>;

constexpr std::size_t piece_bytes = 1'000'000;  // of input, whole records

storage::FileSystem& disk() { return storage::local_file_system(); }

/// Random u64, or records like gensort's: 10 letters of key, then anything.
void fill(std::span<std::byte> piece, const RecordFormat& format, std::uint64_t& state) {
  const auto next = [&state] {  // xorshift64*, Vigna 2016: fast, and good enough for keys
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1D;
  };
  for (std::size_t at = 0; at < piece.size(); at += format.record_bytes) {
    auto* const record = piece.data() + at;
    for (std::size_t i = 0; i < format.record_bytes; i += 8) {
      const auto bits = next();
      std::memcpy(record + i, &bits, std::min<std::size_t>(8, format.record_bytes - i));
    }
    if (format.record_bytes == 8) continue;
    for (std::size_t i = 0; i < 10; ++i)
      record[i] = static_cast<std::byte>(' ' + std::to_integer<unsigned>(record[i]) % 95);
  }
}

/// Returns the checksum of what it writes.
std::uint64_t generate(const storage::Path& path, const RecordFormat& format, std::uint64_t bytes) {
  const auto file = disk().create(path, storage::Access::streaming);
  Bytes piece(piece_bytes);
  std::uint64_t state = 88172645463325252;
  std::uint64_t sum = 0;
  for (std::uint64_t at = 0; at < bytes; at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(bytes - at, piece_bytes)));
    fill(piece, format, state);
    sum += checksum(format, piece);
    file->append(piece);
  }
  file->close();
  return sum;
}

/// Reads a file ahead in two buffers and hands on its pieces.
template <class Use>
void for_each_piece(const storage::Path& path, std::uint64_t bytes, storage::AsyncIo& io, Use use) {
  const auto file = disk().open(path, storage::Access::streaming);
  std::array<Bytes, 2> buffers{Bytes(piece_bytes / 4), Bytes(piece_bytes / 4)};
  std::array<storage::AsyncIo::Ticket, 2> tickets{};
  std::array<std::size_t, 2> sizes{};
  std::uint64_t at = 0;
  const auto ask = [&](std::size_t i) {
    sizes[i] = static_cast<std::size_t>(std::min<std::uint64_t>(buffers[i].size(), bytes - at));
    tickets[i] = sizes[i] == 0 ? 0 : io.read(*file, at, std::span(buffers[i]).first(sizes[i]));
    at += sizes[i];
  };
  ask(0);
  for (std::size_t i = 0;; i = 1 - i) {
    ask(1 - i);
    io.wait(tickets[i]);
    if (sizes[i] == 0) return;
    use(std::span<const std::byte>(buffers[i]).first(sizes[i]));
  }
}

void sort_file(const Options& options, const RecordFormat& format, std::uint64_t bytes,
               std::uint64_t memory_bytes) {
  memory::Budget budget(memory_bytes);
  storage::AsyncIo io;
  auto spill = external::SpillFile::scratch(disk(), options.directory);
  std::vector<external::RunRange> ranges;
  {
    constexpr std::uint64_t reading = piece_bytes / 2;
    external::RunBuilder builder(format, budget, memory_bytes - reading, spill, 0, io);
    for_each_piece(options.directory / "input", bytes, io, [&](auto piece) { builder.push(piece); });
    for (const auto& run : builder.finish()) ranges.push_back(whole(run));
  }
  spill.flush(io);
  const external::RunFiles files{&spill.reader()};
  const auto sorted = merge_runs(format, files, ranges, budget, memory_bytes, io);
  const auto output = disk().create(options.directory / "output", storage::Access::streaming);
  storage::AsyncIo::Ticket before = 0;
  for (auto block = sorted->next(); !block.empty(); block = sorted->next()) {
    const auto ticket = io.append(*output, block);
    io.wait(std::exchange(before, ticket));
  }
  io.wait(before);
  output->close();
}

/// Whether the output is in order and holds the input.
bool verify(const Options& options, const RecordFormat& format, std::uint64_t bytes, std::uint64_t sum) {
  storage::AsyncIo io;
  Bytes last;
  bool good = true;
  for_each_piece(options.directory / "output", bytes, io, [&](std::span<const std::byte> piece) {
    sum -= checksum(format, piece);
    for (std::size_t at = 0; at < piece.size(); at += format.record_bytes) {
      const auto* const record = piece.data() + at;
      const auto* const previous = at > 0         ? record - format.record_bytes
                                   : last.empty() ? record
                                                  : last.data();
      good = good && compare(format, previous, record) <= 0;
    }
    last.assign(piece.end() - format.record_bytes, piece.end());
  });
  return good && sum == 0;
}

std::vector<Figure> measure(const mpi::Session& session, const Options& options, const RecordFormat& format,
                            std::uint64_t bytes, double goal_cpu_seconds) {
  if (!session.world().is_root()) return {};
  const auto memory_bytes = options.memory_bytes > 0 ? options.memory_bytes : 64 << 20;
  const auto share = static_cast<double>(bytes);
  const auto sum = generate(options.directory / "input", format, bytes);
  memory::Profile profile;
  {
    memory::reset_peak();
    const auto phase = profile.phase("sort");
    sort_file(options, format, bytes, memory_bytes);
  }
  const auto use = profile.phases().back();
  const auto grown = use.peak_bytes - std::min(use.peak_bytes, profile.baseline_bytes());
  const auto moved = static_cast<double>(use.read_bytes + use.written_bytes) / share;
  const bool good = verify(options, format, bytes, sum);
  return {{"time", use.seconds, "s", 0, true},
          {"CPU time", use.cpu_seconds, "s", goal_cpu_seconds, true},
          {"memory beyond the start", static_cast<double>(grown), "B",
           static_cast<double>(memory_bytes + (1 << 20)), true},
          {"moved per byte of input", moved, "B/B", 4.1, true},
          {"right", good ? 1.0 : 0.0, "", 1}};
}

}  // namespace

std::vector<Figure> sort_u64(const mpi::Session& session, const Options& options) {
  const auto n = options.n > 0 ? options.n : 33'554'432;
  return measure(session, options, {8, {{external::FieldType::u64, 0, 8, false}}}, n * 8,
                 4.0 * static_cast<double>(n) / 134'217'728);
}

std::vector<Figure> sort_records(const mpi::Session& session, const Options& options) {
  const auto n = options.n > 0 ? options.n : 5'000'000;
  return measure(session, options, {100, {{external::FieldType::bytes, 0, 10, false}}}, n * 100,
                 5.0 * static_cast<double>(n) / 20'000'000);
}

}  // namespace bench
