#include "surd/base/bytes.hpp"

#include <array>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"

namespace surd::base {
namespace {

TEST(Bytes, ComeBackAsTheyWereWritten) {
  ByteWriter out;
  out.put(std::uint8_t{7});
  out.put(-1.5);
  out.put_text("");
  out.put_text("text");
  const std::array<std::int32_t, 3> numbers{1, -2, 3};
  out.put_all(std::span<const std::int32_t>(numbers));
  out.put(true);

  ByteReader in(out.bytes());
  EXPECT_EQ(in.get<std::uint8_t>(), 7);
  EXPECT_EQ(in.get<double>(), -1.5);
  EXPECT_EQ(in.get_text(), "");
  EXPECT_EQ(in.get_text(), "text");
  for (const auto number : numbers) EXPECT_EQ(in.get<std::int32_t>(), number);
  EXPECT_TRUE(in.get<bool>());
  EXPECT_EQ(in.remaining(), 0U);
}

TEST(Bytes, AreLittleEndian) {
  ByteWriter out;
  out.put(std::uint32_t{0x04030201});

  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(std::to_integer<std::size_t>(out.bytes()[i]), i + 1);
}

TEST(Varint, HasTheLengthOfItsValueAndComesBack) {
  struct Case {
    std::uint64_t value;
    std::size_t bytes;
  };
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [value, bytes] : {Case{0, 1}, Case{127, 1}, Case{128, 2}, Case{16383, 2}, Case{16384, 3},
                                     Case{1U << 28, 5}, Case{largest >> 1, 9}, Case{largest, 10}}) {
    ByteWriter out;
    out.put_varint(value);
    ByteReader in(out.bytes());

    EXPECT_EQ(out.size(), bytes) << value;
    EXPECT_EQ(in.get_varint(), value);
    EXPECT_EQ(in.remaining(), 0U);
  }
}

TEST(ByteReader, RefusesToReadBeyondTheEnd) {
  ByteWriter out;
  out.put(std::uint32_t{1});
  ByteReader in(out.bytes());

  EXPECT_THROW((void)in.get<std::uint64_t>(), FormatError);
  EXPECT_THROW((void)in.take(5), FormatError);
  EXPECT_THROW((void)in.take(std::numeric_limits<std::uint64_t>::max()), FormatError);
  EXPECT_EQ(in.get<std::uint32_t>(), 1U);  // a failed read takes nothing
  EXPECT_THROW((void)in.get<std::uint8_t>(), FormatError);
  EXPECT_EQ(in.take(0).size(), 0U);
}

TEST(ByteReader, RefusesATextLongerThanTheRest) {
  ByteWriter out;
  out.put_varint(std::numeric_limits<std::uint64_t>::max());
  out.append("abc", 3);

  EXPECT_THROW((void)ByteReader(out.bytes()).get_text(), FormatError);
}

TEST(ByteReader, RefusesAVarintWithoutEnd) {
  ByteWriter out;
  for (int i = 0; i < 20; ++i) out.put(std::uint8_t{0xFF});

  EXPECT_THROW((void)ByteReader(out.bytes()).get_varint(), FormatError);
  EXPECT_THROW((void)ByteReader(out.bytes().first(3)).get_varint(), FormatError);
}

TEST(ByteReader, SurvivesRandomBytes) {
  for (std::uint64_t round = 0; round < 20'000; ++round) {
    RandomStream random(1, round);
    ByteWriter out;
    const auto size = random.below(40);
    for (std::uint64_t i = 0; i < size; ++i) out.put(static_cast<std::uint8_t>(random()));
    ByteReader in(out.bytes());
    std::size_t used = 0;
    try {
      while (in.remaining() > 0) {
        const auto before = in.remaining();
        switch (random.below(3)) {
          case 0:
            (void)in.get_varint();
            break;
          case 1:
            used += in.get_text().size();
            break;
          default:
            (void)in.get<std::uint32_t>();
            break;
        }
        ASSERT_LT(in.remaining(), before);
      }
    } catch (const FormatError&) {
      used += 0;
    }
    EXPECT_LE(used, size);
  }
}

TEST(ByteWriter, KeepsNothingAfterClear) {
  ByteWriter out;
  out.put_text("text");
  out.append(nullptr, 0);
  out.clear();

  EXPECT_EQ(out.size(), 0U);
  EXPECT_TRUE(out.bytes().empty());
}

}  // namespace
}  // namespace surd::base
