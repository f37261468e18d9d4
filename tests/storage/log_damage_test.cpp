// Truncation at every byte, flips of every bit, and garbage: nothing wrong is read, nothing intact is lost.
#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "log_support.hpp"
#include "support/recording_file_system.hpp"

namespace surd::test {
namespace {

using storage::LogDamage;
using storage::LogReader;
using storage::LogWriter;

const storage::Path path = "memo.log";

struct Sample {
  std::string bytes;
  std::vector<StoredRecord> records;

  [[nodiscard]] std::size_t end_of(std::size_t record) const {
    return record + 1 < records.size() ? static_cast<std::size_t>(records[record + 1].offset) : bytes.size();
  }
};

/// 24 records of 0 to 600 bytes, compressed and not.
Sample make_sample() {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  Sample sample;
  for (std::uint8_t i = 0; i < 24; ++i) {
    sample.records.push_back({i, log.bytes(), payload(i % 5 == 4 ? 600 : 7U * i, i % 2 == 0, i)});
    log.append(i, as_bytes(sample.records.back().payload));
  }
  sample.bytes = storage::read_file(disk, path);
  return sample;
}

struct Reading {
  std::vector<StoredRecord> records;
  std::vector<LogDamage> damage;
};

Reading read_bytes(const std::string& bytes) {
  DiskContent content;
  content.names[path.string()] = 0;
  content.files.push_back(bytes);
  RecordingFileSystem disk(std::move(content));
  LogReader reader(disk, path);
  auto records = read_all(reader);
  return {std::move(records), reader.damage()};
}

TEST(DamagedLog, KeepsAllWholeRecordsWhereverItIsCut) {
  const auto sample = make_sample();
  for (std::size_t size = 0; size <= sample.bytes.size(); ++size) {
    SCOPED_TRACE(size);
    std::size_t whole = 0;
    while (whole < sample.records.size() && sample.end_of(whole) <= size) ++whole;
    const auto last_end = whole == 0 ? 0 : sample.end_of(whole - 1);

    const auto reading = read_bytes(sample.bytes.substr(0, size));

    ASSERT_EQ(reading.records, std::vector(sample.records.begin(),
                                           sample.records.begin() + static_cast<std::ptrdiff_t>(whole)));
    ASSERT_EQ(reading.damage.size(), size == last_end ? 0U : 1U);
    if (size == last_end) continue;
    EXPECT_TRUE(reading.damage[0].tail);
    EXPECT_EQ(reading.damage[0].offset, last_end);
    EXPECT_EQ(reading.damage[0].bytes, size - last_end);
    EXPECT_EQ(reading.damage[0].path, path);
    EXPECT_FALSE(reading.damage[0].reason.empty());
  }
}

TEST(DamagedLog, LosesOnlyTheRecordInWhichABitFlips) {
  const auto sample = make_sample();
  std::size_t record = 0;
  for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
    if (at == sample.end_of(record)) ++record;
    auto expected = sample.records;
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(record));
    for (const unsigned mask : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 255U, 0x5AU}) {
      SCOPED_TRACE(testing::Message() << "byte " << at << ", mask " << mask);
      auto bytes = sample.bytes;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask);

      const auto reading = read_bytes(bytes);

      ASSERT_EQ(reading.records, expected);
      ASSERT_EQ(reading.damage.size(), 1U);
      EXPECT_EQ(reading.damage[0].offset, sample.records[record].offset);
      EXPECT_EQ(reading.damage[0].bytes, sample.end_of(record) - sample.records[record].offset);
      EXPECT_EQ(reading.damage[0].tail, record + 1 == sample.records.size());
    }
  }
}

TEST(DamagedLog, LosesOnlyRecordsThatAreZeroed) {
  const auto sample = make_sample();
  base::RandomStream random(3, 0);
  for (int round = 0; round < 3000; ++round) {
    auto bytes = sample.bytes;
    const auto [from, to] = std::minmax({random.below(bytes.size() + 1), random.below(bytes.size() + 1)});
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from),
              bytes.begin() + static_cast<std::ptrdiff_t>(to), '\0');
    std::vector<StoredRecord> expected;
    for (std::size_t i = 0; i < sample.records.size(); ++i) {
      const auto start = static_cast<std::size_t>(sample.records[i].offset);
      const auto size = sample.end_of(i) - start;
      if (bytes.compare(start, size, sample.bytes, start, size) == 0) expected.push_back(sample.records[i]);
    }

    ASSERT_EQ(read_bytes(bytes).records, expected);
  }
}

/// Bytes that are no record, but look like parts of one.
std::string garbage(base::RandomStream& random, const Sample& sample) {
  std::string text;
  const auto pieces = random.below(6);
  for (std::uint64_t i = 0; i < pieces; ++i) {
    const auto& record = sample.records[random.below(sample.records.size())];
    const auto start = static_cast<std::size_t>(record.offset);
    switch (random.below(4)) {
      case 0:
        text += "SRDR";
        break;
      case 1:
        text += std::string(random.below(40), '\0');
        break;
      case 2:
        text += payload(random.below(300), false, random());
        break;
      default:
        text += sample.bytes.substr(start, random.below(25));
        break;  // a header without its checksum
    }
  }
  return text;
}

TEST(DamagedLog, FindsEveryRecordBetweenRandomGarbage) {
  const auto sample = make_sample();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  std::uint64_t rounds = 0;
  for (; rounds < 200 || std::chrono::steady_clock::now() < until; ++rounds) {
    SCOPED_TRACE(rounds);
    base::RandomStream random(11, rounds);
    std::string bytes;
    std::vector<StoredRecord> expected;
    std::uint64_t garbage_bytes = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      const auto noise = garbage(random, sample);
      garbage_bytes += noise.size();
      bytes += noise;
      const auto chosen = random.below(sample.records.size());
      const auto start = static_cast<std::size_t>(sample.records[chosen].offset);
      expected.push_back(sample.records[chosen]);
      expected.back().offset = bytes.size();
      bytes += sample.bytes.substr(start, sample.end_of(chosen) - start);
    }

    const auto reading = read_bytes(bytes);

    ASSERT_EQ(reading.records, expected);
    std::uint64_t reported = 0;
    for (const auto& damage : reading.damage) reported += damage.bytes;
    ASSERT_EQ(reported, garbage_bytes);
  }
  EXPECT_GE(rounds, 200U);
}

TEST(DamagedLog, FindsRecordsBehindGarbageLargerThanItsBuffer) {
  const auto sample = make_sample();
  for (const std::size_t size : {(1U << 20) - 33, (1U << 20) - 2, 1U << 20, 3'333'333U}) {
    std::string noise = payload(size, false);
    for (std::size_t at = 0; at + 4 < noise.size(); at += 10'007) noise.replace(at, 4, "SRDR");

    const auto reading = read_bytes(noise + sample.bytes);

    ASSERT_EQ(reading.records.size(), sample.records.size());
    ASSERT_EQ(reading.damage.size(), 1U);
    EXPECT_EQ(reading.damage[0].bytes, size);
  }
}

TEST(DamagedLog, OfRandomBytesHoldsNothing) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto reading = read_bytes(payload(seed * 17, false, seed));

    EXPECT_TRUE(reading.records.empty());
    EXPECT_EQ(reading.damage.size(), seed == 0 ? 0U : 1U);
  }
}

}  // namespace
}  // namespace surd::test
