#include <algorithm>
#include <cstring>

#include "surd/stream/detail/batch_builder.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

/// Reads a piece's bytes one after another.
class PieceReader {
 public:
  PieceReader(SpillStore& store, const Piece& piece)
      : file_(piece.extents.empty() ? nullptr : &store.open(piece.file)), piece_(piece) {}

  [[nodiscard]] bool at_end() const noexcept { return extent_ == piece_.extents.size(); }

  void read(std::span<std::byte> into) {
    while (!into.empty()) {
      if (at_end()) throw base::FormatError("packed rows end in the middle of a frame");
      const auto& extent = piece_.extents[extent_];
      const auto size = std::min<std::uint64_t>(into.size(), extent.bytes - offset_);
      const auto part = into.first(static_cast<std::size_t>(size));
      if (file_->read_at(extent.offset + offset_, part) != part.size()) {
        throw base::FormatError("a spill file ends before its last row");
      }
      into = into.subspan(part.size());
      advance(size);
    }
  }

  void skip(std::uint64_t bytes) {
    while (bytes > 0) {
      if (at_end()) throw base::FormatError("packed rows end in the middle of a frame");
      const auto size = std::min(bytes, piece_.extents[extent_].bytes - offset_);
      bytes -= size;
      advance(size);
    }
  }

 private:
  void advance(std::uint64_t bytes) {
    offset_ += bytes;
    if (offset_ < piece_.extents[extent_].bytes) return;
    ++extent_;
    offset_ = 0;
  }

  storage::ReadableFile* file_;
  const Piece& piece_;
  std::size_t extent_ = 0;
  std::uint64_t offset_ = 0;
};

class RowsSource : public Source {
 public:
  RowsSource(table::Schema schema, const std::vector<UnitOutput>& parts, Range range, bool one_unit)
      : schema_(std::move(schema)) {
    std::uint64_t row = 0;
    const auto end = range.take > ~range.skip ? ~std::uint64_t{0} : range.skip + range.take;
    for (const auto& part : parts) {
      const auto first = std::max(row, range.skip);
      const auto last = std::min(row + part.rows, end);
      if (first < last) slices_.push_back({part.piece, first - row, last - first, first - range.skip});
      row += part.rows;
    }
    if (one_unit && !slices_.empty()) {
      begins_ = {0, slices_.size()};
    } else {
      for (std::size_t i = 0; i <= slices_.size(); ++i) begins_.push_back(i);
    }
  }

  [[nodiscard]] std::uint64_t units() const override { return begins_.size() - 1; }

  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    std::uint64_t bytes = 0;
    for (auto i = begins_[unit]; i < begins_[unit + 1]; ++i) bytes += slices_[i].piece.bytes();
    return bytes;
  }

  void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) override {
    const auto reservation = setting.worker.budget.reserve(setting.memory.encode / 2, setting.memory.encode,
                                                           "reading packed rows");
    BatchBuilder builder(schema_, setting.memory.batch);
    for (auto unit = first; unit < last; ++unit) {
      flow.begin(unit);
      for (auto i = begins_[unit]; i < begins_[unit + 1]; ++i) read(slices_[i], setting, builder, flow);
      flow.end();
    }
  }

 private:
  struct Slice {
    Piece piece;
    std::uint64_t skip;      ///< Rows of the piece.
    std::uint64_t take;      ///< Rows after those.
    std::uint64_t position;  ///< Of the first row taken, in the range.
  };

  void read(const Slice& slice, const Setting& setting, BatchBuilder& builder, Flow& flow) {
    PieceReader reader(setting.worker.spills, slice.piece);
    auto skip = slice.skip;
    auto take = slice.take;
    auto position = slice.position;
    while (take > 0 && !flow.full()) {
      std::array<std::uint32_t, 2> head{};
      reader.read(std::as_writable_bytes(std::span(head)));
      const auto [rows, bytes] = head;
      if (skip >= rows) {
        reader.skip(rows * sizeof(std::uint32_t) + bytes);
        skip -= rows;
        continue;
      }
      ends_.resize(rows);
      bytes_.resize(bytes);
      reader.read(std::as_writable_bytes(std::span(ends_)));
      reader.read(bytes_);
      const auto last = std::min<std::uint64_t>(rows, skip + take);
      take -= last - skip;
      for (auto row = static_cast<std::size_t>(skip); row < last; ++row) {
        builder.add(encoded_row(bytes_, ends_, row));
        if (!builder.full() && row + 1 < last) continue;
        const auto count = builder.rows().rows;
        flow.push(builder.rows(), position);
        position += count;
        builder.clear();
      }
      skip = 0;
    }
  }

  table::Schema schema_;
  std::vector<Slice> slices_;
  std::vector<std::size_t> begins_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::byte> bytes_;
};

}  // namespace

std::unique_ptr<Source> rows_source(table::Schema schema, const std::vector<UnitOutput>& parts, Range range,
                                    bool one_unit) {
  return std::make_unique<RowsSource>(std::move(schema), parts, range, one_unit);
}

}  // namespace surd::stream::detail
