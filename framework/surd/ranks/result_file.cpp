#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "surd/ranks/detail/result_file.hpp"

namespace surd::ranks::detail {
namespace {

using storage::H5Dataset;
using storage::H5File;
using storage::H5Filter;
using storage::H5Kind;
using storage::H5Type;
using Shape = std::vector<std::uint64_t>;

constexpr std::uint64_t axis_piece = 65536;  // values of an axis held at once
constexpr std::uint64_t compressed_at_least_bytes =
    16384;  // below, a chunk's index is larger than what it saves

/// How the values of one axis are stored.
struct AxisForm {
  H5Type type;
  bool boolean = false;
};

/// Only bools: i8. Only integers: i64. Numbers: f64. Anything else: texts.
AxisForm form_of(const sweep::Dimension& dimension, std::size_t axis) {
  bool bools = false;
  bool integers = false;
  bool floats = false;
  bool texts = false;
  std::size_t longest = 2;  // readers take texts of one byte for characters of a longer text
  for (std::uint64_t i = 0; i < dimension.size(); ++i) {
    const auto value = dimension.value(axis, i);
    bools = bools || std::holds_alternative<bool>(value);
    integers = integers || std::holds_alternative<std::int64_t>(value);
    floats = floats || std::holds_alternative<double>(value);
    texts = texts || std::holds_alternative<std::string>(value);
    if (texts || bools) longest = std::max(longest, sweep::to_text(value).size());
  }
  if (texts || (bools && (integers || floats))) {
    for (std::uint64_t i = 0; i < dimension.size(); ++i) {
      longest = std::max(longest, sweep::to_text(dimension.value(axis, i)).size());
    }
    return {{H5Kind::text, longest}};
  }
  if (bools) return {{H5Kind::i8}, true};
  return {{floats ? H5Kind::f64 : H5Kind::i64}};
}

void store(const sweep::Value& value, const H5Type& type, std::byte* to) {
  if (type.kind == H5Kind::text) {
    const auto text = sweep::to_text(value);
    std::memcpy(to, text.data(), text.size());
  } else if (type.kind == H5Kind::i8) {
    *to = static_cast<std::byte>(std::get<bool>(value));
  } else if (const auto* integer = std::get_if<std::int64_t>(&value);
             integer != nullptr && type.kind == H5Kind::i64) {
    std::memcpy(to, integer, sizeof *integer);
  } else {
    const double number = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
    std::memcpy(to, &number, sizeof number);
  }
}

class LayoutWriter {
 public:
  LayoutWriter(H5File& file, const sweep::Grid& grid, const ResultsOptions& options, H5Filter filter)
      : file_(&file), grid_(&grid), options_(&options), filter_(filter) {}

  void write_attributes() {
    if (options_->attributes.count("Conventions") == 0) file_->set_attribute("Conventions", "CF-1.8");
    for (const auto& [name, text] : options_->attributes) file_->set_attribute(name, text);
  }

  /// One scale per dimension: the values of the axis of its name, or else 0, 1, 2, ...
  void write_scales() {
    for (const auto& dimension : grid_->dimensions()) {
      const auto& axes = dimension.axes();
      const auto own = std::find(axes.begin(), axes.end(), dimension.name());
      auto scale = own != axes.end() ? write_axis(dimension, static_cast<std::size_t>(own - axes.begin()))
                                     : write_index(dimension);
      scale.make_scale();
      scales_.push_back(std::move(scale));
    }
  }

  /// Axes that vary together with others: coordinates along the dimension.
  void write_coordinates() {
    for (std::size_t d = 0; d < scales_.size(); ++d) {
      const auto& dimension = grid_->dimensions()[d];
      for (std::size_t a = 0; a < dimension.axes().size(); ++a) {
        if (dimension.axes()[a] == dimension.name()) continue;
        write_axis(dimension, a).attach_scale(0, scales_[d]);
        coordinates_ += (coordinates_.empty() ? "" : " ") + dimension.axes()[a];
      }
    }
  }

  H5Dataset create_field(const ResultField& field) {
    auto shape = grid_->shape();
    shape.insert(shape.end(), field.shape.begin(), field.shape.end());
    std::vector<H5Dataset> own;
    for (std::size_t j = 0; j < field.shape.size(); ++j) {
      own.push_back(file_->create_bare_scale(fmt::format("{}_dim{}", field.name, j), field.shape[j]));
    }
    auto data = create(field.name, field.type, shape);
    bind(data);
    for (std::size_t j = 0; j < own.size(); ++j) {
      data.attach_scale(static_cast<unsigned>(scales_.size() + j), own[j]);
    }
    return data;
  }

  H5Dataset create_status() {
    auto data = create("status", {H5Kind::i8}, grid_->shape());
    bind(data);
    const std::vector<std::int8_t> values{0, 1, 2, 3};
    data.set_attribute("flag_values", values);
    data.set_attribute("flag_meanings", "missing done failed excluded");
    return data;
  }

