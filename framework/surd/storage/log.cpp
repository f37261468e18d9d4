#include "surd/storage/log.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"
#include "surd/storage/frame.hpp"

namespace surd::storage {
namespace {

constexpr std::uint32_t magic = 0x52445253;  // "SRDR"
constexpr std::uint8_t format_version = 1;
constexpr std::uint8_t compressed_flag = 1;
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
constexpr std::size_t first_read_bytes = std::size_t{8} << 10;

/// The table of bytes in log.hpp; no padding.
struct Header {
  std::uint32_t magic;
  std::uint8_t version;
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint8_t zero;
  std::uint32_t stored_bytes;
  std::uint32_t raw_bytes;
  std::uint64_t payload_hash;
  std::uint64_t header_hash;

  [[nodiscard]] std::uint64_t hash() const noexcept {
    return base::hash64(std::as_bytes(std::span(this, 1)).first(offsetof(Header, header_hash)));
  }
  [[nodiscard]] bool compressed() const noexcept { return flags == compressed_flag; }
};
static_assert(sizeof(Header) == log_header_bytes && std::is_trivially_copyable_v<Header>);

Header read_header(std::span<const std::byte> bytes) noexcept {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

/// Why a header cannot be used; empty if it can.
/// @throws FormatError  if it is right, but from a newer surd.
std::string_view flaw(const Header& header, const Path& path) {
  if (header.magic != magic) return "no record starts here";
  if (header.hash() != header.header_hash) return "the header's checksum is wrong";
  if (header.version > format_version) {
    throw base::FormatError(fmt::format(
        "{} was written in format version {}, this surd reads versions up to {}: use a newer surd",
        path.native(), header.version, format_version));
  }
  const bool known = header.version == format_version && header.flags <= compressed_flag;
  const bool possible =
      header.raw_bytes <= log_record_limit_bytes && header.stored_bytes <= log_record_limit_bytes;
  const bool matching = header.compressed() || header.raw_bytes == header.stored_bytes;
  if (!known || !possible || !matching) return "the header's fields are impossible";
  return {};
}

/// The payload as it was appended: `stored` itself or `raw`. nullopt if it is damaged.
std::optional<std::span<const std::byte>> unpack(const Header& header, std::span<const std::byte> stored,
                                                 std::vector<std::byte>& raw) {
  if (base::hash64(stored) != header.payload_hash) return std::nullopt;
  if (!header.compressed()) return stored;
  if (!try_decompress(stored, header.raw_bytes, raw)) return std::nullopt;
  return std::span<const std::byte>(raw).first(header.raw_bytes);
}

}  // namespace

struct LogWriter::State {
  FileSystem* files;
  Path path;
  std::unique_ptr<WritableFile> file;
  Compressor compressor;
  std::vector<std::byte> record;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  bool named = false;   ///< The directory was synced since the file was created.
  bool broken = false;  ///< Closed, or a call failed: what the file holds after `bytes` is unknown.

  /// Runs a call that leaves the log unusable if it throws.
  template <class Call>
  void run(Call call) {
    base::expect(!broken, "a log was used after it was closed or had failed");
    broken = true;
    call();
    broken = false;
  }
};

LogWriter::LogWriter(FileSystem& files, Path path) : state_(std::make_unique<State>()) {
  state_->files = &files;
  state_->path = std::move(path);
}
LogWriter::LogWriter(LogWriter&&) noexcept = default;
LogWriter& LogWriter::operator=(LogWriter&&) noexcept = default;
LogWriter::~LogWriter() = default;

void LogWriter::append(std::uint8_t kind, std::span<const std::byte> payload) {
  if (payload.size() > log_record_limit_bytes) {
    throw base::UsageError(fmt::format("{}: a record of {} bytes is beyond the limit of {} bytes",
                                       state_->path.native(), payload.size(), log_record_limit_bytes));
  }
  auto& state = *state_;
  const auto stored = state.compressor.compress(payload);
  Header header{magic,
                format_version,
                kind,
                stored.compressed ? compressed_flag : std::uint8_t{0},
                0,
                static_cast<std::uint32_t>(stored.bytes.size()),
                static_cast<std::uint32_t>(payload.size()),
                base::hash64(stored.bytes),
                0};
  header.header_hash = header.hash();
  state.record.resize(sizeof header + stored.bytes.size());
  std::memcpy(state.record.data(), &header, sizeof header);
  std::copy(stored.bytes.begin(), stored.bytes.end(), state.record.begin() + sizeof header);
  state.run([&] {
    if (!state.file) state.file = state.files->create(state.path);
    state.file->append(state.record);
  });
  ++state.records;
  state.bytes += state.record.size();
}

void LogWriter::sync() {
  auto& state = *state_;
  if (!state.file) return;
  state.run([&] {
    state.file->sync();
    if (!state.named) state.files->sync_directory(state.path.parent_path());
    state.named = true;
  });
}

void LogWriter::close() {
  if (!state_->file) return;
  state_->run([&] { state_->file->close(); });
  state_->file.reset();
  state_->broken = true;
}

std::uint64_t LogWriter::records() const noexcept { return state_->records; }
std::uint64_t LogWriter::bytes() const noexcept { return state_->bytes; }
const Path& LogWriter::path() const noexcept { return state_->path; }

struct LogReader::State {
  State(FileSystem& files, Path wanted, std::uint64_t offset)
      : path(std::move(wanted)),
        file(files.open(path)),
        position(offset),
        end(offset),
        buffer_offset(offset) {}

  std::optional<LogRecord> next();
  std::optional<LogRecord> read(std::uint64_t offset);

