#include "surd/stream/detail/write_stage.hpp"

#include <gtest/gtest.h>

#include "scratch_test_folder.hpp"

namespace surd::stream::detail {
namespace {

/// One spill file, which can be given a second name.
class LinkedSpill : public SpillStore {
 public:
  LinkedSpill(storage::FileSystem& files, storage::Path path)
      : files_(files), path_(std::move(path)), file_(external::SpillFile::named(files, path_)) {}

  external::SpillFile& own() override { return file_; }
  [[nodiscard]] std::uint64_t own_number() const override { return 0; }
  storage::ReadableFile& open(std::uint64_t) override { return file_.reader(); }
  bool link(std::uint64_t, const storage::Path& second) override { return files_.link(path_, second); }

 private:
  storage::FileSystem& files_;
  storage::Path path_;
  external::SpillFile file_;
};

/// What the stage makes of a spill file that begins with `before` and goes on with `piece`.
std::string written(table::Format format, const std::string& before, const std::string& piece) {
  const ScratchTestFolder folder;
  auto& files = storage::local_file_system();
  memory::Budget budget(1 << 20);
  memory::Pressure pressure(1 << 20);
  storage::AsyncIo io;  // outlives the files it writes to
  LinkedSpill spills(files, folder.path() / "spill");
  const auto content = before + piece;
  (void)spills.own().append_now(io, std::as_bytes(std::span(content)));
  WritePlan plan;
  plan.output.path = folder.path() / "out";
  plan.output.format = format;
  plan.schema = {{"x", table::Type::int64}};
  plan.part = folder.path() / "part";
  plan.unit_bytes = plan.memory_bytes = 1 << 20;
  UnitOutput unit;
  unit.rows = unit.piece.records = piece.size() / 8;
  unit.piece.extents = {{before.size(), piece.size()}};
  Worker worker{files, spills, budget, pressure, io, folder.path(), {}, {}};
  const auto stage = write_stage(plan, {unit}, {});
  stage->run(0, stage->units(), worker, [](const Artifact&) {});
  return folder.read("part");
}

TEST(WriteStage, TakesASpillFileThatIsTheOutput) {
  EXPECT_EQ(written(table::Format::csv, "", "x\n1\n2\n"), "x\n1\n2\n");
}

TEST(WriteStage, CopiesWhereMoreThanTheOutputLiesInTheSpillFile) {
  EXPECT_EQ(written(table::Format::csv, "else", "x\n1\n2\n"), "x\n1\n2\n");
}

TEST(WriteStage, TakesNothingForAHeadThatIsNone) {
  table::OutputSpec output;
  output.format = table::Format::npy;
  const auto head = table::head(output, {{"x", table::Type::int64}}, 2);
  const std::string piece(16, '\1');

  EXPECT_EQ(written(table::Format::npy, std::string(head.size(), 'j'), piece), head + piece);
}

}  // namespace
}  // namespace surd::stream::detail
