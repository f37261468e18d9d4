#include "surd/storage/hdf5.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include "surd/base/error.hpp"
#include "surd/storage/detail/hdf5_box.hpp"
#include "surd/storage/detail/hdf5_call.hpp"
#include "surd/storage/detail/hdf5_driver.hpp"

namespace surd::storage {
namespace {

using detail::checked;
using detail::H5Scoped;
using detail::made;

constexpr std::size_t chunk_target_bytes = 128 * 1024;
constexpr unsigned deflate_level =
    4;  // 1 is 1.3 times as fast and 5 % larger on the Ising results, 9 gains nothing
constexpr unsigned zstd_level = 3;
constexpr unsigned zstd_filter = 32015;

static_assert(std::is_same_v<hid_t, std::int64_t>, "H5Object keeps HDF5's identifiers as 64-bit integers");

H5Scoped text_type(const Path& path, std::size_t bytes) {
  auto type = made(path, "H5Tcopy", [] { return H5Tcopy(H5T_C_S1); });
  checked(path, "H5Tset_size", [&] { return H5Tset_size(type, std::max<std::size_t>(bytes, 1)); });
  checked(path, "H5Tset_strpad", [&] { return H5Tset_strpad(type, H5T_STR_NULLPAD); });
  checked(path, "H5Tset_cset", [&] { return H5Tset_cset(type, H5T_CSET_UTF8); });
  return type;
}

H5Scoped file_type(const Path& path, const H5Type& type) {
  const auto copy = [&](hid_t id) { return made(path, "H5Tcopy", [&] { return H5Tcopy(id); }); };
  switch (type.kind) {
    case H5Kind::i8:
      return copy(H5T_STD_I8LE);
    case H5Kind::i64:
      return copy(H5T_STD_I64LE);
    case H5Kind::f64:
      return copy(H5T_IEEE_F64LE);
    case H5Kind::text:
      break;
  }
  return text_type(path, type.text_bytes);
}

H5Scoped space_of(const Path& path, const std::vector<std::uint64_t>& shape) {
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return made(path, "H5Screate", [&] {
    return dims.empty() ? H5Screate(H5S_SCALAR)
                        : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
  });
}

/// Bounds of the format that every HDF5 since 1.8 reads, and no locks: many parallel file systems have none.
H5Scoped access_list(const Path& path) {
  auto list = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_FILE_ACCESS); });
  checked(path, "H5Pset_libver_bounds",
          [&] { return H5Pset_libver_bounds(list, H5F_LIBVER_V18, H5F_LIBVER_V18); });
  checked(path, "H5Pset_fclose_degree", [&] { return H5Pset_fclose_degree(list, H5F_CLOSE_STRONG); });
  checked(path, "H5Pset_file_locking", [&] { return H5Pset_file_locking(list, false, true); });
  return list;
}

/// A dataset creation list that leaves no times behind and keeps attributes in order of creation.
H5Scoped creation_list(const Path& path) {
  auto list = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_DATASET_CREATE); });
  checked(path, "H5Pset_obj_track_times", [&] { return H5Pset_obj_track_times(list, false); });
  checked(path, "H5Pset_attr_creation_order",
          [&] { return H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED); });
  return list;
}

void set_filter(const Path& path, const H5Scoped& list, H5Filter filter) {
  checked(path, "H5Pset_shuffle", [&] { return H5Pset_shuffle(list); });
  if (filter == H5Filter::deflate) {
    checked(path, "H5Pset_deflate", [&] { return H5Pset_deflate(list, deflate_level); });
  } else {
    detail::register_zstd();
    checked(path, "H5Pset_filter",
            [&] { return H5Pset_filter(list, zstd_filter, H5Z_FLAG_MANDATORY, 1, &zstd_level); });
  }
}

void add_attribute(hid_t object, const Path& path, const std::string& name, const H5Scoped& type,
                   const H5Scoped& space, const void* value) {
  const auto attribute = made(path, "H5Acreate2", [&] {
    return H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
  });
  checked(path, "H5Awrite", [&] { return H5Awrite(attribute, type, value); });
}

