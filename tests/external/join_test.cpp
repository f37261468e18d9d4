#include "surd/external/join.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/base/random.hpp"
#include "surd/base/units.hpp"

namespace surd::test {
namespace {

using base::KiB;
using base::MiB;
using external::JoinFormat;
using external::JoinKind;
using external::JoinRows;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) {
  return bytes.data() == nullptr ? "(none)"
                                 : std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

struct Row {
  std::optional<std::string> key;
  std::string row;
};
using Rows = std::vector<Row>;
using Pair = std::pair<std::string, std::string>;

constexpr JoinKind kinds[] = {JoinKind::inner, JoinKind::left, JoinKind::semi, JoinKind::anti};

std::vector<Pair> naive_join(JoinKind kind, const Rows& left, const Rows& right) {
  std::multimap<std::string, std::string> by_key;
  for (const auto& row : right) {
    if (row.key) by_key.emplace(*row.key, row.row);
  }
  std::vector<Pair> pairs;
  for (const auto& row : left) {
    const auto matches = row.key ? by_key.equal_range(*row.key) : std::pair(by_key.end(), by_key.end());
    const bool matched = matches.first != matches.second;
    if (kind == JoinKind::semi ? matched : (!matched && kind != JoinKind::inner)) {
      pairs.emplace_back(row.row, "(none)");
    }
    if (kind == JoinKind::semi || kind == JoinKind::anti) continue;
    for (auto at = matches.first; at != matches.second; ++at) pairs.emplace_back(row.row, at->second);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

class CountingFile final : public storage::ReadableFile {
 public:
  explicit CountingFile(storage::ReadableFile& file) : file_(file) {}
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    bytes_ += into.size();
    return file_.read_at(offset, into);
  }
  std::uint64_t size() override { return file_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  storage::ReadableFile& file_;
  std::atomic<std::uint64_t> bytes_{0};
};

/// Spills both sides into one partition each and joins them.
class Joiner {
 public:
  explicit Joiner(std::uint64_t memory_bytes) : memory_(memory_bytes), budget_(memory_bytes) {}

  external::PartitionExtents spill(const std::vector<std::string>& records) {
    external::PartitionExtents part;
    std::string piece;
    std::size_t number = 0;
    const auto flush = [&] {
      part.extents.push_back({spill_.append_now(io_, bytes_of(piece)), piece.size()});
      spill_.align(io_);
      piece.clear();
    };
    for (const auto& record : records) {
      piece += record;
      if (piece.size() > 1000 * (number++ % 40)) flush();
    }
    flush();
    spill_.flush(io_);
    part.records = records.size();
    return part;
  }

  /// Records of one size.
  external::PartitionExtents spill_packed(const std::vector<std::string>& records) {
    memory::Budget budget(1 << 20);
    external::PartitionWriter writer(1, budget, 256 * KiB, spill_, 0, io_);
    for (const auto& record : records) {
      const std::uint64_t hash = 0;
      writer.append_packed({&hash, 1}, bytes_of(record));
    }
    auto part = writer.finish()[0];
    spill_.flush(io_);
    return part;
  }

  external::PartitionExtents spill(const Rows& rows, bool same_hash) {
    std::vector<std::string> records;
    for (const auto& row : rows) {
      const auto key = row.key.value_or("");
      std::string record(external::join_record_bytes(bytes_of(key), bytes_of(row.row)), '\0');
      auto* const into = reinterpret_cast<std::byte*>(record.data());
      const auto hash = same_hash ? 7 : external::hash_key(bytes_of(key));
      external::put_join_record(into, hash, bytes_of(key), bytes_of(row.row));
      if (!row.key) std::memcpy(into + 8, &external::null_key, 4);
      records.push_back(std::move(record));
    }
    return spill(records);
  }

  /// Of what was spilled for it, by the last join.
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  /// Whether any join has made scratch of its own.
  [[nodiscard]] bool has_split() const { return counting_.operations() > 0; }

  std::vector<Pair> join(JoinKind kind, const Rows& left, const Rows& right, bool same_hash = false) {
    return join(kind, {}, spill(left, same_hash), spill(right, same_hash));
  }

  std::vector<Pair> join(JoinKind kind, const JoinFormat& format, external::PartitionExtents left,
                         external::PartitionExtents right) {
    std::vector<Pair> pairs;
    CountingFile spilled(spill_.reader());
    const std::vector<storage::ReadableFile*> files{&spilled};
    external::join_partition(kind, format, {files, {std::move(left), {}}}, {files, {{}, std::move(right)}},
                             budget_, memory_, counting_, "", io_, [&](const JoinRows& rows) {
                               ASSERT_EQ(rows.left.size(), rows.right.size());
                               for (std::size_t i = 0; i < rows.left.size(); ++i) {
                                 pairs.emplace_back(text_of(rows.left[i]), text_of(rows.right[i]));
                               }
                             });
    EXPECT_EQ(budget_.used(), 0U);
    bytes_read_ = spilled.bytes();
    return pairs;
  }

 private:
  std::uint64_t memory_;
  std::uint64_t bytes_read_ = 0;
  memory::Budget budget_;
  RecordingFileSystem disk_;
  FailingFileSystem counting_{disk_, {.at = SIZE_MAX}};
  storage::AsyncIo io_;
  external::SpillFile spill_ = external::SpillFile::scratch(disk_, "");
};

/// Whether it had to split.
bool expect_naive(std::uint64_t memory, const Rows& left, const Rows& right, bool same_hash = false) {
  Joiner joiner(memory);
  for (const auto kind : kinds) {
    auto pairs = joiner.join(kind, left, right, same_hash);
    EXPECT_EQ(pairs, joiner.join(kind, left, right, same_hash)) << "another order the second time";
    std::sort(pairs.begin(), pairs.end());
    EXPECT_TRUE(pairs == naive_join(kind, left, right))
        << name(kind) << " of " << left.size() << " x " << right.size() << ": " << pairs.size() << " rows";
  }
  return joiner.has_split();
}

/// Rows of up to `most` bytes with one of `keys` keys; every 20th has none.
Rows random_rows(std::uint64_t seed, std::size_t count, std::uint64_t keys, std::uint64_t most) {
  base::RandomStream random(seed, 1);
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = std::to_string(random.below(keys));
    auto row = std::to_string(i) + std::string(static_cast<std::size_t>(random.below(most)), 'x');
    if (random.below(4) == 0) row.clear();
    rows.push_back({random.below(20) == 0 ? std::nullopt : std::optional(key), std::move(row)});
  }
  return rows;
}

TEST(Join, IsTheNaiveOneForAllSizes) {
  for (const std::size_t left : {0U, 1U, 3U, 100U, 700U}) {
    for (const std::size_t right : {0U, 1U, 4U, 90U, 800U}) {
      expect_naive(256 * KiB, random_rows(left, left, 200, 50), random_rows(right + 1, right, 150, 50));
    }
  }
}

TEST(Join, IsTheNaiveOneWhenNeitherSideFits) {
  const auto small = random_rows(1, 8'000, 12'000, 100);
  const auto large = random_rows(2, 20'000, 12'000, 100);

  expect_naive(256 * KiB, small, large);
  expect_naive(256 * KiB, large, small);
  expect_naive(600 * KiB, small, large);
}

TEST(Join, SplitsPartitionsManyTimesTheMemory) {
  const auto left = random_rows(1, 25'000, 90'000, 400);
  const auto right = random_rows(2, 25'000, 90'000, 400);

  EXPECT_TRUE(expect_naive(512 * KiB, left, right));
}

TEST(Join, TakesKeysApartWhoseHashesAreEqual) {
  expect_naive(256 * KiB, random_rows(1, 500, 100, 20), random_rows(2, 600, 100, 20), true);
}

/// `count` rows of key "heavy" among `others` others.
Rows heavy_rows(std::size_t count, std::size_t others, std::size_t row_bytes) {
  Rows rows;
  for (std::size_t i = 0; i < count + others; ++i) {
    const auto key = i % (1 + others / std::max<std::size_t>(count, 1)) == 0 ? "heavy" : std::to_string(i);
    rows.push_back({key, std::to_string(i) + std::string(row_bytes, '.')});
  }
  return rows;
}

TEST(Join, StandsOneHeavyKeyOnEitherSide) {
  const Rows one{{"heavy", "one"}, {"1", "other"}, {"heavy", "two"}, {std::nullopt, "null"}};
  const auto heavy = heavy_rows(20'000, 2'000, 30);

  expect_naive(256 * KiB, heavy, one);
  expect_naive(256 * KiB, one, heavy);
}

TEST(Join, StandsOneKeyThatHasItAllOnBothSides) {
  Rows left;
  Rows right;
  for (int i = 0; i < 800; ++i) left.push_back({"k", std::to_string(i) + std::string(600, 'l')});
  for (int i = 0; i < 60; ++i) right.push_back({"k", std::to_string(i) + std::string(10'000, 'r')});
  Joiner joiner(256 * KiB);
  const auto left_part = joiner.spill(left, false);
  const auto right_part = joiner.spill(right, false);

  EXPECT_EQ(joiner.join(JoinKind::semi, {}, left_part, right_part).size(), 800U);
  EXPECT_EQ(joiner.join(JoinKind::anti, {}, left_part, right_part).size(), 0U);
  auto pairs = joiner.join(JoinKind::inner, {}, left_part, right_part);
  EXPECT_EQ(pairs.size(), 800U * 60U);
  std::sort(pairs.begin(), pairs.end());
  EXPECT_EQ(std::unique(pairs.begin(), pairs.end()), pairs.end());
}

TEST(Join, TakesRowsOfAMebibyteAndOfNothing) {
  Rows left;
  Rows right;
  for (int i = 0; i < 12; ++i) {
    const std::size_t size = i % 3 == 0 ? MiB : 0;
    left.push_back({std::to_string(i % 5), std::string(size, static_cast<char>('a' + i))});
    right.push_back({std::to_string(i % 4), std::string(i % 2 == 0 ? MiB : 0, static_cast<char>('A' + i))});
  }
  expect_naive(8 * MiB, left, right);
  expect_naive(5 * MiB, left, right);
}

TEST(Join, RefusesRowsLargerThanAQuarterOfItsMemory) {
  const Rows large{{"k", std::string(400'000, 'x')}};
  const Rows small{{"k", "x"}};
  const Rows many = random_rows(1, 3000, 10, 400);

  for (const auto* const right : {&small, &many}) {
    Joiner joiner(512 * KiB);
    try {
      (void)joiner.join(JoinKind::inner, large, *right);
      FAIL() << "no error";
    } catch (const external::LargeRecord& error) {
      EXPECT_LT(error.needed(), 2 * MiB);
      EXPECT_NO_THROW((void)Joiner(error.needed()).join(JoinKind::inner, large, *right));
    }
  }
  EXPECT_THROW((void)Joiner(100 * KiB).join(JoinKind::inner, small, small), base::UsageError);
}

/// Records of an 8-byte key and filler.
std::vector<std::string> fixed_records(std::uint64_t seed, std::size_t count, std::uint64_t keys,
                                       std::size_t bytes) {
  base::RandomStream random(seed, 1);
  std::vector<std::string> records;
  for (std::size_t i = 0; i < count; ++i) {
    std::string record(bytes, '\0');
    const auto below = random.below(keys);
    const auto key = below == 0 ? UINT64_MAX : below - 1;
    std::memcpy(record.data(), &key, 8);
    if (bytes >= 16) std::memcpy(record.data() + 8, &i, 8);
    records.push_back(std::move(record));
  }
  return records;
}

TEST(Join, OfFixedRecordsIsTheNaiveOne) {
  struct Case {
    std::size_t left, left_bytes, right, right_bytes;
    std::uint64_t keys;
  };
  const auto rows_of = [](const std::vector<std::string>& records) {
    Rows rows;
    for (const auto& record : records) rows.push_back({record.substr(0, 8), record});
    return rows;
  };
  bool has_split = false;
  for (const auto& c : {Case{0, 16, 10, 8, 5}, Case{10, 8, 0, 16, 5}, Case{1, 8, 1, 8, 1},
                        Case{3000, 16, 2000, 24, 1500}, Case{40'000, 16, 30'000, 41, 50'000},
                        Case{12'000, 24, 14'000, 24, 9000}, Case{20'000, 24, 14'000, 31, 20'000},
                        Case{2000, 300, 90'000, 16, 3000}, Case{100'000, 16, 90'000, 16, 1'000'000}}) {
    Joiner joiner(256 * KiB);
    const auto left = fixed_records(1, c.left, c.keys, c.left_bytes);
    const auto right = fixed_records(2, c.right, c.keys, c.right_bytes);
    const JoinFormat format{8, static_cast<std::uint32_t>(c.left_bytes),
                            static_cast<std::uint32_t>(c.right_bytes)};
    for (const auto kind : kinds) {
      auto pairs = joiner.join(kind, format, joiner.spill_packed(left), joiner.spill_packed(right));
      std::sort(pairs.begin(), pairs.end());
      EXPECT_TRUE(pairs == naive_join(kind, rows_of(left), rows_of(right)))
          << name(kind) << " of " << c.left << " x " << c.right;
    }
    has_split = has_split || joiner.has_split();
  }
  EXPECT_TRUE(has_split);
}

/// A right side a little larger than a table is read once for each part of the left, but the left once.
TEST(Join, ReadsALargeLeftOnce) {
  Joiner joiner(256 * KiB);
  const auto left = fixed_records(1, 200'000, 30'000, 16);
  const auto right = fixed_records(2, 8500, 30'000, 16);
  const auto spilled_left = joiner.spill_packed(left);
  const auto spilled_right = joiner.spill_packed(right);

  const auto pairs = joiner.join(JoinKind::semi, {8, 16, 16}, spilled_left, spilled_right);

  EXPECT_FALSE(joiner.has_split());
  EXPECT_LE(joiner.bytes_read(), 4 * (spilled_left.bytes() + spilled_right.bytes()));
  std::set<std::string> keys;
  for (const auto& record : right) keys.insert(record.substr(0, 8));
  const auto matched = [&](const auto& record) { return keys.contains(record.substr(0, 8)); };
  EXPECT_EQ(pairs.size(), static_cast<std::size_t>(std::ranges::count_if(left, matched)));
}

/// As many pairs as there are would take minutes; some rows of the left find no match, so that the right is
/// read to its end.
TEST(Join, ForWhichLeftRowsHaveAMatchDoesNotGoThroughAllPairs) {
  Joiner joiner(256 * KiB);
  auto left = fixed_records(1, 300'000, 1, 8);
  const auto right = fixed_records(2, 300'000, 1, 8);
  for (std::size_t i = 0; i < left.size(); i += 100) std::memcpy(left[i].data(), &i, 8);

  const auto count = [&](JoinKind kind) {
    return joiner.join(kind, {8, 8, 8}, joiner.spill_packed(left), joiner.spill_packed(right)).size();
  };
  EXPECT_EQ(count(JoinKind::semi), 297'000U);
  EXPECT_EQ(count(JoinKind::anti), 3000U);
}

TEST(Join, RefusesRecordsThatCannotBePackedAndExtentsTooLargeForIt) {
  Joiner joiner(256 * KiB);
  const auto records = fixed_records(1, 10, 5, 16);
  EXPECT_THROW((void)joiner.join(JoinKind::inner, {8, 1025, 16}, joiner.spill_packed(records),
                                 joiner.spill_packed(records)),
               base::UsageError);
  auto large = joiner.spill_packed(records);
  large.extents[0].bytes = 200'000;
  try {
    (void)joiner.join(JoinKind::inner, {8, 16, 16}, large, joiner.spill_packed(records));
    FAIL() << "no error";
  } catch (const base::UsageError& error) {
    EXPECT_NE(std::string(error.what()).find(" at a time"), std::string::npos) << error.what();
  }
}

TEST(Join, KeepsTheOrderOfTheLeftWhereTheRightFits) {
  Joiner joiner(256 * KiB);
  const Rows left{{"b", "0"}, {"a", "1"}, {"b", "2"}};
  const Rows right{{"a", "x"}, {"b", "y"}, {"b", "z"}};

  EXPECT_EQ(joiner.join(JoinKind::inner, left, right),
            (std::vector<Pair>{{"0", "y"}, {"0", "z"}, {"1", "x"}, {"2", "y"}, {"2", "z"}}));
}

}  // namespace
}  // namespace surd::test
