// Scattering records over partitions and reading them back.
#include "surd/external/partition.hpp"

#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/error.hpp"
#include "surd/base/random.hpp"

namespace {

using namespace surd;
using external::PartitionExtents;
using Bytes = std::vector<std::byte>;

struct Disk {
  storage::FileSystem& files = storage::local_file_system();
  storage::AsyncIo io;
  external::SpillFile spill = external::SpillFile::scratch(files, std::filesystem::temp_directory_path());
};

Bytes read_all(Disk& disk, const std::vector<PartitionExtents>& parts, std::uint64_t memory,
               std::uint32_t packed_bytes = 0) {
  memory::Budget budget(std::uint64_t{64} << 20);
  disk.spill.flush(disk.io);
  external::PartitionReader reader({&disk.spill.reader()}, parts, budget, memory, disk.io, packed_bytes);
  Bytes all;
  for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) {
    EXPECT_EQ(packed_bytes > 0 ? piece.size() % packed_bytes : 0, 0U);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

/// Scatters records of the given sizes, in two units, and expects them back, partition by partition, in
/// order.
void expect_round_trip(std::uint32_t partitions, std::uint64_t memory, const std::vector<std::size_t>& sizes,
                       std::uint64_t read_memory) {
  Disk disk;
  memory::Budget budget(memory);
  std::vector<Bytes> expected(partitions);
  std::vector<std::vector<PartitionExtents>> units;
  {
    external::PartitionWriter writer(partitions, budget, memory, disk.spill, 0, disk.io);
    base::RandomStream random(1, 2);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto hash = random();
      Bytes record(sizes[i]);
      for (auto& byte : record) byte = static_cast<std::byte>(random());
      if (!record.empty()) std::memcpy(writer.append(hash, record.size()), record.data(), record.size());
      auto& into = expected[partitions == 1 ? 0 : hash / (~std::uint64_t{0} / partitions + 1)];
      into.insert(into.end(), record.begin(), record.end());
      if (i == sizes.size() / 2) units.push_back(writer.finish());
    }
    units.push_back(writer.finish());
  }
  EXPECT_EQ(budget.used(), 0U);
  for (std::uint32_t p = 0; p < partitions; ++p) {
    std::vector<PartitionExtents> parts;
    for (const auto& unit : units) parts.push_back(unit[p]);
    ASSERT_EQ(read_all(disk, parts, read_memory), expected[p]) << "partition " << p;
  }
}

TEST(Partition, GivesBackEveryRecordInOrder) {
  base::RandomStream random(3, 4);
  for (const std::uint32_t partitions : {1U, 2U, 16U, 64U}) {
    std::vector<std::size_t> sizes(5000);
    for (auto& size : sizes) size = 1 + random.below(200);
    expect_round_trip(partitions, 1 << 20, sizes, 64 << 10);
  }
}

/// Words of all sizes and signs, and often nothing after the last.
void fill_with_numbers(std::span<std::byte> record, base::RandomStream& random) {
  std::size_t at = 0;
  for (; at + 8 <= record.size(); at += 8) {
    auto number = random() >> random.below(65) % 64;
    if (random.below(8) == 0) number = random.below(2) == 0 ? 0 : ~std::uint64_t{0} >> random.below(64);
    if (random.below(2) == 0) number = 0 - number;
    std::memcpy(record.data() + at, &number, 8);
  }
  const bool any = random.below(2) == 0;
  for (; at < record.size(); ++at) record[at] = any ? static_cast<std::byte>(random()) : std::byte{0};
}

TEST(Partition, UnpacksWhatItPacked) {
  for (const std::uint32_t bytes :
       {1U, 7U, 8U, 9U, 15U, 16U, 17U, 24U, 31U, 32U, 33U, 40U, 100U, 1000U, 1024U}) {
    Disk disk;
    memory::Budget budget(1 << 20);
    base::RandomStream random(5, bytes);
    std::vector<std::uint64_t> hashes(bytes > 100 ? 300 : 9000);
    for (auto& hash : hashes) hash = random();
    Bytes records(hashes.size() * bytes);
    std::vector<Bytes> expected(16);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      const auto record = std::span(records).subspan(i * bytes, bytes);
      fill_with_numbers(record, random);
      auto& into = expected[hashes[i] >> 60U];
      into.insert(into.end(), record.begin(), record.end());
    }
    external::PartitionWriter writer(16, budget, 300 << 10, disk.spill, 0, disk.io);

    writer.append_packed({}, {});
    const auto half = hashes.size() / 2;
    writer.append_packed(std::span(hashes).first(half), std::span(records).first(half * bytes));
    const auto first = writer.finish();
    writer.append_packed(std::span(hashes).subspan(half), std::span(records).subspan(half * bytes));
    const auto second = writer.finish();

    for (std::size_t p = 0; p < 16; ++p) {
      EXPECT_EQ(first[p].unpacked_bytes + second[p].unpacked_bytes, expected[p].size());
      EXPECT_EQ(bytes * (first[p].records + second[p].records), expected[p].size());
      for (const std::uint64_t memory : {1U, 20U << 10, 1U << 20})
        ASSERT_EQ(read_all(disk, {first[p], second[p]}, memory, bytes), expected[p]) << bytes;
    }
  }
}

