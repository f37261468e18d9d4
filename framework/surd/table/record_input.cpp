#include "surd/table/detail/record_input.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/piece_reader.hpp"

namespace surd::table::detail {
namespace {

constexpr std::uint64_t most_batch_rows = 8192;

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const auto byte : bytes.first(std::min(bytes.size(), BadRowLog::kept_text_bytes / 2))) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

class RecordReader final : public BatchReader {
 public:
  RecordReader(const RecordLayout& layout, const RecordFile& file, const Split& split,
               std::vector<bool> columns, storage::FileSystem& files, memory::Budget& budget,
               std::uint64_t memory_bytes, storage::AsyncIo* io)
      : layout_(layout),
        file_(file),
        columns_(std::move(columns)),
        files_(files),
        unit_(layout.format == Format::fixed ? layout.record_bytes : 1),
        next_(split.begin / unit_),
        reservation_(budget.reserve(least_memory(layout), std::max(memory_bytes, least_memory(layout)),
                                    "reading " + file.file.path)),
        bad_rows_(layout.on_bad_row) {
    check_unchanged(file_.file, files_);
    const auto record = layout_.record_bytes;
    const auto piece_rows =
        std::max<std::uint64_t>(1, std::min(reservation_.bytes() / 8, most_piece_bytes) / record);
    batch_rows_ = std::min<std::uint64_t>(piece_rows, most_batch_rows);
    const auto begin = file_.first_byte + next_ * record;
    const auto end = file_.first_byte + split.end / unit_ * record;
    pieces_.emplace(file_.file, file_.compression, begin, end, piece_rows * record, files_, budget, io);
  }

  bool next(Batch& into) override {
    const auto records = read_records();
    const auto rows = records.size() / layout_.record_bytes;
    if (rows == 0) {
      if (!std::exchange(checked_, true)) check_unchanged(file_.file, files_);
      into.rows = 0;
      for (auto& column : into.columns) column.clear(column.type);
      return false;
    }
    bad_.clear();
    into.rows = rows;
    into.columns.resize(file_.fields.size());
    for (std::size_t k = 0; k < file_.fields.size(); ++k) {
      if (columns_[k]) {
        decode(file_.fields[k], k, records.data(), layout_.record_bytes, rows, into.columns[k], bad_);
      } else {
        into.columns[k].clear(type_of(file_.fields[k].kind));
      }
    }
    if (!bad_.empty()) drop_bad(records, into);
    next_ += rows;
    return true;
  }

  std::vector<BadRow> take_bad_rows() override { return bad_rows_.take(); }
  std::uint64_t bad_rows() const noexcept override { return bad_rows_.count(); }

 private:
  static constexpr std::uint64_t most_piece_bytes = 1 << 20;

  /// Two pieces of a record, and a record as columns, which may have grown to twice their size.
  static std::uint64_t least_memory(const RecordLayout& layout) { return 4 * layout.record_bytes; }

  /// Of the piece that was read last, or the next one.
  std::span<const std::byte> read_records() {
    if (piece_.empty()) {
      piece_ = pieces_->next();
      const auto over = piece_.size() % layout_.record_bytes;
      if (over != 0) {
        throw base::FormatError(fmt::format(
            "{}: ends in the middle of a record: {} bytes are left over behind {} records of {} "
            "bytes",
            file_.file.path, over, next_ + piece_.size() / layout_.record_bytes, layout_.record_bytes));
      }
    }
    const auto records = piece_.first(std::min(piece_.size(), batch_rows_ * layout_.record_bytes));
    piece_ = piece_.subspan(records.size());
    return records;
  }

  void drop_bad(std::span<const std::byte> records, Batch& batch) {
    std::stable_sort(bad_.begin(), bad_.end(),
                     [](const BadValue& a, const BadValue& b) { return a.row < b.row; });
    for (std::size_t i = 0; i < bad_.size(); ++i) {
      if (i > 0 && bad_[i].row == bad_[i - 1].row) continue;
      BadRow row;
      row.file = file_.file.path;
      row.offset = file_.first_byte + (next_ + bad_[i].row) * layout_.record_bytes;
      row.column = file_.fields[bad_[i].column].name;
      row.reason = bad_[i].reason;
      if (bad_rows_.keeps_text()) {
        row.text = hex(records.subspan(bad_[i].row * layout_.record_bytes, layout_.record_bytes));
      }
      bad_rows_.add(std::move(row));
    }
    drop_bad_rows(bad_, batch);
  }

  RecordLayout layout_;
  RecordFile file_;
  std::vector<bool> columns_;
  storage::FileSystem& files_;
  std::uint64_t unit_;
  std::uint64_t next_;  ///< Record.
  memory::Reservation reservation_;
  std::size_t batch_rows_ = 0;
  std::optional<PieceReader> pieces_;
  std::span<const std::byte> piece_;  ///< What is left of the last one.
  std::vector<BadValue> bad_;
  BadRowLog bad_rows_;
  bool checked_ = false;
};

class RecordInput final : public Input {
 public:
  RecordInput(RecordLayout layout, std::vector<RecordFile> inputs, storage::FileSystem& files)
      : layout_(std::move(layout)),
        inputs_(std::move(inputs)),
        files_(files),
        schema_(schema_of(inputs_.at(0).fields)),
        decompression_bytes_(most_decompression_bytes(inputs_, files)) {}

