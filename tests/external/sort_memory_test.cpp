// Sorting far more than memory holds stays within the memory given. The data exists nowhere but in the sort.
#include <gtest/gtest.h>

#include <cstring>

#include "sort_support.hpp"
#include "surd/memory/limits.hpp"

namespace sort_test {
namespace {

using surd::external::FieldType;
using surd::external::RecordFormat;

/// Fills `piece` with random records; returns their bytes.
std::size_t fill(const RecordFormat& format, Bytes& piece, surd::base::RandomStream& random) {
  std::size_t at = 0;
  while (at + 256 <= piece.size()) {
    std::uint32_t bytes = format.record_bytes;
    if (!format.fixed()) {
      const std::uint32_t sizes[2] = {static_cast<std::uint32_t>(random.below(40)),
                                      static_cast<std::uint32_t>(random.below(160))};
      std::memcpy(piece.data() + at, sizes, sizeof sizes);
      at += sizeof sizes;
      bytes = sizes[0] + sizes[1];
    }
    for (std::uint32_t i = 0; i < bytes; i += 8) {
      const auto bits = random();
      std::memcpy(piece.data() + at + i, &bits, std::min<std::size_t>(8, bytes - i));
    }
    at += bytes;
  }
  return at;
}

void sort_within(const RecordFormat& format, std::uint64_t bytes, std::uint64_t memory_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers use memory of their own";
#endif
  SCOPED_TRACE(testing::Message() << format.record_bytes << "-byte records, " << memory_bytes);
  const Scratch scratch;
  surd::base::RandomStream random(11, bytes);
  Bytes piece(64 << 10);
  std::uint64_t sum = 0;
  ASSERT_TRUE(surd::memory::reset_peak());
  const auto before = surd::memory::usage().resident;
  surd::memory::Budget budget(memory_bytes);
  surd::external::Sorter sorter(format, budget, memory_bytes, surd::storage::local_file_system(),
                                scratch.path());
  for (std::uint64_t pushed = 0; pushed < bytes;) {
    const auto records = std::span(std::as_const(piece)).first(fill(format, piece, random));
    sum += checksum(format, records);
    sorter.push(records);
    pushed += records.size();
  }
  EXPECT_GT(sorter.runs(), bytes / memory_bytes / 2);
  const auto stream = std::move(sorter).merge();
  Bytes last;
  for (auto block = stream->next(); !block.empty(); block = stream->next()) {
    sum -= checksum(format, block);
    ASSERT_TRUE(last.empty() || compare(format, last.data(), block.data()) <= 0);
    last.assign(block.begin(),
                block.begin() + static_cast<std::ptrdiff_t>(record_size(format, block.data())));
  }
  EXPECT_EQ(sum, 0U);
  EXPECT_LE(surd::memory::usage().peak_resident - before, memory_bytes + (1 << 20) + (512 << 10));
  EXPECT_LE(budget.peak(), memory_bytes);
}

constexpr std::uint64_t mebi = 1 << 20;
const RecordFormat numbers{8, {{FieldType::u64, 0, 8, false}}};
const RecordFormat hundred{100, {{FieldType::bytes, 0, 10, false}}};
const RecordFormat texts;

TEST(SortMemory, StaysWithinEightMebibytes) {
  for (const auto& format : {numbers, hundred, texts}) sort_within(format, 96 * mebi, 8 * mebi);
}

TEST(SortMemory, StaysWithinSixtyFourMebibytes) {
  for (const auto& format : {numbers, hundred}) sort_within(format, 160 * mebi, 64 * mebi);
}

TEST(SortMemoryLong, StaysWithinLittleMemoryForAGibibyteAndMore) {
  for (const auto& format : {numbers, hundred, texts}) sort_within(format, 256 * mebi, 8 * mebi);
  for (const auto& format : {numbers, hundred}) sort_within(format, 256 * mebi, 64 * mebi);
  sort_within(numbers, 1024 * mebi, 8 * mebi);
  sort_within(numbers, 4096 * mebi, 8 * mebi);
  sort_within(texts, 1024 * mebi, 8 * mebi);
  sort_within(hundred, 2048 * mebi, 64 * mebi);
}

}  // namespace
}  // namespace sort_test
