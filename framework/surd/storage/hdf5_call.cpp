#include <cerrno>
#include <string_view>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/storage/detail/hdf5_call.hpp"

namespace surd::storage::detail {
namespace {

herr_t keep_first(unsigned depth, const H5E_error2_t* entry, void* into) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(into) = entry->desc;
  return 0;
}

}  // namespace

QuietHdf5::QuietHdf5() noexcept {
  H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietHdf5::~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

std::string hdf5_message() {
  std::string message;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &message);
  constexpr std::string_view quote = "error message = '";
  if (const auto at = message.find(quote); at != std::string::npos) {
    const auto begin = at + quote.size();
    return message.substr(begin, message.find('\'', begin) - begin);
  }
  return message.empty() ? "no reason given" : message;
}

void throw_hdf5(const Path& path, const char* call) {
  const int code = errno;
  throw base::IoError(fmt::format("{}: {} failed: {}", path.native(), call, hdf5_message()), code);
}

H5Scoped::~H5Scoped() {
  if (id_ < 0) return;
  const QuietHdf5 quiet;
  H5Idec_ref(id_);
}

}  // namespace surd::storage::detail
