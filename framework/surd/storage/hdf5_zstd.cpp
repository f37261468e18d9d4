// HDF5 filter 32015: a chunk as one zstd frame. Readers need the same filter, for example Python's
// hdf5plugin.
#include <cstdlib>
#include <memory>

#include <hdf5.h>
#include <zstd.h>

#include "surd/base/error.hpp"
#include "surd/storage/detail/hdf5_call.hpp"

namespace surd::storage::detail {
namespace {

constexpr H5Z_filter_t zstd_filter = 32015;
constexpr int default_level = 3;

struct Free {
  void operator()(void* memory) const noexcept { std::free(memory); }
};
using Buffer = std::unique_ptr<void, Free>;  // HDF5 frees buffers with free()

/// Bytes in `result`, 0 (the library's sign of failure) if zstd failed.
std::size_t replace(Buffer result, std::size_t result_bytes, std::size_t room, std::size_t* size,
                    void** buffer) {
  if (ZSTD_isError(result_bytes) != 0U) return 0;
  std::free(*buffer);
  *buffer = result.release();
  *size = room;
  return result_bytes;
}

std::size_t apply(unsigned flags, std::size_t count, const unsigned* values, std::size_t bytes,
                  std::size_t* size, void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) != 0) {
    const auto raw = ZSTD_getFrameContentSize(*buffer, bytes);
    if (raw == ZSTD_CONTENTSIZE_ERROR || raw == ZSTD_CONTENTSIZE_UNKNOWN) return 0;
    Buffer result(std::malloc(raw));
    if (!result) return 0;
    const auto got = ZSTD_decompress(result.get(), raw, *buffer, bytes);
    return replace(std::move(result), got, raw, size, buffer);
  }
  const auto room = ZSTD_compressBound(bytes);
  Buffer result(std::malloc(room));
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!result || !context) return 0;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel,
                         count > 0 ? static_cast<int>(values[0]) : default_level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  const auto got = ZSTD_compress2(context.get(), result.get(), room, *buffer, bytes);
  return replace(std::move(result), got, room, size, buffer);
}

}  // namespace

void register_zstd() {
  static const H5Z_class2_t filter{H5Z_CLASS_T_VERS, zstd_filter, 1, 1, "zstd", nullptr, nullptr, apply};
  if (H5Zregister(&filter) < 0) throw base::LogicError("HDF5 refused surd's zstd filter: " + hdf5_message());
}

}  // namespace surd::storage::detail