 private:
  H5Dataset create(const std::string& name, const H5Type& type, const Shape& shape) {
    auto bytes = static_cast<std::uint64_t>(type.bytes());
    for (const auto extent : shape) bytes *= extent;
    auto data = file_->create_dataset(name, type, shape,
                                      bytes < compressed_at_least_bytes ? H5Filter::none : filter_);
    if (type.kind == H5Kind::text)
      data.set_attribute("_Encoding", "utf-8");  // xarray then gives str, not bytes
    return data;
  }

  /// Gives a dataset over the grid its dimensions, and the CF attribute by which xarray finds coordinates.
  void bind(H5Dataset& data) {
    for (std::size_t d = 0; d < scales_.size(); ++d) data.attach_scale(static_cast<unsigned>(d), scales_[d]);
    describe(data);
    if (!coordinates_.empty()) data.set_attribute("coordinates", coordinates_);
  }

  /// Units and the like.
  void describe(H5Dataset& data) {
    const auto known = options_->fields.find(data.name());
    if (known == options_->fields.end()) return;
    for (const auto& [name, text] : known->second) data.set_attribute(name, text);
  }

  H5Dataset write_axis(const sweep::Dimension& dimension, std::size_t axis) {
    const auto form = form_of(dimension, axis);
    auto data = create(dimension.axes()[axis], form.type, {dimension.size()});
    if (form.boolean) data.set_attribute("dtype", "bool");
    write_values(data, dimension.size(),
                 [&](std::uint64_t i, std::byte* to) { store(dimension.value(axis, i), form.type, to); });
    describe(data);
    return data;
  }

  H5Dataset write_index(const sweep::Dimension& dimension) {
    auto data = create(dimension.name(), {H5Kind::i64}, {dimension.size()});
    write_values(data, dimension.size(),
                 [](std::uint64_t i, std::byte* to) { std::memcpy(to, &i, sizeof i); });
    return data;
  }

  template <class Put>
  static void write_values(H5Dataset& data, std::uint64_t count, Put put) {
    const auto bytes = data.type().bytes();
    std::vector<std::byte> piece;
    for (std::uint64_t first = 0; first < count; first += axis_piece) {
      const auto values = std::min(axis_piece, count - first);
      piece.assign(values * bytes, std::byte{0});
      for (std::uint64_t i = 0; i < values; ++i) put(first + i, piece.data() + i * bytes);
      data.write(first, piece);
    }
  }

  H5File* file_;
  const sweep::Grid* grid_;
  const ResultsOptions* options_;
  H5Filter filter_;
  std::vector<H5Dataset> scales_;
  std::string coordinates_;
};

}  // namespace

ResultDatasets ResultDatasets::create(H5File& file, const sweep::Grid& grid, const ResultSchema& schema,
                                      const ResultsOptions& options, H5Filter filter) {
  LayoutWriter layout(file, grid, options, filter);
  layout.write_attributes();
  layout.write_scales();
  layout.write_coordinates();
  ResultDatasets made;
  made.schema_ = &schema;
  for (const auto& field : schema.fields()) made.datasets_.push_back(layout.create_field(field));
  made.datasets_.push_back(layout.create_status());
  return made;
}

ResultDatasets ResultDatasets::open(const H5File& file, const ResultSchema& schema) {
  ResultDatasets found;
  found.schema_ = &schema;
  for (const auto& field : schema.fields()) found.datasets_.push_back(file.dataset(field.name));
  found.datasets_.push_back(file.dataset("status"));
  return found;
}

void ResultDatasets::write(Slab& slab) {
  const auto& fields = schema_->fields();
  for (std::size_t f = 0; f < fields.size(); ++f) {
    const auto values = fields[f].bytes / fields[f].type.bytes();
    datasets_[f].write(slab.run().first * values, slab.cells(f));
  }
  datasets_.back().write(slab.run().first, std::as_bytes(slab.states()));
}

void describe_missing(H5File& file, const ResultSchema& schema,
                      const std::vector<std::uint64_t>& points_without) {
  const auto& fields = schema.fields();
  for (std::size_t f = 0; f < fields.size(); ++f) {
    auto data = file.dataset(fields[f].name);
    const bool whole = points_without[f] == 0;
    switch (fields[f].type.kind) {
      case H5Kind::f64:
        data.set_attribute("_FillValue", std::numeric_limits<double>::quiet_NaN());
        break;
      case H5Kind::i64:
        if (!whole) data.set_attribute("_FillValue", std::numeric_limits<std::int64_t>::min());
        break;
      case H5Kind::i8:
        if (whole) {
          data.set_attribute("dtype", "bool");
        } else {
          const std::vector<std::int8_t> fill{-1};
          data.set_attribute("_FillValue", fill);
        }
        break;
      case H5Kind::text:
        break;
    }
  }
}

}  // namespace surd::ranks::detail
