#include "surd/table/detail/csv_fields.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <simdjson.h>

#include "surd/table/detail/parse_value.hpp"

namespace surd::table::detail {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char byte) { return byte == ' ' || byte == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// What is between the quotes of a field that begins with one; false if text follows the closing quote.
bool unquote(std::string_view field, std::string_view& inner) {
  if (field.size() < 2 || field.back() != '"') return false;
  inner = field.substr(1, field.size() - 2);
  return true;
}

/// Marks the value just appended, at `row`, as null; `rows` is how many the column will have.
void set_null(Column& column, std::size_t row, std::size_t rows) {
  if (column.nulls.empty()) column.nulls.resize(rows);
  column.nulls[row] = 1;
}

template <class T>
bool parse_as(std::string_view text, Type type, T& value) {
  if constexpr (std::is_same_v<T, double>) {
    return parse_number(text, value);
  } else {
    return type == Type::int64 ? parse_integer(text, value) : parse_boolean(text, value);
  }
}

BadKind kind_of(std::string_view text, Type type) {
  switch (type) {
    case Type::int64:
      return is_out_of_range(text, type) ? BadKind::integer_range : BadKind::integer;
    case Type::float64:
      return is_out_of_range(text, type) ? BadKind::number_range : BadKind::number;
    default:
      return BadKind::boolean;
  }
}

enum class Outcome : std::uint8_t { value, null, bad };

/// Quotes and spaces: what the first, quick attempt does not deal with.
template <class T>
Outcome parse_slowly(std::string_view field, Type type, T& value, BadKind& kind) {
  value = 0;
  if (!field.empty() && field.front() == '"') {
    kind = BadKind::quotes;
    if (!unquote(field, field)) return Outcome::bad;
    if (field.empty()) return Outcome::null;  // an empty text, which no number is
  }
  field = trimmed(field);
  if (parse_as(field, type, value)) return Outcome::value;
  value = 0;
  kind = kind_of(field, type);
  return Outcome::bad;
}

template <class T>
void parse_values(const CsvRows& rows, std::size_t column, const NullTexts& nulls, Column& into,
                  std::vector<T>& values, std::vector<BadField>& bad) {
  const auto base = values.size();
  const auto count = rows.firsts.size();
  values.resize(base + count);
  if (!into.nulls.empty()) into.nulls.resize(base + count);
  for (std::size_t row = 0; row < count; ++row) {
    const auto field = rows.field(row, column);
    T value = 0;
    auto kind = BadKind::integer;
    if (nulls.contain(field)) {
      set_null(into, base + row, base + count);
    } else if (!parse_as(field, into.type, value)) {
      const auto outcome = parse_slowly(field, into.type, value, kind);
      if (outcome == Outcome::null) set_null(into, base + row, base + count);
      if (outcome == Outcome::bad) {
        bad.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column), kind});
      }
    }
    values[base + row] = value;
  }
}

/// Copies with doubled quotes made single. Null if a quote is not doubled.
char* copy_unquoted(std::string_view inner, char* into) {
  std::size_t at = 0;
  while (true) {
    const auto quote = inner.find('"', at);
    if (quote == std::string_view::npos) break;
    if (quote + 1 == inner.size() || inner[quote + 1] != '"') return nullptr;
    into = std::copy(inner.begin() + static_cast<std::ptrdiff_t>(at),
                     inner.begin() + static_cast<std::ptrdiff_t>(quote + 1), into);
    at = quote + 2;
  }
  return std::copy(inner.begin() + static_cast<std::ptrdiff_t>(at), inner.end(), into);
}

constexpr std::size_t copy_bytes = 16;

/// Behind both texts `copy_bytes` can be touched: most texts are shorter, and a fixed copy is quicker.
char* copy_text(std::string_view text, char* into) {
  std::memcpy(into, text.data(), copy_bytes);
  if (text.size() > copy_bytes) std::memcpy(into, text.data(), text.size());
  return into + text.size();
}

bool is_utf8(const char* text, std::size_t size) {
  return std::none_of(text, text + size, [](char byte) { return static_cast<signed char>(byte) < 0; }) ||
         simdjson::validate_utf8(text, size);
}

/// Makes room for the column of all rows at the end of `into.bytes`.
void extend_bytes(const CsvRows& rows, std::size_t column, Column& into) {
  std::size_t sum = 0;
  for (std::size_t row = 0; row < rows.firsts.size(); ++row) sum += rows.field(row, column).size();
  into.bytes.resize(into.bytes.size() + sum + copy_bytes);
}

void parse_texts(const CsvRows& rows, std::size_t column, const NullTexts& nulls, Column& into,
                 std::vector<BadField>& bad) {
  const auto base = into.ends.size();
  const auto count = rows.firsts.size();
  auto position = into.bytes.size();
  extend_bytes(rows, column, into);
  into.ends.resize(base + count);
  if (!into.nulls.empty()) into.nulls.resize(base + count);
  for (std::size_t row = 0; row < count; ++row) {
    const auto field = rows.field(row, column);
    char* const begin = into.bytes.data() + position;
    char* end = begin;
    bool good = true;
    auto kind = BadKind::utf8;
    if (field.empty() || field.front() != '"') {
      if (nulls.contain(field)) {
        set_null(into, base + row, base + count);
      } else {
        end = copy_text(field, begin);
      }
    } else {
      std::string_view inner;
      end = unquote(field, inner) ? copy_unquoted(inner, begin) : nullptr;
      good = end != nullptr;
      kind = BadKind::quotes;
    }
    if (good && !rows.ascii && !is_utf8(begin, static_cast<std::size_t>(end - begin))) {
      good = false;
      kind = BadKind::utf8;
    }
    if (!good) {
      bad.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column), kind});
      end = begin;
    }
    position += static_cast<std::size_t>(end - begin);
    into.ends[base + row] = static_cast<std::uint32_t>(position);
  }
  into.bytes.resize(position);
}

}  // namespace

NullTexts::NullTexts(const std::vector<std::string>& texts) : texts_(texts) {
  for (const auto& text : texts) {
    if (text.empty()) {
      empty_ = true;
      continue;
    }
    lengths_[static_cast<unsigned char>(text[0])] |= std::uint64_t{1}
                                                     << std::min<std::size_t>(text.size(), 63);
  }
}

bool NullTexts::is_one(std::string_view text) const noexcept {
  return std::find(texts_.begin(), texts_.end(), text) != texts_.end();
}

void parse_column(const CsvRows& rows, std::size_t column, const NullTexts& nulls, Column& into,
                  std::vector<BadField>& bad) {
  switch (into.type) {
    case Type::float64:
      return parse_values(rows, column, nulls, into, into.numbers, bad);
    case Type::int64:
    case Type::boolean:
      return parse_values(rows, column, nulls, into, into.integers, bad);
    case Type::text:
      return parse_texts(rows, column, nulls, into, bad);
  }
}

}  // namespace surd::table::detail
