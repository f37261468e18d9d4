#include "surd/base/units.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace surd::base {
namespace {

TEST(ParseBytes, ReadsEveryForm) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("4096"), 4096U);
  EXPECT_EQ(parse_bytes("64KiB"), 64 * KiB);
  EXPECT_EQ(parse_bytes("512MiB"), 512 * MiB);
  EXPECT_EQ(parse_bytes("1.5 GB"), 1'500'000'000U);
  EXPECT_EQ(parse_bytes("1.5GiB"), 1536 * MiB);
  EXPECT_EQ(parse_bytes("2G"), 2 * GiB);
  EXPECT_EQ(parse_bytes("3kB"), 3000U);
  EXPECT_EQ(parse_bytes("7 B"), 7U);
  EXPECT_EQ(parse_bytes("1TiB"), 1024 * GiB);
}

TEST(ParseBytes, RefusesTheRest) {
  for (const char* const text : {"", "MiB", "-1", "1 MiBs", "1e3", "12 34", "1.2.3", "nan", "inf", "0x10",
                                 "1XB", " 1", "1MB ", "9.3EB", "99999999999999999999"}) {
    EXPECT_THROW((void)parse_bytes(text), UsageError) << text;
  }
}

TEST(ParseBytes, NamesTheTextAndAnExample) {
  try {
    (void)parse_bytes("many");
    FAIL() << "parsed";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("'many'"), testing::HasSubstr("512MiB")));
  }
}

TEST(FormatBytes, KeepsThreeDigits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(1536 * MiB), "1.50 GiB");
  EXPECT_EQ(format_bytes(15 * MiB), "15.0 MiB");
  EXPECT_EQ(format_bytes(150 * MiB), "150 MiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16384 PiB");
}

TEST(ParseSeconds, ReadsEveryForm) {
  EXPECT_EQ(parse_seconds("1.5"), 1.5);
  EXPECT_EQ(parse_seconds("250ms"), 0.25);
  EXPECT_EQ(parse_seconds("90s"), 90);
  EXPECT_EQ(parse_seconds("10m"), 600);
  EXPECT_EQ(parse_seconds("10 min"), 600);
  EXPECT_EQ(parse_seconds("2h30m"), 9000);
  EXPECT_EQ(parse_seconds("1d"), 86400);
  EXPECT_EQ(parse_seconds("04:00:00"), 14400);
  EXPECT_EQ(parse_seconds("30:15"), 1815);
  EXPECT_EQ(parse_seconds("2-01:00:00"), 2 * 86400 + 3600);
}

TEST(ParseSeconds, RefusesTheRest) {
  for (const char* const text : {"", "s", "-5", "5x", "1:2:3:4", "1-", "1:", ":1", "1h-3", "inf", "nan"}) {
    EXPECT_THROW((void)parse_seconds(text), UsageError) << text;
  }
}

TEST(FormatSeconds, ChoosesTheUnit) {
  EXPECT_EQ(format_seconds(0.00035), "350 us");
  EXPECT_EQ(format_seconds(0.25), "250 ms");
  EXPECT_EQ(format_seconds(12.34), "12.3 s");
  EXPECT_EQ(format_seconds(245), "4 min 05 s");
  EXPECT_EQ(format_seconds(7800), "2 h 10 min");
  EXPECT_EQ(format_seconds(3 * 86400 + 4 * 3600), "3 d 4 h");
}

TEST(FormatSeconds, DoesNotRoundAcrossAUnit) {
  EXPECT_EQ(format_seconds(59.99), "1 min 00 s");
  EXPECT_EQ(format_seconds(0.9999), "1.0 s");
  EXPECT_EQ(format_seconds(0.0009999), "1 ms");
}

TEST(FormatCount, GroupsThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
}

}  // namespace
}  // namespace surd::base
