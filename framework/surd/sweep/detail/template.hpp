// A text with {placeholders}: "--out={scratch}/T={T}.json". {{ and }} are braces.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/spec.hpp"

namespace surd::sweep::detail {

/// The text for a placeholder.
using Lookup = std::function<std::string(const std::string& name)>;

class Template {
 public:
  /// `for_shell`: the text is a line for /bin/sh, where values are quoted as their place demands: bare,
  /// within
  /// '...' or within "...". So a value is always part of one word and never run.
  /// @throws SpecError  at `where`, for a brace without its partner, an empty placeholder, or no UTF-8 text.
  explicit Template(const base::Spec& where, bool for_shell = false);

  /// The same text with the values of the placeholders.
  [[nodiscard]] std::string render(const Lookup& lookup) const;

  /// Names of the placeholders.
  [[nodiscard]] std::set<std::string> names() const;
  [[nodiscard]] bool is_constant() const { return names().empty(); }

 private:
  enum class Quoting { none, bare, in_single, in_double };
  struct Part {
    std::string literal;  ///< Before the placeholder.
    std::string name;     ///< Empty for the last part.
    Quoting quoting = Quoting::none;
  };

  static std::string quoted(const std::string& value, Quoting quoting);
  static Quoting follow(Quoting quoting, std::string_view text, std::size_t& at);

  std::vector<Part> parts_;
};

}  // namespace surd::sweep::detail
