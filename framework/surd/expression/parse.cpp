#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/error.hpp"
#include "surd/base/spec.hpp"
#include "surd/expression/detail/grammar.hpp"
#include "surd/expression/detail/tree.hpp"

namespace surd::expression::detail {
namespace {

namespace pegtl = tao::pegtl;

constexpr std::size_t longest_text = 64 * 1024;
constexpr std::size_t deepest_parse = 200;  // Of parentheses and the like: bounds the parser's stack.
constexpr std::size_t deepest_tree = 1000;  // Of chains such as a + b + c too: bounds the evaluator's.

struct FunctionEntry {
  std::string_view name;
  Kind kind;
  RealFunction function;
};

constexpr std::array<FunctionEntry, 14> functions{{
    {"abs", Kind::absolute, nullptr},
    {"floor", Kind::floor, nullptr},
    {"ceil", Kind::ceil, nullptr},
    {"round", Kind::round, nullptr},
    {"min", Kind::min, nullptr},
    {"max", Kind::max, nullptr},
    {"sqrt", Kind::real_function, std::sqrt},
    {"exp", Kind::real_function, std::exp},
    {"log", Kind::real_function, std::log},
    {"log2", Kind::real_function, std::log2},
    {"log10", Kind::real_function, std::log10},
    {"sin", Kind::real_function, std::sin},
    {"cos", Kind::real_function, std::cos},
    {"tan", Kind::real_function, std::tan},
}};

/// Ends in "did you mean 'x'?" or in all candidates.
std::string hint(std::string_view word, const std::vector<std::string_view>& candidates,
                 std::string_view plural) {
  const auto guess = base::nearest(word, candidates);
  if (!guess.empty()) return fmt::format("did you mean '{}'?", guess);
  return fmt::format("{} are {}", plural, fmt::join(candidates, ", "));
}

/// What the parser has so far: operands without operator yet.
class Builder {
 public:
  Builder(std::string_view text, const std::vector<std::string>& names) : text_(text), names_(names) {}

  void literal(Value value, std::size_t byte) {
    auto node = make(Kind::literal, byte);
    node->value = std::move(value);
    operands_.push_back(std::move(node));
  }

  void variable(std::string_view name, std::size_t byte) {
    const auto it = std::find(names_.begin(), names_.end(), name);
    if (it == names_.end()) {
      fail(byte, fmt::format("unknown name '{}'; {}", name,
                             hint(name, {names_.begin(), names_.end()}, "known names")));
    }
    auto node = make(Kind::variable, byte);
    node->variable = static_cast<std::size_t>(it - names_.begin());
    operands_.push_back(std::move(node));
  }

  /// Applies an operator to the last `count` operands.
  void apply(Kind kind, std::size_t count, std::size_t byte) {
    auto node = make(kind, byte);
    take(*node, operands_.size() - count);
    operands_.push_back(std::move(node));
  }

  void open() { marks_.push_back(operands_.size()); }

  void open_call(std::string_view name, std::size_t byte) {
    const auto it =
        std::find_if(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
    if (it == functions.end()) {
      std::vector<std::string_view> known;
      for (const auto& function : functions) known.push_back(function.name);
      fail(byte, fmt::format("unknown function '{}'; {}", name, hint(name, known, "functions")));
    }
    calls_.push_back({&*it, byte});
    open();
  }

  void close_call() {
    const auto [entry, byte] = calls_.back();
    calls_.pop_back();
    auto node = make(entry->kind, byte);
    node->function = entry->function;
    node->name = entry->name;
    take(*node, marks_.back());
    marks_.pop_back();
    const bool several = entry->kind == Kind::min || entry->kind == Kind::max;
    if (!several && node->children.size() != 1) {
      fail(byte, fmt::format("{} takes one value, found {}", entry->name, node->children.size()));
    }
    operands_.push_back(std::move(node));
  }

  /// The list's items and the value before them.
  void close_list(Kind kind, std::size_t byte) {
    const auto items = operands_.size() - marks_.back();
    marks_.pop_back();
    apply(kind, items + 1, byte);
  }

  NodePointer finish() {
    base::expect(operands_.size() == 1, "an expression has one root");
    return std::move(operands_.back());
  }

  [[noreturn]] void fail(std::size_t byte, const std::string& message) const {
    throw base::UsageError(fmt::format("column {}: {}", column(byte), message));
  }

 private:
  NodePointer make(Kind kind, std::size_t byte) const {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->column = column(byte);
    node->name = symbol(kind);
    return node;
  }

  /// Moves the operands from `first` on below `node`.
  void take(Node& node, std::size_t first) {
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

  /// Characters, not bytes, from 1.
  [[nodiscard]] std::size_t column(std::size_t byte) const {
    const auto before = text_.substr(0, byte);
    const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    return static_cast<std::size_t>(std::count_if(before.begin(), before.end(), starts)) + 1;
  }

  std::string_view text_;
  const std::vector<std::string>& names_;
  std::vector<NodePointer> operands_;
  std::vector<std::size_t> marks_;
  std::vector<std::pair<const FunctionEntry*, std::size_t>> calls_;
};

Value read_number(std::string_view text, std::size_t byte, const Builder& builder) {
  const auto* const end = text.data() + text.size();
  if (text.find_first_of(".eE") == std::string_view::npos) {
    std::int64_t integer = 0;
    if (std::from_chars(text.data(), end, integer).ec == std::errc{}) return integer;
    builder.fail(byte, fmt::format("the integer {} is beyond 64 bits", text));
  }
  double number = 0;
  if (std::from_chars(text.data(), end, number).ec == std::errc{}) return number;
  builder.fail(byte, fmt::format("the number {} is out of the range of floats", text));
}

std::string read_text(std::string_view body, std::size_t byte, const Builder& builder) {
  std::string text;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\') {
      text += body[i];
      continue;
    }
    const char escaped = body[++i];
    if (escaped == 'n' || escaped == 't') {
      text += escaped == 'n' ? '\n' : '\t';
    } else if (escaped == '\\' || escaped == '\'' || escaped == '"') {
      text += escaped;
    } else {
      builder.fail(byte + i - 1, "unknown escape; write \\\\ for a backslash");
    }
  }
  return text;
}

template <class Rule>
struct Action : pegtl::nothing<Rule> {};

template <>
struct Action<grammar::number_text> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    const auto byte = in.position().byte;
    builder.literal(read_number(in.string_view(), byte, builder), byte);
  }
};

