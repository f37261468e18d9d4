// How fast rows are grouped in how little memory: sum and count by an 8-byte key, from file to file, on one
// rank.
#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include <fmt/format.h>

#include "surd/external/group.hpp"
#include "surd/memory/limits.hpp"
#include "surd/memory/profile.hpp"
#include "workload.hpp"

namespace bench {
namespace {

using namespace surd;

constexpr std::size_t piece_rows = 8192;

struct InputRow {
  std::uint64_t key = 0;
  std::int64_t value = 0;
};
struct OutputRow {
  std::uint64_t key = 0;
  std::int64_t sum = 0;
  std::int64_t count = 0;
};

storage::FileSystem& disk() { return storage::local_file_system(); }

std::uint64_t mixed(std::uint64_t x) {  // SplitMix64, Steele, Lea & Flood 2014
  x += 0x9E37'79B9'7F4A'7C15U;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EBU;
  return x ^ (x >> 31);
}

/// Keys uniform below rows / 4, or log-uniform below rows / 4. Returns the sum of all values.
std::int64_t generate(const storage::Path& path, std::uint64_t rows, bool zipf) {
  const auto file = disk().create(path, storage::Access::streaming);
  const auto groups = std::max<std::uint64_t>(1, rows / 4);
  std::vector<InputRow> piece;
  std::int64_t sum = 0;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const auto random = mixed(i);
    const double uniform = static_cast<double>(random >> 11) * 0x1p-53;
    const auto key = zipf ? std::exp(uniform * std::log(static_cast<double>(groups)))
                          : uniform * static_cast<double>(groups);
    piece.push_back({static_cast<std::uint64_t>(key), static_cast<std::int64_t>(random % 1000)});
    sum += piece.back().value;
    if (piece.size() == piece_rows || i + 1 == rows) {
      file->append(std::as_bytes(std::span(piece)));
      piece.clear();
    }
  }
  file->close();
  return sum;
}

external::GroupFormat sum_and_count() {
  using external::Aggregate;
  using external::ValueType;
  return {8,
          {{Aggregate::sum, ValueType::int64, true, nullptr},
           {Aggregate::count, ValueType::int64, false, nullptr}}};
}

/// Reads the rows ahead in two buffers, parts keys from values, pushes them.
void push_all(const storage::Path& path, std::uint64_t rows, external::GroupBuilder& builder,
              storage::AsyncIo& io) {
  constexpr std::size_t buffer_rows = 4 * piece_rows;
  const auto file = disk().open(path, storage::Access::streaming);
  std::array<std::vector<InputRow>, 2> buffers{std::vector<InputRow>(buffer_rows),
                                               std::vector<InputRow>(buffer_rows)};
  std::array<storage::AsyncIo::Ticket, 2> tickets{};
  std::uint64_t asked = 0;
  const auto ask = [&](std::size_t i) {
    const auto n = std::min<std::uint64_t>(buffer_rows, rows - asked);
    buffers[i].resize(n);
    tickets[i] =
        n == 0 ? 0 : io.read(*file, asked * sizeof(InputRow), std::as_writable_bytes(std::span(buffers[i])));
    asked += n;
  };
  std::vector<std::uint64_t> keys(piece_rows);
  std::vector<std::int64_t> values(piece_rows);
  ask(0);
  std::uint64_t position = 0;
  for (std::size_t current = 0;; current ^= 1) {
    ask(current ^ 1);
    io.wait(tickets[current]);
    const auto& buffer = buffers[current];
    if (buffer.empty()) return;
    for (std::size_t begin = 0; begin < buffer.size(); begin += piece_rows) {
      const auto n = std::min(piece_rows, buffer.size() - begin);
      for (std::size_t i = 0; i < n; ++i) {
        keys[i] = buffer[begin + i].key;
        values[i] = buffer[begin + i].value;
      }
      std::array<external::Values, 2> columns;
      columns[0].integers = std::span(values).first(n);
      builder.push({n, position, std::span(keys).first(n), {}, columns});
      position += n;
    }
  }
}

void group_file(const Options& options, std::uint64_t rows, std::uint64_t memory_bytes) {
  memory::Budget budget(memory_bytes);
  storage::AsyncIo io;
  auto spill = external::SpillFile::scratch(disk(), options.directory);
  const auto format = sum_and_count();
  const auto count = external::partitions_for(rows * sizeof(InputRow), 256 << 10);
  std::vector<external::PartitionExtents> parts;
  {
    constexpr std::uint64_t reading = 10 * piece_rows * sizeof(InputRow);
    external::GroupBuilder builder(format, count, budget, memory_bytes - reading, spill, 0, io);
    push_all(options.directory / "input", rows, builder, io);
    parts = builder.finish();
  }
  spill.flush(io);
  const auto output = disk().create(options.directory / "output", storage::Access::streaming);
  external::Groups groups;
  std::vector<OutputRow> piece;
  external::GroupMerger merger(format, {&spill.reader()}, {std::move(parts[0])}, budget, memory_bytes, disk(),
                               options.directory, io);
  for (std::size_t p = 1; p < parts.size(); ++p) merger.add({std::move(parts[p])});
  while (merger.next(groups)) {
    piece.resize(groups.rows);
    for (std::size_t i = 0; i < groups.rows; ++i) {
      piece[i] = {groups.keys[i], groups.results[0].integers[i], groups.results[1].integers[i]};
    }
    output->append(std::as_bytes(std::span(piece)));
  }
  output->close();
}

/// Every group once, all rows counted, all values summed.
bool verify(const storage::Path& path, std::uint64_t rows, std::int64_t sum) {
  const auto file = disk().open(path, storage::Access::streaming);
  std::vector<bool> seen(rows / 4 + 2);
  std::vector<OutputRow> piece(piece_rows);
  std::int64_t counted = 0;
  for (std::uint64_t at = 0;;) {
    const auto bytes = file->read_at(at, std::as_writable_bytes(std::span(piece)));
    if (bytes == 0) break;
    at += bytes;
    for (const auto& row : std::span(piece).first(bytes / sizeof(OutputRow))) {
      if (row.key >= seen.size() || seen[row.key]) return false;
      seen[row.key] = true;
      counted += row.count;
      sum -= row.sum;
    }
  }
  return sum == 0 && counted == static_cast<std::int64_t>(rows);
}

std::vector<Figure> measure(const mpi::Session& session, const Options& options, bool zipf, double goal) {
  if (!session.world().is_root()) return {};
  const auto rows = options.n > 0 ? options.n : 20'000'000;
  const auto memory_bytes = options.memory_bytes > 0 ? options.memory_bytes : std::uint64_t{64} << 20;
  const auto sum = generate(options.directory / "input", rows, zipf);
  memory::Profile profile;
  {
    memory::reset_peak();
    const auto phase = profile.phase("group");
    group_file(options, rows, memory_bytes);
  }
  const auto use = profile.phases().back();
  const auto grown = use.peak_bytes - std::min(use.peak_bytes, profile.baseline_bytes());
  const auto input_bytes = static_cast<double>(rows * sizeof(InputRow));
  const bool good = verify(options.directory / "output", rows, sum);
  return {{"time", use.seconds, "s"},
          {"CPU time", use.cpu_seconds, "s", goal * static_cast<double>(rows) / 1e8, true},
          {"memory beyond the start", static_cast<double>(grown), "B",
           1.25 * static_cast<double>(memory_bytes), true},
          {"moved per byte of input", static_cast<double>(use.read_bytes + use.written_bytes) / input_bytes,
           "B/B", 4.1, true},
          {"right", good ? 1.0 : 0.0, "", 1}};
}

}  // namespace

std::vector<Figure> group(const mpi::Session& session, const Options& options) {
  return measure(session, options, false, 5);
}

std::vector<Figure> group_zipf(const mpi::Session& session, const Options& options) {
  return measure(session, options, true, 3.5);
}

}  // namespace bench
