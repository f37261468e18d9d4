// Records of fixed size, and rows packed to become an HDF5 table.
#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/writers.hpp"
#include "surd/table/rows.hpp"

namespace surd::table {
namespace detail {
namespace {

class RecordWriter final : public PieceWriter {
 public:
  explicit RecordWriter(RecordShape shape) : shape_(std::move(shape)) {}

  void write(const Batch& batch, std::vector<char>& into) override {
    const auto used = into.size();
    into.resize(used + batch.rows * shape_.record_bytes);  // gaps between fields are zeros
    auto* records = reinterpret_cast<std::byte*>(into.data() + used);
    for (std::size_t k = 0; k < shape_.fields.size(); ++k) {
      encode(batch.columns[k], shape_.fields[k], rows_, records, shape_.record_bytes);
    }
    rows_ += batch.rows;
  }
  void finish(std::vector<char>&) override {}

 private:
  RecordShape shape_;
  std::uint64_t rows_ = 0;
};

std::vector<std::size_t> all_columns(const Schema& schema) {
  std::vector<std::size_t> columns(schema.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  return columns;
}

/// Each row: u32 size, row of RowCodec.
class PackedRowsWriter final : public PieceWriter {
 public:
  explicit PackedRowsWriter(const Schema& schema) : codec_(schema, all_columns(schema)) {}

  void write(const Batch& batch, std::vector<char>& into) override {
    codec_.encode(batch, bytes_, ends_);
    auto used = into.size();
    into.resize(used + bytes_.size() + ends_.size() * sizeof(std::uint32_t));
    std::uint32_t begin = 0;
    for (const auto end : ends_) {
      const auto size = end - begin;
      std::memcpy(into.data() + used, &size, sizeof size);
      std::memcpy(into.data() + used + sizeof size, bytes_.data() + begin, size);
      used += sizeof size + size;
      begin = end;
    }
  }
  void finish(std::vector<char>&) override {}

 private:
  RowCodec codec_;
  std::vector<std::byte> bytes_;
  std::vector<std::uint32_t> ends_;
};

RecordShape default_shape(const Schema& schema) {
  RecordShape shape;
  for (const auto& field : schema) {
    if (field.type == Type::text) {
      throw base::UsageError(fmt::format(
          "column {}: texts in a binary output need a length: describe all columns under "
          "'columns', this one as {{name: {}, type: bytes, offset: ..., bytes: ...}}, or write csv, "
          "jsonl or hdf5",
          field.name, field.name));
    }
    const auto kind = field.type == Type::int64     ? FieldKind::integer
                      : field.type == Type::float64 ? FieldKind::number
                                                    : FieldKind::boolean;
    const std::uint32_t bytes = field.type == Type::boolean ? 1 : 8;
    shape.fields.push_back({field.name, kind, bytes, shape.record_bytes, false});
    shape.record_bytes += bytes;
  }
  return shape;
}

/// Moves the fields together, in order of columns: offsets mean nothing in a .npy file.
void pack(RecordShape& shape) {
  shape.record_bytes = 0;
  for (auto& field : shape.fields) {
    field.offset = shape.record_bytes;
    shape.record_bytes += field.bytes;
  }
}

}  // namespace

RecordShape record_shape(const OutputSpec& spec, const Schema& schema) {
  if (spec.columns.empty()) return default_shape(schema);
  std::uint32_t record_bytes = spec.record_bytes;
  auto fields = fields_of(spec.columns, record_bytes != 0 ? record_bytes : ~std::uint32_t{0});
  for (const auto& field : fields) {
    if (spec.record_bytes == 0) {
      record_bytes = std::max(record_bytes, static_cast<std::uint32_t>(field.offset) + field.bytes);
    }
    const auto& column = schema[find(schema, field.name)];
    if (column.type == type_of(field.kind)) continue;
    throw base::UsageError(fmt::format("column {}: a field of type {} cannot hold its values, of type {}",
                                       field.name, name(type_of(field.kind)), name(column.type)));
  }
  RecordShape shape{{}, record_bytes};
  for (const auto& column : schema) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const RecordField& known) { return known.name == column.name; });
    if (field == fields.end()) {
      throw base::UsageError(fmt::format(
          "column {} is not under 'columns' of the output; describe it, or leave it out with select",
          column.name));
    }
    shape.fields.push_back(*field);
  }
  if (spec.format == Format::npy) pack(shape);
  return shape;
}

std::unique_ptr<PieceWriter> write_records(RecordShape shape) {
  return std::make_unique<RecordWriter>(std::move(shape));
}

std::unique_ptr<PieceWriter> write_packed_rows(const Schema& schema) {
  return std::make_unique<PackedRowsWriter>(schema);
}

}  // namespace detail

std::size_t unpack_rows(const Schema& schema, std::span<const char> bytes, std::size_t most, Batch& into) {
  const RowCodec codec(schema, detail::all_columns(schema));
  into.clear(schema);
  std::size_t used = 0;
  std::uint32_t size = 0;
  while (into.rows < most && bytes.size() - used >= sizeof size) {
    std::memcpy(&size, bytes.data() + used, sizeof size);
    if (bytes.size() - used - sizeof size < size) break;
    codec.decode(std::as_bytes(bytes.subspan(used + sizeof size, size)), into.columns);
    used += sizeof size + size;
    ++into.rows;
  }
  return used;
}

}  // namespace surd::table
