// Append-only log of checksummed records: the truth behind everything that must survive a crash.
//
// One writer per file. A record counts when its bytes are complete and its checksums right; a torn tail is
// ignored, a damaged record is skipped and reported, and the records after it are found again.
//
//   LogWriter log(files, path);                 LogReader log(files, path);
//   log.append(kind, payload);                  while (auto record = log.next()) use(*record);
//   log.sync();  log.close();                   report(log.damage());
//
// Bytes of one record, little-endian (log.cpp writes and reads them):
//    0  u32  magic "SRDR"              12  u32  raw size: bytes after decompression
//    4  u8   format version (1)        16  u64  XXH3-64 of the stored payload
//    5  u8   kind, the caller's        24  u64  XXH3-64 of bytes 0..23
//    6  u8   flags: 1 = zstd           32  payload, stored size bytes
//    7  u8   0
//    8  u32  stored size of the payload
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "surd/storage/file_system.hpp"

namespace surd::storage {

inline constexpr std::size_t log_header_bytes = 32;
inline constexpr std::size_t log_record_limit_bytes = std::size_t{1} << 30;

/// Appends records; creates the file at the first one (a writer that stores nothing leaves no file).
class LogWriter {
 public:
  LogWriter(FileSystem& files, Path path);
  LogWriter(LogWriter&&) noexcept;
  LogWriter& operator=(LogWriter&&) noexcept;
  ~LogWriter();

  /// Writes one record with one append(): when this returns, the record survives the death of this process.
  /// @throws IoError  if the disk is full; the record then does not count and the log must not be used again.
  void append(std::uint8_t kind, std::span<const std::byte> payload);
  /// Makes all appended records survive the death of the machine, too. @throws IoError  as append().
  void sync();
  /// Does not sync. @throws IoError  as append().
  void close();

  [[nodiscard]] std::uint64_t records() const noexcept;
  [[nodiscard]] std::uint64_t bytes() const noexcept;  ///< Written to disk.
  [[nodiscard]] const Path& path() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct LogRecord {
  std::uint8_t kind;
  std::uint64_t offset;                ///< Of its header in the file.
  std::span<const std::byte> payload;  ///< Decompressed; valid until the next call.
};

/// A stretch of a log that holds no valid record.
struct LogDamage {
  Path path;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool tail = false;  ///< It ends the file: a write that a crash cut short. Harmless.
  std::string reason;
};

/// Reads records in order with one sequential pass and a buffer of about 1 MiB (more only for larger
/// records).
class LogReader {
 public:
  /// Starts at `offset`, the end() of an earlier reader, to read only what was appended since.
  LogReader(FileSystem& files, Path path, std::uint64_t offset = 0);
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  /// The next valid record; nullopt at the end of what is in the file now.
  /// @throws IoError  if the file cannot be read; FormatError  if a newer surd wrote it, naming both
  /// versions.
  [[nodiscard]] std::optional<LogRecord> next();

  /// Reads the record at `offset` again, nullopt if there is no valid one.
  [[nodiscard]] std::optional<LogRecord> read(std::uint64_t offset);

  /// Offset after the last valid record (so a torn tail that is still being written is read again).
  [[nodiscard]] std::uint64_t end() const noexcept;
  [[nodiscard]] const std::vector<LogDamage>& damage() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::storage
