// gzip members and zstd frames around what another writer makes.
#include <zlib.h>
#include <zstd.h>

#include <utility>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/table/detail/writers.hpp"

namespace surd::table::detail {
namespace {

constexpr int gzip_level = 4;
constexpr int zstd_level = 1;
constexpr int zstd_window_log = 18;  // 256 KiB: the writer's state stays small beside any budget
constexpr std::size_t step_bytes = 64 * base::KiB;

class Packer {
 public:
  virtual ~Packer() = default;
  /// Packs `bytes`; ends the member or frame if `last`.
  virtual void pack(std::span<const char> bytes, bool last, std::vector<char>& into) = 0;
};

class GzipPacker final : public Packer {
 public:
  GzipPacker() {
    constexpr int gzip_window = 15 + 16;
    if (deflateInit2(&stream_, gzip_level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw base::IoError("zlib: no memory for its state", 0);
    }
  }
  GzipPacker(const GzipPacker&) = delete;
  GzipPacker& operator=(const GzipPacker&) = delete;
  ~GzipPacker() override { deflateEnd(&stream_); }

  void pack(std::span<const char> bytes, bool last, std::vector<char>& into) override {
    base::expect(bytes.size() < (std::size_t{1} << 32), "a batch of less than 4 GiB is compressed at once");
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      const auto used = into.size();
      into.resize(used + step_bytes);
      stream_.next_out = reinterpret_cast<Bytef*>(into.data() + used);
      stream_.avail_out = static_cast<uInt>(step_bytes);
      deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      into.resize(into.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    if (last) deflateReset(&stream_);
  }

 private:
  z_stream stream_{};
};

class ZstdPacker final : public Packer {
 public:
  ZstdPacker() : context_(ZSTD_createCCtx()) {
    if (!context_) throw base::IoError("zstd: no memory for its state", 0);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, zstd_level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, zstd_window_log);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  void pack(std::span<const char> bytes, bool last, std::vector<char>& into) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      const auto used = into.size();
      into.resize(used + step_bytes);
      ZSTD_outBuffer out{into.data() + used, step_bytes, 0};
      left = ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      base::expect(ZSTD_isError(left) == 0, "zstd compresses any bytes");
      into.resize(used + out.pos);
    } while (last ? left != 0 : in.pos < in.size);
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

std::unique_ptr<Packer> make_packer(Compression compression) {
  if (compression == Compression::gzip) return std::make_unique<GzipPacker>();
  return std::make_unique<ZstdPacker>();
}

class CompressedWriter final : public PieceWriter {
 public:
  CompressedWriter(std::unique_ptr<PieceWriter> inner, Compression compression)
      : inner_(std::move(inner)), packer_(make_packer(compression)) {}

  void write(const Batch& batch, std::vector<char>& into) override {
    plain_.clear();
    inner_->write(batch, plain_);
    packer_->pack(plain_, false, into);
  }
  void finish(std::vector<char>& into) override {
    plain_.clear();
    inner_->finish(plain_);
    packer_->pack(plain_, true, into);
  }

 private:
  std::unique_ptr<PieceWriter> inner_;
  std::unique_ptr<Packer> packer_;
  std::vector<char> plain_;
};

}  // namespace

std::unique_ptr<PieceWriter> compress(std::unique_ptr<PieceWriter> inner, Compression compression) {
  if (compression == Compression::none) return inner;
  return std::make_unique<CompressedWriter>(std::move(inner), compression);
}

std::string compress(const std::string& text, Compression compression) {
  if (compression == Compression::none) return text;
  std::vector<char> packed;
  make_packer(compression)->pack(text, true, packed);
  return {packed.begin(), packed.end()};
}

}  // namespace surd::table::detail
