#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/json.hpp"
#include "surd/table/detail/npy.hpp"

namespace surd::table::detail {
namespace {

using base::FormatError;
using base::Json;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t header_limit_bytes = std::uint64_t{1} << 20;

/// Reads what a header is made of: dictionaries, lists, tuples (as lists), texts, whole numbers, True, False.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  Json value(int depth = 0) {
    if (depth > 8) fail();
    switch (peek()) {
      case '{':
        return dictionary(depth);
      case '[':
        return sequence('[', ']', depth);
      case '(':
        return sequence('(', ')', depth);
      case '\'':
      case '"':
        return quoted();
      default:
        return word();
    }
  }

  void end() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    if (at_ != text_.size()) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw FormatError(fmt::format("the .npy header is damaged at its byte {}", at_));
  }
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    if (at_ == text_.size()) fail();
    return text_[at_];
  }
  bool take(char byte) {
    if (peek() != byte) return false;
    ++at_;
    return true;
  }
  Json dictionary(int depth) {
    Json map = Json::object();
    take('{');
    while (!take('}')) {
      const auto key = quoted();
      if (!take(':')) fail();
      map[key] = value(depth + 1);
      if (!take(',') && peek() != '}') fail();
    }
    return map;
  }
  Json sequence(char open, char close, int depth) {
    Json list = Json::array();
    take(open);
    while (!take(close)) {
      list.push_back(value(depth + 1));
      if (!take(',') && peek() != close) fail();
    }
    return list;
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail();
    std::string text;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) fail();
      text.push_back(text_[at_]);
    }
    if (at_++ >= text_.size()) fail();
    return text;
  }
  Json word() {
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {"False", false}}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc{}) fail();
    at_ = static_cast<std::size_t>(end - text_.data());
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote them
    return number;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// A type such as "<f8", "|S10" or ">U4".
RecordField scalar(const std::string& type, const std::string& name) {
  const auto refuse = [&]() -> RecordField {
    throw base::UsageError(
        fmt::format("column {}: values of NumPy type '{}' cannot be read; integers, floats up to 8 bytes, "
                    "booleans and texts (S, U) can",
                    name, type));
  };
  std::uint32_t size = 0;
  if (type.size() < 3) return refuse();
  const auto [end, error] = std::from_chars(type.data() + 2, type.data() + type.size(), size);
  if (error != std::errc{} || end != type.data() + type.size() || size == 0 || size > (1U << 20))
    return refuse();
  RecordField field{name, FieldKind::integer, size, 0, type[0] == '>'};
  const bool number_size = size == 1 || size == 2 || size == 4 || size == 8;
  switch (type[1]) {
    case 'i':
    case 'u':
      field.kind = type[1] == 'i' ? FieldKind::integer : FieldKind::unsigned_integer;
      return number_size ? field : refuse();
    case 'f':
      field.kind = FieldKind::number;
      return number_size && size > 1 ? field : refuse();
    case 'b':
      field.kind = FieldKind::boolean;
      return size == 1 ? field : refuse();
    case 'S':
      field.kind = FieldKind::text;
      return field;
    case 'U':
      field.kind = FieldKind::utf32;
      field.bytes = 4 * size;
      return field;
    default:
      return refuse();
  }
}

void add_structured(const Json& descr, NpyHeader& header) {
  for (const auto& item : descr) {
    if (!item.is_array() || item.size() < 2 || !item[0].is_string()) {
      throw base::UsageError("fields of a structured .npy array need plain names");
    }
    const auto name = item[0].get<std::string>();
    if (item.size() != 2 || !item[1].is_string()) {
      throw base::UsageError(
          fmt::format("column {}: subarrays and nested structures of .npy are no columns", name));
    }
    const auto type = item[1].get<std::string>();
    if (name.empty() && type.starts_with("|V")) {  // a gap
      header.record_bytes += scalar("|S" + type.substr(2), "gap").bytes;
      continue;
    }
    auto field = scalar(type, name);
    field.offset = header.record_bytes;
    header.record_bytes += field.bytes;
    header.fields.push_back(std::move(field));
  }
}

void add_array(const std::string& type, std::uint64_t columns, NpyHeader& header) {
  constexpr std::uint64_t most_columns = 65536;
  if (columns == 0 || columns > most_columns) {
    throw base::UsageError(
        fmt::format("a .npy array of {} columns; tables have 1 to {}", columns, most_columns));
  }
  for (std::uint64_t k = 0; k < columns; ++k) {
    auto field = scalar(type, fmt::format("c{}", k));
    field.offset = header.record_bytes;
    header.record_bytes += field.bytes;
    header.fields.push_back(std::move(field));
  }
}

