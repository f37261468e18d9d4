#include "random_expressions.hpp"

#include <stdexcept>

namespace surd::table::random_expressions {
namespace {

double real(const Cell& cell) {
  const auto* integer = std::get_if<Integer>(&*cell);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(*cell);
}

/// By long double, which holds all integers and all floats.
long double wide(const Cell& cell) {
  const auto* integer = std::get_if<Integer>(&*cell);
  return integer != nullptr ? static_cast<long double>(*integer)
                            : static_cast<long double>(std::get<double>(*cell));
}

template <class T>
bool holds(const std::string& sign, const T& a, const T& b) {
  if (sign == "==") return a == b;
  if (sign == "!=") return a != b;
  if (sign == "<") return a < b;
  if (sign == "<=") return a <= b;
  return sign == ">" ? a > b : a >= b;
}

Cell compared(const std::string& sign, const Cell& a, const Cell& b) {
  if (!a || !b) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&*a)) return holds(sign, *text, std::get<std::string>(*b));
  if (const auto* truth = std::get_if<bool>(&*a)) return holds(sign, *truth, std::get<bool>(*b));
  return holds(sign, wide(a), wide(b));
}

Integer checked(char sign, Integer a, Integer b) {
  if (sign == '%') {
    if (b == 0) throw Overflow();
    const Wide wide_a = a;
    return static_cast<Integer>(((wide_a % b) + b) % b);
  }
  const Wide r = sign == '+'   ? static_cast<Wide>(a) + b
                 : sign == '-' ? static_cast<Wide>(a) - b
                               : static_cast<Wide>(a) * b;
  if (r != static_cast<Integer>(r)) throw Overflow();
  return static_cast<Integer>(r);
}

double arithmetic(char sign, double a, double b) {
  return sign == '+' ? a + b : sign == '-' ? a - b : sign == '*' ? a * b : a / b;
}

}  // namespace

Made Generator::make(Type type, int depth) {
  if (depth == 0 || pick(6) == 0) return leaf(type);
  if (pick(8) == 0) return choice(type, depth - 1);
  switch (type) {
    case Type::int64:
      return integer(depth - 1);
    case Type::float64:
      return number(depth - 1);
    case Type::text:
      return text(depth - 1);
    case Type::boolean:
      return truth(depth - 1);
  }
  throw std::logic_error("no such type");
}

Made Generator::leaf(Type type) {
  if (pick(3) != 0)
    return column(2 * (type == Type::int64     ? 0U
                       : type == Type::float64 ? 1U
                       : type == Type::text    ? 2U
                                               : 3U) +
                  pick(2));
  if (pick(6) == 0) {
    const char* const null = type == Type::int64     ? "int(null)"
                             : type == Type::float64 ? "float(null)"
                             : type == Type::text    ? "text(null)"
                                                     : "(null == 1)";
    return {null, type, [](std::size_t) { return Cell(); }};
  }
  if (type == Type::int64) return constant(std::to_string(pick(9)), type, Cell(Integer{}), true);
  if (type == Type::float64) return constant(std::to_string(pick(9)) + ".5", type, Cell(0.0), true);
  if (type == Type::boolean) {
    const bool value = pick(2) == 0;
    return constant(value ? "true" : "false", type, Cell(value), false);
  }
  const auto& word = words[pick(static_cast<unsigned>(words.size()))];
  return constant("'" + word + "'", type, Cell(word), false);
}

Made Generator::constant(const std::string& text, Type type, Cell value, bool parse) {
  if (parse && type == Type::int64) value = Cell(Integer{std::stoll(text)});
  if (parse && type == Type::float64) value = Cell(std::stod(text));
  return {text, type, [value](std::size_t) { return value; }};
}

Made Generator::column(std::size_t index) {
  const auto& column = batch_.columns[index];
  return {schema[index].name, schema[index].type, [&column](std::size_t row) -> Cell {
            if (column.is_null(row)) return std::nullopt;
            if (column.type == Type::int64) return column.integers[row];
            if (column.type == Type::float64) return column.numbers[row];
            if (column.type == Type::boolean) return column.integers[row] != 0;
            return std::string(column.text(row));
          }};
}

Made Generator::choice(Type type, int depth) {
  const auto a = make(type, depth);
  const auto b = make(type, depth);
  if (pick(2) == 0) {
    return {"coalesce(" + a.text + ", " + b.text + ")", type, [a, b](std::size_t row) {
              const auto value = a.value(row);
              return value ? value : b.value(row);
            }};
  }
  const auto c = make(Type::boolean, depth);
  return {"if(" + c.text + ", " + a.text + ", " + b.text + ")", type, [a, b, c](std::size_t row) {
            const auto condition = c.value(row);
            return condition && std::get<bool>(*condition) ? a.value(row) : b.value(row);
          }};
}

