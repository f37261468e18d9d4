#include "surd/external/spill.hpp"

#include <string>

#include <gtest/gtest.h>

#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using external::SpillFile;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string read(SpillFile& spill, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  text.resize(spill.reader().read_at(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

TEST(SpillFile, GivesBackWhatWasAppendedAtItsOffsets) {
  RecordingFileSystem disk;
  storage::AsyncIo io;
  const std::string one = "one";
  const std::string two = "two!";
  for (auto spill : {0, 1}) {
    auto file = spill == 0 ? SpillFile::scratch(disk, "") : SpillFile::named(disk, "spill");
    const auto first = file.append(io, bytes_of(one));
    const auto second = file.append(io, bytes_of(two));
    const auto third = file.append_now(io, bytes_of(one));
    file.flush(io);

    EXPECT_EQ(first.offset, 0U);
    EXPECT_EQ(second.offset, 3U);
    EXPECT_EQ(third, 7U);
    EXPECT_EQ(file.bytes(), 10U);
    EXPECT_EQ(read(file, 3, 100), "two!one");
    EXPECT_EQ(file.path(), spill == 0 ? "" : "spill");
  }
}

TEST(SpillFile, WithANameExistsFromItsFirstAppend) {
  RecordingFileSystem disk;
  storage::AsyncIo io;
  auto file = SpillFile::named(disk, "spill");
  file.flush(io, true);
  EXPECT_EQ(disk.operations(), 0U);

  file.append_now(io, bytes_of("x"));
  EXPECT_EQ(disk.file_size("spill"), 1U);
}

TEST(SpillFile, SurvivesALossOfPowerOnceFlushedDurably) {
  RecordingFileSystem disk;
  storage::AsyncIo io;
  auto file = SpillFile::named(disk, "spill");
  const std::string text = "kept";
  (void)file.append(io, bytes_of(text));
  file.flush(io, true);

  base::RandomStream choice(1, 0);
  for (int i = 0; i < 50; ++i) {
    RecordingFileSystem later(disk.power_lost_after(disk.operations(), choice));
    EXPECT_EQ(storage::read_file(later, "spill"), "kept");
  }
}

TEST(SpillFile, ReportsAFailedAppendAtTheFlush) {
  for (const bool named : {false, true}) {
    RecordingFileSystem disk;
    FailingFileSystem failing(disk, {.at = 2});
    storage::AsyncIo io;
    auto file = named ? SpillFile::named(failing, "spill") : SpillFile::scratch(failing, "");
    const std::string text = "lost";
    (void)file.append(io, bytes_of(text));
    EXPECT_THROW(file.flush(io), base::IoError);
  }
}

TEST(SpillFile, MovesWithItsAppendsUnderWay) {
  RecordingFileSystem disk;
  storage::AsyncIo io;
  const std::string text(1000, 'x');
  auto first = SpillFile::scratch(disk, "");
  for (int i = 0; i < 50; ++i) (void)first.append(io, bytes_of(text));
  auto second = std::move(first);
  second = SpillFile::named(disk, "other");
  second.append_now(io, bytes_of(text));

  EXPECT_EQ(second.bytes(), 1000U);
}

}  // namespace
}  // namespace surd::test