/// Calls `transfer(memory space, file space, offset in values)` for the boxes that make up `count` values.
template <class Transfer>
void for_boxes(const H5Dataset& data, const Path& path, std::uint64_t first, std::uint64_t count, hid_t id,
               Transfer transfer) {
  const auto file_space = made(path, "H5Dget_space", [&] { return H5Dget_space(id); });
  for (std::uint64_t done = 0; done < count;) {
    const auto box = detail::next_box(data.shape(), first + done, count - done);
    if (!data.shape().empty()) {
      checked(path, "H5Sselect_hyperslab", [&] {
        return H5Sselect_hyperslab(file_space, H5S_SELECT_SET, box.start.data(), nullptr, box.extent.data(),
                                   nullptr);
      });
    }
    const auto memory_space = space_of(path, {box.values});
    transfer(memory_space, file_space, done);
    done += box.values;
  }
}

std::uint64_t value_count(const H5Dataset& data, std::size_t bytes) {
  const auto one = data.type().bytes();
  base::expect(bytes % one == 0, "a transfer to an HDF5 dataset is made of whole values");
  return bytes / one;
}

/// Closes an identifier in a destructor: errors are reported by close() only.
void drop(std::int64_t& id) noexcept { const H5Scoped closing(std::exchange(id, -1)); }

H5Type type_of(const Path& path, const std::string& name, hid_t dataset) {
  const auto type = made(path, "H5Dget_type", [&] { return H5Dget_type(dataset); });
  const auto bytes = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_STRING:
      if (H5Tis_variable_str(type) == 0) return {H5Kind::text, bytes};
      break;
    case H5T_INTEGER:
      if (bytes == 1) return {H5Kind::i8};
      if (bytes == 8) return {H5Kind::i64};
      break;
    case H5T_FLOAT:
      if (bytes == 8) return {H5Kind::f64};
      break;
    default:
      break;
  }
  throw base::FormatError(
      fmt::format("{}: dataset '{}' has a type that surd does not write", path.native(), name));
}

std::vector<std::uint64_t> shape_of(const Path& path, hid_t dataset) {
  const auto space = made(path, "H5Dget_space", [&] { return H5Dget_space(dataset); });
  const auto rank =
      checked(path, "H5Sget_simple_extent_ndims", [&] { return H5Sget_simple_extent_ndims(space); });
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  checked(path, "H5Sget_simple_extent_dims",
          [&] { return H5Sget_simple_extent_dims(space, dims.data(), nullptr); });
  return {dims.begin(), dims.end()};
}

}  // namespace

std::size_t H5Type::bytes() const noexcept {
  if (kind == H5Kind::text) return text_bytes;
  return kind == H5Kind::i8 ? 1 : 8;
}

H5Filter parse_filter(std::string_view text) {
  if (text == "none") return H5Filter::none;
  if (text == "deflate") return H5Filter::deflate;
  if (text == "zstd") return H5Filter::zstd;
  throw base::UsageError(fmt::format("compression: expected none, deflate or zstd, found '{}'", text));
}

std::vector<std::uint64_t> chunk_shape(const std::vector<std::uint64_t>& shape, std::size_t value_bytes) {
  std::vector<std::uint64_t> chunk(shape.size(), 1);
  auto room = std::max<std::uint64_t>(chunk_target_bytes / value_bytes, 1);
  for (std::size_t j = shape.size(); j-- > 0 && room > 0;) {
    const auto pieces = (shape[j] + room - 1) / room;
    chunk[j] = (shape[j] + pieces - 1) / pieces;
    if (pieces > 1) break;
    room /= shape[j];
  }
  return chunk;
}

H5Object::H5Object(H5Object&& other) noexcept
    : id_(std::exchange(other.id_, -1)), path_(std::move(other.path_)), disk_(std::move(other.disk_)) {}

H5Object& H5Object::operator=(H5Object&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(path_, other.path_);
  std::swap(disk_, other.disk_);
  return *this;
}

void H5Object::set_attribute(const std::string& name, std::string_view text) {
  std::string padded(text);
  padded.resize(std::max<std::size_t>(text.size(), 1));
  add_attribute(id_, path_, name, text_type(path_, text.size()), space_of(path_, {}), padded.data());
}

