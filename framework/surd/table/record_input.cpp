#include "surd/table/detail/record_input.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/byte_source.hpp"

namespace surd::table::detail {
namespace {

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
               std::uint64_t memory_bytes)
      : layout_(layout),
        file_(file),
        columns_(std::move(columns)),
        files_(files),
        unit_(layout.format == Format::fixed ? layout.record_bytes : 1),
        next_(split.begin / unit_),
        left_((split.end - split.begin) / unit_),
        reservation_(budget.reserve(least_memory(layout), std::max(memory_bytes, least_memory(layout)),
                                    "reading " + file.file.path)),
        bad_rows_(layout.on_bad_row) {
    check_unchanged(file_.file, files_);
    const auto rows = batch_rows(reservation_.bytes(), layout_.record_bytes);
    buffer_.resize(rows * layout_.record_bytes);
    const auto begin = file_.first_byte + next_ * layout_.record_bytes;
    source_ = open_bytes(file_.file, file_.compression, begin, files_, budget);
  }

  bool next(Batch& into) override {
    const auto rows = read_records();
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
        decode(file_.fields[k], k, buffer_.data(), layout_.record_bytes, rows, into.columns[k], bad_);
      } else {
        into.columns[k].clear(type_of(file_.fields[k].kind));
      }
    }
    if (!bad_.empty()) drop_bad(into);
    next_ += rows;
    return true;
  }

  std::vector<BadRow> take_bad_rows() override { return bad_rows_.take(); }
  std::uint64_t bad_rows() const noexcept override { return bad_rows_.count(); }

 private:
  /// A record as it is read and as columns, which may have grown to twice their size.
  static std::uint64_t least_memory(const RecordLayout& layout) { return 4 * layout.record_bytes; }

  std::size_t read_records() {
    auto wanted = buffer_.size();
    if (file_.compression == Compression::none) {
      wanted = std::min<std::uint64_t>(wanted, left_ * layout_.record_bytes);
    }
    const auto got = source_->read(std::span(buffer_).first(wanted));
    if (got % layout_.record_bytes != 0) {
      throw base::FormatError(
          fmt::format("{}: ends in the middle of a record: {} bytes are left over behind {} records of {} "
                      "bytes",
                      file_.file.path, got % layout_.record_bytes, next_ + got / layout_.record_bytes,
                      layout_.record_bytes));
    }
    const auto rows = got / layout_.record_bytes;
    left_ -= std::min<std::uint64_t>(left_, rows);
    return rows;
  }

  void drop_bad(Batch& batch) {
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
        row.text = hex(std::span(buffer_).subspan(bad_[i].row * layout_.record_bytes, layout_.record_bytes));
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
  std::uint64_t left_;  ///< Records.
  memory::Reservation reservation_;
  std::vector<std::byte> buffer_;
  std::unique_ptr<ByteSource> source_;
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
                                    memory::Budget& budget, std::uint64_t memory_bytes) const override {
    base::expect(split.file < inputs_.size() && columns.size() == schema_.size(),
                 "a split is read from the input that made it");
    return std::make_unique<RecordReader>(layout_, inputs_[split.file], split, columns, files_, budget,
                                          memory_bytes);
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
  constexpr std::uint64_t most_rows = 8192;
  return std::clamp<std::uint64_t>(memory_bytes / 4 / std::max<std::uint64_t>(row_bytes, 1), 1, most_rows);
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

std::unique_ptr<Input> open_fixed(const InputSpec& spec, std::vector<std::string> paths,
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
