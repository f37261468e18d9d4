#include "surd/table/detail/hdf5_table.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::table::detail {
namespace {

using storage::detail::checked;
using storage::detail::H5Scoped;
using storage::detail::made;
using storage::detail::QuietHdf5;

/// A dataset and what of it decides whether it is a column.
struct Found {
  H5Scoped data;
  H5Scoped type;
  std::vector<hsize_t> shape;
};

class TableFinder {
 public:
  explicit TableFinder(const InputFile& file) : path_(file.path), file_(storage::H5File::open(file.path)) {
    table_.file = file;
  }

  H5Table find(std::string object) {
    if (object.empty()) object = only_object();
    table_.object = object;
    const QuietHdf5 quiet;
    const H5Scoped id(H5Oopen(file_.native(), object.c_str(), H5P_DEFAULT));
    if (id < 0) refuse(fmt::format("there is no such object; the file has {}", all_datasets()));
    if (H5Iget_type(id) == H5I_GROUP) {
      add_group(id);
    } else if (H5Iget_type(id) == H5I_DATASET) {
      add_dataset(id);
    } else {
      refuse("neither a dataset nor a group");
    }
    if (table_.columns.empty()) refuse("a table has at least one column");
    return std::move(table_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw base::UsageError(fmt::format("{}:{}: {}", path_.native(), table_.object, what));
  }

  /// Names in a group, in order of creation where the file keeps that, else of name.
  std::vector<std::string> links(hid_t group) const {
    H5G_info_t info{};
    checked(path_, "H5Gget_info", [&] { return H5Gget_info(group, &info); });
    const auto list = made(path_, "H5Gget_create_plist", [&] { return H5Gget_create_plist(group); });
    unsigned order = 0;
    checked(path_, "H5Pget_link_creation_order", [&] { return H5Pget_link_creation_order(list, &order); });
    const auto index = (order & H5P_CRT_ORDER_TRACKED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    std::vector<std::string> names;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      const auto name_of = [&](char* into, std::size_t size) {
        return checked(path_, "H5Lget_name_by_idx", [&] {
          return H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, i, into, size, H5P_DEFAULT);
        });
      };
      std::string name(static_cast<std::size_t>(name_of(nullptr, 0)), '\0');
      name_of(name.data(), name.size() + 1);
      names.push_back(std::move(name));
    }
    return names;
  }

  std::string only_object() const {
    const auto root = made(path_, "H5Gopen2", [&] { return H5Gopen2(file_.native(), "/", H5P_DEFAULT); });
    const auto names = links(root);
    return names.size() == 1 ? "/" + names[0] : "/";
  }

  /// For messages: the first few.
  std::string all_datasets() const {
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5O_info_t* info, void* into) -> herr_t {
      auto& found = *static_cast<std::vector<std::string>*>(into);
      if (info->type == H5O_TYPE_DATASET) found.push_back("/" + std::string(name));
      return found.size() < 20 ? 0 : 1;
    };
    H5Ovisit(file_.native(), H5_INDEX_NAME, H5_ITER_INC, collect, &names);
    return names.empty() ? "no datasets" : fmt::format("{}", fmt::join(names, ", "));
  }

  Found inspect(H5Scoped data) {
    auto type = made(path_, "H5Dget_type", [&] { return H5Dget_type(data); });
    const auto space = made(path_, "H5Dget_space", [&] { return H5Dget_space(data); });
    std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
    H5Sget_simple_extent_dims(space, shape.data(), nullptr);
    note_chunk(data, shape.size());
    return {std::move(data), std::move(type), std::move(shape)};
  }

  void note_chunk(hid_t data, std::size_t rank) {
    const auto list = made(path_, "H5Dget_create_plist", [&] { return H5Dget_create_plist(data); });
    if (rank == 0 || H5Pget_layout(list) != H5D_CHUNKED) return;
    std::vector<hsize_t> chunk(rank);
    checked(path_, "H5Pget_chunk", [&] { return H5Pget_chunk(list, static_cast<int>(rank), chunk.data()); });
    table_.chunk_rows = std::max<std::uint64_t>(table_.chunk_rows, chunk[0]);
  }

