#include <gtest/gtest.h>

#include <chrono>

#include "csv_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using Clock = std::chrono::steady_clock;

std::string mutated(base::RandomStream& random, std::string text) {
  static constexpr std::string_view bytes = "\"\"\"\n\n,,\r\0\xFFx";
  for (auto n = 1 + random.below(6); n > 0 && !text.empty(); --n) {
    const auto at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        text[at] = bytes[random.below(bytes.size())];
        break;
      case 1:
        text.insert(at, 1, bytes[random.below(bytes.size())]);
        break;
      case 2:
        text.erase(at, 1 + random.below(3));
        break;
      default:
        text.insert(at, text.substr(random.below(text.size()), random.below(30)));
    }
  }
  return text;
}

/// Any split gives the rows of the whole, or says that it cannot.
void check(const std::string& text, base::RandomStream& random, std::uint64_t& refused) {
  const TempFile file("fuzz.csv", text);
  std::unique_ptr<table::Input> input;
  try {
    input = table::detail::open_csv(texts_only(file.path(), {}), {file.path()}, storage::local_file_system());
  } catch (const base::UsageError&) {
    return;  // a header that is none
  }
  const auto whole = read_all(*input);
  const auto small = read_all(*input, 1U << 30, 1U << 17);
  ASSERT_EQ(whole.rows, small.rows) << text;
  try {
    const auto split = read_all(*input, 1 + random.below(text.size()));
    ASSERT_EQ(split.rows, whole.rows) << text;
  } catch (const base::UsageError&) {
    ++refused;
  }
}

TEST(CsvFuzz, FiveSecondsOfMutationsGiveTheSameRowsForAnySplit) {
  base::RandomStream random(99, 0);
  std::uint64_t rounds = 0;
  std::uint64_t refused = 0;
  for (const auto end = Clock::now() + std::chrono::seconds(5); Clock::now() < end && !HasFatalFailure();
       ++rounds) {
    check(mutated(random, hostile_csv(random, 1 + random.below(12), rounds % 2 == 0)), random, refused);
  }

  RecordProperty("rounds", static_cast<int>(rounds));
  EXPECT_GT(rounds, 50U);
  EXPECT_LT(refused, rounds / 4) << "of " << rounds << ": broken quotes should seldom matter";
}

}  // namespace
}  // namespace surd::test
