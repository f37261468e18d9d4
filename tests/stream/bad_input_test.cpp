// Input that is damaged, changes or cannot be read, and disks that are full, through whole jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <filesystem>
#include <memory>

#include "scratch_test_folder.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/stream/pipeline.hpp"

namespace surd::stream {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1 << 20;

class BadInputTest : public testing::Test {
 protected:
  [[nodiscard]] Pipeline rows(const std::string& path, table::OnBadRow on_bad_row) const {
    auto query = csv(path).query();
    query.input.on_bad_row = on_bad_row;
    query.input.types = {{"a", table::Type::int64}};
    return from(query) | RunOptions{8 * MiB, folder.path()};
  }

  /// The message of the error of type E that the job ends with.
  template <class E>
  std::string error_of(const Pipeline& pipeline) const {
    try {
      static_cast<void>(pipeline | to_csv(folder.path() / "out.csv"));
    } catch (const E& e) {
      return e.what();
    }
    return "no error";
  }

  [[nodiscard]] std::size_t files_named_like(std::string_view part) const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (entry.path().filename().string().find(part) != std::string::npos) ++count;
    }
    return count;
  }

  ScratchTestFolder folder;
};

constexpr std::string_view bad_rows = "a,b\n1,x\n2,y,z\n3,\xff\xfe\nfour,v\n5,w\n";

TEST_F(BadInputTest, EndsTheJobNamingFileAndLine) {
  const auto path = folder.write("in.csv", bad_rows).string();

  const auto error = error_of<base::Error>(rows(path, table::OnBadRow::error));

  EXPECT_THAT(error, HasSubstr("in.csv:3"));
  EXPECT_THAT(error, HasSubstr("3 columns instead of 2"));
}

TEST_F(BadInputTest, SkipsBadRowsAndCountsThem) {
  const auto path = folder.write("in.csv", bad_rows).string();

  const auto summary = rows(path, table::OnBadRow::skip) | to_csv(folder.path() / "out.csv");

  EXPECT_EQ(summary.rows, 2U);
  EXPECT_EQ(summary.bad_rows, 3U);
  EXPECT_EQ(folder.read("out.csv"), "a,b\n1,x\n5,w\n");
  EXPECT_EQ(files_named_like("out.csv"), 1U);
}

TEST_F(BadInputTest, QuarantinesBadRowsWithPlaceAndReason) {
  const auto path = folder.write("in.csv", bad_rows).string();

  const auto summary =
      rows(path, table::OnBadRow::quarantine) | sort({descending("a")}) | to_csv(folder.path() / "out.csv");

  EXPECT_EQ(summary.bad_rows, 3U);
  EXPECT_EQ(folder.read("out.csv"), "a,b\n5,w\n1,x\n");
  const auto bad = folder.read("out.csv.bad.csv");
  EXPECT_THAT(bad, testing::StartsWith("file,offset,line,column,reason,text\n"));
  EXPECT_THAT(bad, HasSubstr("in.csv\",8,3,"));
  EXPECT_THAT(bad, HasSubstr("not UTF-8"));
  EXPECT_THAT(bad, HasSubstr("\"four,v\""));
}

TEST_F(BadInputTest, RemovesTheQuarantineOfARunBeforeOnceNoRowIsBad) {
  const auto output = folder.path() / "out.csv";
  const auto path = folder.write("in.csv", bad_rows).string();
  static_cast<void>(rows(path, table::OnBadRow::quarantine) | to_csv(output));
  ASSERT_EQ(files_named_like("out.csv"), 2U);
  folder.write("in.csv", "a,b\n1,x\n2,y\n");

  static_cast<void>(rows(path, table::OnBadRow::quarantine) | to_csv(output));

  EXPECT_EQ(folder.read("out.csv"), "a,b\n1,x\n2,y\n");
  EXPECT_EQ(files_named_like("out.csv"), 1U);
}

TEST_F(BadInputTest, TakesMixedLineEnds) {
  const auto path = folder.write("in.csv", "a,b\r\n1,x\n2,y\r\n3,z").string();

  EXPECT_EQ((rows(path, table::OnBadRow::error) | collect()).columns.at(0).integers,
            (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_F(BadInputTest, EndsTheJobAtATruncatedArchive) {
  std::string text = "a,b\n";
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919 % 10'007) + ",x\n";
  table::OutputSpec packed;
  packed.path = folder.path() / "in.csv.gz";
  packed.compression = table::Compression::gzip;
  static_cast<void>(csv(folder.write("plain.csv", text).string()) | to_file(packed));
  std::filesystem::resize_file(packed.path, std::filesystem::file_size(packed.path) / 2);

  const auto error = error_of<base::Error>(rows(packed.path.string(), table::OnBadRow::skip));

  EXPECT_THAT(error, HasSubstr("in.csv.gz"));
  EXPECT_THAT(error, HasSubstr("truncated"));
  EXPECT_EQ(files_named_like("out.csv"), 0U);
}

/// A frame that says that its window is 2^window_log bytes.
std::string zstd(const std::string& text, int window_log) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_log);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_continue);  // before its size can be known
  EXPECT_EQ(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end), 0U);
  packed.resize(out.pos);
  return packed;
}

