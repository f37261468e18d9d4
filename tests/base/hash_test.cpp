// The values that XXH3 has on every machine: if one changes, every stored memo is lost.
#include "surd/base/hash.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "surd/base/digest.hpp"

namespace surd::base {
namespace {

TEST(Hash, HasTheValuesOfXxh3) {
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2U);
  EXPECT_EQ(hash64("a"), 0xe6c632b61e964e1fU);
  EXPECT_EQ(hash64("abc"), 0x78af5f94892f3950U);
  EXPECT_EQ(hash128("").hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash128("abc").hex(), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, OfBytesEqualsThatOfText) {
  const std::string text(1000, 'x');

  EXPECT_EQ(hash64(std::as_bytes(std::span(text))), hash64(text));
  EXPECT_EQ(hash64(std::as_bytes(std::span(text)), 7), hash64(text, 7));
}

TEST(Digest, IsTheHashOfAllPiecesSoFar) {
  std::string text(5000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  Digest digest;
  EXPECT_EQ(digest.value(), hash64(""));
  const auto bytes = std::as_bytes(std::span(text));

  for (std::size_t begin = 0, size = 1; begin < text.size(); begin += size++) {
    digest.add(bytes.subspan(begin, std::min(size, text.size() - begin)));
    EXPECT_EQ(digest.value(), hash64(bytes.first(std::min(begin + size, text.size()))));
  }
}

TEST(Hash, DependsOnTheSeed) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) seen.insert(hash64("text", seed));

  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Hash128, OrdersAndPrintsAllDigits) {
  EXPECT_EQ((Hash128{0, 1}.hex()), "00000000000000000000000000000001");
  EXPECT_LT((Hash128{0, 9}), (Hash128{1, 0}));
  EXPECT_EQ(hash128("x"), hash128("x"));
}

}  // namespace
}  // namespace surd::base
