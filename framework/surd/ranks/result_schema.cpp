#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/ranks/detail/result_schema.hpp"

namespace surd::ranks::detail {
namespace {

using storage::H5Kind;

/// FieldValue's alternatives, as Block::Column::type numbers them.
enum : std::size_t { bool_type, integer_type, float_type, text_type, array_type };

std::string describe(const ResultField& field) {
  if (!field.shape.empty()) return fmt::format("an array of shape [{}]", fmt::join(field.shape, ", "));
  if (field.type.kind == H5Kind::text) return "a text";
  return field.boolean ? "a bool" : field.type.kind == H5Kind::i64 ? "an integer" : "a number";
}

/// Bools fit among integers and integers among floats.
int width(const ResultField& field) { return field.type.kind == H5Kind::f64 ? 2 : field.boolean ? 0 : 1; }

template <class T>
void fill(std::span<std::byte> cells, T value) {
  for (std::size_t at = 0; at < cells.size(); at += sizeof value)
    std::memcpy(&cells[at], &value, sizeof value);
}

std::size_t longest_text(const sweep::Block& block, const std::vector<std::size_t>& counted,
                         const std::string& name) {
  std::size_t longest = 0;
  for (const auto i : counted) {
    for (const auto& field : block.outcome(i).values) {
      if (field.name == name) longest = std::max(longest, std::get<std::string>(field.value).size());
    }
  }
  return longest;
}

}  // namespace

void ResultField::fill_missing(std::span<std::byte> cells) const {
  switch (type.kind) {
    case H5Kind::f64:
      return fill(cells, std::numeric_limits<double>::quiet_NaN());
    case H5Kind::i64:
      return fill(cells, std::numeric_limits<std::int64_t>::min());
    case H5Kind::i8:
      return fill(cells, std::int8_t{-1});
    case H5Kind::text:
      return fill(cells, '\0');
  }
}

void ResultSchema::add(const sweep::Block& block, const sweep::Grid& grid, const sweep::PointSet& excluded) {
  const auto& columns = block.columns();
  const bool texts =
      std::any_of(columns.begin(), columns.end(), [](const auto& c) { return c.type == text_type; });
  std::vector<std::size_t> counted;  // one is enough where no text must be measured
  for (std::size_t i = 0; i < block.size() && (texts || counted.empty()); ++i) {
    if (block.status(i) != sweep::Status::ok) continue;
    if (excluded.empty() || !excluded.contains(block.position(i))) counted.push_back(i);
  }
  if (counted.empty()) return;
  for (std::size_t place = 0; place < columns.size(); ++place) {
    const auto& column = columns[place];
    ResultField field{.name = column.name, .shape = column.shape, .place = place};
    field.boolean = column.type == bool_type;
    field.type.kind = column.type == text_type      ? H5Kind::text
                      : column.type == integer_type ? H5Kind::i64
                      : field.boolean               ? H5Kind::i8
                                                    : H5Kind::f64;
    // Readers take texts of one byte for characters of a longer text.
    if (column.type == text_type)
      field.type.text_bytes = std::max<std::size_t>(longest_text(block, counted, column.name), 2);
    const auto same = [&](const auto& other) {
      return other.name == field.name && other.shape == field.shape;
    };
    if (std::none_of(fields_.begin(), fields_.end(), same))
      field.where = point_text(grid, block.position(counted[0]));
    add(std::move(field));
  }
}

void ResultSchema::add(ResultField field) {
  const auto known =
      std::find_if(fields_.begin(), fields_.end(), [&](const auto& f) { return f.name == field.name; });
  if (known == fields_.end()) {
    fields_.push_back(std::move(field));
    return;
  }
  const bool text = field.type.kind == H5Kind::text;
  if (known->shape != field.shape || (known->type.kind == H5Kind::text) != text) {
    const auto& where = field.where.empty() ? "another point" : field.where;
    add_conflict(
        fmt::format("result '{}' is {} at {} and {} at {}: it must have one type and shape at all points",
                    field.name, describe(*known), known->where, describe(field), where));
    return;
  }
  known->place = std::min(known->place, field.place);
  known->type.text_bytes = std::max(known->type.text_bytes, field.type.text_bytes);
  if (width(field) > width(*known)) {
    known->type = field.type;
    known->boolean = field.boolean;
  }
}

void ResultSchema::add_conflict(std::string text) {
  if (conflict_.empty()) conflict_ = std::move(text);
}

base::Json ResultSchema::to_json() const {
  base::Json fields = base::Json::array();
  for (const auto& field : fields_) {
    fields.push_back({field.name, static_cast<int>(field.type.kind), field.type.text_bytes, field.boolean,
                      field.shape, field.place, field.where});
  }
  return {{"fields", fields}, {"conflict", conflict_}};
}

void ResultSchema::merge(const base::Json& other) {
  if (const auto conflict = other.at("conflict").get<std::string>(); !conflict.empty())
    add_conflict(conflict);
  for (const auto& item : other.at("fields")) {
    ResultField field{.name = item.at(0), .shape = item.at(4), .place = item.at(5), .where = item.at(6)};
    field.type = {static_cast<H5Kind>(item.at(1).get<int>()), item.at(2)};
    field.boolean = item.at(3);
    add(std::move(field));
  }
}

void ResultSchema::finish() {
  std::sort(fields_.begin(), fields_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.place, a.name) < std::tie(b.place, b.name);
  });
  row_bytes_ = sizeof(RowHead);
  for (auto& field : fields_) {
    field.offset = row_bytes_;
    field.bytes = field.type.bytes();
    for (const auto extent : field.shape) field.bytes *= extent;
    row_bytes_ += field.bytes;
  }
}

