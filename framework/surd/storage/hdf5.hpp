// HDF5 files: thin owners of HDF5's identifiers that check every call and throw with HDF5's own message.
//
// A file is created by one rank with all its datasets, so that its bytes depend on the calls alone: no times,
// fixed library version bounds, objects in order of creation. Big datasets are then filled by all ranks: each
// opens the file with open_parallel() (MPI-IO) and writes its own stretch of the values. Datasets are
// addressed as one sequence of values in row-major order, whatever their shape.
//
//   auto file = H5File::create("out.h5.part");
//   auto data = file.create_dataset("energy", {H5Kind::f64}, shape, H5Filter::deflate);
//   data.write(first, bytes);  data.set_attribute("units", "J");
//   file.close();
//
// HDF5 is not crash-safe: write to `name.part`, close, sync_file(), rename.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mpi.h>

#include "surd/base/json.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::storage {

namespace detail {
struct H5Disk;
}

enum class H5Kind : std::uint8_t { i8, i64, f64, text };

/// Type of one value. Texts are UTF-8 of fixed length, padded with zeros: they lie in the dataset itself,
/// where ranks can write them in parallel.
struct H5Type {
  H5Kind kind = H5Kind::f64;
  std::size_t text_bytes = 0;  ///< At least 1 for texts.

  [[nodiscard]] std::size_t bytes() const noexcept;
};

/// zstd is filter 32015 of HDF5's registry (Python: `import hdf5plugin`), built in here.
enum class H5Filter : std::uint8_t { none, deflate, zstd };

/// "none", "deflate", "zstd". @throws UsageError
[[nodiscard]] H5Filter parse_filter(std::string_view text);

/// Owns one HDF5 identifier.
class H5Object {
 public:
  H5Object(const H5Object&) = delete;
  H5Object& operator=(const H5Object&) = delete;

  /// Sets an attribute that the object does not have yet. Texts may be empty.
  void set_attribute(const std::string& name, std::string_view text);
  void set_attribute(const std::string& name, const char* text) {
    set_attribute(name, std::string_view(text));
  }
  void set_attribute(const std::string& name, double value);
  void set_attribute(const std::string& name, std::int64_t value);
  void set_attribute(const std::string& name, std::span<const std::int8_t> values);  ///< One value: a scalar.

 protected:
  H5Object(std::int64_t id, Path path, std::shared_ptr<detail::H5Disk> disk)
      : id_(id), path_(std::move(path)), disk_(std::move(disk)) {}
  /// Of an object in `file`.
  H5Object(std::int64_t id, const H5Object& file) : id_(id), path_(file.path_), disk_(file.disk_) {}
  H5Object(H5Object&& other) noexcept;
  H5Object& operator=(H5Object&& other) noexcept;
  ~H5Object() = default;

  std::int64_t id_ = -1;
  Path path_;                             ///< Of the file, for messages.
  std::shared_ptr<detail::H5Disk> disk_;  ///< Keeps the file's errors; none for parallel files.
};

class H5Dataset : public H5Object {
 public:
  H5Dataset(H5Dataset&&) noexcept = default;
  H5Dataset& operator=(H5Dataset&& other) noexcept;
  ~H5Dataset();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<std::uint64_t>& shape() const noexcept { return shape_; }
  [[nodiscard]] const H5Type& type() const noexcept { return type_; }

  /// Writes values first, first + 1, ... of the row-major sequence; `values` holds whole values of type().
  /// Independent of other ranks. Compressed datasets must be written in ascending order to be written fast.
  void write(std::uint64_t first, std::span<const std::byte> values);
  void read(std::uint64_t first, std::span<std::byte> into) const;

  /// Makes this one-dimensional dataset the coordinate of the dimension that is called like it.
  void make_scale();
  void attach_scale(unsigned dimension, const H5Dataset& scale);

 private:
  friend class H5File;
  H5Dataset(std::int64_t id, const H5Object& file, std::string name, H5Type type,
            std::vector<std::uint64_t> shape)
      : H5Object(id, file), name_(std::move(name)), type_(type), shape_(std::move(shape)) {}

  std::string name_;
  H5Type type_;
  std::vector<std::uint64_t> shape_;
};

class H5File : public H5Object {
 public:
  /// Creates or truncates. Rank-local.
  [[nodiscard]] static H5File create(const Path& path);
  /// Rank-local. @throws IoError  if it is missing; FormatError  if it is no complete HDF5 file.
  [[nodiscard]] static H5File open(const Path& path, bool writable = false);
  /// Collective over `ranks`. Opens for writing values into existing uncompressed datasets.
  [[nodiscard]] static H5File open_parallel(const Path& path, MPI_Comm ranks);

  H5File(H5File&&) noexcept = default;
  H5File& operator=(H5File&&) = delete;
  /// Closes a rank-local file, ignoring errors; leaves a parallel one alone: closing is collective.
  ~H5File();

  /// `shape` empty: one value. Uncompressed datasets are allocated at once and must be filled completely;
  /// compressed ones are cut into chunks of about 128 KiB that are consecutive in row-major order.
  [[nodiscard]] H5Dataset create_dataset(const std::string& name, H5Type type,
                                         const std::vector<std::uint64_t>& shape,
                                         H5Filter filter = H5Filter::none);
  /// A dimension without coordinates; takes no space.
  [[nodiscard]] H5Dataset create_bare_scale(const std::string& name, std::uint64_t size);
  /// @throws FormatError  if there is none, or its type is none of H5Kind.
  [[nodiscard]] H5Dataset dataset(const std::string& name) const;

  [[nodiscard]] std::int64_t native() const noexcept { return id_; }  ///< The hid_t.

  /// Flushes and closes. Collective if opened by open_parallel(). No dataset may be used afterwards.
  void close();

 private:
  H5File(std::int64_t id, Path path, std::shared_ptr<detail::H5Disk> disk)
      : H5Object(id, std::move(path), std::move(disk)) {}
};

/// Chunk shape of compressed datasets: about 128 KiB, consecutive in row-major order, balanced at the edges.
[[nodiscard]] std::vector<std::uint64_t> chunk_shape(const std::vector<std::uint64_t>& shape,
                                                     std::size_t value_bytes);

/// What an HDF5 file holds, after reading all of it: {format, bytes, attributes, datasets: [{name, type,
/// shape, dimensions, filters, stored_bytes, attributes}], damage: [{dataset, error}]}. For any file, not
/// only surd's. Memory: about 1 MiB, or one chunk.
/// @throws IoError  if the file is missing; FormatError  if it is no HDF5 file or cut short.
[[nodiscard]] base::Json describe_hdf5(const Path& path);

/// Makes a closed file durable (fsync).
void sync_file(const Path& path);

}  // namespace surd::storage
