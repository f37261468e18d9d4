#include "surd/table/detail/csv_scanner.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "surd/base/random.hpp"
#include "surd/table/detail/csv_split.hpp"

namespace surd::table::detail {
namespace {

constexpr std::size_t window = 256;

struct Found {
  std::vector<std::uint32_t> separators;
  std::vector<std::uint32_t> row_ends;
  std::uint64_t lines = 0;
  CsvState state = CsvState::field_start;
};

Found by_bytes(const std::string& text) {
  Found found;
  for (std::uint32_t i = 0; i < text.size(); ++i) {
    const bool outside = found.state != CsvState::quoted;
    found.state = step(found.state, text[i], ',');
    found.lines += text[i] == '\n' ? 1U : 0U;
    if (!outside || found.state != CsvState::field_start) continue;
    found.separators.push_back(i);
    if (text[i] == '\n') found.row_ends.push_back(static_cast<std::uint32_t>(found.separators.size()));
  }
  return found;
}

std::string random_text(base::RandomStream& random, std::size_t size, std::string_view alphabet) {
  std::string text;
  while (text.size() < size) text += alphabet[random.below(alphabet.size())];
  return text;
}

TEST(CsvScannerMatchesAStateMachine, OnAnyTextInAnyPieces) {
  base::RandomStream random(7, 0);
  const std::vector<std::string_view> alphabets{"a,\n\"", "abcdefgh,,\n\"\"",  "\"",
                                                "\"\",",  "abcdefghijklmn,\n", "\"\n"};
  for (int round = 0; round < 20000; ++round) {
    auto text = random_text(random, random.below(window + 1), alphabets[random.below(alphabets.size())]);
    const auto expected = by_bytes(text);
    const auto size = static_cast<std::uint32_t>(text.size());
    text += std::string(64, '\"');
    CsvIndex index(window, window);
    index.restart(0);

    for (std::uint32_t at = 0; at < size;) {
      const auto piece =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(size - at, 1 + random.below(200)));
      scan(text.data(), at, at + piece, ',', index);
      at += piece;
    }

    ASSERT_EQ(index.rows(), expected.row_ends.size()) << text;
    for (std::size_t i = 0; i < expected.separators.size(); ++i)
      ASSERT_EQ(index.separators()[i], expected.separators[i]);
    for (std::size_t i = 0; i < expected.row_ends.size(); ++i)
      ASSERT_EQ(index.row_ends()[i], expected.row_ends[i]);
    ASSERT_EQ(index.lines, expected.lines);
    ASSERT_EQ(index.state, expected.state) << text;
    ASSERT_EQ(advance(CsvState::field_start, std::string_view(text).substr(0, size), ','), expected.state);
  }
}

TEST(CsvScanner, KeepsTheRowBegunWhenRowsAreDropped) {
  const std::string text = "a,b\nc,d,e" + std::string(64, ' ');
  CsvIndex index(window, 4);
  index.restart(0);
  scan(text.data(), 0, 9, ',', index);
  ASSERT_EQ(index.rows(), 1U);

  index.drop_rows();
  index.shift(4);

  EXPECT_EQ(index.rows(), 0U);
  EXPECT_EQ(index.row_begin(0), 0U);
  EXPECT_EQ(index.separators()[0], 1U);
  EXPECT_EQ(index.separators()[1], 3U);
}

TEST(CsvScanner, TellsWhetherTextIsAscii) {
  for (std::uint32_t at = 0; at < 200; ++at) {
    std::string text(264, 'x');
    text[at] = '\x80';
    CsvIndex index(window, 4);
    scan(text.data(), 0, 200, ',', index);

    EXPECT_FALSE(index.ascii);
  }
}

}  // namespace
}  // namespace surd::table::detail