TEST_F(BadInputTest, SetsTheWindowOfAnArchiveAsideAndRefusesOnlyThoseThatDoNotFit) {
  std::string text = "a,b\n";
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i * 7919 % 200'003) + ",some text\n";
  const auto sorted_in = [&](int window_log, std::uint64_t memory_bytes) {
    const auto path = folder.write("in.csv.zst", zstd(text, window_log)).string();
    const auto output = folder.path() / ("out" + std::to_string(window_log) + ".csv");
    return csv(path) | RunOptions{memory_bytes, folder.path()} | sort({ascending("a")}) | to_csv(output);
  };

  EXPECT_EQ(sorted_in(21, 8 * MiB).rows, 200'000U);
  EXPECT_EQ(sorted_in(23, 16 * MiB).rows, 200'000U);
  EXPECT_TRUE(folder.read("out21.csv") == folder.read("out23.csv"));
  try {
    static_cast<void>(sorted_in(25, 16 * MiB));
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("give at least --memory 37MiB, not 16.0 MiB"));
  }
  EXPECT_EQ(sorted_in(25, 37 * MiB).rows, 200'000U);
}

TEST_F(BadInputTest, RefusesALongRowWhateverIsDoneWithBadRows) {
  const auto path = folder.write("in.csv", "a,b\n1," + std::string(1 * MiB, 'x') + "\n").string();
  const auto longer = folder.write("longer.csv", "a,b\n1," + std::string(12 * MiB, 'x') + "\n").string();

  const auto error = error_of<base::UsageError>(rows(path, table::OnBadRow::skip));
  EXPECT_THAT(error, HasSubstr("in.csv:2: the row has 1.00 MiB, but at most 256 KiB fit"));
  EXPECT_THAT(error, HasSubstr("give at least --memory 33MiB, not 8.00 MiB"));
  EXPECT_EQ((rows(path, table::OnBadRow::skip) | RunOptions{33 * MiB, folder.path()} |
             to_csv(folder.path() / "out.csv"))
                .rows,
            1U);
  EXPECT_THAT(error_of<base::UsageError>(rows(longer, table::OnBadRow::quarantine)),
              HasSubstr("no --memory allows more than 4.00 MiB"));
}

TEST_F(BadInputTest, NamesTheColumnOfARowTooLongToBeSorted) {
  std::string text = "a,b\n";
  for (int i = 0; i < 3; ++i) text += std::to_string(i) + "," + std::string(700'000, 'x') + "\n";
  const auto in = rows(folder.write("in.csv", text).string(), table::OnBadRow::skip) |
                  RunOptions{64 * MiB, folder.path()};

  EXPECT_EQ((in | sort({ascending("a")}) | to_csv(folder.path() / "out.csv")).rows, 3U);
  const auto error = error_of<base::UsageError>(in | sort({ascending("b")}));
  EXPECT_THAT(error, HasSubstr("sort by b: column b of a row has 684 KiB"));
}

TEST_F(BadInputTest, EndsTheJobWhenTheInputChanges) {
  const auto path = folder.write("in.csv", "a,b\n1,x\n2,y\n").string();
  table::OutputSpec output;
  output.path = folder.path() / "out.csv";
  CompileOptions options;
  options.memory_bytes = 8 * MiB;
  auto& files = storage::local_file_system();
  const auto job = compile(csv(path).query(), output, options, files);
  static_cast<void>(folder.write("in.csv", "a,b\n1,x\n2,y\n3,z\n"));

  try {
    run_here(*job, files, folder.path(), options.memory_bytes);
    FAIL() << "no error";
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("changed while the job ran"));
  }
}

TEST_F(BadInputTest, NamesInputItMayNotRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read all files";
  const auto path = folder.write("in.csv", "a,b\n1,x\n");
  std::filesystem::permissions(path, std::filesystem::perms::none);

  EXPECT_THAT(error_of<base::IoError>(rows(path.string(), table::OnBadRow::error)), HasSubstr("in.csv"));
}

/// Every write-like operation of a small job fails once, as on a full disk.
TEST_F(BadInputTest, NeverLeavesHalfAnOutputOnAFullDisk) {
  std::string text = "a,b\n";
  for (int i = 0; i < 5'000; ++i) text += std::to_string(i * 7919 % 10'007) + ",x\n";
  auto query = (csv(folder.write("in.csv", text).string()) | group({"a"}, {count("n")})).query();
  table::OutputSpec output;
  output.path = folder.path() / "out.csv";
  CompileOptions options;
  options.memory_bytes = 8 * MiB;
  std::size_t failures = 0;
  for (std::size_t k = 1;; ++k) {
    test::FailingFileSystem failing(storage::local_file_system(), {.at = k});
    std::filesystem::remove(output.path);
    const auto job = compile(query, output, options, failing);
    try {
      run_here(*job, failing, folder.path(), options.memory_bytes);
    } catch (const base::IoError& e) {
      ++failures;
      EXPECT_THAT(e.what(), HasSubstr("No space left on device")) << k;
    }
    if (failing.operations() < k) break;
    if (std::filesystem::exists(output.path)) {  // what failed came after the rename
      EXPECT_EQ(std::filesystem::file_size(output.path), folder.read("out.csv").size());
      EXPECT_THAT(folder.read("out.csv"), testing::EndsWith("\n"));
    }
  }
  EXPECT_GT(failures, 3U);
  EXPECT_EQ(files_named_like(".part"), 0U);
}

}  // namespace
}  // namespace surd::stream
