#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/base/json.hpp"
#include "surd/ranks/detail/result_reader.hpp"
#include "surd/ranks/detail/result_rows.hpp"
#include "surd/ranks/detail/result_source.hpp"
#include "surd/ranks/results.hpp"

namespace surd::ranks {
namespace {

using base::load;
using detail::PointState;
using detail::ResultField;
using detail::Slab;
using storage::H5Kind;

constexpr std::size_t flush_bytes = 256 * 1024;

/// Text on its way to stdout ("-") or to `path`.part, renamed to `path` when complete.
class TextOutput {
 public:
  TextOutput(storage::FileSystem& files, const storage::Path& path)
      : files_(&files), path_(path), part_(path) {
    if (path_ == "-") return;
    part_ = storage::part_path(part_);
    if (path_.has_parent_path()) files_->make_directories(path_.parent_path());
    file_ = files_->create(part_);
  }
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;
  ~TextOutput() {
    if (file_) std::remove(part_.c_str());  // not complete
  }

  /// To append to; call flush_if_full() now and then.
  [[nodiscard]] std::string& text() noexcept { return text_; }
  void flush_if_full() {
    if (text_.size() >= flush_bytes) flush();
  }

  /// Returns the number of bytes written.
  std::uint64_t finish() {
    flush();
    if (!file_) {
      if (std::fflush(stdout) != 0) throw base::IoError("write to stdout failed", errno);
      return bytes_;
    }
    file_->sync();
    file_->close();
    file_.reset();
    files_->rename(part_, path_);
    files_->sync_directory(path_.has_parent_path() ? path_.parent_path() : ".");
    return bytes_;
  }

 private:
  void flush() {
    bytes_ += text_.size();
    if (file_) {
      file_->append(std::as_bytes(std::span(text_)));
    } else if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size()) {
      throw base::IoError("write to stdout failed", errno);
    }
    text_.clear();
  }

  storage::FileSystem* files_;
  storage::Path path_;
  storage::Path part_;
  std::unique_ptr<storage::WritableFile> file_;
  std::string text_;
  std::uint64_t bytes_ = 0;
};

std::string json_text(std::string_view text) {
  return base::Json(text).dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

/// JSON has no NaN and no infinities.
void append_json_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out += std::isnan(value) ? "null" : value > 0 ? "\"inf\"" : "\"-inf\"";
  }
}

/// A nested JSON list of the shape from dimension `depth` on; returns where the values after it begin.
const std::byte* append_list(std::string& out, const ResultField& field, std::size_t depth,
                             const std::byte* values) {
  if (depth == field.shape.size()) {
    append_json_number(out, load<double>(values));
    return values + sizeof(double);
  }
  out += '[';
  for (std::uint64_t i = 0; i < field.shape[depth]; ++i) {
    if (i > 0) out += ',';
    values = append_list(out, field, depth + 1, values);
  }
  out += ']';
  return values;
}

std::string_view text_of(const ResultField& field, const std::byte* cell) {
  const std::string_view padded(reinterpret_cast<const char*>(cell), field.bytes);
  return padded.substr(0, padded.find('\0'));
}

