#include <charconv>
#include <string>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/expression/detail/builder.hpp"
#include "surd/expression/detail/grammar.hpp"
#include "surd/expression/tree.hpp"

namespace surd::expression {
namespace {

namespace pegtl = tao::pegtl;
namespace grammar = detail::grammar;
using detail::Builder;

constexpr std::size_t longest_text = 64 * 1024;

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

template <>
struct Action<grammar::variable_name> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    builder.plain_name(in.string_view(), in.position().byte);
  }
};
template <>
struct Action<grammar::quoted_name> {
  template <class Input>
  static void apply(const Input& in, Builder& builder) {
    builder.variable(in.string_view(), in.position().byte);
  }
};

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
template <Kind kind, class Operator>
struct Action<grammar::postfix<kind, Operator>> {
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

constexpr std::size_t deepest_parse = 200;  // Of parentheses and the like: bounds the parser's stack.

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
constexpr const char* expectation<grammar::must_null> = "null (is null, is not null)";
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

NodePointer parse(std::string_view text, const std::vector<std::string>& names, Language language) {
  if (text.size() > longest_text) {
    throw base::UsageError(
        fmt::format("an expression of {} bytes is longer than {}", text.size(), longest_text));
  }
  Builder builder(text, names, language);
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

}  // namespace surd::expression
