// The environment of commands: this process's, without what an MPI launcher told it, with what the job adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/sweep/detail/template.hpp"

namespace surd::sweep::detail {

/// A variable by which mpirun, srun or an MPI library tells a process that it is a rank. A command that is an
/// MPI program itself must not see them: it would take itself for a rank of this job.
[[nodiscard]] bool belongs_to_launcher(std::string_view variable);

/// Made once; a point changes only what differs between points.
class Environment {
 public:
  /// `added`: names and texts with placeholders, which replace variables of the same name.
  explicit Environment(const std::vector<std::pair<std::string, std::string>>& added);
  Environment(const Environment&) = delete;  // it points into itself
  Environment& operator=(const Environment&) = delete;

  /// Sets `added` and SURD_POINT, SURD_SEED for a point. The result ends with a null pointer and is valid
  /// until the next call.
  [[nodiscard]] char* const* for_point(const Lookup& lookup, const std::string& point, std::uint64_t seed);

  /// Names of the placeholders in `added`.
  [[nodiscard]] std::set<std::string> placeholders() const;

 private:
  struct Variable {
    std::string name;
    Template value;
    std::size_t at;
  };

  void set(std::size_t at, const std::string& name, const std::string& value);

  std::vector<Variable> varying_;
  std::size_t own_at_ = 0;  ///< Of SURD_POINT; SURD_SEED follows.
  std::vector<std::string> entries_;
  std::vector<char*> pointers_;
};

}  // namespace surd::sweep::detail