  void add_dataset(hid_t id) {
    const auto found = inspect(H5Scoped(H5Dopen2(id, ".", H5P_DEFAULT)));
    if (found.shape.empty() || found.shape.size() > 2) {
      refuse(fmt::format("a dataset of {} dimensions is no table", found.shape.size()));
    }
    table_.rows = found.shape[0];
    const auto width = found.shape.size() == 2 ? found.shape[1] : 1;
    if (H5Tget_class(found.type) == H5T_COMPOUND) {
      if (found.shape.size() != 1) refuse("a dataset of structures needs one dimension to be a table");
      return add_members(found.type);
    }
    constexpr std::uint64_t most_columns = 65536;
    if (width > most_columns) refuse(fmt::format("{} columns; tables have at most {}", width, most_columns));
    const auto leaf = table_.object.substr(table_.object.rfind('/') + 1);
    for (std::uint64_t k = 0; k < width; ++k) {
      add(found.type, found.shape.size() == 1 ? leaf : fmt::format("c{}", k));
    }
  }

  void add_members(hid_t type) {
    table_.layout = H5Layout::compound;
    const auto count = static_cast<unsigned>(std::max(H5Tget_nmembers(type), 0));
    for (unsigned k = 0; k < count; ++k) {
      auto* const name = H5Tget_member_name(type, k);
      if (name == nullptr) refuse("a structure's member has no name");
      const std::string text(name);
      H5free_memory(name);
      add(made(path_, "H5Tget_member_type", [&] { return H5Tget_member_type(type, k); }), text);
    }
  }

  void add_group(hid_t group) {
    table_.layout = H5Layout::group;
    std::vector<std::pair<std::string, std::string>> masks;  // of column, dataset
    for (const auto& name : links(group)) {
      const H5Scoped child(H5Oopen(group, name.c_str(), H5P_DEFAULT));
      if (child < 0 || H5Iget_type(child) != H5I_DATASET) continue;
      auto found = inspect(H5Scoped(H5Dopen2(child, ".", H5P_DEFAULT)));
      if (found.shape.size() != 1) {
        refuse(fmt::format("dataset {} has {} dimensions, so the group is no table; name one dataset", name,
                           found.shape.size()));
      }
      if (!table_.columns.empty() && found.shape[0] != table_.rows) {
        refuse(fmt::format("dataset {} has {} rows, but {} has {}; name one dataset", name, found.shape[0],
                           table_.columns[0].link, table_.rows));
      }
      table_.rows = found.shape[0];
      if (const auto column = mask_of(found.data)) {
        masks.emplace_back(*column, name);
      } else {
        add(found.type, name);
      }
    }
    for (const auto& [column, dataset] : masks) set_mask(column, dataset);
  }

  void set_mask(const std::string& column, const std::string& dataset) {
    for (auto& known : table_.columns) {
      if (known.link != column) continue;
      known.nulls = dataset;
      return;
    }
    throw base::FormatError(fmt::format("{}:{}/{}: has the nulls of a column {}, which there is not",
                                        path_.native(), table_.object, dataset, column));
  }

