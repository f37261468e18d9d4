// Bytes of an input file in order, decompressed if need be, and a buffer that holds a piece of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "surd/memory/budget.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/table/detail/formats.hpp"
#include "surd/table/output.hpp"

namespace surd::table::detail {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills `into`; returns fewer bytes only at the end.
  /// @throws IoError  if the file is shorter than it was, or a compressed one ends in the middle;
  /// @throws FormatError  if compressed bytes are damaged. Both name the file and the offset in it.
  virtual std::size_t read(std::span<std::byte> into) = 0;
};

/// By the first bytes of the file. @throws UsageError  if the name says otherwise.
[[nodiscard]] Compression compression_of(const InputFile& file, storage::FileSystem& files);

/// The file from `offset`, which must be 0 for a compressed one. Decompression takes 128 KiB from `budget`,
/// for zstd the window of its frames besides.
[[nodiscard]] std::unique_ptr<ByteSource> open_bytes(const InputFile& file, Compression compression,
                                                     std::uint64_t offset, storage::FileSystem& files,
                                                     memory::Budget& budget);
/// The file at any offset, as it was when the job began. read_at() throws what ByteSource::read() does.
[[nodiscard]] std::unique_ptr<storage::ReadableFile> open_whole(const InputFile& file,
                                                                storage::FileSystem& files);
/// What open_bytes() takes from the budget, as far as the file's beginning tells.
[[nodiscard]] std::uint64_t decompression_bytes(const InputFile& file, Compression compression,
                                                storage::FileSystem& files);
/// The most that any of `inputs` takes: they have members file and compression.
template <class File>
[[nodiscard]] std::uint64_t most_decompression_bytes(const std::vector<File>& inputs,
                                                     storage::FileSystem& files) {
  std::uint64_t most = 0;
  for (const auto& input : inputs) {
    most = std::max(most, decompression_bytes(input.file, input.compression, files));
  }
  return most;
}

/// What open_bytes() chooses from.
[[nodiscard]] std::unique_ptr<ByteSource> open_plain(const InputFile& file, std::uint64_t offset,
                                                     storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<ByteSource> open_gzip(const InputFile& file, storage::FileSystem& files,
                                                    memory::Budget& budget);
[[nodiscard]] std::unique_ptr<ByteSource> open_zstd(const InputFile& file, storage::FileSystem& files,
                                                    memory::Budget& budget);

/// Line ends in the first `bytes` of a file: to name the line of an error. Reads all of them.
[[nodiscard]] std::uint64_t count_lines(const InputFile& file, std::uint64_t bytes,
                                        storage::FileSystem& files);

/// A piece of a source that moves forward: [begin, filled) of data() is there, and 64 bytes behind it can be
/// read.
class TextBuffer {
 public:
  /// `offset` is that of the source's first byte in the file.
  TextBuffer(std::unique_ptr<ByteSource> source, std::uint64_t offset, std::size_t capacity);

  [[nodiscard]] char* data() noexcept { return data_.get(); }
  [[nodiscard]] std::uint32_t filled() const noexcept { return filled_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t offset_of(std::uint32_t position) const noexcept { return offset_ + position; }
  /// Whether [keep, filled) leaves no room for more.
  [[nodiscard]] bool full(std::uint32_t keep) const noexcept { return filled_ - keep == capacity_; }

  /// Moves [keep, filled) to the front and reads up to `at_most` behind it, as there is room. Returns how
  /// far it moved it: `keep`. ended() tells whether there was more.
  std::uint32_t refill(std::uint32_t keep, std::size_t at_most = read_bytes);
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Puts a line end behind the last line, which has none. Once, at the end.
  void end_line() noexcept;

  static constexpr std::size_t padding = 64;
  /// Read at once: big enough for disks, small enough to stay in the second level cache.
  static constexpr std::size_t read_bytes = std::size_t{256} << 10;

 private:
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<char[]> data_;
  std::uint64_t offset_;
  std::size_t capacity_;
  std::uint32_t filled_ = 0;
  bool ended_ = false;
};

}  // namespace surd::table::detail
