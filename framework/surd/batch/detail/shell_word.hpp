// Words as a shell reads them back.
#pragma once

#include <string>
#include <string_view>

namespace surd::batch::detail {

/// `word` as it is, or in single quotes if a shell would take it apart.
[[nodiscard]] std::string shell_word(std::string_view word);

}  // namespace surd::batch::detail
