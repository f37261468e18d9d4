#include "surd/sweep/detail/bounded_text.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace surd::sweep::detail {
namespace {

std::string letters(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST(BoundedText, KeepsHeadAndTailHoweverItIsCut) {
  constexpr std::uint64_t limit = 20;
  for (const std::size_t size : {0U, 1U, 19U, 20U, 21U, 22U, 29U, 30U, 31U, 40U, 41U, 100U, 1000U}) {
    for (const std::size_t piece : {1U, 3U, 10U, 11U, 64U, 1000U}) {
      const auto text = letters(size);
      BoundedText bounded(limit, limit / 2);
      for (std::size_t at = 0; at < size; at += piece) bounded.append(text.substr(at, piece));

      EXPECT_EQ(bounded.total(), size);
      EXPECT_EQ(bounded.is_whole(), size <= limit);
      const auto expected = size <= limit ? text
                                          : text.substr(0, 10) + "\n... " + std::to_string(size - 20) +
                                                " bytes left out ...\n" + text.substr(size - 10);
      EXPECT_EQ(bounded.shortened(limit), expected) << size << " in pieces of " << piece;
      EXPECT_EQ(bounded.ending(10), text.substr(size - std::min<std::size_t>(10, size)));
    }
  }
}

TEST(BoundedText, ShortensAWholeTextToo) {
  BoundedText bounded(1000, 10);
  bounded.append(letters(500));

  EXPECT_TRUE(bounded.is_whole());
  EXPECT_EQ(bounded.shortened(20), letters(10) + "\n... 480 bytes left out ...\n" + letters(500).substr(490));
  EXPECT_EQ(bounded.shortened(0), "");
}

TEST(BoundedText, CanKeepNothing) {
  BoundedText bounded(0, 0);
  bounded.append("abc");

  EXPECT_EQ(bounded.total(), 3U);
  EXPECT_EQ(bounded.shortened(0), "");
  EXPECT_EQ(bounded.ending(0), "");
}

TEST(BoundedText, StartsAgainAfterClear) {
  BoundedText bounded(4, 2);
  bounded.append("abcdefgh");
  bounded.clear();
  bounded.append("xyz");

  EXPECT_EQ(bounded.shortened(4), "xyz");
  EXPECT_EQ(bounded.total(), 3U);
}

TEST(Escaped, KeepsUtf8AndShowsEverythingElse) {
  EXPECT_EQ(escaped("plain \"text\""), "plain \"text\"");
  EXPECT_EQ(escaped("T = 3 K, µ ≈ 1 €, 😀"), "T = 3 K, µ ≈ 1 €, 😀");
  EXPECT_EQ(escaped("a\nb\tc\x1b[0m\x7f"), "a\\nb\\tc\\x1b[0m\\x7f");
  EXPECT_EQ(escaped(std::string("\0", 1)), "\\x00");
  EXPECT_EQ(escaped("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(escaped("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80"),
            "\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80");
}

TEST(IsText, RefusesWhatIsNoUtf8) {
  EXPECT_TRUE(is_text(""));
  EXPECT_TRUE(is_text("é\n"));
  EXPECT_FALSE(is_text("\xe9"));
  EXPECT_FALSE(is_text(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace surd::sweep::detail
