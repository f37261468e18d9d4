// Data jobs without a file: `surd sort`, `surd group` and `surd join` write the job that their flags
// describe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace surd::batch {

/// Flags of the shortcuts, as they were given.
struct ShortcutFlags {
  std::vector<std::string> inputs;
  std::string output;
  std::string format;             ///< "fixed:100", "csv", ...; empty: by the name
  std::vector<std::string> keys;  ///< sort: "price", "-price", "0:10", "0:u64"; join: "id", "id=customer"
  std::vector<std::string> by;    ///< group
  std::vector<std::string> aggregates;  ///< group: "revenue=sum(price)", "orders=count"
  std::vector<std::string> where;       ///< filters before anything else
  std::string join = "inner";
  std::string on_bad_row;
  bool descending = false;
  std::optional<std::uint64_t> take;  ///< Rows; all if not given.
};

/// The job file that does what `verb` with `flags` asks for. Its name is that of the output and a hash of the
/// job, so that the same command resumes and another one does not meet its work.
/// @throws UsageError  naming the flag that is wrong.
[[nodiscard]] std::string shortcut_job(const std::string& verb, const ShortcutFlags& flags);

}  // namespace surd::batch