std::string name_conflict(const sweep::Grid& grid, const std::string& name) {
  const auto is_name = [&](const auto& dimension) { return dimension.name() == name; };
  const auto& dimensions = grid.dimensions();
  const char* other = nullptr;
  if (std::find(grid.axes().begin(), grid.axes().end(), name) != grid.axes().end()) {
    other = "an axis";
  } else if (std::any_of(dimensions.begin(), dimensions.end(), is_name)) {
    other = "a dimension";
  } else if (name == "status") {
    other = "the dataset that says which points are done";
  }
  if (other != nullptr) {
    return fmt::format("result '{}' has the name of {}: rename the result, for example to '{}_result'", name,
                       other, name);
  }
  if (name.empty() || name == "." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return fmt::format("result '{}' cannot be a dataset's name: names have no '/' and are neither '' nor '.'",
                       name);
  }
  return {};
}

void ResultSchema::check_names(const sweep::Grid& grid) {
  std::set<std::string> names;
  for (const auto& field : fields_) {
    if (auto conflict = name_conflict(grid, field.name); !conflict.empty()) add_conflict(std::move(conflict));
    names.insert(field.name);
  }
  for (const auto& field : fields_) {
    for (std::size_t j = 0; j < field.shape.size(); ++j) {
      const auto dimension = fmt::format("{}_dim{}", field.name, j);
      if (names.count(dimension) != 0 || !name_conflict(grid, dimension).empty()) {
        add_conflict(
            fmt::format("the dimension '{}' of result '{}' has the name of an axis or another result: "
                        "rename one of them",
                        dimension, field.name));
      }
    }
  }
}

std::string point_text(const sweep::Grid& grid, std::uint64_t position) {
  std::vector<std::uint64_t> coordinates(grid.dimensions().size());
  grid.coordinates(position, coordinates);
  std::string text;
  for (std::size_t axis = 0; axis < grid.axes().size(); ++axis) {
    if (axis > 0) text += ' ';
    text += fmt::format("{}={}", grid.axes()[axis], sweep::to_text(grid.value(axis, coordinates)));
  }
  return text.empty() ? "the only point" : text;
}

}  // namespace surd::ranks::detail
