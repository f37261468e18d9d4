// What crashes leave of atomically written files and of logs, over thousands of replayed states.
#include <chrono>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "log_support.hpp"
#include "support/crash_states.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using storage::LogReader;
using storage::LogWriter;
using storage::Path;

const Path state_path = "job/state.json";

std::string version_text(int version) { return payload(100, true, static_cast<std::uint64_t>(version)); }

/// The version that the file holds, 0 if there is none; fails the test for anything else.
int version_in(RecordingFileSystem& disk, int newest) {
  if (!disk.file_size(state_path)) return 0;
  const auto text = storage::read_file(disk, state_path);
  for (int version = 1; version <= newest; ++version) {
    if (text == version_text(version)) return version;
  }
  ADD_FAILURE() << "the file holds " << text.size() << " bytes that were never written to it";
  return 0;
}

TEST(WriteAtomically, LeavesOldOrNewContentAfterAnyCrash) {
  RecordingFileSystem disk;
  disk.make_directories("job");
  std::vector<std::size_t> acknowledged{disk.operations()};
  const int versions = 12;
  for (int version = 1; version <= versions; ++version) {
    storage::write_atomically(disk, state_path, version_text(version));
    acknowledged.push_back(disk.operations());
  }

  std::set<int> seen;
  const auto states =
      for_each_crash_state(disk, {.states = 12'000}, [&](auto& crashed, const CrashPoint& at) {
        SCOPED_TRACE(at.text());
        const auto last = std::upper_bound(acknowledged.begin(), acknowledged.end(), at.operations);
        const auto least = static_cast<int>(last - acknowledged.begin()) - 1;
        const auto version = version_in(crashed, versions);
        EXPECT_GE(version, least);
        EXPECT_LE(version, least + 1);
        seen.insert(version);
      });

  EXPECT_GT(states, 1000U);
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(versions) + 1);
}

TEST(WriteAtomically, KeepsTheOldContentWhereverADiskFails) {
  for (const bool torn : {false, true}) {
    std::size_t k = 0;
    std::size_t operations = 0;
    do {
      RecordingFileSystem disk;
      disk.make_directories("job");
      storage::write_atomically(disk, state_path, version_text(1));
      FailingFileSystem failing(disk, {.at = ++k, .lasting = false, .torn = torn});
      bool failed = false;
      try {
        storage::write_atomically(failing, state_path, version_text(2));
      } catch (const base::IoError& error) {
        EXPECT_EQ(error.code(), ENOSPC);
        failed = true;
      }
      operations = failing.operations();
      EXPECT_EQ(failed, operations >= k);
      const auto version = version_in(disk, 2);
      EXPECT_TRUE(failed || version == 2) << version;
      storage::write_atomically(disk, state_path, version_text(3));  // a leftover .part does no harm
      EXPECT_EQ(version_in(disk, 3), 3);
    } while (operations >= k);
    EXPECT_EQ(k, 7U);  // create, write, sync, close, rename, sync directory; the 7th never came
  }
}

/// A log of 24 records, synced after every fourth, and what was known to be stored after how many operations.
struct LoggedRun {
  RecordingFileSystem disk;
  Path path = "memo/1-0.log";
  std::vector<StoredRecord> records;
  std::vector<std::size_t> appended;  ///< Operations when the append returned, by record.
  std::vector<std::size_t> synced;

  LoggedRun() {
    disk.make_directories("memo");
    LogWriter log(disk, path);
    for (std::uint8_t i = 0; i < 24; ++i) {
      const auto text = payload(20U * i, i % 2 == 0, i);
      records.push_back({i, log.bytes(), text});
      log.append(i, as_bytes(text));
      appended.push_back(disk.operations());
      if (i % 4 != 3) continue;
      log.sync();
      synced.resize(i + 1U, disk.operations());
    }
    log.close();
  }
};

TEST(LogWriter, KeepsEverySyncedRecordAndInventsNoneAfterAnyCrash) {
  LoggedRun run;

  const auto start = std::chrono::steady_clock::now();
  const auto states =
      for_each_crash_state(run.disk, {.states = 12'000}, [&](auto& crashed, const CrashPoint& at) {
        SCOPED_TRACE(at.text());
        const auto& known = at.power_lost ? run.synced : run.appended;
        std::set<std::uint8_t> found;
        if (crashed.file_size(run.path)) {
          LogReader log(crashed, run.path);
          for (const auto& record : read_all(log)) {
            ASSERT_LT(record.kind, run.records.size());
            EXPECT_EQ(record, run.records[record.kind]);
            EXPECT_TRUE(found.insert(record.kind).second) << "read twice";
          }
        }
        for (std::uint8_t i = 0; i < known.size(); ++i) {
          EXPECT_TRUE(known[i] > at.operations || found.contains(i)) << "record " << int{i} << " is lost";
        }
      });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  RecordProperty("states_per_second", static_cast<int>(static_cast<double>(states) / seconds.count()));
  std::printf("%zu states, %.0f per second\n", states, static_cast<double>(states) / seconds.count());
  EXPECT_GE(states, 10'000U);
}

TEST(LogWriter, StoresEverythingThatItAcknowledgedWhereverADiskFails) {
  for (std::size_t k = 1; k < 100; ++k) {
    RecordingFileSystem disk;
    disk.make_directories("memo");
    FailingFileSystem failing(disk, {.at = k});
    LogWriter log(failing, "memo/1.log");
    std::uint8_t acknowledged = 0;
    bool failed = false;
    try {
      for (; acknowledged < 10; ++acknowledged) log.append(acknowledged, as_bytes(payload(300, false)));
      log.sync();
      log.close();
    } catch (const base::IoError&) {
      failed = true;
    }

    EXPECT_EQ(failed, failing.operations() >= k);
    EXPECT_EQ(log.records(), acknowledged);
    if (failed) {
      EXPECT_THROW(log.append(0, {}), base::LogicError);
    }
    if (k > 1) {
      LogReader reader(disk, "memo/1.log");
      EXPECT_EQ(read_all(reader).size(), acknowledged);
      EXPECT_EQ(reader.end(), log.bytes());
    }
    if (!failed) return;
  }
  FAIL() << "the run never came to its end";
}

}  // namespace
}  // namespace surd::test
