// Builds the tree of an expression from what the grammar recognises, operands before operators.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/expression/tree.hpp"

namespace surd::expression::detail {

/// A function as expressions call it.
struct FunctionEntry {
  std::string_view name;
  Kind kind;
  std::size_t least = 1;  ///< Arguments.
  std::size_t most = 1;
  RealFunction function = nullptr;
};

/// What the parser has so far: operands without operator yet.
class Builder {
 public:
  Builder(std::string_view text, const std::vector<std::string>& names, Language language)
      : text_(text), names_(names), language_(language) {}

  void literal(Value value, std::size_t byte);
  /// A name without backquotes: null, in tables, or a variable.
  void plain_name(std::string_view name, std::size_t byte);
  void variable(std::string_view name, std::size_t byte);
  /// Applies an operator to the last `count` operands.
  void apply(Kind kind, std::size_t count, std::size_t byte);

  /// Remembers where the items of a list or call begin.
  void open() { marks_.push_back(operands_.size()); }
  void open_call(std::string_view name, std::size_t byte);
  void close_call();
  /// The list's items and the value before them.
  void close_list(Kind kind, std::size_t byte);

  [[nodiscard]] NodePointer finish();
  [[noreturn]] void fail(std::size_t byte, const std::string& message) const;

 private:
  [[nodiscard]] NodePointer make(Kind kind, std::size_t byte) const;
  /// Moves the operands from `first` on below `node`.
  void take(Node& node, std::size_t first);
  /// Characters, not bytes, from 1.
  [[nodiscard]] std::size_t column(std::size_t byte) const;

  std::string_view text_;
  const std::vector<std::string>& names_;
  Language language_;
  std::vector<NodePointer> operands_;
  std::vector<std::size_t> marks_;
  std::vector<std::pair<const FunctionEntry*, std::size_t>> calls_;
};

}  // namespace surd::expression::detail
