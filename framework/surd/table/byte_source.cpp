#include "surd/table/detail/byte_source.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::table::detail {
namespace {

/// Ends where the file ended when the job began.
class WholeFile final : public storage::ReadableFile {
 public:
  WholeFile(const InputFile& file, storage::FileSystem& files)
      : file_(file), reader_(files.open(file.path, storage::Access::streaming)) {}

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const auto left = file_.version.bytes - std::min(offset, file_.version.bytes);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
    const auto got = reader_->read_at(offset, into.first(wanted));
    if (got == wanted) return got;
    throw base::IoError(
        fmt::format("read {}: the file ends at byte {}, but had {} when the job began: it changed while "
                    "the job ran",
                    file_.path, offset + got, file_.version.bytes),
        0);
  }
  std::uint64_t size() override { return file_.version.bytes; }

 private:
  InputFile file_;
  std::unique_ptr<storage::ReadableFile> reader_;
};

class PlainSource final : public ByteSource {
 public:
  PlainSource(const InputFile& file, std::uint64_t offset, storage::FileSystem& files)
      : file_(file, files), offset_(offset) {}

  std::size_t read(std::span<std::byte> into) override {
    const auto got = file_.read_at(offset_, into);
    offset_ += got;
    return got;
  }

 private:
  WholeFile file_;
  std::uint64_t offset_;
};

bool name_ends(const std::string& path, std::string_view ending) {
  return path.size() >= ending.size() &&
         path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

Compression compression_of(const InputFile& file, storage::FileSystem& files) {
  std::array<std::byte, 4> start{};
  const auto size = files.open(file.path)->read_at(0, start);
  const auto begins = [&](std::initializer_list<unsigned> magic) {
    return size >= magic.size() && std::equal(magic.begin(), magic.end(), start.begin(),
                                              [](unsigned a, std::byte b) { return std::byte(a) == b; });
  };
  if (begins({0x1F, 0x8B})) return Compression::gzip;
  // A zstd file may begin with a skippable frame, as pzstd writes.
  if (begins({0x28, 0xB5, 0x2F, 0xFD})) return Compression::zstd;
  if (size == 4 && (std::to_integer<unsigned>(start[0]) & 0xF0U) == 0x50 && start[1] == std::byte{0x2A} &&
      start[2] == std::byte{0x4D} && start[3] == std::byte{0x18}) {
    return Compression::zstd;
  }
  for (const auto* ending : {".gz", ".zst"}) {
    if (!name_ends(file.path, ending)) continue;
    throw base::UsageError(fmt::format(
        "{}: not what its name says: the file does not begin as a {} file does", file.path, ending));
  }
  return Compression::none;
}

std::unique_ptr<ByteSource> open_bytes(const InputFile& file, Compression compression, std::uint64_t offset,
                                       storage::FileSystem& files, memory::Budget& budget) {
  base::expect(compression == Compression::none || offset == 0, "a compressed file is read from its begin");
  switch (compression) {
    case Compression::gzip:
      return open_gzip(file, files, budget);
    case Compression::zstd:
      return open_zstd(file, files, budget);
    case Compression::none:
      break;
  }
  return open_plain(file, offset, files);
}

std::unique_ptr<storage::ReadableFile> open_whole(const InputFile& file, storage::FileSystem& files) {
  return std::make_unique<WholeFile>(file, files);
}

std::unique_ptr<ByteSource> open_plain(const InputFile& file, std::uint64_t offset,
                                       storage::FileSystem& files) {
  return std::make_unique<PlainSource>(file, offset, files);
}

std::uint64_t count_lines(const InputFile& file, std::uint64_t bytes, storage::FileSystem& files) {
  const auto source = open_plain(file, 0, files);
  std::vector<char> block(64U << 10);
  std::uint64_t lines = 0;
  while (bytes > 0) {
    const auto part =
        std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, block.size())));
    const auto got = source->read(std::as_writable_bytes(part));
    lines += static_cast<std::uint64_t>(
        std::count(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(got), '\n'));
    bytes -= part.size();
  }
  return lines;
}

TextBuffer::TextBuffer(std::unique_ptr<ByteSource> source, std::uint64_t offset, std::size_t capacity)
    : source_(std::move(source)),
      data_(std::make_unique_for_overwrite<char[]>(capacity + 2 * padding)),
      offset_(offset),
      capacity_(capacity) {
  std::memset(data_.get(), 0, padding);
}

std::uint32_t TextBuffer::refill(std::uint32_t keep, std::size_t at_most) {
  std::memmove(data(), data() + keep, filled_ - keep);
  filled_ -= keep;
  offset_ += keep;
  const auto wanted = std::min(capacity_ - filled_, at_most);
  const auto got = source_->read(std::as_writable_bytes(std::span(data() + filled_, wanted)));
  ended_ = ended_ || got < wanted;
  filled_ += static_cast<std::uint32_t>(got);
  std::memset(data() + filled_, 0, padding);
  return keep;
}

void TextBuffer::end_line() noexcept {
  data_[filled_] = '\n';
  ++filled_;
}

}  // namespace surd::table::detail
