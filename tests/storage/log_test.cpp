#include "surd/storage/log.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_support.hpp"
#include "support/recording_file_system.hpp"
#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"

namespace surd::test {
namespace {

using storage::LogReader;
using storage::LogWriter;

const storage::Path path = "memo.log";

void append(storage::FileSystem& disk, const std::string& text) {
  auto bytes = disk.file_size(path) ? storage::read_file(disk, path) : std::string();
  bytes += text;
  disk.create(path)->append(as_bytes(bytes));
}

/// The bytes of one record, made by hand after the table in log.hpp.
std::string record_bytes(const std::string& stored, std::uint32_t raw_bytes, std::uint8_t version = 1,
                         std::uint8_t flags = 0, std::uint32_t stored_bytes = 0xFFFFFFFF) {
  base::ByteWriter out;
  out.append("SRDR", 4);
  out.put(version);
  out.put(std::uint8_t{9});
  out.put(flags);
  out.put(std::uint8_t{0});
  out.put(stored_bytes == 0xFFFFFFFF ? static_cast<std::uint32_t>(stored.size()) : stored_bytes);
  out.put(raw_bytes);
  out.put(base::hash64(stored));
  out.put(base::hash64(out.bytes()));
  out.append(stored.data(), stored.size());
  return as_text(out.bytes());
}

TEST(Log, ReturnsWhatWasAppendedInOrder) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  std::vector<StoredRecord> expected;
  for (const auto size : {0U, 1U, 31U, 32U, 255U, 256U, 4096U, 100'000U, 3'000'000U, 5U}) {
    for (const bool compressible : {true, false}) {
      const auto text = payload(size, compressible);
      expected.push_back({static_cast<std::uint8_t>(size), log.bytes(), text});
      log.append(static_cast<std::uint8_t>(size), as_bytes(text));
    }
  }
  log.close();

  LogReader reader(disk, path);
  EXPECT_EQ(read_all(reader), expected);
  EXPECT_TRUE(reader.damage().empty());
  EXPECT_EQ(reader.end(), log.bytes());
  EXPECT_EQ(disk.file_size(path), log.bytes());
  EXPECT_EQ(log.records(), expected.size());
  EXPECT_LT(log.bytes(), 5'000'000U);  // the compressible half was compressed
}

TEST(Log, HasTheDocumentedBytes) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  log.append(9, as_bytes("some bytes"));

  EXPECT_EQ(storage::read_file(disk, path), record_bytes("some bytes", 10));
}

TEST(Log, LeavesNoFileBeforeTheFirstRecord) {
  RecordingFileSystem disk;
  {
    LogWriter log(disk, path);
    log.sync();
    log.close();
  }

  EXPECT_EQ(disk.operations(), 0U);
  EXPECT_THROW(LogReader(disk, path), base::IoError);
}

TEST(Log, RefusesUseAfterClose) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  log.append(1, {});
  log.close();
  log.close();

  EXPECT_THROW(log.append(1, {}), base::LogicError);
}

