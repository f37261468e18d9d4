// Bytes of an input file in large pieces; of a plain file, the next piece is read while one is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "surd/storage/async_io.hpp"
#include "surd/table/detail/byte_source.hpp"

namespace surd::table::detail {

class PieceReader {
 public:
  /// `end`: where a plain file's bytes end; a compressed one is read to its end. Takes twice `piece_bytes`,
  /// which nobody reserves here. Without `io`, which must outlive this, nothing is read ahead.
  PieceReader(const InputFile& file, Compression compression, std::uint64_t begin, std::uint64_t end,
              std::size_t piece_bytes, storage::FileSystem& files, memory::Budget& budget,
              storage::AsyncIo* io);
  PieceReader(const PieceReader&) = delete;
  PieceReader& operator=(const PieceReader&) = delete;
  ~PieceReader();

  /// As many bytes as a piece has, but at the end; none behind it. In place until the next call.
  /// @throws IoError, FormatError  as ByteSource::read().
  [[nodiscard]] std::span<const std::byte> next();

 private:
  struct Piece {
    std::vector<std::byte> bytes;
    storage::AsyncIo::Ticket ticket = 0;
  };
  void read_ahead(Piece& piece);

  std::uint64_t offset_;  ///< Of what is read next.
  std::uint64_t end_;
  storage::AsyncIo* io_;
  std::unique_ptr<storage::ReadableFile> file_;  ///< If it is read ahead, else
  std::unique_ptr<ByteSource> source_;           ///< this.
  std::size_t piece_bytes_;
  std::array<Piece, 2> pieces_;
  std::size_t current_ = 0;
};

}  // namespace surd::table::detail
