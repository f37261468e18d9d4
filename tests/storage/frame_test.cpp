#include "surd/storage/frame.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <memory>
#include <utility>

#include "log_support.hpp"
#include "surd/base/error.hpp"
#include "surd/base/random.hpp"

namespace surd::test {
namespace {

using storage::Compressor;

TEST(Compressor, GivesBackEveryBlock) {
  Compressor compressor;
  std::vector<std::byte> raw;
  for (const auto size : {0U, 1U, 255U, 256U, 257U, 1000U, 4096U, 65'536U, 1'000'000U}) {
    for (const bool compressible : {true, false, true}) {
      const auto text = payload(size, compressible);
      const auto result = compressor.compress(as_bytes(text));
      if (!result.compressed) {
        EXPECT_EQ(as_text(result.bytes), text);
        continue;
      }
      EXPECT_LT(result.bytes.size(), size);
      storage::decompress(result.bytes, size, raw);
      EXPECT_EQ(as_text(raw), text);
    }
  }
}

TEST(Compressor, PassesSmallBlocksThrough) {
  Compressor compressor;

  EXPECT_FALSE(compressor.compress(as_bytes(std::string(255, 'x'))).compressed);
  EXPECT_TRUE(compressor.compress(as_bytes(std::string(256, 'x'))).compressed);
}

TEST(Compressor, FindsCompressibleBlocksAgainAfterManyThatAreNot) {
  Compressor compressor;
  const auto noise = payload(4096, false);
  const auto text = payload(4096, true);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(compressor.compress(as_bytes(noise)).compressed);

  int waited = 0;
  while (!compressor.compress(as_bytes(text)).compressed) ++waited;
  EXPECT_LE(waited, 64);
  EXPECT_TRUE(compressor.compress(as_bytes(text)).compressed);
}

TEST(Compressor, CompressesEverySecondBlockOfAnAlternatingRow) {
  Compressor compressor;
  int compressed = 0;
  for (int i = 0; i < 100; ++i) {
    const auto text = payload(4096, i % 2 == 0);
    compressed += compressor.compress(as_bytes(text)).compressed ? 1 : 0;
  }

  EXPECT_EQ(compressed, 50);
}

/// What zstd makes of it; 0 is what the level has.
struct Setting {
  int level;
  int least_match = 0;
  int step = 0;
};
constexpr Setting in_steps{-1, 7, 3};
constexpr Setting long_matches{-1, 7};
constexpr Setting fast{-1};
constexpr Setting small{1};

std::size_t size_at(const Setting& setting, const std::string& raw) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, setting.level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_minMatch, setting.least_match);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_targetLength, setting.step);
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  return ZSTD_compress2(context.get(), frame.data(), frame.size(), raw.data(), raw.size());
}

/// Whether a setting costs an eighth of the size or less.
bool suits(const Setting& setting, const std::string& raw) {
  return size_at(setting, raw) * 8 <= size_at(small, raw) * 9;
}

