#include "surd/table/detail/piece_reader.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace surd::table::detail {

PieceReader::PieceReader(const InputFile& file, Compression compression, std::uint64_t begin,
                         std::uint64_t end, std::size_t piece_bytes, storage::FileSystem& files,
                         memory::Budget& budget, storage::AsyncIo* io)
    : offset_(begin), end_(end), io_(io), piece_bytes_(piece_bytes) {
  if (compression == Compression::none && io_ != nullptr) {
    file_ = open_whole(file, files);
    read_ahead(pieces_[current_]);
  } else {
    source_ = open_bytes(file, compression, begin, files, budget);
    if (compression != Compression::none) end_ = UINT64_MAX;
  }
}

PieceReader::~PieceReader() {
  for (const auto& piece : pieces_) {
    try {
      if (piece.ticket != 0) io_->wait(piece.ticket);
    } catch (const std::exception&) {  // nobody wants these bytes any more
    }
  }
}

std::span<const std::byte> PieceReader::next() {
  auto& piece = pieces_[current_];
  if (source_) {
    piece.bytes.resize(std::min<std::uint64_t>(piece_bytes_, end_ - offset_));
    const auto got = source_->read(piece.bytes);
    offset_ += got;
    return std::span(piece.bytes).first(got);
  }
  if (piece.bytes.empty()) return {};
  io_->wait(std::exchange(piece.ticket, 0));
  current_ = 1 - current_;
  read_ahead(pieces_[current_]);
  return piece.bytes;
}

void PieceReader::read_ahead(Piece& piece) {
  piece.bytes.resize(std::min<std::uint64_t>(piece_bytes_, end_ - offset_));
  if (piece.bytes.empty()) return;
  piece.ticket = io_->read(*file_, offset_, piece.bytes);
  offset_ += piece.bytes.size();
}

}  // namespace surd::table::detail
