// Private to batch/.
#pragma once

#include <string>

namespace surd::batch::detail {

/// "1.10.8", of the library that is linked now.
[[nodiscard]] std::string hdf5_version();

}  // namespace surd::batch::detail