  std::span<const std::byte> window(std::uint64_t offset, std::size_t wanted);
  std::uint64_t find_magic(std::uint64_t from);
  bool reaches(std::uint64_t offset, const Header& header);
  void note(std::string_view why);
  void close_stretch(std::uint64_t until, bool tail);
  void restart_after_tail();

  Path path;
  std::unique_ptr<ReadableFile> file;
  std::uint64_t position;   ///< Next header, or a place to search for one.
  std::uint64_t end;        ///< After the last valid record; [end, position) holds none.
  std::string_view reason;  ///< First flaw of [end, position).
  std::vector<LogDamage> damage;
  std::uint64_t buffer_offset;  ///< In the file, of buffer[0].
  std::size_t buffered = 0;
  std::vector<std::byte> buffer;
  std::vector<std::byte> raw;
  std::vector<std::byte> single;  ///< For read().
};

/// The bytes from `offset` on: at least `wanted` of them, less only at the end of the file. Valid until the
/// next call.
std::span<const std::byte> LogReader::State::window(std::uint64_t offset, std::size_t wanted) {
  const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(offset - buffer_offset, buffered));
  if (offset - buffer_offset == skipped && buffered - skipped >= wanted) {
    return std::span<const std::byte>(buffer).subspan(skipped, buffered - skipped);
  }
  const auto kept = std::span(buffer).first(buffered).subspan(skipped);
  std::copy(kept.begin(), kept.end(), buffer.begin());  // to the front: overlapping is fine
  buffered -= skipped;
  buffer_offset = offset;
  const auto left = file->size() - std::min(file->size(), offset);
  const auto room = std::max<std::size_t>(wanted, std::min<std::uint64_t>(left, buffer_bytes));
  if (buffer.size() < room) buffer.resize(room);
  buffered += file->read_at(offset + buffered, std::span(buffer).subspan(buffered));
  return std::span<const std::byte>(buffer).first(buffered);
}

/// Offset of the next four bytes that could start a record, or of the end of the file.
std::uint64_t LogReader::State::find_magic(std::uint64_t from) {
  while (true) {
    const auto bytes = window(from, sizeof magic);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.size() < sizeof magic) return from + text.size();
    const auto found = text.find("SRDR");
    if (found != std::string_view::npos) return from + found;
    from += text.size() - (sizeof magic - 1);
  }
}

/// The file holds the whole record. Checked before anything of its length is allocated.
bool LogReader::State::reaches(std::uint64_t offset, const Header& header) {
  const auto until = offset + sizeof header + header.stored_bytes;
  return until <= buffer_offset + buffered || until <= file->size();
}

void LogReader::State::note(std::string_view why) {
  if (reason.empty()) reason = why;
}

void LogReader::State::close_stretch(std::uint64_t until, bool tail) {
  if (until > end) damage.push_back({path, end, until - end, tail, std::string(reason)});
  reason = {};
}

/// What ended the file at the last call may have been completed since: looks at it again.
void LogReader::State::restart_after_tail() {
  if (damage.empty() || !damage.back().tail) return;
  damage.pop_back();
  position = end;
  buffer_offset = end;
  buffered = 0;
}

std::optional<LogRecord> LogReader::State::next() {
  restart_after_tail();
  while (true) {
    const auto head = window(position, sizeof(Header));
    if (head.size() < sizeof(Header)) {
      note("the file ends inside a header");
      close_stretch(position + head.size(), true);
      return std::nullopt;
    }
    const auto header = read_header(head);
    if (const auto why = flaw(header, path); !why.empty()) {
      note(why);
      position = find_magic(position + 1);
      continue;
    }
    if (!reaches(position, header)) {
      note("the file ends inside a record");
      close_stretch(file->size(), true);
      return std::nullopt;
    }
    const auto whole = sizeof header + header.stored_bytes;
    const auto record = window(position, whole);
    if (record.size() < whole) continue;  // cut meanwhile
    const auto start = std::exchange(position, position + whole);
    const auto payload = unpack(header, record.subspan(sizeof header, header.stored_bytes), raw);
    if (!payload) {
      note("the payload's checksum is wrong");
      continue;
    }
    close_stretch(start, false);
    end = position;
    return LogRecord{header.kind, start, *payload};
  }
}

std::optional<LogRecord> LogReader::State::read(std::uint64_t offset) {
  if (single.size() < first_read_bytes) single.resize(first_read_bytes);
  auto have = file->read_at(offset, std::span(single).first(first_read_bytes));
  if (have < sizeof(Header)) return std::nullopt;
  const auto header = read_header(single);
  if (!flaw(header, path).empty()) return std::nullopt;
  const auto whole = sizeof header + header.stored_bytes;
  if (have < whole) {
    if (file->size() < offset + whole) return std::nullopt;
    if (single.size() < whole) single.resize(whole);
    have += file->read_at(offset + have, std::span(single).subspan(have, whole - have));
    if (have < whole) return std::nullopt;
  }
  const auto payload = unpack(header, std::span(single).subspan(sizeof header, header.stored_bytes), raw);
  if (!payload) return std::nullopt;
  return LogRecord{header.kind, offset, *payload};
}

LogReader::LogReader(FileSystem& files, Path path, std::uint64_t offset)
    : state_(std::make_unique<State>(files, std::move(path), offset)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

std::optional<LogRecord> LogReader::next() { return state_->next(); }
std::optional<LogRecord> LogReader::read(std::uint64_t offset) { return state_->read(offset); }
std::uint64_t LogReader::end() const noexcept { return state_->end; }
const std::vector<LogDamage>& LogReader::damage() const noexcept { return state_->damage; }

}  // namespace surd::storage
