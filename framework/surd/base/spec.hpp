// Strict reading of a specification (a job file turned into JSON): every mistake names its place, what was
// expected and, for a misspelt key, the nearest valid one.
//
//   spec.allow_only({"timeout", "retries"});
//   const auto retries = spec.get("retries", std::int64_t{0});
//   if (retries < 0) spec.at("retries").fail("must not be negative");
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/error.hpp"
#include "surd/base/json.hpp"

namespace surd::base {

/// A mistake at a place in a specification. what() is "axes.T: must have at least one value".
class SpecError : public UsageError {
 public:
  SpecError(std::string path, const std::string& message);

  /// Dotted path of the place, list items as numbers: "axes.T.linspace.2"; empty for the whole document.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// The message without the path.
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

 private:
  std::string path_;
  std::string message_;
};

/// One node of a specification and its path. Borrows the document, which must outlive it.
class Spec {
 public:
  explicit Spec(const Json& node, std::string path = {}) : node_(&node), path_(std::move(path)) {}

  [[nodiscard]] const Json& json() const noexcept { return *node_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool is_map() const noexcept { return node_->is_object(); }
  [[nodiscard]] bool is_list() const noexcept { return node_->is_array(); }
  [[nodiscard]] bool is_text() const noexcept { return node_->is_string(); }
  [[nodiscard]] bool is_number() const noexcept { return node_->is_number(); }

  /// The value under `key` of a map. @throws SpecError  if this is no map or lacks the key.
  [[nodiscard]] Spec at(std::string_view key) const;
  /// The value under `key`, nullopt if absent. @throws SpecError  if this is no map.
  [[nodiscard]] std::optional<Spec> find(std::string_view key) const;
  /// Items of a list. @throws SpecError  if this is no list.
  [[nodiscard]] std::vector<Spec> items() const;
  /// Keys of a map, in file order. @throws SpecError  if this is no map.
  [[nodiscard]] std::vector<std::string> keys() const;

  /// @throws SpecError  at the first key that is not in `keys`, with the nearest valid key.
  void allow_only(std::span<const std::string_view> keys) const;
  void allow_only(std::initializer_list<std::string_view> keys) const {
    allow_only(std::span(keys.begin(), keys.size()));
  }

  /// Typed value. @throws SpecError  if the node has another type, or a number is out of range.
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] double number() const;  ///< An integer counts as a number; infinities and NaN do not.
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::uint64_t bytes() const;  ///< "512MiB" or a number of bytes.
  [[nodiscard]] double seconds() const;       ///< "90s", "04:00:00" or a number of seconds.

  [[nodiscard]] std::int64_t get(std::string_view key, std::int64_t otherwise) const;
  [[nodiscard]] double get(std::string_view key, double otherwise) const;
  [[nodiscard]] bool get(std::string_view key, bool otherwise) const;
  [[nodiscard]] std::string get(std::string_view key, const char* otherwise) const;

  /// @throws SpecError  with this node's path.
  [[noreturn]] void fail(const std::string& message) const;
  /// @throws SpecError  "expected <what>, found <this value>".
  [[noreturn]] void fail_expected(std::string_view what) const;

 private:
  const Json* node_;
  std::string path_;
};

/// The candidate nearest to `word` (Damerau-Levenshtein distance at most a third of its length, at least 1),
/// or empty.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace surd::base
