// The two ends of a sort of fixed-size records.
#pragma once

#include <memory>
#include <vector>

#include "surd/stream/compile.hpp"
#include "surd/stream/detail/unit_output.hpp"

namespace surd::stream::detail {

/// An input as it was when the job was compiled.
struct RecordFile {
  storage::Path path;
  storage::FileVersion version;
};

/// Units are stretches of the files of about cut.unit_bytes.
[[nodiscard]] std::unique_ptr<Stage> form_runs_stage(std::vector<RecordFile> inputs,
                                                     external::RecordFormat format, const Cut& cut);

/// What the last merge of records has of a rank's memory.
[[nodiscard]] std::uint64_t record_merge_bytes(std::uint64_t memory_bytes);

/// Units are equal parts of the merged order, written to `part` at their offsets.
[[nodiscard]] std::unique_ptr<Stage> merge_records_stage(std::vector<external::Run> runs,
                                                         external::RecordFormat format, const Cut& cut,
                                                         storage::Path part);

}  // namespace surd::stream::detail
