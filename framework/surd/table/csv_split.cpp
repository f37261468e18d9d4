#include "surd/table/detail/csv_split.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "surd/base/error.hpp"

namespace surd::table::detail {
namespace {

/// A run at the edge of a piece of text is seen whole in the next piece, unless it is longer than this.
constexpr std::uint64_t overlap_bytes = 64;
constexpr std::uint64_t first_look_bytes = 4096;
/// How much text both states are tried on where nothing tells.
constexpr std::uint64_t evidence_bytes = 256U << 10;

struct Telling {
  std::size_t at = 0;
  CsvState state = CsvState::unquoted;
};

bool is_separator(char byte, char delimiter) { return byte == delimiter || byte == '\n'; }

/// The last run of quotes in `text` that tells what follows it. `at_begin`: rows begin with `text`.
std::optional<Telling> last_telling(std::string_view text, bool at_begin, char delimiter) {
  auto stop = text.size();
  while (stop > 0) {
    const auto last = text.rfind('"', stop - 1);
    if (last == std::string_view::npos) break;
    auto first = last;
    while (first > 0 && text[first - 1] == '"') --first;
    stop = first;
    const auto after = last + 1;
    if (after == text.size() || (text[after] == '\r' && after + 1 == text.size())) continue;
    if (first == 0 && !at_begin) break;
    const bool opens = first == 0 || is_separator(text[first - 1], delimiter);
    const bool closes =
        is_separator(text[after], delimiter) || (text[after] == '\r' && text[after + 1] == '\n');
    const bool odd = (after - first) % 2 == 1;
    if (opens && !closes) return Telling{after, CsvState::quoted};
    if (!opens && odd) return Telling{after, CsvState::unquoted};
  }
  return std::nullopt;
}

}  // namespace

CsvState advance(CsvState state, std::string_view text, char delimiter) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto quote = std::min(text.find('"', at), text.size());
    if (quote > at && state != CsvState::quoted) state = step(CsvState::unquoted, text[quote - 1], delimiter);
    if (quote < text.size()) state = step(state, '"', delimiter);
    at = quote + 1;
  }
  return state;
}

CutSearch::CutSearch(storage::ReadableFile& file, const CsvLayout& layout)
    : file_(&file), layout_(layout), buffer_(std::make_unique_for_overwrite<char[]>(memory_bytes)) {}

std::string_view CutSearch::read(std::uint64_t begin, std::uint64_t end) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, memory_bytes));
  const auto got = file_->read_at(begin, std::as_writable_bytes(std::span(buffer_.get(), wanted)));
  if (got < wanted) throw base::IoError("an input file became shorter: it changed while the job ran", 0);
  return {buffer_.get(), got};
}

CutSearch::Anchor CutSearch::anchor_before(std::uint64_t position) {
  const auto floor = position - std::min(position - layout_.data_begin, layout_.window_bytes);
  auto end = position;
  auto look = first_look_bytes;
  while (end > floor) {
    const auto begin = end - std::min(end - floor, look);
    const auto text = read(begin, std::min(position, end + overlap_bytes));
    if (const auto found = last_telling(text, begin == layout_.data_begin, layout_.delimiter)) {
      return {begin + found->at, found->state, true};
    }
    end = begin;
    look = memory_bytes - overlap_bytes;
  }
  if (floor == layout_.data_begin) return {floor, CsvState::field_start, true};
  const auto before = read(floor - 1, floor)[0];
  return {floor, step(CsvState::unquoted, before, layout_.delimiter), false};
}

CsvState CutSearch::advance(CsvState state, std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    const auto text = read(from, to);
    state = detail::advance(state, text, layout_.delimiter);
    from += text.size();
  }
  return state;
}

std::int64_t CutSearch::score(CsvState state, std::uint64_t from) {
  const auto to = std::min(layout_.bytes, from + evidence_bytes);
  std::int64_t sum = 0;
  std::size_t columns = 0;
  bool whole = false;  // the first row may have begun before `from`
  while (from < to) {
    const auto text = read(from, to);
    for (const char byte : text) {
      const bool outside = state != CsvState::quoted;
      state = step(state, byte, layout_.delimiter);
      if (!outside || state != CsvState::field_start) continue;
      ++columns;
      if (byte != '\n') continue;
      if (whole) sum += columns == layout_.columns ? 1 : -1;
      whole = true;
      columns = 0;
    }
    from += text.size();
  }
  return sum;
}

CsvState CutSearch::state_at(std::uint64_t position) {
  const auto anchor = anchor_before(position);
  const auto outside = advance(anchor.state, anchor.at, position);
  if (anchor.certain) return outside;
  const auto inside = advance(CsvState::quoted, anchor.at, position);
  if (inside == outside) return outside;
  return score(inside, position) > score(outside, position) ? inside : outside;
}

std::uint64_t CutSearch::row_at(std::uint64_t cut, std::uint64_t limit) {
  if (cut <= layout_.data_begin) return std::min(layout_.data_begin, limit);
  // A row begins at the cut if the byte before it ends one.
  auto at = cut - 1;
  if (at >= layout_.bytes) return limit;
  auto state = state_at(at);
  while (at + 1 < limit) {
    const auto text = read(at, std::min(limit, layout_.bytes));
    std::size_t done = 0;
    while (done < text.size()) {
      const auto line_end = text.find('\n', done);
      if (line_end == std::string_view::npos) break;
      state = detail::advance(state, text.substr(done, line_end - done), layout_.delimiter);
      if (state != CsvState::quoted) return std::min(limit, at + line_end + 1);
      done = line_end + 1;
    }
    state = detail::advance(state, text.substr(done), layout_.delimiter);
    at += text.size();
    if (at >= layout_.bytes) return limit;
  }
  return limit;
}

}  // namespace surd::table::detail
