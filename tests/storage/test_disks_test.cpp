// The test doubles themselves: what they lose, and what they must not lose.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_support.hpp"
#include "support/crash_states.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"

namespace surd::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void write(storage::FileSystem& disk, const storage::Path& path, const std::string& text, bool sync) {
  const auto file = disk.create(path);
  file->append(as_bytes(text));
  if (sync) file->sync();
  file->close();
}

/// Everything that a loss of power at the end may make of one file: its bytes, or "(absent)".
std::set<std::string> outcomes(const RecordingFileSystem& disk, const std::string& path) {
  std::set<std::string> seen;
  for (std::uint64_t draw = 0; draw < 3000; ++draw) {
    base::RandomStream choice(5, draw);
    const auto content = RecordingFileSystem(disk.power_lost_after(disk.operations(), choice)).content();
    const auto found = content.find(path);
    seen.insert(found == content.end() ? "(absent)" : found->second);
  }
  return seen;
}

TEST(RecordingFileSystem, BehavesAsADisk) {
  RecordingFileSystem disk;
  EXPECT_THROW(write(disk, "a/b/x", "1", false), base::IoError);
  disk.make_directories("a/b");
  write(disk, "a/b/x", "one", false);
  write(disk, "a/./y", "two", false);

  EXPECT_THAT(disk.list("a"), ElementsAre("b", "y"));
  EXPECT_THAT(disk.list("a/b/"), ElementsAre("x"));
  EXPECT_THAT(disk.list(""), ElementsAre("a"));
  EXPECT_THAT(disk.list("nowhere"), IsEmpty());
  EXPECT_EQ(disk.create_new("a/y"), nullptr);
  EXPECT_EQ(disk.file_size("a/b/x"), 3U);
  EXPECT_EQ(disk.file_size("a/b"), std::nullopt);
  disk.rename("a/b/x", "a/y");
  EXPECT_EQ(storage::read_file(disk, "a/y"), "one");
  disk.remove("a/y");
  disk.remove("a/y");
  EXPECT_THROW((void)disk.open("a/y"), base::IoError);
}

TEST(RecordingFileSystem, ReadsARemovedFileThatIsStillOpen) {
  RecordingFileSystem disk;
  write(disk, "x", "old", false);
  const auto file = disk.open("x");
  disk.remove("x");
  std::string text(10, '.');

  EXPECT_EQ(file->read_at(1, std::as_writable_bytes(std::span(text))), 2U);
  EXPECT_EQ(text.substr(0, 2), "ld");
}

TEST(PowerLoss, KeepsWhatWasSynced) {
  RecordingFileSystem disk;
  write(disk, "x", "abc", true);
  disk.sync_directory("");

  EXPECT_THAT(outcomes(disk, "x"), ElementsAre("abc"));
}

TEST(PowerLoss, LosesUnsyncedBytesInEveryWay) {
  RecordingFileSystem disk;
  write(disk, "x", "abc", false);
  disk.sync_directory("");

  const auto seen = outcomes(disk, "x");
  const std::string zero(1, '\0');
  for (const auto& text : {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
                           "ab" + zero, "a" + zero + "c", zero + "bc", zero + zero, "a" + zero, zero}) {
    EXPECT_TRUE(seen.contains(text)) << testing::PrintToString(text);
  }
  EXPECT_FALSE(seen.contains("(absent)"));
}

TEST(PowerLoss, LosesANameThatWasNotSynced) {
  RecordingFileSystem disk;
  write(disk, "x", "abc", true);

  EXPECT_THAT(outcomes(disk, "x"), ElementsAre("(absent)", "abc"));
}

TEST(PowerLoss, DropsUnrelatedRenamesInAnyOrder) {
  RecordingFileSystem disk;
  for (const char* const name : {"a", "b"}) write(disk, name, name, true);
  disk.sync_directory("");
  disk.rename("a", "c");
  disk.rename("b", "d");

  std::set<std::vector<std::string>> seen;
  for (std::uint64_t draw = 0; draw < 300; ++draw) {
    base::RandomStream choice(5, draw);
    RecordingFileSystem crashed(disk.power_lost_after(disk.operations(), choice));
    seen.insert(crashed.list(""));
  }
  const std::set<std::vector<std::string>> all{{"a", "b"}, {"a", "d"}, {"b", "c"}, {"c", "d"}};
  EXPECT_EQ(seen, all);
}

TEST(PowerLoss, ShowsARenameWithoutItsBytesIfTheyWereNotSynced) {
  RecordingFileSystem disk;
  write(disk, "x", "old", true);
  disk.sync_directory("");
  write(disk, "x.part", "new", false);
  disk.rename("x.part", "x");

  const auto seen = outcomes(disk, "x");
  EXPECT_TRUE(seen.contains("old"));
  EXPECT_TRUE(seen.contains("new"));
  EXPECT_TRUE(seen.contains(""));
  EXPECT_FALSE(seen.contains("(absent)"));
}

TEST(CrashStates, AreDistinctRepeatableAndFast) {
  RecordingFileSystem disk;
  const auto file = disk.create("x");
  for (int i = 0; i < 100; ++i) {
    file->append(as_bytes(payload(100, false)));
    if (i % 10 == 0) file->sync();
  }
  std::vector<std::uint64_t> first;
  std::vector<std::uint64_t> second;
  const auto collect = [&](std::vector<std::uint64_t>& hashes) {
    return for_each_crash_state(disk, {.states = 5000}, [&](auto& crashed, const CrashPoint& at) {
      hashes.push_back(
          base::hash64(as_bytes(crashed.content()["x"]), at.operations * 2 + (at.power_lost ? 1U : 0U)));
    });
  };

  EXPECT_EQ(collect(first), 5000U);
  EXPECT_EQ(collect(second), 5000U);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace surd::test
