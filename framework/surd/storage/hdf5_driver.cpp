#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/storage/detail/hdf5_call.hpp"
#include "surd/storage/detail/hdf5_driver.hpp"
#include "surd/storage/faults.hpp"

namespace surd::storage::detail {
namespace {

/// What an open file is to HDF5: its own part first.
struct DriverFile {
  H5FD_t common{};
  H5Disk* disk = nullptr;
  std::string path;
  int fd = -1;
  haddr_t end_of_addresses = 0;
  haddr_t end_of_file = 0;
};

struct DriverInfo {
  H5Disk* disk;
};

DriverFile& own(H5FD_t* file) { return *reinterpret_cast<DriverFile*>(file); }
const DriverFile& own(const H5FD_t* file) { return *reinterpret_cast<const DriverFile*>(file); }

void keep(H5Disk& disk, std::string text, int code) {
  if (!disk.error.empty()) return;
  disk.error = std::move(text);
  disk.code = code;
}

void keep_errno(DriverFile& file, const char* call) {
  const int code = errno;
  keep(*file.disk, fmt::format("{} {}: {}", call, file.path, std::generic_category().message(code)), code);
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t access, haddr_t) {
  const auto* info = static_cast<const DriverInfo*>(H5Pget_driver_info(access));
  int mode = (flags & H5F_ACC_RDWR) != 0 ? O_RDWR : O_RDONLY;
  if ((flags & H5F_ACC_TRUNC) != 0) mode |= O_TRUNC;
  if ((flags & H5F_ACC_CREAT) != 0) mode |= O_CREAT;
  auto file = std::make_unique<DriverFile>();
  file->disk = info->disk;
  file->path = name;
  file->fd = ::open(name, mode | O_CLOEXEC, 0666);
  struct stat status {};
  if (file->fd < 0 || ::fstat(file->fd, &status) != 0) {
    keep_errno(*file, "open");
    if (file->fd >= 0) ::close(file->fd);
    return nullptr;
  }
  file->end_of_file = static_cast<haddr_t>(status.st_size);
  return &file.release()->common;
}

herr_t close_file(H5FD_t* file) {
  const std::unique_ptr<DriverFile> owner(&own(file));
  if (::close(owner->fd) < 0 && errno != EINTR) keep_errno(*owner, "close");
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t end_of_addresses(const H5FD_t* file, H5FD_mem_t) { return own(file).end_of_addresses; }

herr_t set_end_of_addresses(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  own(file).end_of_addresses = end;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return own(file).end_of_file; }

herr_t read_file(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, void* buffer) {
  auto& mine = own(file);
  auto* into = static_cast<char*>(buffer);
  while (size > 0) {
    const auto n = ::pread(mine.fd, into, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      keep_errno(mine, "read");
      return -1;
    }
    if (n == 0) break;  // allocated, but not written yet: zeros, as HDF5's own drivers have it
    into += n;
    at += static_cast<haddr_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  std::memset(into, 0, size);
  return 0;
}

void write_all(DriverFile& file, haddr_t at, const char* bytes, std::size_t size) {
  const auto allowed = fault_before("write", file.path, size);
  for (std::size_t written = 0; written < allowed;) {
    const auto n = ::pwrite(file.fd, bytes + written, allowed - written, static_cast<off_t>(at + written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return keep_errno(file, "write");
    written += static_cast<std::size_t>(n);
  }
  fault_after();
  file.end_of_file = std::max(file.end_of_file, at + size);
}

/// Never fails: see the head of hdf5_driver.hpp. An injected fault must not fly through the C library either.
herr_t write_file(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, const void* buffer) {
  auto& mine = own(file);
  if (!mine.disk->error.empty()) return 0;
  try {
    write_all(mine, at, static_cast<const char*>(buffer), size);
  } catch (const base::IoError& error) {
    keep(*mine.disk, error.what(), error.code());
  }
  return 0;
}

herr_t truncate_file(H5FD_t* file, hid_t, hbool_t) {
  auto& mine = own(file);
  if (mine.end_of_addresses == mine.end_of_file || !mine.disk->error.empty()) return 0;
  if (::ftruncate(mine.fd, static_cast<off_t>(mine.end_of_addresses)) != 0) keep_errno(mine, "truncate");
  mine.end_of_file = mine.end_of_addresses;
  return 0;
}

hid_t driver() {
  static const hid_t id = [] {
    static H5FD_class_t callbacks{};
    callbacks.name = "surd";
    callbacks.maxaddr = (haddr_t{1} << 63) - 1;
    callbacks.fc_degree = H5F_CLOSE_WEAK;
    callbacks.fapl_size = sizeof(DriverInfo);
    callbacks.open = open_file;
    callbacks.close = close_file;
    callbacks.query = query;
    callbacks.get_eoa = end_of_addresses;
    callbacks.set_eoa = set_end_of_addresses;
    callbacks.get_eof = end_of_file;
    callbacks.read = read_file;
    callbacks.write = write_file;
    callbacks.truncate = truncate_file;
    const H5FD_mem_t kinds[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(kinds), std::end(kinds), callbacks.fl_map);
    return H5FDregister(&callbacks);
  }();
  return id;
}

}  // namespace

void H5Disk::check() const {
  if (!error.empty()) throw base::IoError(error, code);
}

void set_driver(const Path& path, hid_t access, H5Disk& disk) {
  const DriverInfo info{&disk};
  checked(path, "H5Pset_driver", [&] { return H5Pset_driver(access, driver(), &info); });
}

}  // namespace surd::storage::detail