TEST(Log, WritesEachRecordWithOneAppend) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  log.append(1, as_bytes("one"));
  log.append(2, as_bytes(payload(10'000, true)));

  EXPECT_EQ(disk.operations(), 3U);  // create, append, append
}

TEST(Log, IsReadWhileItGrows) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  log.append(1, as_bytes("one"));
  LogReader reader(disk, path);

  EXPECT_EQ(read_all(reader).size(), 1U);
  EXPECT_EQ(reader.next(), std::nullopt);
  log.append(2, as_bytes("two"));
  EXPECT_EQ(as_text(reader.next()->payload), "two");
  EXPECT_EQ(reader.next(), std::nullopt);

  log.append(3, as_bytes("three"));
  LogReader later(disk, path, reader.end());
  EXPECT_EQ(as_text(later.next()->payload), "three");
  EXPECT_TRUE(later.damage().empty());
}

TEST(Log, ReadsATailAgainOnceItIsComplete) {
  RecordingFileSystem disk;
  const auto whole = record_bytes("first", 5) + record_bytes("second", 6);
  for (std::size_t cut = 37; cut < whole.size(); ++cut) {
    disk.create(path)->append(as_bytes(whole.substr(0, cut)));
    LogReader reader(disk, path);
    EXPECT_EQ(read_all(reader).size(), 1U);
    EXPECT_EQ(reader.damage().size(), cut == 37 ? 0U : 1U);

    disk.create(path)->append(as_bytes(whole));
    EXPECT_EQ(as_text(reader.next()->payload), "second");
    EXPECT_TRUE(reader.damage().empty());
    EXPECT_EQ(reader.end(), whole.size());
  }
}

TEST(Log, ReadsSingleRecordsAgain) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  std::vector<StoredRecord> expected;
  for (std::uint8_t i = 0; i < 30; ++i) {
    expected.push_back({i, log.bytes(), payload(1000U * i, i % 2 == 0)});
    log.append(i, as_bytes(expected.back().payload));
  }

  LogReader reader(disk, path);
  EXPECT_EQ(reader.next()->kind, 0);
  for (auto it = expected.rbegin(); it != expected.rend(); ++it) {
    const auto record = reader.read(it->offset);
    ASSERT_TRUE(record);
    EXPECT_EQ((StoredRecord{record->kind, record->offset, as_text(record->payload)}), *it);
  }
  EXPECT_EQ(reader.next()->kind, 1);  // reading single ones did not move it
  for (const std::uint64_t wrong : {std::uint64_t{1}, log.bytes() - 1, log.bytes(), log.bytes() + 1000}) {
    EXPECT_FALSE(reader.read(wrong)) << wrong;
  }
}

TEST(Log, RefusesANewerVersionNamingFileAndVersions) {
  RecordingFileSystem disk;
  append(disk, record_bytes("one", 3) + record_bytes("two", 3, 7));
  LogReader reader(disk, path);

  EXPECT_EQ(as_text(reader.next()->payload), "one");
  try {
    (void)reader.next();
    FAIL() << "read";
  } catch (const base::FormatError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("memo.log"), testing::HasSubstr("version 7"),
                                             testing::HasSubstr("up to 1")));
  }
}

TEST(Log, TakesHostileHeadersForDamage) {
  const auto good = record_bytes("good", 4);
  const std::vector<std::string> hostile{
      record_bytes("x", 1, 0),                         // version 0
      record_bytes("x", 1, 1, 2),                      // unknown flag
      record_bytes("x", 2),                            // raw size of an uncompressed record
      record_bytes("x", 0xFFFFFFFF, 1, 1),             // raw size beyond the limit
      record_bytes("x", 1U << 30, 1, 1),               // a "compressed" byte of 1 GiB
      record_bytes("x", 1, 1, 1),                      // no zstd frame
      record_bytes("x", 0xF0000000, 1, 0, 0xF0000000)  // stored size beyond the limit
  };
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    SCOPED_TRACE(i);
    RecordingFileSystem disk;
    append(disk, good + hostile[i] + good);
    LogReader reader(disk, path);

    EXPECT_EQ(read_all(reader).size(), 2U);
    ASSERT_EQ(reader.damage().size(), 1U);
    EXPECT_EQ(reader.damage()[0].offset, good.size());
    EXPECT_EQ(reader.damage()[0].bytes, hostile[i].size());
    EXPECT_FALSE(reader.damage()[0].tail);
  }
}

TEST(Log, AllocatesNothingForALengthThatTheFileCannotHold) {
  RecordingFileSystem disk;
  append(disk, record_bytes("x", 1U << 30, 1, 0, 1U << 30));
  LogReader reader(disk, path);

  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.read(0), std::nullopt);
  ASSERT_EQ(reader.damage().size(), 1U);
  EXPECT_TRUE(reader.damage()[0].tail);
  EXPECT_EQ(reader.damage()[0].bytes, 33U);
}

TEST(Log, RefusesARecordBeyondTheLimit) {
  RecordingFileSystem disk;
  LogWriter log(disk, path);
  const std::byte byte{};
  const std::span<const std::byte> huge(&byte, storage::log_record_limit_bytes + 1);  // never read

  EXPECT_THROW(log.append(1, huge), base::UsageError);
  log.append(1, {});  // and the log is still good
}

}  // namespace
}  // namespace surd::test
