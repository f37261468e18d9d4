// What is evaluated at every point: a function or command, its version, its fixed parameters and the seed.
//
// The identity of a point is the subject without its parameters, plus the set {name = value} of parameters
// and axes together. So turning a parameter into an axis, or back, keeps every stored result, and the order
// of axes, the chunks and the position of a point mean nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "surd/base/hash.hpp"
#include "surd/base/json.hpp"
#include "surd/sweep/grid.hpp"
#include "surd/sweep/value.hpp"

namespace surd::sweep {

struct Subject {
  std::string kind;     ///< "function" or "command".
  std::string name;     ///< The function's name, or the command's text as canonical JSON.
  std::string version;  ///< Given by the program or the job; never guessed.
  std::uint64_t seed = 0;
  std::map<std::string, Value> params;

  [[nodiscard]] base::Json describe() const;
  static Subject parse(const base::Json& json);  ///< @throws FormatError
};

/// A subject over a grid: what one job asks for, and what the records of a memo refer to.
struct Definition {
  Subject subject;
  Grid grid;

  /// Canonical text; equal texts mean equal meaning of every position.
  [[nodiscard]] std::string text() const;
  static Definition parse(std::string_view text);  ///< @throws FormatError
};

/// Identity of the point at `coordinates`: the same on every machine, in every job that asks for it.
[[nodiscard]] base::Hash128 point_identity(const Definition& definition,
                                           std::span<const std::uint64_t> coordinates);

}  // namespace surd::sweep
