// Reads made-up bytes as a memo in every way there is; used by the fuzzers.
#pragma once

#include <span>
#include <string>

#include "support/recording_file_system.hpp"
#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/storage/log.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {

/// `wanted` shares points with what sample_payloads() hold, under another grid.
inline const sweep::Definition& attacked_definition() {
  static const auto wanted = define(R"({"axes": {"i": {"range": [3, 60]}}})");
  return wanted;
}

/// Everything but FormatError, for newer versions, is an error.
inline void read_in_every_way(RecordingFileSystem disk) {
  const auto& wanted = attacked_definition();
  try {
    std::size_t visited = 0;
    sweep::Memo memo(disk, "memo", wanted,
                     {.keep_other_versions = true, .visit = [&](const sweep::Block& block) {
                        for (std::size_t i = 0; i < block.size(); ++i) {
                          visited += exact(block.outcome(i)).size();
                        }
                      }});
    memo.refresh();
    const auto contents = read_all(memo);
    for (const auto& [position, outcome] : contents) base::expect(position < wanted.grid.size(), "outside");
    base::expect(memo.done().size() + memo.failed().size() <= wanted.grid.size(), "too many points");
    (void)memo.history(5);
    (void)sweep::verify_memo(disk, "memo");
    (void)sweep::repair_memo(disk, "memo");
    base::expect(read_all(sweep::Memo(disk, "memo", wanted, {.keep_other_versions = true})) == contents,
                 "a repair changed what is stored");
    (void)sweep::compact_memo(disk, "memo", wanted, origin("z"));
    for (const auto& report : sweep::verify_memo(disk, "memo"))
      base::expect(report.damage.empty(), "compacted, damaged");
  } catch (const base::FormatError&) {
  }
}

/// A disk with one segment of these records.
inline RecordingFileSystem forge(const std::vector<std::pair<std::uint8_t, std::string>>& records) {
  RecordingFileSystem disk;
  disk.make_directories("memo");
  storage::LogWriter log(disk, "memo/a-0.log");
  for (const auto& [kind, payload] : records) log.append(kind, std::as_bytes(std::span(payload)));
  log.close();
  return disk;
}

/// The records of a segment with everything in it.
inline std::vector<std::pair<std::uint8_t, std::string>> sample_records() {
  RecordingFileSystem disk;
  const auto definition = line(50);
  sweep::MemoWriter writer(disk, "memo", definition, origin("a"), {.flush_bytes = 200});
  for (std::uint64_t p = 0; p < 50; ++p) {
    auto outcome = p % 20 < 12 ? success({{"x", 1.5}, {"t", std::string(p % 3, 't')}}, 1e-3)
                               : success({{"b", true}, {"n", p}, {"a", std::vector<double>{1, 2}}});
    if (p % 7 == 5) outcome = failure("failure");
    if (p % 5 == 1) outcome.attempts = 2;
    if (p % 9 == 7) outcome.capture = sweep::Capture{1, 0, p, "out", "err"};
    writer.add(p, outcome);
  }
  writer.close();
  std::vector<std::pair<std::uint8_t, std::string>> records;
  storage::LogReader reader(disk, "memo/a-0.log");
  while (const auto record = reader.next()) {
    records.emplace_back(record->kind, std::string(reinterpret_cast<const char*>(record->payload.data()),
                                                   record->payload.size()));
  }
  return records;
}

}  // namespace surd::test
