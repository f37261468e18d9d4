#include "surd/expression/detail/builder.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/error.hpp"
#include "surd/base/spec.hpp"

namespace surd::expression::detail {
namespace {

constexpr std::size_t deepest_tree = 1000;  // Of chains such as a + b + c too: bounds the evaluator's stack.
constexpr std::size_t any_number = static_cast<std::size_t>(-1);

constexpr std::array functions{
    FunctionEntry{"abs", Kind::absolute},
    FunctionEntry{"floor", Kind::floor},
    FunctionEntry{"ceil", Kind::ceil},
    FunctionEntry{"round", Kind::round},
    FunctionEntry{"min", Kind::min, 1, any_number},
    FunctionEntry{"max", Kind::max, 1, any_number},
    FunctionEntry{"sqrt", Kind::real_function, 1, 1, std::sqrt},
    FunctionEntry{"exp", Kind::real_function, 1, 1, std::exp},
    FunctionEntry{"log", Kind::real_function, 1, 1, std::log},
    FunctionEntry{"log2", Kind::real_function, 1, 1, std::log2},
    FunctionEntry{"log10", Kind::real_function, 1, 1, std::log10},
    FunctionEntry{"sin", Kind::real_function, 1, 1, std::sin},
    FunctionEntry{"cos", Kind::real_function, 1, 1, std::cos},
    FunctionEntry{"tan", Kind::real_function, 1, 1, std::tan},
    FunctionEntry{"coalesce", Kind::coalesce, 1, any_number},
    FunctionEntry{"if", Kind::choice, 3, 3},
    FunctionEntry{"lower", Kind::lower},
    FunctionEntry{"upper", Kind::upper},
    FunctionEntry{"length", Kind::length},
    FunctionEntry{"starts_with", Kind::starts_with, 2, 2},
    FunctionEntry{"ends_with", Kind::ends_with, 2, 2},
    FunctionEntry{"contains", Kind::contains, 2, 2},
    FunctionEntry{"substr", Kind::substr, 2, 3},
    FunctionEntry{"concat", Kind::concat, 1, any_number},
    FunctionEntry{"year", Kind::year},
    FunctionEntry{"month", Kind::month},
    FunctionEntry{"day", Kind::day},
    FunctionEntry{"hour", Kind::hour},
    FunctionEntry{"minute", Kind::minute},
    FunctionEntry{"second", Kind::second},
    FunctionEntry{"int", Kind::to_integer},
    FunctionEntry{"float", Kind::to_float},
    FunctionEntry{"text", Kind::to_text},
};

/// Ends in "did you mean 'x'?" or in all candidates.
std::string hint(std::string_view word, const std::vector<std::string_view>& candidates,
                 std::string_view plural) {
  const auto guess = base::nearest(word, candidates);
  if (!guess.empty()) return fmt::format("did you mean '{}'?", guess);
  return fmt::format("{} are {}", plural, fmt::join(candidates, ", "));
}

bool is_known(Kind kind, Language language) { return language == Language::tables || kind < Kind::null; }

/// "one value", "2 or 3 values"
std::string arity(const FunctionEntry& entry) {
  if (entry.most == any_number)
    return fmt::format("at least {} value{}", entry.least, entry.least == 1 ? "" : "s");
  if (entry.most == 1) return "one value";
  if (entry.least == entry.most) return fmt::format("{} values", entry.least);
  return fmt::format("{} or {} values", entry.least, entry.most);
}

}  // namespace

void Builder::literal(Value value, std::size_t byte) {
  auto node = make(Kind::literal, byte);
  node->value = std::move(value);
  operands_.push_back(std::move(node));
}

void Builder::plain_name(std::string_view name, std::size_t byte) {
  if (language_ == Language::tables && name == "null") {
    operands_.push_back(make(Kind::null, byte));
  } else {
    variable(name, byte);
  }
}

void Builder::variable(std::string_view name, std::size_t byte) {
  const auto it = std::find(names_.begin(), names_.end(), name);
  if (it == names_.end()) {
    fail(byte, fmt::format("unknown name '{}'; {}", name,
                           hint(name, {names_.begin(), names_.end()}, "known names")));
  }
  auto node = make(Kind::variable, byte);
  node->variable = static_cast<std::size_t>(it - names_.begin());
  node->name = *it;
  operands_.push_back(std::move(node));
}

void Builder::apply(Kind kind, std::size_t count, std::size_t byte) {
  if (!is_known(kind, language_)) fail(byte, fmt::format("'{}' is for tables only", symbol(kind)));
  auto node = make(kind, byte);
  take(*node, operands_.size() - count);
  operands_.push_back(std::move(node));
}

void Builder::open_call(std::string_view name, std::size_t byte) {
  const auto* const it =
      std::find_if(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
  if (it == functions.end()) {
    std::vector<std::string_view> known;
    for (const auto& function : functions) {
      if (is_known(function.kind, language_)) known.push_back(function.name);
    }
    fail(byte, fmt::format("unknown function '{}'; {}", name, hint(name, known, "functions")));
  }
  if (!is_known(it->kind, language_)) fail(byte, fmt::format("{}() is for tables only", name));
  calls_.emplace_back(it, byte);
  open();
}

void Builder::close_call() {
  const auto [entry, byte] = calls_.back();
  calls_.pop_back();
  auto node = make(entry->kind, byte);
  node->function = entry->function;
  node->name = entry->name;
  take(*node, marks_.back());
  marks_.pop_back();
  const auto count = node->children.size();
  if (count < entry->least || count > entry->most) {
    fail(byte, fmt::format("{} takes {}, found {}", entry->name, arity(*entry), count));
  }
  operands_.push_back(std::move(node));
}

void Builder::close_list(Kind kind, std::size_t byte) {
  const auto items = operands_.size() - marks_.back();
  marks_.pop_back();
  apply(kind, items + 1, byte);
}

NodePointer Builder::finish() {
  base::expect(operands_.size() == 1, "an expression has one root");
  return std::move(operands_.back());
}

void Builder::fail(std::size_t byte, const std::string& message) const {
  throw base::UsageError(fmt::format("column {}: {}", column(byte), message));
}

NodePointer Builder::make(Kind kind, std::size_t byte) const {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->column = column(byte);
  node->name = symbol(kind);
  return node;
}

void Builder::take(Node& node, std::size_t first) {
  for (auto i = first; i < operands_.size(); ++i) {
    node.depth = std::max(node.depth, operands_[i]->depth + 1);
    node.children.push_back(std::move(operands_[i]));
  }
  operands_.resize(first);
  if (node.depth > deepest_tree) {
    throw base::UsageError(
        fmt::format("column {}: more than {} operators in a row", node.column, deepest_tree));
  }
}

std::size_t Builder::column(std::size_t byte) const {
  const auto before = text_.substr(0, byte);
  const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<std::size_t>(std::count_if(before.begin(), before.end(), starts)) + 1;
}

}  // namespace surd::expression::detail
