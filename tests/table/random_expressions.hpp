// Random expressions with their values by a closure per operator, one row at a time.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "surd/table/column.hpp"

namespace surd::table::random_expressions {

using Integer = std::int64_t;
__extension__ using Wide = __int128;
using Cell = std::optional<std::variant<bool, Integer, double, std::string>>;  ///< nullopt: null
using Evaluator = std::function<Cell(std::size_t row)>;

struct Made {
  std::string text;
  Type type = Type::int64;
  Evaluator value;
};

struct Overflow {};

inline const Schema schema{{"i", Type::int64},   {"j", Type::int64},  {"x", Type::float64},
                           {"y", Type::float64}, {"s", Type::text},   {"t", Type::text},
                           {"b", Type::boolean}, {"c", Type::boolean}};
inline const std::vector<std::string> words{
    "", "a", "B", "ab", "größe", "completed", "a longer text than sixteen bytes", "12", "-7.5", "2026-01-31"};

class Generator {
 public:
  Generator(unsigned seed, const Batch& batch) : random_(seed), batch_(batch) {}

  Made make(Type type, int depth);

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  Made leaf(Type type);
  static Made constant(const std::string& text, Type type, Cell value, bool parse);
  Made column(std::size_t index);
  Made choice(Type type, int depth);
  Made integer(int depth);
  Made number(int depth);
  Made text(int depth);
  Made truth(int depth);
  Made logic(int depth);
  Made comparison(int depth);
  Made list(int depth);
  std::mt19937 random_;
  const Batch& batch_;
};

}  // namespace surd::table::random_expressions
