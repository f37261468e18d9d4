// Describes any HDF5 file and reads all of it, for `surd inspect`.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include "surd/base/error.hpp"
#include "surd/storage/detail/hdf5_box.hpp"
#include "surd/storage/detail/hdf5_call.hpp"
#include "surd/storage/hdf5.hpp"

namespace surd::storage {
namespace {

using base::Json;
using detail::checked;
using detail::H5Scoped;
using detail::made;

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr std::size_t shown_values = 64;  // of an attribute

class H5Describer {
 public:
  explicit H5Describer(const Path& path) : path_(path) {}

  /// Adds every dataset below `file` to `result`, in order of name.
  Json describe(hid_t file) {
    Json result{{"format", "HDF5"}, {"bytes", std::filesystem::file_size(path_)}};
    result["attributes"] =
        attributes(made(path_, "H5Gopen2", [&] { return H5Gopen2(file, "/", H5P_DEFAULT); }));
    result["datasets"] = Json::array();
    result["damage"] = Json::array();
    std::vector<std::string> names;
    checked(path_, "H5Ovisit", [&] { return H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, collect, &names); });
    for (const auto& name : names) add(file, name, result);
    return result;
  }

 private:
  static herr_t collect(hid_t, const char* name, const H5O_info_t* info, void* into) {
    if (info->type == H5O_TYPE_DATASET) static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  }

  void add(hid_t file, const std::string& name, Json& result) {
    const detail::QuietHdf5 quiet;
    const H5Scoped data(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
    if (data < 0) {
      result["damage"].push_back({{"dataset", name}, {"error", detail::hdf5_message()}});
      return;
    }
    result["datasets"].push_back(dataset(data, name));
    if (!readable(data)) result["damage"].push_back({{"dataset", name}, {"error", detail::hdf5_message()}});
  }

  Json dataset(hid_t data, const std::string& name) {
    const auto type = made(path_, "H5Dget_type", [&] { return H5Dget_type(data); });
    Json result{{"name", name}, {"type", type_name(type)}, {"shape", shape(data)}};
    result["dimensions"] = dimensions(data);
    result["filters"] = filters(data);
    result["stored_bytes"] = H5Dget_storage_size(data);
    result["attributes"] = attributes(data);
    return result;
  }

  [[nodiscard]] std::vector<hsize_t> shape(hid_t data) const {
    const auto space = made(path_, "H5Dget_space", [&] { return H5Dget_space(data); });
    std::vector<hsize_t> dims(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
    H5Sget_simple_extent_dims(space, dims.data(), nullptr);
    return dims;
  }

  [[nodiscard]] static std::string type_name(hid_t type) {
    const auto bits = 8 * H5Tget_size(type);
    switch (H5Tget_class(type)) {
      case H5T_INTEGER:
        return fmt::format("{}{}", H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i', bits);
      case H5T_FLOAT:
        return fmt::format("f{}", bits);
      case H5T_STRING:
        return H5Tis_variable_str(type) > 0 ? "text" : fmt::format("text of {} bytes", bits / 8);
      case H5T_ENUM:
        return "enum";
      case H5T_COMPOUND:
        return "compound";
      case H5T_ARRAY:
        return "array";
      case H5T_VLEN:
        return "sequence";
      case H5T_REFERENCE:
        return "reference";
      default:
        return "opaque";
    }
  }

  /// Name of the scale of each dimension, "" where there is none.
  [[nodiscard]] Json dimensions(hid_t data) const {
    Json names = Json::array();
    const auto rank = shape(data).size();
    if (H5DSis_scale(data) > 0) return names;
    const auto keep = [](hid_t, unsigned, hid_t scale, void* into) -> herr_t {
      std::array<char, 256> text{};
      H5Iget_name(scale, text.data(), text.size());
      *static_cast<std::string*>(into) = text.data() + (text[0] == '/' ? 1 : 0);
      return 1;
    };
    for (unsigned j = 0; j < rank; ++j) {
      std::string name;
      H5DSiterate_scales(data, j, nullptr, keep, &name);
      names.push_back(name);
    }
    return names;
  }

  [[nodiscard]] Json filters(hid_t data) const {
    Json names = Json::array();
    const auto list = made(path_, "H5Dget_create_plist", [&] { return H5Dget_create_plist(data); });
    const int count = H5Pget_nfilters(list);
    for (int i = 0; i < count; ++i) {
      std::size_t values = 0;
      unsigned flags = 0;
      std::array<char, 64> name{};
      const auto id = H5Pget_filter2(list, static_cast<unsigned>(i), &flags, &values, nullptr, name.size(),
                                     name.data(), nullptr);
      names.push_back(name[0] != '\0' ? std::string(name.data()) : fmt::format("filter {}", id));
    }
    return names;
  }

  [[nodiscard]] Json attributes(hid_t object) const {
    Json result = Json::object();
    H5O_info_t info{};
    checked(path_, "H5Oget_info", [&] { return H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS); });
    for (hsize_t i = 0; i < info.num_attrs; ++i) {
      const auto one = made(path_, "H5Aopen_by_idx", [&] {
        return H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT);
      });
      std::array<char, 256> name{};
      H5Aget_name(one, name.size(), name.data());
      if (!is_internal(name.data())) result[name.data()] = attribute(one);
    }
    return result;
  }

  /// Attributes that only bind datasets to their dimensions.
  [[nodiscard]] static bool is_internal(const std::string& name) {
    return name == "DIMENSION_LIST" || name == "REFERENCE_LIST";
  }

  [[nodiscard]] Json attribute(hid_t one) const {
    const auto type = made(path_, "H5Aget_type", [&] { return H5Aget_type(one); });
    const auto space = made(path_, "H5Aget_space", [&] { return H5Aget_space(one); });
    const auto count = static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0));
    const auto kind = H5Tget_class(type);
    if (kind == H5T_STRING && H5Tis_variable_str(type) == 0 && count == 1) return text(one, type);
    if (count > shown_values) return fmt::format("{} values", count);
    if (kind == H5T_INTEGER) return numbers<std::int64_t>(one, H5T_NATIVE_INT64, count, space);
    if (kind == H5T_FLOAT) return numbers<double>(one, H5T_NATIVE_DOUBLE, count, space);
    return type_name(type);
  }