  const Schema& schema() const noexcept override { return schema_; }

  std::uint64_t bytes() const noexcept override {
    std::uint64_t sum = 0;
    for (const auto& input : inputs_) sum += input.file.version.bytes;
    return sum;
  }

  std::vector<Split> splits(std::uint64_t bytes) const override {
    std::vector<Split> all;
    for (std::uint32_t k = 0; k < inputs_.size(); ++k) {
      const auto& input = inputs_[k];
      if (input.compression != Compression::none) {
        all.push_back({k, 0, input.file.version.bytes});
      } else {
        const auto unit = layout_.format == Format::fixed ? layout_.record_bytes : 1;
        add_splits(k, input.records, layout_.record_bytes, unit, bytes, all);
      }
    }
    return all;
  }

  std::unique_ptr<BatchReader> read(const Split& split, const std::vector<bool>& columns,
                                    memory::Budget& budget, std::uint64_t memory_bytes,
                                    storage::AsyncIo* io) const override {
    base::expect(split.file < inputs_.size() && columns.size() == schema_.size(),
                 "a split is read from the input that made it");
    return std::make_unique<RecordReader>(layout_, inputs_[split.file], split, columns, files_, budget,
                                          memory_bytes, io);
  }

  std::string file_path(std::uint32_t file) const override { return inputs_.at(file).file.path; }

  std::uint64_t beside_bytes(const std::vector<bool>&) const override { return decompression_bytes_; }

  std::string fingerprint() const override {
    std::vector<InputFile> noted;
    for (const auto& input : inputs_) noted.push_back(input.file);
    return detail::fingerprint(layout_.format, noted, schema_, layout_.options);
  }

 private:
  RecordLayout layout_;
  std::vector<RecordFile> inputs_;
  storage::FileSystem& files_;
  Schema schema_;
  std::uint64_t decompression_bytes_;
};

/// By the name alone: the first bytes of records may be anything.
Compression compression_by_name(const InputFile& file, storage::FileSystem& files) {
  if (!file.path.ends_with(".gz") && !file.path.ends_with(".zst")) return Compression::none;
  return compression_of(file, files);
}

}  // namespace

std::unique_ptr<Input> make_record_input(RecordLayout layout, std::vector<RecordFile> inputs,
                                         storage::FileSystem& files) {
  return std::make_unique<RecordInput>(std::move(layout), std::move(inputs), files);
}

std::size_t batch_rows(std::uint64_t memory_bytes, std::uint64_t row_bytes) noexcept {
  return std::clamp<std::uint64_t>(memory_bytes / 4 / std::max<std::uint64_t>(row_bytes, 1), 1,
                                   most_batch_rows);
}

void add_splits(std::uint32_t file, std::uint64_t rows, std::uint64_t row_bytes, std::uint64_t unit,
                std::uint64_t bytes, std::vector<Split>& into) {
  const auto most = std::max<std::uint64_t>(bytes / std::max<std::uint64_t>(row_bytes, 1), 1);
  for (std::uint64_t begin = 0; begin < rows;) {
    const auto end = begin + std::min(most, rows - begin);
    into.push_back({file, begin * unit, end * unit});
    begin = end;
  }
}

std::unique_ptr<Input> open_fixed(const InputSpec& spec, const std::vector<std::string>& paths,
                                  storage::FileSystem& files) {
  if (spec.record_bytes == 0) {
    throw base::UsageError("an input of format fixed needs 'record_bytes', the size of its records");
  }
  if (spec.columns.empty()) throw base::UsageError("an input of format fixed needs 'columns'");
  if (!spec.types.empty()) {
    throw base::UsageError("an input of format fixed has the types of its 'columns'; remove 'types'");
  }
  const auto fields = fields_of(spec.columns, spec.record_bytes);
  std::vector<RecordFile> inputs;
  for (auto& file : note_versions(paths, files)) {
    const auto compression = compression_by_name(file, files);
    const auto bytes = file.version.bytes;
    const auto rest = bytes % spec.record_bytes;
    if (compression == Compression::none && rest != 0) {
      throw base::UsageError(
          fmt::format("{}: {} bytes are no multiple of record_bytes, {}: {} bytes are left over", file.path,
                      bytes, spec.record_bytes, rest));
    }
    const auto records = compression == Compression::none ? bytes / spec.record_bytes : 0;
    inputs.push_back({std::move(file), compression, 0, records, fields});
  }
  std::string options = fmt::format("{}", spec.record_bytes);
  for (const auto& column : spec.columns) {
    options += fmt::format(";{},{},{}", column.type, column.offset, column.bytes);
  }
  return make_record_input({Format::fixed, spec.record_bytes, spec.on_bad_row, options}, std::move(inputs),
                           files);
}

}  // namespace surd::table::detail
