#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "surd/sweep/detail/bounded_text.hpp"
#include "surd/sweep/detail/parse_output.hpp"

namespace surd::sweep::detail {
namespace {

using Row = std::vector<std::string>;

/// Takes cells and rows off a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  /// The next row that is not blank; empty at the end.
  Row next_row() {
    while (!rest_.empty()) {
      Row row;
      do {
        row.push_back(next_cell());
      } while (take(','));
      if (!broken_ && !take('\n') && !rest_.empty()) broken_ = true;  // text after a closing quote
      if (broken_) return {};
      if (row.size() > 1 || !row[0].empty()) return row;
    }
    return {};
  }

  /// A quote was not closed, or something follows a closed one.
  [[nodiscard]] bool broken() const noexcept { return broken_; }

 private:
  bool take(char wanted) {
    if (wanted == '\n' && rest_.starts_with("\r\n")) rest_.remove_prefix(1);
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string next_cell() {
    if (!take('"')) {
      const auto cell = rest_.substr(0, rest_.find_first_of(",\n"));
      rest_.remove_prefix(cell.size());
      return std::string(trimmed(cell));
    }
    std::string cell;
    while (true) {
      const auto quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        broken_ = true;
        rest_ = {};
        return cell;
      }
      cell += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (!take('"')) return cell;
      cell += '"';
    }
  }

  std::string_view rest_;
  bool broken_ = false;
};

std::string check(const Row& names, const Row& cells) {
  if (cells.empty()) return "found the names but no values";
  if (cells.size() != names.size()) {
    return fmt::format("found {} names but {} values", names.size(), cells.size());
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || !is_text(names[i])) return fmt::format("column {} has no proper name", i + 1);
    if (!seen.insert(names[i]).second) return fmt::format("the column '{}' comes twice", names[i]);
    if (!is_text(cells[i])) return fmt::format("the value of '{}' is no UTF-8 text", names[i]);
  }
  return {};
}

}  // namespace

Parsed parse_csv(std::string_view text) {
  Reader reader(text);
  const auto names = reader.next_row();
  const auto cells = reader.next_row();
  const auto more = reader.next_row();
  if (reader.broken()) return {{}, quoting("found a broken quote in CSV", text)};
  if (names.empty()) return {{}, "expected CSV, found nothing"};
  auto error = more.empty() ? check(names, cells) : "found more than one row of values";
  if (!error.empty()) return {{}, quoting(fmt::format("expected CSV of one row, {}", error), text)};
  Parsed parsed;
  for (std::size_t i = 0; i < names.size(); ++i) parsed.values.emplace_back(names[i], field_value(cells[i]));
  return parsed;
}

}  // namespace surd::sweep::detail