std::string type_word(const RecordField& field) {
  const auto letter = field.kind == FieldKind::integer            ? 'i'
                      : field.kind == FieldKind::unsigned_integer ? 'u'
                      : field.kind == FieldKind::number           ? 'f'
                      : field.kind == FieldKind::boolean          ? 'b'
                                                                  : 'S';
  return fmt::format("'{}{}{}'", field.bytes == 1 || letter == 'S' ? '|' : '<', letter, field.bytes);
}

std::string quoted(const std::string& name) {
  std::string text = "'";
  for (const char byte : name) {
    if (byte == '\'' || byte == '\\') text.push_back('\\');
    text.push_back(byte);
  }
  return text + "'";
}

}  // namespace

std::uint64_t npy_header_bytes(std::string_view prefix) {
  if (prefix.size() < npy_prefix_bytes || !prefix.starts_with(magic)) throw FormatError("no .npy file");
  const auto version = static_cast<unsigned char>(prefix[6]);
  if (version < 1 || version > 3) throw FormatError(fmt::format(".npy of unknown version {}", version));
  std::uint64_t size = 0;
  const std::size_t width = version == 1 ? 2 : 4;
  std::memcpy(&size, prefix.data() + 8, width);
  size += 8 + width;
  if (size > header_limit_bytes) throw FormatError(fmt::format("a .npy header of {} bytes", size));
  return size;
}

NpyHeader parse_npy_header(std::string_view header) {
  NpyHeader parsed;
  parsed.data_offset = npy_header_bytes(header);
  if (header.size() < parsed.data_offset) throw FormatError("the .npy header is cut off");
  Literal literal(header.substr(header[6] == 1 ? 10 : 12, parsed.data_offset - (header[6] == 1 ? 10 : 12)));
  const auto map = literal.value();
  literal.end();
  const auto has = [&](const char* key) { return map.is_object() && map.contains(key); };
  if (!has("descr") || !has("shape") || !has("fortran_order") || !map["shape"].is_array() ||
      !map["fortran_order"].is_boolean()) {
    throw FormatError("the .npy header lacks descr, fortran_order or shape");
  }
  std::vector<std::uint64_t> shape;
  for (const auto& extent : map["shape"]) {
    if (!extent.is_number_unsigned()) throw FormatError("the .npy header's shape is damaged");
    shape.push_back(extent.get<std::uint64_t>());
  }
  const auto& descr = map["descr"];
  if (shape.empty() || shape.size() > (descr.is_array() ? 1U : 2U)) {
    throw base::UsageError(fmt::format("a .npy array of {} dimensions is no table", shape.size()));
  }
  if (shape.size() == 2 && shape[1] > 1 && map["fortran_order"].get<bool>()) {
    throw base::UsageError(
        "a .npy array in Fortran order has no rows to read one by one; save it with "
        "numpy.save(name, numpy.ascontiguousarray(a))");
  }
  parsed.rows = shape[0];
  if (descr.is_array()) {
    add_structured(descr, parsed);
  } else if (descr.is_string()) {
    add_array(descr.get<std::string>(), shape.size() == 2 ? shape[1] : 1, parsed);
  } else {
    throw FormatError("the .npy header's descr is damaged");
  }
  if (parsed.fields.empty()) throw base::UsageError("a .npy array without fields is no table");
  return parsed;
}

std::string npy_header(const std::vector<RecordField>& fields, std::uint64_t rows) {
  const bool same = std::all_of(fields.begin(), fields.end(), [&](const RecordField& field) {
    return type_word(field) == type_word(fields.front());
  });
  std::string descr;
  if (same) {
    descr = type_word(fields.front());
  } else {
    for (const auto& field : fields) descr += fmt::format("({}, {}), ", quoted(field.name), type_word(field));
    descr = "[" + descr + "]";
  }
  const auto shape =
      same && fields.size() > 1 ? fmt::format("({}, {})", rows, fields.size()) : fmt::format("({},)", rows);
  auto text = fmt::format("{{'descr': {}, 'fortran_order': False, 'shape': {}, }}", descr, shape);
  constexpr std::size_t prefix = 10;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  if (text.size() > 65535) throw base::UsageError("a .npy header of more than 64 KiB; write fewer columns");
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return header + text;
}

}  // namespace surd::table::detail