void H5Object::set_attribute(const std::string& name, double value) {
  add_attribute(id_, path_, name, file_type(path_, {H5Kind::f64}), space_of(path_, {}), &value);
}

void H5Object::set_attribute(const std::string& name, std::int64_t value) {
  add_attribute(id_, path_, name, file_type(path_, {H5Kind::i64}), space_of(path_, {}), &value);
}

void H5Object::set_attribute(const std::string& name, std::span<const std::int8_t> values) {
  std::vector<std::uint64_t> shape;
  if (values.size() != 1) shape.push_back(values.size());
  add_attribute(id_, path_, name, file_type(path_, {H5Kind::i8}), space_of(path_, shape), values.data());
}

H5Dataset& H5Dataset::operator=(H5Dataset&& other) noexcept {
  H5Object::operator=(std::move(other));
  // NOLINTNEXTLINE(bugprone-use-after-move): only the base was moved
  std::swap(name_, other.name_);
  std::swap(type_, other.type_);
  std::swap(shape_, other.shape_);
  return *this;
}

H5Dataset::~H5Dataset() { drop(id_); }

void H5Dataset::write(std::uint64_t first, std::span<const std::byte> values) {
  const auto type = file_type(path_, type_);
  const auto transfer = [&](const H5Scoped& memory, const H5Scoped& file, std::uint64_t done) {
    checked(path_, "H5Dwrite", [&] {
      return H5Dwrite(id_, type, memory, file, H5P_DEFAULT, values.data() + done * type_.bytes());
    });
  };
  for_boxes(*this, path_, first, value_count(*this, values.size()), id_, transfer);
  if (disk_) disk_->check();
}

void H5Dataset::read(std::uint64_t first, std::span<std::byte> into) const {
  const auto type = file_type(path_, type_);
  const auto transfer = [&](const H5Scoped& memory, const H5Scoped& file, std::uint64_t done) {
    checked(path_, "H5Dread", [&] {
      return H5Dread(id_, type, memory, file, H5P_DEFAULT, into.data() + done * type_.bytes());
    });
  };
  for_boxes(*this, path_, first, value_count(*this, into.size()), id_, transfer);
}

void H5Dataset::make_scale() {
  checked(path_, "H5DSset_scale", [&] { return H5DSset_scale(id_, name_.c_str()); });
}

void H5Dataset::attach_scale(unsigned dimension, const H5Dataset& scale) {
  checked(path_, "H5DSattach_scale", [&] { return H5DSattach_scale(id_, scale.id_, dimension); });
}

H5File H5File::create(const Path& path) {
  auto disk = std::make_shared<detail::H5Disk>();
  const auto access = access_list(path);
  detail::set_driver(path, access, *disk);
  const auto creation = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_FILE_CREATE); });
  constexpr unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  checked(path, "H5Pset_link_creation_order", [&] { return H5Pset_link_creation_order(creation, order); });
  checked(path, "H5Pset_attr_creation_order", [&] { return H5Pset_attr_creation_order(creation, order); });
  checked(path, "H5Pset_obj_track_times", [&] { return H5Pset_obj_track_times(creation, false); });
  const detail::QuietHdf5 quiet;
  const auto id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access);
  disk->check();
  if (id < 0) detail::throw_hdf5(path, "H5Fcreate");
  return {id, path, std::move(disk)};
}

H5File H5File::open(const Path& path, bool writable) {
  if (access(path.c_str(), R_OK) != 0) {
    throw base::IoError(fmt::format("{}: {}", path.native(), std::strerror(errno)), errno);
  }
  detail::register_zstd();
  auto disk = std::make_shared<detail::H5Disk>();
  const auto list = access_list(path);
  detail::set_driver(path, list, *disk);
  const detail::QuietHdf5 quiet;
  const auto id = H5Fopen(path.c_str(), writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, list);
  disk->check();
  if (id < 0) {
    throw base::FormatError(
        fmt::format("{}: no complete HDF5 file: {}", path.native(), detail::hdf5_message()));
  }
  return {id, path, std::move(disk)};
}

