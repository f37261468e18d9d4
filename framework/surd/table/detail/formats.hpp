// The formats behind open_input(), and what their readers share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surd/storage/file_system.hpp"
#include "surd/table/column.hpp"
#include "surd/table/input.hpp"

namespace surd::table::detail {

/// Each opens `paths`: globs resolved, at least one, all existing; "file.h5:/dataset" keeps its dataset. The
/// file system must outlive the input.
[[nodiscard]] std::unique_ptr<Input> open_csv(const InputSpec& spec, std::vector<std::string> paths,
                                              storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<Input> open_jsonl(const InputSpec& spec, std::vector<std::string> paths,
                                                storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<Input> open_fixed(const InputSpec& spec, const std::vector<std::string>& paths,
                                                storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<Input> open_npy(const InputSpec& spec, const std::vector<std::string>& paths,
                                              storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<Input> open_hdf5(const InputSpec& spec, std::vector<std::string> paths,
                                               storage::FileSystem& files);

/// `name` without .gz or .zst at its end.
[[nodiscard]] std::string_view without_compression(std::string_view name) noexcept;

/// A file of an input as it was when the input was opened.
struct InputFile {
  std::string path;
  storage::FileVersion version;
};

/// @throws IoError  if a file is missing.
[[nodiscard]] std::vector<InputFile> note_versions(const std::vector<std::string>& paths,
                                                   storage::FileSystem& files);
/// Call when a split is opened and when it ends. @throws IoError  "... changed while the job ran".
void check_unchanged(const InputFile& file, storage::FileSystem& files);

/// What Input::fingerprint() returns: equal if format, files, sizes, times, schema and `options` (what else
/// of the specification decides the rows) are.
[[nodiscard]] std::string fingerprint(Format format, const std::vector<InputFile>& files,
                                      const Schema& schema, std::string_view options);

/// Does what the policy says with each bad row of a split, and counts.
class BadRowLog {
 public:
  explicit BadRowLog(OnBadRow policy) noexcept : policy_(policy) {}

  /// @throws UsageError  to_text(row) and how to go on, if the policy is error.
  void add(BadRow row);
  /// Whether add() still keeps the texts: the first 1000 rows do.
  [[nodiscard]] bool keeps_text() const noexcept { return count_ < kept_rows; }
  [[nodiscard]] std::vector<BadRow> take();
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] OnBadRow policy() const noexcept { return policy_; }

  static constexpr std::uint64_t kept_rows = 1000;
  static constexpr std::size_t kept_text_bytes = 4096;

 private:
  OnBadRow policy_;
  std::uint64_t count_ = 0;
  std::vector<BadRow> rows_;
};

}  // namespace surd::table::detail
