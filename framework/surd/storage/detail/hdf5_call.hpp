// Calls of the HDF5 library: silent, checked, and reported in its own words.
#pragma once

#include <string>
#include <utility>

#include <hdf5.h>

#include "surd/storage/file_system.hpp"

namespace surd::storage::detail {

/// Keeps HDF5 from printing its error stack while it lives; other users of the library keep their setting.
class QuietHdf5 {
 public:
  QuietHdf5() noexcept;
  QuietHdf5(const QuietHdf5&) = delete;
  QuietHdf5& operator=(const QuietHdf5&) = delete;
  ~QuietHdf5();

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// The innermost message of HDF5's error stack, cut to the system's text where it quotes one.
[[nodiscard]] std::string hdf5_message();

/// @throws IoError  "<path>: <call> failed: <HDF5's message>".
[[noreturn]] void throw_hdf5(const Path& path, const char* call);

/// The result of `call()`, an HDF5 function named `name`.
template <class Call>
auto checked(const Path& path, const char* name, Call call) {
  const QuietHdf5 quiet;
  const auto result = call();
  if (result < 0) throw_hdf5(path, name);
  return result;
}

/// Owns an identifier of any kind for the length of a scope.
class H5Scoped {
 public:
  explicit H5Scoped(hid_t id) noexcept : id_(id) {}
  H5Scoped(H5Scoped&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  H5Scoped& operator=(H5Scoped&&) = delete;
  ~H5Scoped();
  [[nodiscard]] hid_t release() noexcept { return std::exchange(id_, -1); }
  operator hid_t() const noexcept {
    return id_;
  }  // NOLINT(google-explicit-constructor): it stands for the id

 private:
  hid_t id_;
};

/// checked() for calls that return a new identifier.
template <class Call>
H5Scoped made(const Path& path, const char* name, Call call) {
  return H5Scoped(checked(path, name, std::move(call)));
}

/// Registers filter 32015 with the library, once.
void register_zstd();

}  // namespace surd::storage::detail
