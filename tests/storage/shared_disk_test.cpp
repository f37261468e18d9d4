// The double of a shared disk shows what NFS may show; and logs are read right on it.
#include <cerrno>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include "support/shared_disk.hpp"
#include "surd/base/error.hpp"
#include "surd/storage/log.hpp"

namespace surd::test {
namespace {

using storage::read_file;
using testing::ElementsAre;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

void write(storage::FileSystem& files, const char* path, std::string_view text) {
  const auto file = files.create(path);
  file->append(bytes_of(text));
  file->close();
}

template <class Call>
int error_of(Call call) {
  try {
    call();
  } catch (const base::IoError& e) {
    return e.code();
  }
  return 0;
}

TEST(SharedDisk, ShowsOthersWhatWasClosedAndNoMoreThanWasWrittenBack) {
  SharedDisk disk;
  NodeFiles a(disk);
  NodeFiles b(disk, {.seed = 2});
  auto file = a.create("x");
  for (int i = 0; i < 100; ++i) file->append(bytes_of("0123456789"));

  EXPECT_EQ(a.file_size("x"), 1000U);
  EXPECT_LT(*b.file_size("x"), 1000U);
  file->close();
  EXPECT_EQ(read_file(a, "x").size(), 1000U);
  EXPECT_EQ(b.open("x")->size(), 1000U);
}

TEST(SharedDisk, BelievesWhatWasAskedForAWhile) {
  SharedDisk disk;
  NodeFiles a(disk, {.lag = 10});
  NodeFiles b(disk, {.lag = 10, .seed = 2});
  EXPECT_EQ(b.file_size("x"), std::nullopt);
  write(a, "x", "1");

  EXPECT_EQ(b.file_size("x"), std::nullopt);
  EXPECT_EQ(error_of([&] { (void)b.open("x"); }), ENOENT);
  EXPECT_EQ(b.create_new("x"), nullptr);  // the server knows
  EXPECT_EQ(b.file_size("x"), 1U);
  write(a, "y", "1");
  for (int i = 0; i < 20; ++i) (void)a.file_size("x");
  EXPECT_EQ(b.file_size("y"), 1U);
}

TEST(SharedDisk, LosesTheHandleOfWhatOthersReplacedOrRemoved) {
  SharedDisk disk;
  NodeFiles a(disk);
  NodeFiles b(disk, {.seed = 2});
  write(a, "x", "1");
  const auto open = b.open("x");
  write(a, "z", "2");
  a.rename("z", "x");
  std::byte into{};

  EXPECT_EQ(error_of([&] { (void)open->read_at(0, {&into, 1}); }), ESTALE);
  EXPECT_EQ(error_of([&] { (void)b.open("x"); }), ESTALE);
  EXPECT_EQ(read_file(b, "x"), "2");  // it asks again
}

TEST(SharedDisk, ListsYoungFilesBeforeOldOnes) {
  SharedDisk disk;
  NodeFiles a(disk, {.lag = 0});
  NodeFiles b(disk, {.lag = 5, .seed = 3});
  a.make_directories("d");
  write(a, "d/0", "");
  EXPECT_THAT(b.list("d"), ElementsAre("0"));
  bool young_first = false;
  for (int i = 1; i < 10; ++i) {
    write(a, fmt::format("d/{}", i).c_str(), "");
    const auto names = b.list("d");
    for (std::size_t n = 0; n < names.size(); ++n) young_first |= names[n] != std::to_string(n);
  }
  EXPECT_TRUE(young_first);
  for (int i = 0; i < 100; ++i) (void)b.list("d");
  EXPECT_EQ(b.list("d").size(), 10U);
}

TEST(SharedDisk, LosesTheCacheOfANodeThatDiesButNotOfAProcess) {
  SharedDisk disk;
  NodeFiles a(disk);
  NodeFiles b(disk, {.seed = 2});
  a.create("process")->append(bytes_of("kept"));
  auto file = b.create("node");
  file->append(bytes_of("synced"));
  file->sync();
  file->append(bytes_of(std::string(100, 'x')));
  b.die();
  file.reset();

  EXPECT_EQ(disk.content()["process"], "kept");
  EXPECT_THAT(disk.content()["node"], testing::StartsWith("synced"));
  EXPECT_LT(disk.content()["node"].size(), 106U);
}

TEST(LogOnASharedDisk, IsReadAsAPrefixThatGrows) {
  SharedDisk disk;
  NodeFiles a(disk);
  NodeFiles b(disk, {.seed = 2});
  storage::LogWriter log(a, "log");
  std::uint64_t read = 0;
  std::uint64_t end = 0;
  std::size_t seen_early = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    log.append(1, bytes_of(fmt::format("record {}", i)));
    if (i == 299) log.close();
    if (!b.file_size("log")) continue;
    storage::LogReader reader(b, "log", end);
    while (const auto record = reader.next()) {
      ASSERT_EQ(std::string(reinterpret_cast<const char*>(record->payload.data()), record->payload.size()),
                fmt::format("record {}", read++));
      seen_early += i < 299 ? 1 : 0;
    }
    for (const auto& damage : reader.damage()) ASSERT_TRUE(damage.tail);
    end = reader.end();
  }
  EXPECT_EQ(read, 300U);
  EXPECT_GT(seen_early, 100U);
}

}  // namespace
}  // namespace surd::test
