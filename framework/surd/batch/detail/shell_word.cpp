#include "surd/batch/detail/shell_word.hpp"

namespace surd::batch::detail {

std::string shell_word(std::string_view word) {
  const bool plain =
      !word.empty() && word.find_first_of(" \t\n'\"\\$*?[]{}();&|<>#~!`") == std::string_view::npos;
  if (plain) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace surd::batch::detail
