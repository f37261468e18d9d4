#include <algorithm>
#include <cstring>

#include "surd/ranks/detail/result_reader.hpp"

namespace surd::ranks::detail {
namespace {

constexpr std::size_t bool_type = 0;
constexpr std::size_t integer_type = 1;
constexpr std::size_t text_type = 3;

template <class To, class From>
void convert(std::byte* to, const std::byte* from) {
  From value;
  std::memcpy(&value, from, sizeof value);
  const auto converted = static_cast<To>(value);  // NOLINT(bugprone-signed-char-misuse): a number of 8 bits
  std::memcpy(to, &converted, sizeof converted);
}

}  // namespace

RowMajorIndex::RowMajorIndex(const sweep::Grid& grid)
    : grid_(&grid), coordinates_(grid.dimensions().size()) {}

std::uint64_t RowMajorIndex::of(std::uint64_t position) {
  if (known_ && position == position_ + 1 && !coordinates_.empty()) {
    auto& last = coordinates_.back();
    if (last + 1 < grid_->shape().back() && (last + 1) % grid_->chunk_shape().back() != 0) {
      ++last;
      ++position_;
      return ++index_;
    }
  }
  grid_->coordinates(position, coordinates_);
  known_ = true;
  position_ = position;
  index_ = grid_->row_major(coordinates_);
  return index_;
}

RowMaker::RowMaker(const sweep::Grid& grid, const ResultSchema& schema, const sweep::PointSet& excluded)
    : schema_(&schema),
      excluded_(&excluded),
      any_excluded_(!excluded.empty()),
      index_(grid),
      missing_(schema.row_bytes()) {
  for (const auto& field : schema.fields()) {
    field.fill_missing(std::span(missing_).subspan(field.offset, field.bytes));
  }
}

/// Finds where the values of the block's columns go. False if there is no place for one: the block was stored
/// after the schema was read, and will be in the next result.
bool RowMaker::bind(const sweep::Block& block) {
  using storage::H5Kind;
  sources_.clear();
  texts_ = false;
  const auto& fields = schema_->fields();
  for (const auto& column : block.columns()) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == column.name; });
    const bool text = column.type == text_type;
    if (field == fields.end() || field->shape != column.shape) return false;
    if (text != (field->type.kind == H5Kind::text)) return false;
    if (text) {
      texts_ = true;
      continue;
    }
    const bool boolean = column.type == bool_type;
    if (field->boolean && !boolean) return false;
    if (column.type > integer_type && field->type.kind != H5Kind::f64) return false;
    std::size_t stride = boolean ? 1 : 8;
    for (const auto extent : column.shape) stride *= extent;
    sources_.push_back({&*field, column.type, column.values.data(), stride});
  }
  return true;
}

void RowMaker::put_cells(std::size_t entry) {
  using storage::H5Kind;
  for (const auto& source : sources_) {
    auto* to = row_.data() + source.field->offset;
    const auto* from = source.values + entry * source.stride;
    const auto kind = source.field->type.kind;
    if (source.type == bool_type && kind == H5Kind::i64) {
      convert<std::int64_t, std::int8_t>(to, from);
    } else if (source.type == bool_type && kind == H5Kind::f64) {
      convert<double, std::int8_t>(to, from);
    } else if (source.type == integer_type && kind == H5Kind::f64) {
      convert<double, std::int64_t>(to, from);
    } else if (source.stride > 0) {
      std::memcpy(to, from, source.stride);
    }
  }
}

bool RowMaker::put_texts(const sweep::Block& block, std::size_t entry) {
  for (const auto& value : block.outcome(entry).values) {
    const auto* text = std::get_if<std::string>(&value.value);
    if (text == nullptr) continue;
    for (const auto& field : schema_->fields()) {
      if (field.name != value.name) continue;
      if (text->size() > field.bytes) return false;  // stored after the schema was read, as above
      std::memcpy(row_.data() + field.offset, text->data(), text->size());
    }
  }
  return true;
}

void RowMaker::make(const sweep::Block& block, std::uint32_t segment, const Sink& sink) {
  if (!bind(block)) return;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const auto position = block.position(i);
    if (any_excluded_ && excluded_->contains(position)) continue;
    const bool ok = block.status(i) == sweep::Status::ok;
    const RowHead head{index_.of(position), segment, ok ? PointState::done : PointState::failed};
    row_ = missing_;
    std::memcpy(row_.data(), &head, sizeof head);
    if (ok) put_cells(i);
    if (ok && texts_ && !put_texts(block, i)) continue;
    sink(row_);
  }
}

std::vector<std::uint64_t> unravel(const std::vector<std::uint64_t>& shape, std::uint64_t index) {
  std::vector<std::uint64_t> coordinates(shape.size());
  for (std::size_t j = shape.size(); j-- > 0;) {
    coordinates[j] = index % shape[j];
    index /= shape[j];
  }
  return coordinates;
}

bool next_point(const std::vector<std::uint64_t>& shape, std::span<std::uint64_t> coordinates) {
  for (std::size_t j = shape.size(); j-- > 0;) {
    if (++coordinates[j] < shape[j]) return true;
    coordinates[j] = 0;
  }
  return false;
}

void mark_excluded(const sweep::Grid& grid, const sweep::PointSet& excluded, sweep::Run run,
                   std::span<PointState> states) {
  if (excluded.empty() || run.count == 0) return;
  auto coordinates = unravel(grid.shape(), run.first);
  for (auto& state : states) {
    if (excluded.contains(grid.position(coordinates))) state = PointState::excluded;
    next_point(grid.shape(), coordinates);
  }
}

}  // namespace surd::ranks::detail
