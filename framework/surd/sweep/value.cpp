#include "surd/sweep/value.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace surd::sweep {
namespace {

/// Shortest text that reads back as the same double.
std::string shortest(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

/// Texts are stored as JSON, which is UTF-8.
bool is_utf8(const base::Json& text) {
  using Handler = base::Json::error_handler_t;
  return text.dump(-1, ' ', false, Handler::ignore) == text.dump(-1, ' ', false, Handler::replace);
}

}  // namespace

Value canonical(Value value) {
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr || std::trunc(*number) != *number) return value;
  if (*number < -0x1p63 || *number >= 0x1p63) return value;
  return static_cast<std::int64_t>(*number);
}

bool same(const Value& a, const Value& b) {
  if (a.index() == b.index()) return a == b;
  const bool numbers = std::holds_alternative<double>(a) || std::holds_alternative<double>(b);
  return numbers && canonical(a) == canonical(b);
}

std::string to_text(const Value& value) {
  struct Visitor {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return v == 0 ? "0" : shortest(v); }
    std::string operator()(const std::string& v) const { return v; }
  };
  return std::visit(Visitor{}, value);
}

std::string to_key(const Value& value) {
  static constexpr std::array<char, 4> letters{'b', 'i', 'd', 't'};
  const auto representative = canonical(value);
  return letters.at(representative.index()) + to_text(representative);
}

base::Json to_json(const Value& value) {
  return std::visit([](const auto& v) { return base::Json(v); }, value);
}

Value to_value(const base::Spec& spec) {
  const auto& node = spec.json();
  if (node.is_boolean()) return node.get<bool>();
  if (node.is_number_integer()) return spec.integer();
  if (node.is_number()) return spec.number();
  if (node.is_string()) {
    if (!is_utf8(node)) spec.fail("the text is not UTF-8");
    return spec.text();
  }
  spec.fail_expected("a number, a text, true or false");
}

}  // namespace surd::sweep