/// RFC 4180.
void append_quoted(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

/// One format: how a row begins, and how its cells look.
class RowFormat {
 public:
  virtual ~RowFormat() = default;
  virtual void head(std::string& out, const std::vector<std::string>& names) = 0;
  virtual void axis(std::string& out, const std::string& name, const sweep::Value& value) = 0;
  virtual void status(std::string& out, std::string_view text) = 0;
  virtual void cell(std::string& out, const ResultField& field, const std::byte* cell) = 0;
  virtual void end(std::string& out) = 0;
};

class CsvRows final : public RowFormat {
 public:
  void head(std::string& out, const std::vector<std::string>& names) override {
    for (const auto& name : names) next(out), append_quoted(out, name);
    end(out);
  }
  void axis(std::string& out, const std::string&, const sweep::Value& value) override {
    next(out);
    append_quoted(out, sweep::to_text(value));
  }
  void status(std::string& out, std::string_view text) override {
    next(out);
    out += text;
  }
  void cell(std::string& out, const ResultField& field, const std::byte* cell) override {
    next(out);
    if (cell == nullptr) return;
    if (!field.shape.empty()) {
      std::string list;
      append_list(list, field, 0, cell);
      append_quoted(out, list);
    } else if (field.type.kind == H5Kind::text) {
      append_quoted(out, text_of(field, cell));
    } else if (field.type.kind == H5Kind::f64) {
      fmt::format_to(std::back_inserter(out), "{}", load<double>(cell));
    } else if (field.type.kind == H5Kind::i64) {
      const auto value = load<std::int64_t>(cell);
      if (value != std::numeric_limits<std::int64_t>::min()) out += fmt::to_string(value);
    } else if (const auto value = load<std::int8_t>(cell); value >= 0) {
      out += value != 0 ? "true" : "false";
    }
  }
  void end(std::string& out) override {
    out += '\n';
    first_ = true;
  }

 private:
  void next(std::string& out) {
    if (!std::exchange(first_, false)) out += ',';
  }
  bool first_ = true;
};

class JsonRows final : public RowFormat {
 public:
  void head(std::string&, const std::vector<std::string>&) override {}
  void axis(std::string& out, const std::string& name, const sweep::Value& value) override {
    key(out, name);
    out += sweep::to_json(value).dump(-1, ' ', false, base::Json::error_handler_t::replace);
  }
  void status(std::string& out, std::string_view text) override {
    key(out, "status");
    out += json_text(text);
  }
  void cell(std::string& out, const ResultField& field, const std::byte* cell) override {
    key(out, field.name);
    if (cell == nullptr) {
      out += "null";
    } else if (field.type.kind == H5Kind::text) {
      out += json_text(text_of(field, cell));
    } else if (field.type.kind == H5Kind::f64) {
      append_list(out, field, 0, cell);
    } else if (field.type.kind == H5Kind::i64) {
      const auto value = load<std::int64_t>(cell);
      out += value == std::numeric_limits<std::int64_t>::min() ? "null" : fmt::to_string(value);
    } else {
      const auto value = load<std::int8_t>(cell);
      out += value < 0 ? "null" : value != 0 ? "true" : "false";
    }
  }
  void end(std::string& out) override {
    out += "}\n";
    first_ = true;
  }

 private:
  void key(std::string& out, std::string_view name) {
    out += std::exchange(first_, false) ? '{' : ',';
    out += json_text(name);
    out += ':';
  }
  bool first_ = true;
};

std::unique_ptr<RowFormat> make_format(const std::string& format) {
  if (format == "csv") return std::make_unique<CsvRows>();
  if (format == "jsonl") return std::make_unique<JsonRows>();
  throw base::UsageError(fmt::format("format: expected csv or jsonl, found '{}'", format));
}

/// Writes the rows of one slab after the other.
class TableWriter {
 public:
  TableWriter(const sweep::Grid& grid, const detail::ResultSchema& schema, RowFormat& format,
              TextOutput& output, bool with_failed)
      : grid_(&grid), schema_(&schema), format_(&format), output_(&output), with_failed_(with_failed) {}

  void head() {
    auto names = grid_->axes();
    names.emplace_back("status");
    for (const auto& field : schema_->fields()) names.push_back(field.name);
    format_->head(output_->text(), names);
  }

  void write(Slab& slab) {
    const auto states = slab.states();
    for (const auto state : states) ++counts_[static_cast<std::size_t>(state)];
    if (slab.untouched()) return;
    auto coordinates = detail::unravel(grid_->shape(), slab.run().first);
    for (std::size_t i = 0; i < states.size(); ++i, detail::next_point(grid_->shape(), coordinates)) {
      const bool done = states[i] == PointState::done;
      if (!done && !(with_failed_ && states[i] == PointState::failed)) continue;
      row(slab, i, done, coordinates);
      output_->flush_if_full();
    }
  }

  [[nodiscard]] ResultsSummary summary(std::uint64_t bytes) const {
    return {counts_[1], counts_[2], counts_[0], counts_[3], bytes};
  }

 private:
  void row(const Slab& slab, std::size_t i, bool done, const std::vector<std::uint64_t>& coordinates) {
    auto& out = output_->text();
    for (std::size_t axis = 0; axis < grid_->axes().size(); ++axis) {
      format_->axis(out, grid_->axes()[axis], grid_->value(axis, coordinates));
    }
    format_->status(out, done ? "done" : "failed");
    for (std::size_t f = 0; f < schema_->fields().size(); ++f) {
      const auto& field = schema_->fields()[f];
      format_->cell(out, field, done ? slab.cells(f).data() + i * field.bytes : nullptr);
    }
    format_->end(out);
  }

  const sweep::Grid* grid_;
  const detail::ResultSchema* schema_;
  RowFormat* format_;
  TextOutput* output_;
  bool with_failed_;
  std::array<std::uint64_t, 4> counts_{};
};

}  // namespace

ResultsSummary export_table(storage::FileSystem& files, const storage::Path& memo,
                            const sweep::Definition& definition, const std::string& format,
                            const ResultsOptions& options, bool with_failed) {
  const auto rows = make_format(format);
  TextOutput output(files, options.output);
  const detail::ResultSource source(nullptr, files, memo, definition, options.keep_other_versions);
  const auto& schema = source.schema();
  if (!schema.conflict().empty()) throw base::UsageError(schema.conflict());
  detail::RowStore store(schema, {0, definition.grid.size()}, options.memory_bytes,
                         {&files, options.scratch, 0});
  source.read([&](std::span<const std::byte> row) { store.put(row); });
  TableWriter table(definition.grid, schema, *rows, output, with_failed);
  table.head();
  store.drain([&](Slab& slab) {
    mark_excluded(definition.grid, source.excluded(), slab.run(), slab.states());
    table.write(slab);
  });
  return table.summary(output.finish());
}

}  // namespace surd::ranks
