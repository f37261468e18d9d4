#include "surd/storage/async_io.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "log_support.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/base/random.hpp"

namespace surd::test {
namespace {

using storage::AsyncIo;

std::string block(std::size_t i, std::size_t size) {
  return std::string(size, static_cast<char>('a' + i % 26));
}

TEST(AsyncIo, WritesAndReadsInOrderWithManyMoreRequestsThanItHolds) {
  RecordingFileSystem disk;
  std::vector<std::string> sent;
  std::string whole;
  for (std::size_t i = 0; i < 1000; ++i) sent.push_back(block(i, i % 37));
  for (const auto& text : sent) whole += text;
  const auto file = disk.create("x");
  std::vector<std::string> got(sent.size());
  {
    AsyncIo io;
    AsyncIo::Ticket last = 0;
    for (const auto& text : sent) last = io.append(*file, as_bytes(text));
    io.wait(last);
    EXPECT_EQ(storage::read_file(disk, "x"), whole);

    const auto reader = disk.open("x");
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      got[i].resize(sent[i].size());
      last = io.read(*reader, at, std::as_writable_bytes(std::span(got[i])));
      at += got[i].size();
    }
    io.wait(last);
    io.wait(last);
    io.wait(0);
    EXPECT_GE(io.waited_seconds(), 0.0);
  }
  EXPECT_EQ(got, sent);
}

TEST(AsyncIo, WritesAtOffsetsOfSharedFiles) {
  RecordingFileSystem disk;
  const auto file = disk.open_shared("x");
  const std::string one = "one";
  const std::string two = "two";
  AsyncIo io;
  (void)io.write(*file, 3, as_bytes(two));
  io.wait(io.write(*file, 0, as_bytes(one)));

  EXPECT_EQ(storage::read_file(disk, "x"), "onetwo");
}

TEST(AsyncIo, FinishesWhatItWasAskedForBeforeItEnds) {
  RecordingFileSystem disk;
  const auto file = disk.create("x");
  const std::string text(100, 'x');
  {
    AsyncIo io;
    for (int i = 0; i < 100; ++i) (void)io.append(*file, as_bytes(text));
  }
  EXPECT_EQ(disk.file_size("x"), 10'000U);
}

TEST(AsyncIo, CarriesAnErrorOfTheDiskToWhoWaits) {
  RecordingFileSystem disk;
  FailingFileSystem failing(disk, {.at = 3, .code = ENOSPC, .lasting = false});
  const auto file = failing.create("x");
  const std::string text(10, 'x');
  AsyncIo io;
  const auto first = io.append(*file, as_bytes(text));
  const auto second = io.append(*file, as_bytes(text));
  const auto third = io.append(*file, as_bytes(text));

  EXPECT_THROW(io.wait(third), base::IoError);
  EXPECT_THROW(io.wait(second), base::IoError);
  io.wait(first);
  EXPECT_THROW(io.wait(io.append(*file, as_bytes(text))), base::IoError);
  EXPECT_EQ(disk.file_size("x"), 15U) << "nothing may follow a torn append";
}

TEST(AsyncIo, TakesAFileThatEndsTooEarlyForAnError) {
  RecordingFileSystem disk;
  disk.create("x")->append(as_bytes("12345"));
  const auto file = disk.open("x");
  std::string into(4, '\0');
  AsyncIo io;
  io.wait(io.read(*file, 1, std::as_writable_bytes(std::span(into))));
  EXPECT_EQ(into, "2345");

  try {
    io.wait(io.read(*file, 3, std::as_writable_bytes(std::span(into))));
    FAIL() << "no error";
  } catch (const base::IoError& error) {
    EXPECT_STREQ(error.what(), "read: the file ends at byte 5, where 2 more were expected");
  }
}

TEST(AsyncIo, ServesSmallAndLargeReadsHoweverLongNoneCame) {
  RecordingFileSystem disk;
  base::RandomStream random(3, 0);
  std::string content(1 << 20, '\0');
  for (auto& byte : content) byte = static_cast<char>(random.below(256));
  disk.create("x")->append(as_bytes(content));
  const auto file = disk.open("x");
  std::vector<std::string> into(30);
  AsyncIo io;
  for (int round = 0; round < 2000; ++round) {
    const auto count = 1 + random.below(into.size());
    std::vector<std::uint64_t> offsets;
    std::vector<AsyncIo::Ticket> tickets;
    for (std::size_t i = 0; i < count; ++i) {
      into[i].resize(random.below(20) == 0 ? 200'000 : random.below(100));
      offsets.push_back(random.below(content.size() - into[i].size()));
      tickets.push_back(io.read(*file, offsets[i], std::as_writable_bytes(std::span(into[i]))));
    }
    for (std::size_t i = 0; i < count; ++i) {
      io.wait(tickets[i]);
      ASSERT_EQ(into[i], content.substr(offsets[i], into[i].size()));
    }
    if (random.below(4) == 0) std::this_thread::sleep_for(std::chrono::microseconds(random.below(200)));
  }
}

/// Holds every read until it is released.
class GatedFile final : public storage::ReadableFile {
 public:
  std::size_t read_at(std::uint64_t /*offset*/, std::span<std::byte> into) override {
    while (!open_.load()) std::this_thread::yield();
    return into.size();
  }
  std::uint64_t size() override { return 0; }
  void release() { open_ = true; }

 private:
  std::atomic<bool> open_{false};
};

/// Reads nothing, in some microseconds or less.
class QuickFile final : public storage::ReadableFile {
 public:
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    for (std::uint64_t i = 0; i < offset; ++i) turns_.fetch_add(1, std::memory_order_relaxed);
    return into.size();
  }
  std::uint64_t size() override { return 0; }

 private:
  std::atomic<std::uint64_t> turns_{0};
};

/// A job hung, about once in many hours, when the threads waited for one condition variable.
TEST(AsyncIo, NeverForgetsToWakeAThread) {
  QuickFile file;
  base::RandomStream random(5, 0);
  std::vector<std::byte> into(40'000);
  AsyncIo io;
  std::vector<AsyncIo::Ticket> tickets;
  for (int round = 0; round < 100'000; ++round) {
    tickets.clear();
    for (auto count = 1 + random.below(12); count > 0; --count) {
      const auto bytes = random.below(3) == 0 ? into.size() : 12'000;
      tickets.push_back(io.read(file, random.below(500), std::span(into).first(bytes)));
    }
    if (random.below(4) == 0) io.wait(tickets[random.below(tickets.size())]);
    if (random.below(2) == 0) io.wait(tickets.back());
  }
  io.wait(tickets.back());
}

TEST(AsyncIo, WritesWhileAReadTakesLong) {
  RecordingFileSystem disk;
  const auto file = disk.create("x");
  GatedFile slow;
  std::string into(4, '\0');
  AsyncIo io;
  const auto read = io.read(slow, 0, std::as_writable_bytes(std::span(into)));
  io.wait(io.append(*file, as_bytes("done")));
  EXPECT_EQ(storage::read_file(disk, "x"), "done");

  slow.release();
  io.wait(read);
}

/// Ends each read when so many have begun and none has ended, or after a second.
class MeetingFile final : public storage::ReadableFile {
 public:
  explicit MeetingFile(int wanted) : wanted_(wanted) {}
  std::size_t read_at(std::uint64_t /*offset*/, std::span<std::byte> into) override {
    ++present_;
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (!met_.load() && std::chrono::steady_clock::now() < late) {
      if (present_.load() == wanted_) met_ = true;
      std::this_thread::yield();
    }
    --present_;
    return into.size();
  }
  std::uint64_t size() override { return 0; }
  [[nodiscard]] bool met() const { return met_.load(); }

 private:
  int wanted_;
  std::atomic<int> present_{0};
  std::atomic<bool> met_{false};
};

/// Whether `wanted` of that many reads of that size are under way at once, all being asked for before any is
/// waited for.
bool meet(int wanted, std::size_t reads, std::size_t bytes) {
  MeetingFile file(wanted);
  std::string into(bytes, '\0');
  AsyncIo io;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until its threads have nothing to do
  AsyncIo::Ticket last = 0;
  for (std::size_t i = 0; i < reads; ++i) last = io.read(file, 0, std::as_writable_bytes(std::span(into)));
  io.wait(last);
  return file.met();
}

TEST(AsyncIo, ReadsSomeAtOnce) {
  EXPECT_FALSE(meet(2, 1, 4));
  EXPECT_TRUE(meet(2, 2, 512 << 10));
  EXPECT_TRUE(meet(4, 4, 512 << 10)) << "large ones each wake a thread";
  EXPECT_TRUE(meet(2, 4, 4));
  EXPECT_TRUE(meet(4, 10, 4)) << "small ones do when those awake have two to do each";
}

TEST(AsyncIo, TellsOfTheFirstReadThatFailed) {
  RecordingFileSystem disk;
  disk.create("x")->append(as_bytes("12345"));
  const auto file = disk.open("x");
  GatedFile slow;
  std::string into(16, '\0');
  const auto bytes = std::as_writable_bytes(std::span(into));
  AsyncIo io;
  const auto good = io.read(slow, 0, bytes.first(4));
  const auto bad = io.read(*file, 4, bytes.subspan(4, 4));
  const auto worse = io.read(*file, 9, bytes.subspan(8, 4));
  slow.release();
  io.wait(good);
  for (const auto ticket : {bad, worse}) {
    try {
      io.wait(ticket);
      FAIL() << "no error";
    } catch (const base::IoError& error) {
      EXPECT_STREQ(error.what(), "read: the file ends at byte 5, where 3 more were expected");
    }
  }
}

}  // namespace
}  // namespace surd::test