template <char Quote>
struct Action<grammar::text_body<Quote>> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    const auto byte = in.position().byte;
    builder.literal(read_text(in.string_view(), byte, builder), byte);
  }
};

template <bool value>
struct BoolAction {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    builder.literal(value, in.position().byte);
  }
};
template <>
struct Action<grammar::key_true> : BoolAction<true> {};
template <>
struct Action<grammar::key_false> : BoolAction<false> {};

struct NameAction {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    builder.variable(in.string_view(), in.position().byte);
  }
};
template <>
struct Action<grammar::variable_name> : NameAction {};
template <>
struct Action<grammar::quoted_name> : NameAction {};

template <>
struct Action<grammar::function_name> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    builder.open_call(in.string_view(), in.position().byte);
  }
};
template <>
struct Action<grammar::call> {
  static void apply0(Builder& builder) { builder.close_call(); }
};
template <>
struct Action<grammar::open_list> {
  static void apply0(Builder& builder) { builder.open(); }
};

template <Kind kind, class Operator, class Operand>
struct Action<grammar::prefix<kind, Operator, Operand>> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    builder.apply(kind, 1, in.position().byte);
  }
};
template <Kind kind, class Operator, class Operand>
struct Action<grammar::tail<kind, Operator, Operand>> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    if constexpr (kind == Kind::in || kind == Kind::not_in) {
      builder.close_list(kind, in.position().byte);
    } else {
      builder.apply(kind, 2, in.position().byte);
    }
  }
};

// All recursion passes through these two.
template <>
struct Action<grammar::unary> : pegtl::limit_depth<deepest_parse> {};
template <>
struct Action<grammar::inversion> : pegtl::limit_depth<deepest_parse> {};

/// What was expected where a rule that must match does not.
template <class Rule>
constexpr const char* expectation = "a value";
template <>
constexpr const char* expectation<grammar::word_end> = "an operator behind the number";
template <char Quote>
constexpr const char* expectation<grammar::text_end<Quote>> = "the closing quote of the text";
template <>
constexpr const char* expectation<grammar::quoted_name> = "a name";
template <>
constexpr const char* expectation<grammar::close_backquote> = "the closing ` of the name";
template <>
constexpr const char* expectation<grammar::bracketed> = "a list such as [1, 2]";
template <>
constexpr const char* expectation<grammar::close_list> = "',' or ']'";
template <>
constexpr const char* expectation<grammar::close_group> = "an operator, ',' or ')'";
template <>
constexpr const char* expectation<grammar::no_assignment> = "an operator; equality is written ==";
template <>
constexpr const char* expectation<grammar::no_chain> =
    "and, or, or the end; comparisons are not chained: write a < b and b < c";
template <>
constexpr const char* expectation<grammar::end> = "an operator or the end";

struct Errors {
  template <class Rule>
  static constexpr bool raise_on_failure = false;
  template <class Rule>
  static constexpr const char* message = expectation<Rule>;
};
template <class Rule>
using Control = pegtl::must_if<Errors>::control<Rule>;

std::string found_at(std::string_view text, std::size_t byte) {
  if (byte >= text.size()) return "the end";
  auto end = byte + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return fmt::format("'{}'", text.substr(byte, end - byte));
}

}  // namespace

std::string_view symbol(Kind kind) noexcept {
  switch (kind) {
    case Kind::logical_or:
      return "or";
    case Kind::logical_and:
      return "and";
    case Kind::logical_not:
      return "not";
    case Kind::equal:
      return "==";
    case Kind::not_equal:
      return "!=";
    case Kind::less:
      return "<";
    case Kind::less_equal:
      return "<=";
    case Kind::greater:
      return ">";
    case Kind::greater_equal:
      return ">=";
    case Kind::in:
      return "in";
    case Kind::not_in:
      return "not in";
    case Kind::add:
      return "+";
    case Kind::subtract:
    case Kind::negate:
      return "-";
    case Kind::multiply:
      return "*";
    case Kind::divide:
      return "/";
    case Kind::remainder:
      return "%";
    case Kind::power:
      return "**";
    default:
      return {};
  }
}

NodePointer parse(std::string_view text, const std::vector<std::string>& names) {
  if (text.size() > longest_text) {
    throw base::UsageError(
        fmt::format("an expression of {} bytes is longer than {}", text.size(), longest_text));
  }
  Builder builder(text, names);
  pegtl::memory_input in(text.data(), text.size(), "");
  try {
    pegtl::parse<grammar::whole, Action, Control>(in, builder);
  } catch (const pegtl::parse_error& e) {
    const auto byte = e.positions().front().byte;
    if (e.message().find("depth") != std::string_view::npos) {
      builder.fail(byte, fmt::format("more than {} nested parentheses or operators", deepest_parse / 2));
    }
    builder.fail(byte, fmt::format("expected {}, found {}", e.message(), found_at(text, byte)));
  }
  return builder.finish();
}

}  // namespace surd::expression::detail
