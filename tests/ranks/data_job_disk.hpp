// Small data jobs of one rank on a disk in memory: CSV in, CSV out.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "support/rank_main.hpp"
#include "support/recording_file_system.hpp"
#include "surd/ranks/data_job.hpp"
#include "surd/stream/compile.hpp"
#include "surd/stream/pipeline.hpp"

namespace surd::test {

inline constexpr std::uint64_t memory_bytes = 8 << 20;
inline constexpr int rows = 300;
inline const storage::Path out = "disk/out.csv";
inline const storage::Path quarantine = "disk/out.csv.bad.csv";

/// What the jobs of these tests do.
enum class Kind {
  adopt,  ///< The pieces of the output lie in their spill file as they are to be.
  copy,   ///< They do not, since bad rows lie there, too.
  sort    ///< As copy, but through a sort.
};

inline std::string input(Kind kind) {
  std::string text = "a,b\n";
  for (int i = 0; i < rows; ++i) {
    const bool bad = kind != Kind::adopt && i % 50 == 17;
    text += std::to_string(i * 7919 % rows) + (bad ? "\n" : ",x\n");
  }
  return text;
}

/// A disk that holds the input, as if from before.
inline RecordingFileSystem fresh_disk(Kind kind) {
  DiskContent content;
  content.directories = {"disk"};
  content.names["disk/in.csv"] = 0;
  content.files = {input(kind)};
  return RecordingFileSystem(std::move(content));
}

inline ranks::DataJobResult run(storage::FileSystem& files, Kind kind, const std::string& name,
                                const std::atomic<bool>& stop = false) {
  stream::Query query;
  query.input.paths = {"disk/in.csv"};
  query.input.on_bad_row = table::OnBadRow::quarantine;
  query.steps = {stream::derive("c", "a + 1")};
  if (kind == Kind::sort) query.steps.push_back(stream::sort({stream::ascending("a")}));
  table::OutputSpec output;
  output.path = out;
  const stream::CompileOptions compiling{.memory_bytes = memory_bytes};
  const stream::Cut cut{.unit_bytes = 500, .memory_bytes = memory_bytes, .partitions = 16};
  const auto job = stream::compile(query, output, compiling, cut, files);
  const ranks::DataJobOptions options{.work = "disk/work",
                                      .run = name,
                                      .scratch = "disk",
                                      .memory_bytes = memory_bytes,
                                      .epoch_bytes = 500,
                                      .stale_seconds = 0.1};
  return run_data_job(*surd_test_session, *job, files, options, stop, {});
}

inline std::string read(storage::FileSystem& files, const storage::Path& path) {
  return storage::read_file(files, path);
}

inline std::vector<std::string> parts(storage::FileSystem& files) {
  auto names = files.list("disk");
  std::erase_if(names, [](const auto& name) { return !name.ends_with(".part"); });
  return names;
}

/// Number of operations before the first of a kind on a path with this ending. The lock's do not count: it
/// beats as time goes by.
inline std::size_t first(const RecordingFileSystem& disk, Operation::Kind kind, std::string_view ending) {
  const auto log = disk.log();
  const auto found = std::ranges::find_if(log, [&](const auto& operation) {
    if (operation.path.find("/running") != std::string::npos) return false;
    return operation.kind == kind && (operation.path.ends_with(ending) || operation.to.ends_with(ending));
  });
  EXPECT_NE(found, log.end());
  return static_cast<std::size_t>(found - log.begin());
}

/// The bytes of a file replaced, as a broken disk would.
inline void replace(storage::FileSystem& files, const storage::Path& path, const std::string& content) {
  files.create(path)->append(std::as_bytes(std::span(content)));
}

}  // namespace surd::test