Made Generator::integer(int depth) {
  if (pick(4) == 0) {
    const auto a = make(Type::text, depth);
    return {"length(" + a.text + ")", Type::int64, [a](std::size_t row) -> Cell {
              const auto value = a.value(row);
              if (!value) return std::nullopt;
              Integer count = 0;
              for (const char byte : std::get<std::string>(*value)) count += (byte & 0xC0) != 0x80 ? 1 : 0;
              return count;
            }};
  }
  const char sign = "+-*%"[pick(4)];
  const auto a = make(Type::int64, depth);
  const auto b = make(Type::int64, depth);
  return {"(" + a.text + " " + sign + " " + b.text + ")", Type::int64, [=](std::size_t row) -> Cell {
            const auto x = a.value(row);
            const auto y = b.value(row);
            if (!x || !y) return std::nullopt;
            return checked(sign, std::get<Integer>(*x), std::get<Integer>(*y));
          }};
}

Made Generator::number(int depth) {
  const char sign = "+-*/"[pick(4)];
  const auto a = make(pick(2) == 0 || sign != '/' ? Type::float64 : Type::int64, depth);
  const auto b = make(pick(2) == 0 ? Type::float64 : Type::int64, depth);
  return {"(" + a.text + " " + sign + " " + b.text + ")", Type::float64, [=](std::size_t row) -> Cell {
            const auto x = a.value(row);
            const auto y = b.value(row);
            if (!x || !y) return std::nullopt;
            return arithmetic(sign, real(x), real(y));
          }};
}

Made Generator::text(int depth) {
  const auto a = make(Type::text, depth);
  const auto b = make(Type::text, depth);
  if (pick(3) == 0) {
    return {"lower(" + a.text + ")", Type::text, [a](std::size_t row) {
              auto value = a.value(row);
              if (value) {
                for (char& byte : std::get<std::string>(*value)) {
                  if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
                }
              }
              return value;
            }};
  }
  return {"concat(" + a.text + ", " + b.text + ")", Type::text, [a, b](std::size_t row) -> Cell {
            const auto x = a.value(row);
            const auto y = b.value(row);
            if (!x || !y) return std::nullopt;
            return std::get<std::string>(*x) + std::get<std::string>(*y);
          }};
}

Made Generator::truth(int depth) {
  switch (pick(6)) {
    case 0: {
      const auto a = make(static_cast<Type>(pick(4)), depth);
      return {"(" + a.text + " is null)", Type::boolean,
              [a](std::size_t row) { return Cell(!a.value(row)); }};
    }
    case 1: {
      const auto a = make(Type::boolean, depth);
      return {"(not " + a.text + ")", Type::boolean, [a](std::size_t row) -> Cell {
                const auto value = a.value(row);
                if (!value) return std::nullopt;
                return !std::get<bool>(*value);
              }};
    }
    case 2:
      return list(depth);
    case 3:
      return logic(depth);
    default:
      return comparison(depth);
  }
}

Made Generator::logic(int depth) {
  const bool decisive = pick(2) == 0;  // `or` ends at true, `and` at false.
  const auto a = make(Type::boolean, depth);
  const auto b = make(Type::boolean, depth);
  return {"(" + a.text + (decisive ? " or " : " and ") + b.text + ")", Type::boolean,
          [=](std::size_t row) -> Cell {
            const auto x = a.value(row);
            if (x && std::get<bool>(*x) == decisive) return decisive;
            const auto y = b.value(row);
            if (y && std::get<bool>(*y) == decisive) return decisive;
            return x && y ? Cell(!decisive) : Cell();
          }};
}

Made Generator::comparison(int depth) {
  static const std::vector<std::string> signs{"==", "!=", "<", "<=", ">", ">="};
  const auto kind = pick(4);
  const auto sign = signs[pick(kind == 3 ? 2 : 6)];
  const auto a = make(kind == 0 ? Type::text : kind == 3 ? Type::boolean : static_cast<Type>(pick(2)), depth);
  const auto b = make(kind == 0 ? Type::text : kind == 3 ? Type::boolean : static_cast<Type>(pick(2)), depth);
  return {"(" + a.text + " " + sign + " " + b.text + ")", Type::boolean, [=](std::size_t row) {
            const auto x = a.value(row);
            return compared(sign, x, b.value(row));
          }};
}

Made Generator::list(int depth) {
  const bool texts = pick(2) == 0;
  const bool negated = pick(2) == 0;
  const auto a = make(texts ? Type::text : static_cast<Type>(pick(2)), depth);
  std::vector<Made> items;
  std::string text = "(" + a.text + (negated ? " not in [" : " in [");
  for (auto n = 1 + pick(pick(2) == 0 ? 3 : 12); n > 0; --n) {
    items.push_back(make(texts ? Type::text : static_cast<Type>(pick(2)), pick(4) == 0 ? depth : 0));
    text += items.back().text + (n > 1 ? ", " : "])");
  }
  return {text, Type::boolean, [=](std::size_t row) -> Cell {
            const auto x = a.value(row);
            bool found = false;
            bool unknown = false;
            for (const auto& item : items) {
              const auto equal = compared("==", x, item.value(row));
              found |= equal && std::get<bool>(*equal);
              unknown |= !equal;
            }
            return found ? Cell(!negated) : unknown ? Cell() : Cell(negated);
          }};
}

}  // namespace surd::table::random_expressions
