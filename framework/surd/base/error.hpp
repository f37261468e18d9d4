// The errors surd throws. Who may have caused it decides the type, and the type decides the exit status.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace surd::base {

/// Exit statuses of every surd program.
enum class ExitStatus : int {
  done = 0,
  points_failed = 3,  ///< Done, but some points have no result.
  usage = 64,         ///< Command line or job file.
  fatal = 70,         ///< The machine, or a bug.
  interrupted = 75,   ///< Signal or time limit: run the same command again to resume.
  no_progress = 76,   ///< Interrupted again without one new point.
};

/// Root of all errors surd throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Wrong use, command line or job file; ends in ExitStatus::usage.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// The machine failed: disk full, short read, permission. The text names the file, the call and the numbers.
class IoError : public Error {
 public:
  IoError(const std::string& what, int code) : Error(what), code_(code) {}

  /// The errno of the failed call, 0 if there was none.
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

/// Bytes that cannot be what their writer wrote, or that a newer surd wrote.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// A broken invariant of surd itself.
class LogicError : public Error {
 public:
  using Error::Error;
};

/// Throws LogicError naming `what` unless `held`. Always on: for invariants that are cheap to test.
inline void expect(bool held, const char* what) {
  if (!held) throw LogicError(std::string("internal error (please report): ") + what);
}

}  // namespace surd::base
