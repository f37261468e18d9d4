// What evaluating a point gives.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace surd::sweep {

/// A result of several numbers; the shape must be the same at every point. Row-major.
struct Array {
  std::vector<std::uint64_t> shape;
  std::vector<double> values;

  Array() = default;
  /// Shape [values.size()].
  Array(std::vector<double> v)
      : shape{v.size()}, values(std::move(v)) {}  // NOLINT(google-explicit-constructor)
  Array(std::vector<std::uint64_t> s, std::vector<double> v) : shape(std::move(s)), values(std::move(v)) {}
  bool operator==(const Array&) const = default;
};

using FieldValue = std::variant<bool, std::int64_t, double, std::string, Array>;

struct Field {
  std::string name;
  FieldValue value;

  template <class T>
  Field(std::string n, T v) : name(std::move(n)), value(to_field(std::move(v))) {}
  bool operator==(const Field&) const = default;

 private:
  template <class T>
  static FieldValue to_field(T v) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string> || std::is_same_v<T, Array>) {
      return FieldValue(std::move(v));
    } else if constexpr (std::is_same_v<T, FieldValue>) {
      return v;
    } else if constexpr (std::is_integral_v<T>) {
      return FieldValue(static_cast<std::int64_t>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
      return FieldValue(static_cast<double>(v));
    } else if constexpr (std::is_convertible_v<T, Array>) {
      return FieldValue(Array(std::move(v)));
    } else {
      return FieldValue(std::string(std::move(v)));
    }
  }
};

/// Named results of one point: return {{"energy", e}, {"spins", std::vector<double>{...}}}.
using Values = std::vector<Field>;

/// Why `values` cannot be stored: two fields of one name, an array whose values do not fill its shape, more
/// than values_limit_bytes in all. Empty if they can. An evaluator checks it and turns the point into a
/// failed one.
[[nodiscard]] std::string why_unstorable(const Values& values);
inline constexpr std::uint64_t values_limit_bytes = std::uint64_t{512} << 20;

/// Numbers are stored in memos: never renumber.
enum class Status : std::uint8_t {
  ok = 1,
  failed = 2,      ///< The function threw, or the command exited with another status than 0.
  timed_out = 3,   ///< The command exceeded its timeout.
  killed = 4,      ///< The command died of a signal.
  bad_output = 5,  ///< The command's output could not be parsed.
};

[[nodiscard]] const char* to_text(Status status) noexcept;

/// What a command left behind, shown by `surd show`.
struct Capture {
  int exit_code = 0;
  int signal = 0;
  std::uint64_t peak_bytes = 0;  ///< ru_maxrss
  std::string output;            ///< stdout: head and tail if longer than the limit.
  std::string errors;            ///< stderr, likewise.
  bool operator==(const Capture&) const = default;
};

struct Outcome {
  Status status = Status::ok;
  Values values;        ///< Empty unless ok.
  std::string message;  ///< Why it failed; empty if ok.
  double seconds = 0;   ///< Of the last attempt.
  std::uint32_t attempts = 1;
  std::optional<Capture> capture;
};

}  // namespace surd::sweep