  /// The column whose nulls a dataset has.
  std::optional<std::string> mask_of(hid_t data) const {
    if (H5Aexists(data, null_mark) <= 0) return std::nullopt;
    const auto attribute = made(path_, "H5Aopen", [&] { return H5Aopen(data, null_mark, H5P_DEFAULT); });
    const auto type = made(path_, "H5Aget_type", [&] { return H5Aget_type(attribute); });
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) return std::nullopt;
    std::string name(H5Tget_size(type), '\0');
    checked(path_, "H5Aread", [&] { return H5Aread(attribute, type, name.data()); });
    return name.substr(0, name.find('\0'));
  }

  void add(hid_t type, const std::string& name) {
    H5Column column;
    column.field.name = name;
    column.field.offset = table_.layout == H5Layout::group ? 0 : table_.record_bytes;
    column.link = name;
    classify(type, column);
    table_.record_bytes += column.field.bytes;
    table_.columns.push_back(std::move(column));
  }

  void classify(hid_t type, H5Column& column) const {
    auto& field = column.field;
    const auto bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
      case H5T_INTEGER:
        if (bytes > 8) break;
        field.kind = bytes == 8 && H5Tget_sign(type) == H5T_SGN_NONE ? FieldKind::unsigned_integer
                                                                     : FieldKind::integer;
        return;
      case H5T_FLOAT:
        field.kind = FieldKind::number;
        return;
      case H5T_ENUM:
        field.kind = is_boolean(type) ? FieldKind::boolean : FieldKind::integer;
        field.bytes = is_boolean(type) ? 1 : 8;
        return;
      case H5T_STRING:
        field.kind = FieldKind::text;
        column.variable = H5Tis_variable_str(type) > 0;
        column.character_set = H5Tget_cset(type);
        if (bytes > (std::size_t{1} << 28)) break;
        field.bytes = column.variable ? sizeof(char*) : static_cast<std::uint32_t>(bytes);
        return;
      default:
        break;
    }
    refuse(fmt::format("column {}: neither numbers, booleans nor texts", field.name));
  }

  /// h5py's type of booleans.
  static bool is_boolean(hid_t type) {
    const QuietHdf5 quiet;
    signed char value = 0;
    return H5Tget_nmembers(type) == 2 && H5Tget_size(type) == 1 &&
           H5Tenum_valueof(type, "FALSE", &value) >= 0 && value == 0 &&
           H5Tenum_valueof(type, "TRUE", &value) >= 0 && value == 1;
  }

  storage::Path path_;
  storage::H5File file_;
  H5Table table_;
};

}  // namespace

H5Table find_table(const InputFile& file, std::string object) {
  return TableFinder(file).find(std::move(object));
}

H5Scoped memory_type(const H5Table& table, const H5Column& column) {
  const storage::Path path = table.file.path;
  const auto copy = [&](hid_t type) { return made(path, "H5Tcopy", [&] { return H5Tcopy(type); }); };
  switch (column.field.kind) {
    case FieldKind::unsigned_integer:
      return copy(H5T_NATIVE_UINT64);
    case FieldKind::integer:
      return copy(H5T_NATIVE_INT64);
    case FieldKind::number:
      return copy(H5T_NATIVE_DOUBLE);
    case FieldKind::boolean:
      return copy(H5T_NATIVE_INT8);
    case FieldKind::text:
    case FieldKind::utf32:
      break;
  }
  auto type = copy(H5T_C_S1);
  const auto size = column.variable ? H5T_VARIABLE : column.field.bytes;
  checked(path, "H5Tset_size", [&] { return H5Tset_size(type, size); });
  if (!column.variable) {
    checked(path, "H5Tset_strpad", [&] { return H5Tset_strpad(type, H5T_STR_NULLPAD); });
  }
  checked(path, "H5Tset_cset",
          [&] { return H5Tset_cset(type, static_cast<H5T_cset_t>(column.character_set)); });
  return type;
}

void bound_metadata(const storage::H5File& file, const storage::Path& path) {
  constexpr std::size_t cache_bytes = std::size_t{1} << 20;
  H5AC_cache_config_t config{};
  config.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  checked(path, "H5Fget_mdc_config", [&] { return H5Fget_mdc_config(file.native(), &config); });
  config.set_initial_size = true;
  config.initial_size = cache_bytes;
  config.min_size = cache_bytes;
  config.max_size = cache_bytes;
  config.incr_mode = H5C_incr__off;
  config.flash_incr_mode = H5C_flash_incr__off;
  config.decr_mode = H5C_decr__off;
  checked(path, "H5Fset_mdc_config", [&] { return H5Fset_mdc_config(file.native(), &config); });
}

H5Scoped transfer_list(const storage::Path& path) {
  constexpr std::size_t piece_bytes = std::size_t{64} << 10;
  auto list = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_DATASET_XFER); });
  checked(path, "H5Pset_buffer", [&] { return H5Pset_buffer(list, piece_bytes, nullptr, nullptr); });
  return list;
}

}  // namespace surd::table::detail
