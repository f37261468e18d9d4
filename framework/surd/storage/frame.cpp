#include "surd/storage/frame.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>

#include "surd/base/error.hpp"

namespace surd::storage {
namespace {

constexpr std::size_t smallest_block_bytes = 256;
// After this many blocks in a row that did not shrink, 2 blocks are passed through, then 4, and so on.
constexpr unsigned patience = 4;
constexpr unsigned longest_pause = 64;
/// Parameters of zstd; 0 is what the level has.
struct Setting {
  int level;
  int least_match;
  int step;
};
// From the fastest to the smallest. At levels below 0 zstd has no Huffman codes for what it does not find
// again. Numbers in floating point become a few percent larger by that, and are written and read in two
// thirds of the time; text becomes a third larger. Numbers repeat in long stretches: where these lie in rows,
// they are found as well by looking at fewer places, in half of the time. One block in so many is tried in
// all ways.
constexpr std::array<Setting, 4> settings{{{-1, 7, 3}, {-1, 7, 0}, {-1, 0, 0}, {1, 0, 0}}};
constexpr std::size_t smallest = settings.size() - 1;
constexpr unsigned blocks_per_trial = 61;  // prime, so that it falls on all kinds of blocks that take turns
// A zstd block holds at most 128 KiB and takes at least 3 bytes.
constexpr std::size_t block_content_bytes = std::size_t{128} << 10;
constexpr std::size_t block_least_bytes = 3;

struct FreeCompression {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};
struct FreeDecompression {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

ZSTD_DCtx* decompression_context() {
  static thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompression> context(ZSTD_createDCtx());
  base::expect(context != nullptr, "zstd cannot make a decompression context");
  return context.get();
}

}  // namespace

struct Compressor::State {
  State() : context(ZSTD_createCCtx()) {
    base::expect(context != nullptr, "zstd cannot make a compression context");
  }

  /// Compresses into `buffer`; 0 if that does not save at least a fifth (noise in floats saves less, and
  /// costs as much).
  std::size_t shrink(std::span<const std::byte> raw) {
    if (until_trial == 0 && !choose(raw)) return 0;
    --until_trial;
    const auto size = shrink(raw, setting);
    if (size > 0 || setting == smallest) return size;
    until_trial = 0;
    return shrink(raw, smallest);
  }

  /// Takes the fastest setting that costs an eighth of the size at most; false if none shrinks the block.
  bool choose(std::span<const std::byte> raw) {
    const auto small = shrink(raw, smallest);
    if (small == 0) return false;
    const auto suits = [&](std::size_t tried) {
      const auto size = shrink(raw, tried);
      return size != 0 && size <= small + small / 8;
    };
    setting = 0;
    while (setting < smallest && !suits(setting)) ++setting;
    until_trial = blocks_per_trial;
    return true;
  }

  std::size_t shrink(std::span<const std::byte> raw, std::size_t with) {
    const auto room = raw.size() - raw.size() / 5;
    if (buffer.size() < room) buffer.resize(room);
    if (with != set) use(with);
    const auto size = ZSTD_compress2(context.get(), buffer.data(), room, raw.data(), raw.size());
    return ZSTD_isError(size) != 0 ? 0 : size;  // the only error here is that the block does not fit
  }

  void use(std::size_t with) {
    const auto set_one = [&](ZSTD_cParameter parameter, int value) {
      base::expect(ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value)) == 0,
                   "zstd does not know a parameter");
    };
    base::expect(ZSTD_isError(ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_only)) == 0,
                 "zstd cannot begin anew");  // after an error it is amid a frame
    set_one(ZSTD_c_compressionLevel, settings[with].level);
    set_one(ZSTD_c_minMatch, settings[with].least_match);
    set_one(ZSTD_c_targetLength, settings[with].step);
    set = with;
  }

  std::unique_ptr<ZSTD_CCtx, FreeCompression> context;
  std::vector<std::byte> buffer;
  std::size_t set = settings.size();  ///< What the context has: none.
  std::size_t setting = smallest;     ///< Of the blocks
  unsigned until_trial = 0;           ///< so long.
  unsigned failures = 0;              ///< Tried blocks in a row that did not shrink.
  unsigned paused = 0;                ///< Blocks still to pass through.
};

Compressor::Compressor() : state_(std::make_unique<State>()) {}
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

Compressor::Result Compressor::compress(std::span<const std::byte> raw) {
  auto& state = *state_;
  if (raw.size() < smallest_block_bytes) return {raw, false};
  if (state.paused > 0) {
    --state.paused;
    return {raw, false};
  }
  const auto size = state.shrink(raw);
  if (size == 0) {
    if (++state.failures >= patience)
      state.paused = std::min(2U << std::min(state.failures - patience, 6U), longest_pause);
    return {raw, false};
  }
  state.failures = 0;
  return {std::span(state.buffer).first(size), true};
}

bool try_decompress(std::span<const std::byte> bytes, std::size_t raw_size, std::vector<std::byte>& into) {
  if (ZSTD_getFrameContentSize(bytes.data(), bytes.size()) != raw_size) return false;
  if (raw_size / block_content_bytes > bytes.size() / block_least_bytes) return false;
  into.resize(raw_size);
  const auto size =
      ZSTD_decompressDCtx(decompression_context(), into.data(), into.size(), bytes.data(), bytes.size());
  return ZSTD_isError(size) == 0 && size == raw_size;
}

void decompress(std::span<const std::byte> bytes, std::size_t raw_size, std::vector<std::byte>& into) {
  if (!try_decompress(bytes, raw_size, into)) {
    throw base::FormatError(fmt::format("{} bytes are no zstd frame of {} bytes", bytes.size(), raw_size));
  }
}

}  // namespace surd::storage
