#include "surd/batch/data_cut.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/units.hpp"
#include "surd/ranks/epochs.hpp"
#include "surd/table/input.hpp"

namespace surd::batch {
namespace {

using base::Json;

constexpr std::uint64_t least_cut_memory = base::MiB;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 60;
constexpr std::uint64_t most_partitions = 1 << 16;

/// What the job reads, as it is now.
Json describe_inputs(storage::FileSystem& files, const TableJob& job) {
  auto inputs = Json::array();
  if (!job.records) {
    for (const auto* spec : stream::inputs_of(job.query)) {
      const auto input = table::open_input(*spec, files);
      inputs.push_back(
          {{"paths", spec->paths}, {"bytes", input->bytes()}, {"fingerprint", input->fingerprint()}});
    }
    return inputs;
  }
  for (const auto& path : table::find_files(job.records->inputs, files)) {
    const auto version = files.file_version(path).value_or(storage::FileVersion{});
    inputs.push_back({{"paths", {path}},
                      {"bytes", version.bytes},
                      {"fingerprint", fmt::format("{}", version.modified_nanoseconds)}});
  }
  return inputs;
}

/// What earlier runs left to go by; nullopt if it is missing or damaged.
std::optional<stream::Cut> parse(const Json& stored) {
  if (!stored.is_object()) return std::nullopt;
  try {
    const auto cut = stream::parse_cut(stored.dump());
    const bool possible = cut.unit_bytes > 0 && cut.unit_bytes < most_bytes &&
                          cut.memory_bytes >= least_cut_memory && cut.memory_bytes < most_bytes &&
                          cut.partitions > 0 && cut.partitions <= most_partitions;
    if (possible) return cut;
  } catch (const base::UsageError&) {  // damaged: not by the user
  }
  return std::nullopt;
}

stream::CompileOptions with(std::uint64_t memory_bytes) {
  stream::CompileOptions options;
  options.memory_bytes = memory_bytes;
  return options;
}

/// "line 4 was 'a', and is now 'b'"
std::string changed_line(const std::string& was, const std::string& is) {
  std::istringstream old_lines(was);
  std::istringstream new_lines(is);
  for (int number = 1;; ++number) {
    std::string a;
    std::string b;
    const bool old_more = bool(std::getline(old_lines, a));
    const bool new_more = bool(std::getline(new_lines, b));
    if (!old_more && !new_more) return "its text is the same";
    if (a != b) return fmt::format("line {} was '{}' and is now '{}'", number, a, b);
  }
}

std::string changed_input(const Json& was, const Json& is) {
  for (std::size_t i = 0; i < is.size() && i < was.size(); ++i) {
    if (was[i] == is[i]) continue;
    const auto before = number_in(was[i], "bytes", 0);
    const auto now = number_in(is[i], "bytes", 0);
    return fmt::format("{} was changed since ({:.0f} bytes then, {:.0f} now)",
                       fmt::join(is[i]["paths"].get<std::vector<std::string>>(), ", "), before, now);
  }
  return {};
}

/// What is not as it was when the stored work was begun.
std::string difference(storage::FileSystem& files, const TableJob& job, const Json& stored) {
  if (!parse(stored)) return "cut.json in it is missing or damaged, which says how that work was begun";
  const auto old_text = text_in(stored, "job", "");
  if (old_text != job.text) return "the job was changed since: " + changed_line(old_text, job.text);
  const auto inputs = stored.find("inputs");
  const auto text =
      inputs == stored.end() ? std::string() : changed_input(*inputs, describe_inputs(files, job));
  return text.empty() ? "it was begun by another version of surd" : text;
}

[[noreturn]] void refuse_other_work(storage::FileSystem& files, const WorkDirectory& work,
                                    const TableJob& job, const Json& stored) {
  throw base::UsageError(fmt::format(
      "{} holds unfinished work that does not fit: {}. Undo that to go on, or remove the directory "
      "to start afresh, or give another with --work",
      work.root.native(), difference(files, job, stored)));
}

[[noreturn]] void refuse_memory(const WorkDirectory& work, const stream::Cut& cut, std::uint64_t bytes) {
  throw base::UsageError(fmt::format(
      "the job was begun with {} per rank and needs as much to go on, not {}: say --memory {}, or "
      "remove {} to start afresh",
      base::format_bytes(cut.memory_bytes), base::format_bytes(bytes), cut.memory_bytes, work.root.string()));
}

}  // namespace

CutChoice cut_for(storage::FileSystem& files, const WorkDirectory& work, const TableJob& job,
                  MemoryPlan& memory) {
  if (const auto done = ranks::find_stored_work(files, work.root)) {
    const auto stored = read_json(files, work.cut());
    const auto cut = parse(stored);
    const bool ours =
        cut && compile_job(files, job, with(cut->memory_bytes), *cut)->identity() == done->identity;
    if (!ours && !done->finished) refuse_other_work(files, work, job, stored);
    if (ours && done->output_stands) {  // nothing is to be done
      memory.budget_bytes = std::max(memory.budget_bytes, cut->memory_bytes);
      return {*cut, true};
    }
    if (ours && !done->finished) {
      if (!memory.chosen) memory.budget_bytes = cut->memory_bytes;
      if (memory.budget_bytes < cut->memory_bytes) refuse_memory(work, *cut, memory.budget_bytes);
      return {*cut, true};
    }
  }
  const auto options = with(memory.budget_bytes);
  const auto cut = job.records ? stream::choose_cut(*job.records, options, files)
                               : stream::choose_cut(job.query, options, files);
  auto json = Json::parse(stream::to_text(cut));
  json["job"] = job.text;
  json["inputs"] = describe_inputs(files, job);
  storage::write_atomically(files, work.cut(), to_text(json));
  return {cut, false};
}

std::unique_ptr<stream::DataJob> compile_job(storage::FileSystem& files, const TableJob& job,
                                             const stream::CompileOptions& options, const stream::Cut& cut) {
  if (job.records) return stream::compile(*job.records, options, cut, files);
  return stream::compile(job.query, job.output, options, cut, files);
}

}  // namespace surd::batch