H5File H5File::open_parallel(const Path& path, MPI_Comm ranks) {
  const auto list = access_list(path);
  checked(path, "H5Pset_fapl_mpio", [&] { return H5Pset_fapl_mpio(list, ranks, MPI_INFO_NULL); });
  const auto id = checked(path, "H5Fopen", [&] { return H5Fopen(path.c_str(), H5F_ACC_RDWR, list); });
  return {id, path, nullptr};
}

H5File::~H5File() {
  if (disk_) drop(id_);
}

H5Dataset H5File::create_dataset(const std::string& name, H5Type type,
                                 const std::vector<std::uint64_t>& shape, H5Filter filter) {
  const auto list = creation_list(path_);
  const auto access = made(path_, "H5Pcreate", [] { return H5Pcreate(H5P_DATASET_ACCESS); });
  if (filter != H5Filter::none && !shape.empty()) {
    const auto chunk = chunk_shape(shape, type.bytes());
    const std::vector<hsize_t> dims(chunk.begin(), chunk.end());
    std::size_t bytes = type.bytes();
    for (const auto extent : chunk) bytes *= extent;
    checked(path_, "H5Pset_chunk",
            [&] { return H5Pset_chunk(list, static_cast<int>(dims.size()), dims.data()); });
    set_filter(path_, list, filter);
    // One chunk is enough: chunks are filled one after the other.
    checked(path_, "H5Pset_chunk_cache", [&] { return H5Pset_chunk_cache(access, 1, bytes, 1.0); });
  } else {
    checked(path_, "H5Pset_alloc_time", [&] { return H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY); });
    checked(path_, "H5Pset_fill_time", [&] { return H5Pset_fill_time(list, H5D_FILL_TIME_NEVER); });
  }
  const auto file = file_type(path_, type);
  const auto space = space_of(path_, shape);
  const auto id = checked(path_, "H5Dcreate2", [&] {
    return H5Dcreate2(id_, name.c_str(), file, space, H5P_DEFAULT, list, access);
  });
  return {id, *this, name, type, shape};
}

H5Dataset H5File::create_bare_scale(const std::string& name, std::uint64_t size) {
  const auto list = creation_list(path_);
  const auto file = file_type(path_, {H5Kind::i8});
  const auto space = space_of(path_, {size});
  const auto id = checked(path_, "H5Dcreate2", [&] {
    return H5Dcreate2(id_, name.c_str(), file, space, H5P_DEFAULT, list, H5P_DEFAULT);
  });
  H5Dataset scale(id, *this, name, {H5Kind::i8}, {size});
  // The words by which netCDF-4 and its readers know a dimension without coordinates.
  const auto words = fmt::format("This is a netCDF dimension but not a netCDF variable.{:10}", size);
  checked(path_, "H5DSset_scale", [&] { return H5DSset_scale(id, words.c_str()); });
  return scale;
}

H5Dataset H5File::dataset(const std::string& name) const {
  const detail::QuietHdf5 quiet;
  H5Scoped owner(H5Dopen2(id_, name.c_str(), H5P_DEFAULT));
  if (owner < 0) throw base::FormatError(fmt::format("{}: no dataset '{}'", path_.native(), name));
  const auto type = type_of(path_, name, owner);
  auto shape = shape_of(path_, owner);
  return {owner.release(), *this, name, type, std::move(shape)};
}

void H5File::close() {
  const auto id = std::exchange(id_, -1);
  const auto flushed = [&] {
    const detail::QuietHdf5 quiet;
    return H5Fflush(id, H5F_SCOPE_GLOBAL) >= 0;
  }();
  const auto message = flushed ? std::string{} : detail::hdf5_message();
  checked(path_, "H5Fclose", [&] { return H5Fclose(id); });
  if (disk_) disk_->check();
  if (!flushed) throw base::IoError(fmt::format("{}: H5Fflush failed: {}", path_.native(), message), errno);
}

void sync_file(const Path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int code = errno;
  if (file >= 0) close(file);
  if (!synced) throw base::IoError(fmt::format("fsync {}: {}", path.native(), std::strerror(code)), code);
}

}  // namespace surd::storage