class CompressorLevel : public testing::Test {
 protected:
  CompressorLevel() {
    base::RandomStream random(1, 1);
    const auto put = [](std::string& text, auto value) {
      text.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    for (int i = 0; numbers_.size() < 8192; ++i) {
      for (const double value : {1.5 + i % 41 * 0.05, random.uniform(), i % 3 * 16.0, 2.0}) {
        put(numbers_, value);
        text_ += std::to_string(value) + "\n";
      }
      digits_ += std::to_string(random());
    }
    for (int i = 0; rows_.size() < 8192; ++i) {
      for (const double value : {1.5 + i % 41 * 0.05, i % 3 * 16.0, i % 16 * 1.0, random.uniform(), 2.0,
                                 static_cast<double>(random.below(1000)) * 1e-3}) {
        put(rows_, value);
      }
    }
    while (floats_.size() < 32768) put(floats_, static_cast<float>(random.below(256)));
  }
  std::size_t compressed(const std::string& raw) { return compressor_.compress(as_bytes(raw)).bytes.size(); }

  std::string numbers_;  ///< Hardly larger when it is looked through in steps,
  std::string rows_;     ///< with long matches alone,
  std::string floats_;   ///< at the fast level,
  std::string text_;     ///< a third larger,
  std::string digits_;   ///< so large that they are not compressed.
  Compressor compressor_;
};

TEST_F(CompressorLevel, TakesTheFastestThatCostsAnEighthOfTheSizeAtMost) {
  ASSERT_TRUE(suits(in_steps, numbers_));
  ASSERT_TRUE(!suits(in_steps, rows_) && suits(long_matches, rows_));
  ASSERT_TRUE(!suits(in_steps, floats_) && !suits(long_matches, floats_) && suits(fast, floats_));
  ASSERT_TRUE(!suits(in_steps, text_) && !suits(long_matches, text_) && !suits(fast, text_));
  for (const auto& [raw, setting] : {std::pair{&numbers_, in_steps}, std::pair{&rows_, long_matches},
                                     std::pair{&floats_, fast}, std::pair{&text_, small}}) {
    compressor_ = Compressor();
    for (int i = 0; i < 200; ++i) ASSERT_EQ(compressed(*raw), size_at(setting, *raw));
  }
}

TEST_F(CompressorLevel, TradesAnEighthOfTheSizeForSpeedAndNoMore) {
  for (int i = 0; i < 200; ++i) ASSERT_EQ(compressed(numbers_), size_at(in_steps, numbers_));
  int blocks = 0;
  while (compressed(text_) != size_at(small, text_)) ASSERT_LT(++blocks, 65);
  EXPECT_GT(blocks, 0);
}

TEST_F(CompressorLevel, NeverLeavesABlockThatOnlyTheOtherLevelShrinks) {
  EXPECT_GT(size_at(in_steps, digits_), digits_.size() / 5 * 4);
  ASSERT_EQ(compressed(numbers_), size_at(in_steps, numbers_));
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(compressed(digits_), size_at(small, digits_)) << i;
    if (i % 3 == 0) {
      ASSERT_LT(compressed(numbers_), numbers_.size());
    }
  }
}

TEST_F(CompressorLevel, MeetsEveryKindOfBlocksThatTakeTurnsInItsTrials) {
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    (void)compressed(numbers_);
    right += compressed(text_) == size_at(small, text_) ? 1 : 0;
  }
  EXPECT_GT(right, 400);
}

TEST(Compressor, MovesWithItsBuffer) {
  Compressor first;
  const auto text = payload(4096, true);
  Compressor second = std::move(first);

  EXPECT_TRUE(second.compress(as_bytes(text)).compressed);
}

TEST(Decompress, RefusesWhatIsNoFrameOfThatSize) {
  Compressor compressor;
  const auto text = payload(4096, true);
  const auto frame = as_text(compressor.compress(as_bytes(text)).bytes);
  std::vector<std::byte> raw;

  for (const auto size : {0U, 4095U, 4097U}) {
    EXPECT_THROW(storage::decompress(as_bytes(frame), size, raw), base::FormatError) << size;
  }
  for (std::size_t cut = 0; cut < frame.size(); ++cut) {
    EXPECT_FALSE(storage::try_decompress(as_bytes(frame.substr(0, cut)), 4096, raw)) << cut;
  }
  EXPECT_THROW(storage::decompress(as_bytes(frame + "x"), 4096, raw), base::FormatError);
  EXPECT_TRUE(storage::try_decompress(as_bytes(frame), 4096, raw));
}

TEST(Decompress, SurvivesFlippedBytes) {
  Compressor compressor;
  const auto frame = as_text(compressor.compress(as_bytes(payload(4096, true))).bytes);
  std::vector<std::byte> raw;
  for (std::size_t at = 0; at < frame.size(); ++at) {
    for (unsigned mask = 1; mask < 256; mask += 7) {
      auto bytes = frame;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask);
      const bool whole = storage::try_decompress(as_bytes(bytes), 4096, raw);
      EXPECT_TRUE(!whole || raw.size() == 4096U);
      EXPECT_LE(raw.capacity(), 4096U);
    }
  }
}

TEST(Decompress, AllocatesOnlyWhatAFrameOfThatLengthCanHold) {
  // Magic, then a header that promises 2^30 bytes in a single segment.
  const std::string frame("\x28\xB5\x2F\xFD\xA0\x00\x00\x00\x40\x01\x00\x00", 12);
  std::vector<std::byte> raw;

  EXPECT_FALSE(storage::try_decompress(as_bytes(frame), std::size_t{1} << 30, raw));
  EXPECT_EQ(raw.capacity(), 0U);
}

}  // namespace
}  // namespace surd::test
