// gzip with any number of members, zstd with any number of frames.
#define ZSTD_STATIC_LINKING_ONLY  // frame headers: what memory a frame needs
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/table/detail/byte_source.hpp"

namespace surd::table::detail {
namespace {

constexpr std::size_t block_bytes = 64 * base::KiB;
constexpr std::uint64_t state_bytes = 128 * base::KiB;  ///< The block and zlib's or zstd's tables.

/// Compressed bytes, a block at a time.
class Packed {
 public:
  Packed(const InputFile& file, storage::FileSystem& files)
      : file_(file), source_(open_plain(file, 0, files)), block_(block_bytes) {}

  /// Bytes not used yet; reads on when fewer than `wanted` are left.
  std::span<std::byte> rest(std::size_t wanted = 1) {
    if (end_ - begin_ < wanted && !ended_) {
      std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
      offset_ += begin_;
      end_ -= begin_;
      begin_ = 0;
      const auto got = source_->read(std::span(block_).subspan(end_));
      ended_ = end_ + got < block_.size();
      end_ += got;
    }
    return std::span(block_).subspan(begin_, end_ - begin_);
  }
  void use(std::size_t bytes) noexcept { begin_ += bytes; }

  [[noreturn]] void truncated(std::string_view kind) const {
    throw base::IoError(
        fmt::format("read {}: truncated: the file ends at byte {} in the middle of its {} data; "
                    "copy or write it again",
                    file_.path, offset_ + end_, kind),
        0);
  }
  [[noreturn]] void damaged(std::string_view kind, std::string_view why) const {
    throw base::FormatError(
        fmt::format("{}: damaged {} data near byte {}: {}", file_.path, kind, offset_ + begin_, why));
  }
  [[nodiscard]] const std::string& path() const noexcept { return file_.path; }

 private:
  InputFile file_;
  std::unique_ptr<ByteSource> source_;
  std::vector<std::byte> block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
  bool ended_ = false;
};

class GzipSource final : public ByteSource {
 public:
  GzipSource(const InputFile& file, storage::FileSystem& files, memory::Budget& budget)
      : reservation_(budget.reserve(state_bytes, state_bytes, "decompressing " + file.path)),
        packed_(file, files) {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw base::IoError("zlib: no memory for its state", 0);
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { inflateEnd(&stream_); }

  std::size_t read(std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto input = packed_.rest();
      if (input.empty()) {
        if (in_member_) packed_.truncated("gzip");
        break;
      }
      // Some writers pad with zeros behind the last member.
      if (!in_member_ && members_ > 0 && input[0] == std::byte{0}) {
        packed_.use(1);
        continue;
      }
      in_member_ = true;
      done += inflate_some(input, into.subspan(done));
    }
    return done;
  }

 private:
  std::size_t inflate_some(std::span<std::byte> input, std::span<std::byte> into) {
    const auto room = std::min<std::size_t>(into.size(), 1U << 30);
    stream_.next_in = reinterpret_cast<Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    packed_.use(input.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      ++members_;
      in_member_ = false;
      inflateReset(&stream_);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      packed_.damaged("gzip", stream_.msg != nullptr ? stream_.msg : "not readable");
    }
    return room - stream_.avail_out;
  }

  memory::Reservation reservation_;
  Packed packed_;
  z_stream stream_{};
  bool in_member_ = true;  ///< An empty file is a truncated one.
  std::uint64_t members_ = 0;
};

/// The window twice around its rim, and a block (ZSTD_estimateDStreamSize says the same).
std::uint64_t window_memory(const ZSTD_frameHeader& header) noexcept {
  return header.windowSize + 2 * ZSTD_BLOCKSIZE_MAX + 2 * base::KiB;
}

/// What the first frame that holds data takes; 0 if there is none, or none that can be read.
std::uint64_t first_window_memory(const InputFile& file, storage::FileSystem& files) {
  const auto reader = files.open(file.path);
  std::array<std::byte, ZSTD_FRAMEHEADERSIZE_MAX> start{};
  for (std::uint64_t offset = 0; offset < file.version.bytes;) {
    const auto size = reader->read_at(offset, start);
    ZSTD_frameHeader header;
    if (ZSTD_getFrameHeader(&header, start.data(), size) != 0) return 0;
    if (header.frameType != ZSTD_skippableFrame) return window_memory(header);
    offset += ZSTD_SKIPPABLEHEADERSIZE + header.frameContentSize;
  }
  return 0;
}

class ZstdSource final : public ByteSource {
 public:
  ZstdSource(const InputFile& file, storage::FileSystem& files, memory::Budget& budget)
      : budget_(&budget),
        reservation_(budget.reserve(state_bytes, state_bytes, "decompressing " + file.path)),
        packed_(file, files),
        context_(ZSTD_createDCtx()) {
    if (!context_) throw base::IoError("zstd: no memory for its state", 0);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, ZSTD_WINDOWLOG_MAX_64);
  }

  std::size_t read(std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto input = packed_.rest(in_frame_ ? 1 : ZSTD_FRAMEHEADERSIZE_MAX);
      if (input.empty() && !(in_frame_ && unflushed_)) {
        if (in_frame_) packed_.truncated("zstd");
        break;
      }
      if (!in_frame_) begin_frame(input);
      ZSTD_inBuffer in{input.data(), input.size(), 0};
      ZSTD_outBuffer out{into.data() + done, into.size() - done, 0};
      const auto left = ZSTD_decompressStream(context_.get(), &out, &in);
      packed_.use(in.pos);
      if (ZSTD_isError(left) != 0) packed_.damaged("zstd", ZSTD_getErrorName(left));
      in_frame_ = left != 0;
      unflushed_ = out.pos == out.size;
      done += out.pos;
    }
    return done;
  }

 private:
  /// Takes the memory that the frame needs from the budget before zstd allocates it.
  void begin_frame(std::span<const std::byte> input) {
    ZSTD_frameHeader header;
    const auto status = ZSTD_getFrameHeader(&header, input.data(), input.size());
    if (ZSTD_isError(status) != 0) packed_.damaged("zstd", ZSTD_getErrorName(status));
    if (status != 0) packed_.truncated("zstd");
    in_frame_ = true;
    if (header.frameType == ZSTD_skippableFrame) return;
    const auto needed = window_memory(header);
    if (needed <= window_.bytes()) return;
    window_ = memory::Reservation();
    window_ = budget_->reserve(needed, needed,
                               fmt::format("the window of {} of the zstd file {}",
                                           base::format_bytes(header.windowSize), packed_.path()));
  }

  struct Free {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };

  memory::Budget* budget_;
  memory::Reservation reservation_;
  memory::Reservation window_;
  Packed packed_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool in_frame_ = false;
  bool unflushed_ = false;
};

}  // namespace

std::uint64_t decompression_bytes(const InputFile& file, Compression compression,
                                  storage::FileSystem& files) {
  if (compression == Compression::none) return 0;
  return state_bytes + (compression == Compression::zstd ? first_window_memory(file, files) : 0);
}

std::unique_ptr<ByteSource> open_gzip(const InputFile& file, storage::FileSystem& files,
                                      memory::Budget& budget) {
  return std::make_unique<GzipSource>(file, files, budget);
}

std::unique_ptr<ByteSource> open_zstd(const InputFile& file, storage::FileSystem& files,
                                      memory::Budget& budget) {
  return std::make_unique<ZstdSource>(file, files, budget);
}

}  // namespace surd::table::detail
