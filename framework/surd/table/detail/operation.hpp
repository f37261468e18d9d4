// Bound expressions: a tree of operations, each giving its values for some rows as a plain array.
//
// Rows are taken a thousand at a time, so that what passes between operations stays in the first-level cache
// (Boncz, Zukowski, Nes, "MonetDB/X100: hyper-pipelining query execution", CIDR 2005). Every operation owns
// the scratch for its results, made when it is bound: evaluating allocates nothing but, until it has seen the
// longest, room for texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "surd/expression/tree.hpp"
#include "surd/table/column.hpp"

namespace surd::table::detail {

using expression::Kind;
using expression::Node;

inline constexpr std::size_t chunk_rows = 1024;

/// Texts of some rows; borrowed.
struct Texts {
  const char* bytes = nullptr;
  std::size_t size = 0;                 ///< Bytes that may be read from `bytes` on.
  const std::uint32_t* ends = nullptr;  ///< nullptr: every row is the whole of `bytes`.
  std::uint32_t first = 0;              ///< Where row 0 begins.

  [[nodiscard]] std::string_view operator[](std::size_t row) const noexcept {
    if (ends == nullptr) return {bytes, size};
    const auto begin = row == 0 ? first : ends[row - 1];
    return {bytes + begin, ends[row] - begin};
  }
};

/// Results for some rows: the member of the operation's type is set. Valid until the operation is evaluated
/// again. Null rows hold any number, but false and ''.
struct Values {
  const std::int64_t* integers = nullptr;
  const double* numbers = nullptr;
  const std::uint8_t* truths = nullptr;  ///< 0 or 1
  Texts texts;
  const std::uint8_t* nulls = nullptr;  ///< 0 or 1; nullptr: no row is null.

  [[nodiscard]] bool is_null(std::size_t row) const noexcept { return nulls != nullptr && nulls[row] != 0; }
};

/// The rows to evaluate, at most chunk_rows.
struct Rows {
  const Batch* batch = nullptr;
  std::size_t begin = 0;
  std::size_t count = 0;
  /// Rows whose value matters: others, such as those for which the left side of `and` is false, may hold
  /// anything and raise no errors. nullptr: all.
  const std::uint8_t* active = nullptr;

  [[nodiscard]] bool is_active(std::size_t row) const noexcept {
    return active == nullptr || active[row] != 0;
  }
  [[nodiscard]] Rows only(const std::uint8_t* mask) const noexcept { return {batch, begin, count, mask}; }
};

class Constant;

class Operation {
 public:
  Operation(const Node& node, std::optional<Type> type) : node_(&node), type_(type) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  [[nodiscard]] virtual Values evaluate(const Rows& rows) = 0;
  [[nodiscard]] virtual const Constant* constant() const noexcept { return nullptr; }

  /// nullopt: null without a type yet.
  [[nodiscard]] std::optional<Type> type() const noexcept { return type_; }
  [[nodiscard]] const Node& node() const noexcept { return *node_; }

 private:
  const Node* node_;
  std::optional<Type> type_;
};

using OperationPointer = std::unique_ptr<Operation>;
using Operations = std::vector<OperationPointer>;

/// An array of one value per row; empty if it is not wanted.
template <class T>
class Scratch {
 public:
  explicit Scratch(bool wanted = true) : values_(wanted ? chunk_rows : 0) {}
  [[nodiscard]] T* data() noexcept { return values_.data(); }
  [[nodiscard]] T& operator[](std::size_t row) noexcept { return values_[row]; }

 private:
  std::vector<T> values_;
};

/// Texts being made, row after row.
class TextScratch {
 public:
  explicit TextScratch(bool wanted = true) : ends_(wanted) {}
  void clear() noexcept {
    bytes_.clear();
    rows_ = 0;
  }
  void append(std::string_view part) { bytes_.insert(bytes_.end(), part.begin(), part.end()); }
  /// Ends a row. @throws UsageError  if the texts of a chunk pass 4 GiB.
  void end_row(const Node& node);
  [[nodiscard]] std::vector<char>& bytes() noexcept { return bytes_; }
  [[nodiscard]] Texts texts() noexcept { return {bytes_.data(), bytes_.size(), ends_.data(), 0}; }

 private:
  std::vector<char> bytes_;
  Scratch<std::uint32_t> ends_;
  std::size_t rows_ = 0;
};

/// Rows null in either; `into` is used if both have nulls.
[[nodiscard]] const std::uint8_t* either_null(const std::uint8_t* a, const std::uint8_t* b,
                                              Scratch<std::uint8_t>& into, std::size_t rows) noexcept;
/// Makes the truths of null rows false.
void clear_nulls(std::uint8_t* truths, const std::uint8_t* nulls, std::size_t rows) noexcept;
[[nodiscard]] bool any(const std::uint8_t* mask, std::size_t rows) noexcept;

/// "an integer", "a text"; "null" without type.
[[nodiscard]] std::string_view type_name(std::optional<Type> type) noexcept;
/// @throws UsageError  "column 5: '+' does not fit a text and an integer".
[[noreturn]] void fail_types(const Node& node, std::optional<Type> a);
[[noreturn]] void fail_types(const Node& node, std::optional<Type> a, std::optional<Type> b);

[[nodiscard]] inline bool is_number(std::optional<Type> type) noexcept {
  return !type || *type == Type::int64 || *type == Type::float64;
}

}  // namespace surd::table::detail
