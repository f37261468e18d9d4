// Grouping far more than memory holds stays within the memory given. The rows exist nowhere but in the
// group-by.
#include <malloc.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "surd/external/group.hpp"
#include "surd/memory/limits.hpp"

namespace {

using namespace surd;
using external::Aggregate;
using external::AggregateSpec;
using external::ValueType;

constexpr std::uint64_t mebi = std::uint64_t{1} << 20;
constexpr std::size_t piece_rows = 1024;

enum class Keys { uniform, zipf, texts };

struct Case {
  const char* name;
  Keys keys;
  std::vector<AggregateSpec> aggregates;
  std::uint64_t rows;
  std::uint64_t groups;
  std::uint64_t memory;
};

/// Some rows, in memory that is used again.
struct Piece {
  std::vector<std::uint64_t> keys;
  std::vector<std::byte> key_bytes;
  std::vector<std::uint32_t> key_ends;
  std::vector<std::int64_t> integers;

  void fill(const Case& of, base::RandomStream& random) {
    keys.clear();
    key_bytes.clear();
    key_ends.clear();
    integers.clear();
    for (std::size_t i = 0; i < piece_rows; ++i) {
      const auto groups = static_cast<double>(of.groups);
      keys.push_back(of.keys == Keys::zipf
                         ? static_cast<std::uint64_t>(std::exp(random.uniform() * std::log(groups)))
                         : random.below(of.groups));
      integers.push_back(static_cast<std::int64_t>(random.below(1000)));
      if (of.keys != Keys::texts) continue;
      std::array<char, 40> text{};
      const auto bytes = static_cast<std::size_t>(
          std::snprintf(text.data(), text.size(), "a key of some length %llu",
                        static_cast<unsigned long long>(keys.back() * 0x9E37'79B9'7F4A'7C15U)));
      const auto* const first = reinterpret_cast<const std::byte*>(text.data());
      key_bytes.insert(key_bytes.end(), first, first + bytes);
      key_ends.push_back(static_cast<std::uint32_t>(key_bytes.size()));
    }
  }

  [[nodiscard]] external::GroupInput input(const Case& of, std::uint64_t position,
                                           std::span<external::Values> values) const {
    for (auto& column : values) column.integers = integers;
    external::GroupInput input{piece_rows, position, {}, {}, values};
    if (of.keys == Keys::texts) {
      input.byte_keys = {key_bytes, key_ends};
    } else {
      input.keys = keys;
    }
    return input;
  }
};

void group_within(const Case& of) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers use memory of their own";
#endif
  SCOPED_TRACE(testing::Message() << of.name << " in " << of.memory / mebi << " MiB");
  auto& files = storage::local_file_system();
  const auto directory = std::filesystem::temp_directory_path();
  const external::GroupFormat format{of.keys == Keys::texts ? 0U : 8U, of.aggregates};
  const auto partitions = external::partitions_for(of.rows * 16, 256 << 10);
  base::RandomStream random(of.rows, of.groups);
  Piece piece;
  piece.fill(of, random);
  std::vector<external::Values> values(of.aggregates.size());
  storage::AsyncIo io;
  ::malloc_trim(0);  // what an earlier run freed must not hide what this one takes
  ASSERT_TRUE(memory::reset_peak());
  const auto before = memory::usage().resident;
  memory::Budget budget(of.memory);

  auto spill = external::SpillFile::scratch(files, directory);
  std::vector<external::PartitionExtents> parts;
  std::int64_t sum = 0;
  {
    external::GroupBuilder builder(format, partitions, budget, of.memory, spill, 0, io);
    for (std::uint64_t row = 0; row < of.rows; row += piece_rows) {
      builder.push(piece.input(of, row, values));
      for (const auto value : piece.integers) sum += value;
      piece.fill(of, random);
    }
    parts = builder.finish();
  }
  spill.flush(io);
  external::GroupMerger merger(format, {&spill.reader()}, {std::move(parts[0])}, budget, of.memory, files,
                               directory, io);
  for (std::size_t p = 1; p < parts.size(); ++p) merger.add({std::move(parts[p])});
  external::Groups groups;
  std::int64_t counted = 0;
  while (merger.next(groups)) {
    for (const auto value : groups.results[0].integers) counted += value;
    for (const auto value : groups.results[1].integers) sum -= value;
  }
  EXPECT_EQ(counted, static_cast<std::int64_t>(of.rows));
  EXPECT_EQ(sum, 0);
  EXPECT_LE(memory::usage().peak_resident - before, of.memory + of.memory / 4);
  EXPECT_LE(budget.peak(), of.memory);
}

const AggregateSpec count_rows{Aggregate::count, ValueType::int64, false, nullptr};
const AggregateSpec sum_integers{Aggregate::sum, ValueType::int64, true, nullptr};

AggregateSpec integers(Aggregate aggregate) { return {aggregate, ValueType::int64, true, nullptr}; }

TEST(GroupMemory, StaysWithinWhatIsGivenForUniformKeys) {
  group_within({"uniform", Keys::uniform, {count_rows, sum_integers}, 16 * mebi, 4 * mebi, 8 * mebi});
  group_within({"uniform", Keys::uniform, {count_rows, sum_integers}, 16 * mebi, 4 * mebi, 64 * mebi});
}

TEST(GroupMemory, StaysWithinWhatIsGivenForSkewedKeys) {
  group_within({"zipf", Keys::zipf, {count_rows, sum_integers}, 16 * mebi, 4 * mebi, 8 * mebi});
}

TEST(GroupMemory, StaysWithinWhatIsGivenForTexts) {
  group_within({"texts", Keys::texts, {count_rows, sum_integers}, 6 * mebi, 2 * mebi, 8 * mebi});
  group_within({"texts", Keys::texts, {count_rows, sum_integers}, 4 * mebi, mebi, 64 * mebi});
}

TEST(GroupMemory, StaysWithinWhatIsGivenForListsAndMedians) {
  const std::vector aggregates{count_rows, sum_integers, integers(Aggregate::list),
                               integers(Aggregate::median), integers(Aggregate::list)};
  group_within({"lists", Keys::uniform, aggregates, 3 * mebi / 2, mebi / 4, 8 * mebi});
  group_within({"long lists", Keys::uniform, aggregates, 3 * mebi / 2, 16, 8 * mebi});
}

}  // namespace
