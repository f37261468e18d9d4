// What `surd verify` finds of damaged, cut and missing files of a data job, and drops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_job_disk.hpp"
#include "surd/base/error.hpp"
#include "surd/ranks/epochs.hpp"

namespace surd::ranks {
namespace {

using namespace test;
using testing::HasSubstr;

const storage::Path work = "disk/work";
const storage::Path first_spill = "disk/work/spill/0-first-0";
const storage::Path merged_spill = "disk/work/spill/2-first-0";

/// A sort that is killed at some operation.
class DataJobDamage : public testing::Test {
 protected:
  DataJobDamage() : whole_(fresh_disk(Kind::sort)) {
    EXPECT_TRUE(run(whole_, Kind::sort, "first").complete);
    expected_ = read(whole_, out);
  }

  [[nodiscard]] RecordingFileSystem killed_at(Operation::Kind kind, std::string_view ending) const {
    return RecordingFileSystem(whole_.killed_after(first(whole_, kind, ending)));
  }

  static void expect_damage(storage::FileSystem& files, const storage::Path& path,
                            const std::string& damage) {
    const auto report = verify_epochs(files, work);
    EXPECT_FALSE(report.sound());
    auto all = report.spills;
    all.insert(all.end(), report.outputs.begin(), report.outputs.end());
    std::erase_if(all, [](const FileReport& file) { return file.damage.empty(); });
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].path, path);
    EXPECT_THAT(all[0].damage, HasSubstr(damage));
  }

  void expect_repair(storage::FileSystem& files) {
    EXPECT_GT(repair_epochs(files, work), 0U);
    EXPECT_TRUE(verify_epochs(files, work).sound());
    EXPECT_TRUE(run(files, Kind::sort, "second").complete);
    EXPECT_EQ(read(files, out), expected_);
  }

  RecordingFileSystem whole_;
  std::string expected_;
};

TEST_F(DataJobDamage, IsFoundByDigestWhereNothingElseTells) {
  auto disk = killed_at(Operation::Kind::create, ".part");
  auto content = read(disk, merged_spill);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  replace(disk, merged_spill, content);

  expect_damage(disk, merged_spill, "is damaged between byte");
  expect_repair(disk);
}

TEST_F(DataJobDamage, KeepsTheCommitsBeforeTheDamage) {
  auto copied = fresh_disk(Kind::copy);
  ASSERT_TRUE(run(copied, Kind::copy, "first").complete);
  RecordingFileSystem disk(copied.killed_after(first(copied, Operation::Kind::create, ".part")));
  const auto units = verify_epochs(disk, work).units.size();
  ASSERT_GT(units, 3U);
  auto content = read(disk, first_spill);
  content.back() = static_cast<char>(content.back() ^ 1);
  replace(disk, first_spill, content);

  EXPECT_EQ(repair_epochs(disk, work), 1U);

  EXPECT_GE(verify_epochs(disk, work).units.size(), units / 2);
  const auto result = run(disk, Kind::copy, "second");
  EXPECT_GT(result.state.units_resumed, 0U);
  EXPECT_EQ(read(disk, out), read(copied, out));
}

TEST_F(DataJobDamage, MayBeAMissingSpillFile) {
  auto disk = killed_at(Operation::Kind::create, ".part");
  disk.remove(merged_spill);

  expect_damage(disk, merged_spill, "is missing");
  expect_repair(disk);
}

TEST_F(DataJobDamage, MayBeASpillFileThatIsCutShort) {
  auto disk = killed_at(Operation::Kind::create, ".part");
  replace(disk, merged_spill, read(disk, merged_spill).substr(0, 10));

  expect_damage(disk, merged_spill, "is cut short: has 10 bytes");
  expect_repair(disk);
}

TEST_F(DataJobDamage, MayBeALostOutput) {
  auto disk = killed_at(Operation::Kind::rename, "out.csv");
  const auto names = parts(disk);
  ASSERT_FALSE(names.empty());
  const auto part = storage::Path("disk") / names.front();
  disk.remove(part);

  expect_damage(disk, part, "is missing");
  expect_repair(disk);
}

TEST_F(DataJobDamage, ThatARunMeetsIsNamedWithTheRemedy) {
  auto disk = killed_at(Operation::Kind::create, "2-first-0");
  replace(disk, first_spill, std::string(read(disk, first_spill).size(), '\xff'));

  const auto resume = [&] { (void)run(disk, Kind::sort, "second"); };

  EXPECT_THAT(resume, testing::ThrowsMessage<base::FormatError>(testing::AllOf(
                          HasSubstr(first_spill.native()), HasSubstr("surd verify JOB.yaml --repair"))));
}

}  // namespace
}  // namespace surd::ranks
