// What is evaluated at every point: a function or command, its version, its fixed parameters and the seed.
//
// The identity of a point is the subject without its parameters, plus the set {name = value} of parameters
// and axes together. So turning a parameter into an axis, or back, keeps every stored result, and the order
// of axes, the chunks and the position of a point mean nothing.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/base/hash.hpp"
#include "surd/base/json.hpp"
#include "surd/base/random.hpp"
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

/// Identities of a definition's points: the same on every machine, in every job that asks for them.
class PointIdentities {
 public:
  explicit PointIdentities(const Definition& definition);  ///< `definition` must outlive it.

  [[nodiscard]] base::Hash128 at(std::span<const std::uint64_t> coordinates) const;

 private:
  struct Part {
    std::string name;
    std::size_t axis;  ///< The number of axes for a parameter.
    std::string key;   ///< Of a parameter.
  };

  const Definition* definition_;
  base::ByteWriter start_;   ///< What all points have in common.
  std::vector<Part> parts_;  ///< By name.
};

/// The random numbers of the point with that identity.
[[nodiscard]] base::RandomStream random_of(const Subject& subject, const base::Hash128& identity);

}  // namespace surd::sweep