  [[nodiscard]] Json text(hid_t one, hid_t type) const {
    std::string value(H5Tget_size(type), '\0');
    checked(path_, "H5Aread", [&] { return H5Aread(one, type, value.data()); });
    return value.substr(0, value.find('\0'));
  }

  template <class T>
  [[nodiscard]] Json numbers(hid_t one, hid_t native, std::size_t count, hid_t space) const {
    std::vector<T> values(count);
    checked(path_, "H5Aread", [&] { return H5Aread(one, native, values.data()); });
    if (H5Sget_simple_extent_type(space) == H5S_SCALAR) return Json(values.at(0));
    return Json(values);
  }

  /// Reads all values, piece by piece; false, with HDF5's error stack set, where that fails.
  [[nodiscard]] bool readable(hid_t data) const {
    const auto type = made(path_, "H5Dget_type", [&] { return H5Dget_type(data); });
    const auto space = made(path_, "H5Dget_space", [&] { return H5Dget_space(data); });
    const auto total = static_cast<std::uint64_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0));
    const auto dims = shape(data);
    const std::vector<std::uint64_t> extent(dims.begin(), dims.end());
    const auto step = std::max<std::uint64_t>(piece_bytes / H5Tget_size(type), 1);
    std::vector<std::byte> into(std::min(step, total) * H5Tget_size(type));
    for (std::uint64_t done = 0; done < total;) {
      const auto box = detail::next_box(extent, done, std::min(step, total - done));
      if (!extent.empty()) {
        H5Sselect_hyperslab(space, H5S_SELECT_SET, box.start.data(), nullptr, box.extent.data(), nullptr);
      }
      const hsize_t count = box.values;
      const auto memory =
          made(path_, "H5Screate_simple", [&] { return H5Screate_simple(1, &count, nullptr); });
      if (H5Dread(data, type, memory, space, H5P_DEFAULT, into.data()) < 0) return false;
      if (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0) {
        H5Dvlen_reclaim(type, memory, H5P_DEFAULT, into.data());
      }
      done += box.values;
    }
    return true;
  }

  Path path_;
};

}  // namespace

Json describe_hdf5(const Path& path) {
  const auto file = H5File::open(path);
  return H5Describer(path).describe(file.native());
}

}  // namespace surd::storage
