// Compression of one block of bytes with zstd, skipped where it does not pay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace surd::storage {

/// Compresses blocks; keeps its zstd context and buffer, so that small blocks cost no allocation. Not
/// thread-safe. Blocks below 256 B, and blocks like recent ones that did not shrink, are passed through.
/// Where it costs an eighth of the size at most, blocks like recent ones are compressed so that they are read
/// faster.
class Compressor {
 public:
  Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  ~Compressor();

  struct Result {
    std::span<const std::byte>
        bytes;  ///< Valid until the next call, or as long as the input if not compressed.
    bool compressed;
  };
  [[nodiscard]] Result compress(std::span<const std::byte> raw);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Decompresses into `into`, resized to `raw_size`.
/// @throws FormatError  if `bytes` is no zstd frame of exactly raw_size bytes.
void decompress(std::span<const std::byte> bytes, std::size_t raw_size, std::vector<std::byte>& into);

/// The same; false where decompress() throws. Never allocates more than a frame of that length can hold.
[[nodiscard]] bool try_decompress(std::span<const std::byte> bytes, std::size_t raw_size,
                                  std::vector<std::byte>& into);

}  // namespace surd::storage