TEST(Partition, PacksSmallNumbersSmall) {
  Disk disk;
  memory::Budget budget(1 << 20);
  external::PartitionWriter writer(1, budget, 1 << 20, disk.spill, 0, disk.io);
  Bytes record(17);
  for (std::int64_t i = -50'000; i < 50'000; ++i) {
    std::memcpy(record.data(), &i, 8);
    record[8] = std::byte{100};
    writer.append_packed(std::vector{std::uint64_t{0}}, record);
  }

  EXPECT_LE(writer.finish()[0].bytes(), 100'000U * 5);
}

TEST(Partition, SaysThatAPackedRecordIsDamaged) {
  Disk disk;
  memory::Budget budget(1 << 20);
  external::PartitionWriter writer(1, budget, 1 << 20, disk.spill, 0, disk.io);
  const std::vector<std::uint64_t> hashes(1000);
  writer.append_packed(hashes, Bytes(hashes.size() * 16, std::byte{0x55}));
  auto parts = writer.finish();
  parts[0].extents[0].bytes -= 3;

  EXPECT_THROW((void)read_all(disk, parts, 64 << 10, 16), base::FormatError);
  EXPECT_THROW(writer.append_packed(std::vector{std::uint64_t{0}}, Bytes(1025)), base::LogicError);
}

TEST(Partition, SaysThatPackedRecordsAreMoreOrFewerThanCounted) {
  Disk disk;
  memory::Budget budget(1 << 20);
  external::PartitionWriter writer(1, budget, 256 << 10, disk.spill, 0, disk.io);
  const std::vector<std::uint64_t> hashes(20'000);
  writer.append_packed(hashes, Bytes(hashes.size() * 16, std::byte{0x55}));
  const auto first = writer.finish()[0];
  writer.append_packed(hashes, Bytes(hashes.size() * 16, std::byte{0x55}));
  const auto second = writer.finish()[0];

  for (const std::size_t damaged : {0U, 1U}) {
    for (const int more : {-1, 1}) {
      auto parts = std::vector{first, second};
      parts[damaged].records += static_cast<std::uint64_t>(more);
      EXPECT_THROW((void)read_all(disk, parts, 64 << 10, 16), base::FormatError);
    }
  }
  EXPECT_EQ(read_all(disk, {first, second}, 64 << 10, 16).size(), 2 * 16 * hashes.size());
}

TEST(Partition, GoesOnWhereAnotherReaderHasLeftOff) {
  Disk disk;
  memory::Budget budget(8 << 20);
  external::PartitionWriter writer(1, budget, 256 << 10, disk.spill, 0, disk.io);
  base::RandomStream random(3, 4);
  std::vector<PartitionExtents> parts(1);  // one without records
  Bytes written;
  for (const std::size_t records : {30'000U, 1U, 12'000U}) {
    Bytes some(records * 17);
    for (std::size_t at = 0; at < some.size(); at += 17) {
      fill_with_numbers(std::span(some).subspan(at, 17), random);
    }
    writer.append_packed(std::vector<std::uint64_t>(records), some);
    written.insert(written.end(), some.begin(), some.end());
    parts.push_back(writer.finish()[0]);
    parts.emplace_back();
  }
  disk.spill.flush(disk.io);

  Bytes all;
  std::size_t readers = 0;
  for (auto rest = parts; all.size() < written.size(); ++readers) {
    external::PartitionReader reader({&disk.spill.reader()}, rest, budget, 1 << 10, disk.io, 17);
    for (auto reads = random.below(4); reads > 0; --reads) {
      Bytes into(random.below(3) == 0 ? random.below(200'000) : random.below(400));
      const auto bytes = reader.read(into);
      ASSERT_EQ(bytes, std::min(into.size() / 17 * 17, written.size() - all.size()));
      all.insert(all.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
    rest = reader.rest();
  }
  EXPECT_TRUE(all == written);
  EXPECT_GT(readers, 10U);
}

TEST(Partition, PacksAfterARecordLargerThanAPage) {
  for (const std::size_t bytes : {100'000U, 300'000U}) {  // where spare pages were, and over all of them
    Disk disk;
    memory::Budget budget(1 << 20);
    external::PartitionWriter writer(16, budget, 1 << 20, disk.spill, 0, disk.io);
    std::vector<Bytes> expected(16);
    std::memset(writer.append(0, bytes), 1, bytes);
    expected[0].resize(bytes, std::byte{1});
    std::vector<std::uint64_t> hashes;
    for (std::uint64_t i = 0; i < 30'000; ++i) {
      const auto partition = 1 + i % 15;
      hashes.push_back(partition << 60);
      expected[partition].resize(expected[partition].size() + 16, std::byte{0x55});
    }
    writer.append_packed(hashes, Bytes(hashes.size() * 16, std::byte{0x55}));
    const auto parts = writer.finish();

    for (std::size_t p = 0; p < 16; ++p) {
      EXPECT_TRUE(read_all(disk, {parts[p]}, 1 << 20, p == 0 ? 0 : 16) == expected[p]) << p;
    }
  }
}

TEST(Partition, ReadsAheadAndSaysWhichReadFailed) {
  Disk disk;
  memory::Budget budget(2 << 20);
  external::PartitionWriter writer(1, budget, 1 << 20, disk.spill, 0, disk.io);
  for (int i = 0; i < 100; ++i) std::memset(writer.append(0, 8000), i, 8000);
  auto parts = writer.finish();
  disk.spill.flush(disk.io);
  ASSERT_GE(parts[0].extents.size(), 3U);
  parts[0].extents[2].offset = std::uint64_t{1} << 40U;
  external::PartitionReader reader({&disk.spill.reader()}, {parts[0]}, budget, 1 << 20, disk.io);

  for (int extent = 0; extent < 2; ++extent) {
    const auto piece = reader.next();
    ASSERT_FALSE(piece.empty());
    EXPECT_EQ(piece.front(), piece[7999]);
  }
  EXPECT_THROW((void)reader.next(), base::IoError);
}

TEST(Partition, WorksInItsLeastMemory) {
  expect_round_trip(1024, 8 << 20, {std::vector<std::size_t>(200'000, 17)}, 1);
  for (std::uint32_t partitions = 1; partitions <= 1024; partitions *= 2) {
    const std::uint64_t least = partitions * 4096 + (128 << 10);
    for (const std::uint64_t more : {0U, 4U << 10, 64U << 10, 200U << 10, 500U << 10}) {
      expect_round_trip(partitions, least + more, {std::vector<std::size_t>(3000, 170)}, 1);
    }
  }
}

TEST(Partition, TakesRecordsLargerThanAPage) {
  expect_round_trip(16, 512 << 10, {10, 5000, 40'000, 200'000, 3, 4096, 4097, 450'000, 1, 65'536, 90'000, 2},
                    4096);
}

TEST(Partition, GoesOnWhilePagesAreWritten) {
  base::RandomStream random(6, 7);
  for (const std::uint32_t partitions : {2U, 16U, 32U}) {
    std::vector<std::size_t> sizes(60'000);
    for (auto& size : sizes) size = 1 + random.below(500);
    // Larger than a page: as large as a few, and as large as all spare ones together and more.
    for (std::size_t i = 100; i < sizes.size(); i += 1500) sizes[i] = 100'000 + random.below(900'000);
    expect_round_trip(partitions, 4 << 20, sizes, 64 << 10);
  }
}

TEST(Partition, TakesNoRecordsAtAll) { expect_round_trip(16, 1 << 20, {}, 4096); }

TEST(Partition, RefusesARecordLargerThanItsMemoryWithTheNumberNeeded) {
  Disk disk;
  memory::Budget budget(64 << 20);
  external::PartitionWriter writer(16, budget, 1 << 20, disk.spill, 0, disk.io);

  EXPECT_THROW((void)writer.append(0, 32 << 20), base::UsageError);
  try {
    (void)writer.append(0, 2 << 20);
    FAIL() << "no error";
  } catch (const external::LargeRecord& error) {
    EXPECT_EQ(error.complaint(), "a row of 2.00 MiB is too large for 16 partitions");
    EXPECT_LT(error.needed(), 3 << 20);
    external::PartitionWriter larger(16, budget, error.needed(), disk.spill, 0, disk.io);
    EXPECT_NE(larger.append(0, 2 << 20), nullptr);
  }
}

TEST(Partition, RefusesTooLittleMemoryWithTheNumberNeeded) {
  Disk disk;
  memory::Budget budget(1 << 20);

  EXPECT_THROW(external::PartitionWriter(1024, budget, 1 << 20, disk.spill, 0, disk.io), base::UsageError);
}

TEST(Partition, DescribesExtentsInFewBytes) {
  PartitionExtents partition{
      7, 1000, 0, {{1 << 30, 8192}, {(1 << 30) + 8192, 8192}, {(1 << 30) + 90'000, 100}}};
  for (const std::uint64_t unpacking_adds : {std::uint64_t{0}, std::uint64_t{100}, ~std::uint64_t{100}}) {
    partition.unpacked_bytes = partition.bytes() + unpacking_adds;
    base::ByteWriter writer;
    external::put_partition(writer, partition);
    EXPECT_LT(writer.size(), unpacking_adds <= 100 ? 20U : 30U);

    base::ByteReader reader(writer.bytes());
    const auto back = external::get_partition(reader);

    EXPECT_EQ(back.file, 7U);
    EXPECT_EQ(back.records, 1000U);
    EXPECT_EQ(back.bytes(), partition.bytes());
    EXPECT_EQ(back.unpacked_bytes, partition.unpacked_bytes);
    EXPECT_EQ(back.extents[2].offset, partition.extents[2].offset);
  }
}

TEST(Partition, CountDependsOnTheInputAlone) {
  EXPECT_EQ(external::partitions_for(0, 1 << 18), 16U);
  EXPECT_EQ(external::partitions_for(std::uint64_t{1} << 40, 1 << 18), 1024U);
  EXPECT_EQ(external::partitions_for(std::uint64_t{1'600'000'000}, 1 << 18), 256U);
}

}  // namespace
