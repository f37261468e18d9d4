#include "surd/batch/job.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/spec.hpp"
#include "surd/batch/detail/job_document.hpp"
#include "surd/batch/detail/job_keys.hpp"
#include "surd/expression/expression.hpp"

namespace surd::batch {
namespace {

using base::Spec;

constexpr auto own_keys = std::to_array<std::string_view>({"kind",
                                                           "name",
                                                           "function",
                                                           "params",
                                                           "axes",
                                                           "chunk",
                                                           "exclude",
                                                           "where",
                                                           "seed",
                                                           "version",
                                                           "on_version_change",
                                                           "memory",
                                                           "output",
                                                           "compression",
                                                           "memo",
                                                           "lease",
                                                           "max_failures",
                                                           "ranks_per_point",
                                                           "memory_per_point",
                                                           "time_limit",
                                                           "cost",
                                                           "fields",
                                                           "retries"});

std::vector<std::string_view> valid_keys() {
  std::vector<std::string_view> keys(own_keys.begin(), own_keys.end());
  for (const auto key : sweep::CommandSpec::keys()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

std::map<std::string, sweep::Value> read_params(const Spec& root, const sweep::Grid& grid) {
  std::map<std::string, sweep::Value> params;
  const auto spec = root.find("params");
  if (!spec) return params;
  for (const auto& name : spec->keys()) {
    const auto value = spec->at(name);
    if (name.empty()) value.fail("a parameter must have a name");
    if (name == "scratch")
      value.fail("'scratch' is taken: in commands it means the point's scratch directory");
    const auto& axes = grid.axes();
    if (std::find(axes.begin(), axes.end(), name) != axes.end()) {
      value.fail(fmt::format("'{}' is an axis already; a name is either a parameter or an axis", name));
    }
    params.emplace(name, sweep::to_value(value));
  }
  return params;
}

/// The registered function that the job names.
const sweep::Function& find_function(const Spec& spec, std::span<const sweep::Function> functions) {
  const auto name = spec.text();
  std::vector<std::string_view> names;
  for (const auto& function : functions) {
    if (function.name == name) return function;
    names.emplace_back(function.name);
  }
  if (names.empty()) {
    spec.fail(fmt::format(
        "this program has no functions, so no '{}': use the program that registers it, or command:", name));
  }
  const auto guess = base::nearest(name, names);
  const auto hint = guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess);
  spec.fail(
      fmt::format("this program has no function '{}', it has {}{}", name, fmt::join(names, ", "), hint));
}

/// version: a text, or an integer that stands for its digits.
std::string read_version(const Spec& spec) {
  if (spec.json().is_number_integer()) return std::to_string(spec.integer());
  if (spec.is_number()) spec.fail(fmt::format("write the version as a text: \"{}\"", spec.json().dump()));
  auto text = spec.text();
  if (text.empty()) spec.fail("must not be empty");
  return text;
}

void refuse_command_keys(const Spec& root) {
  for (const auto key : sweep::CommandSpec::keys()) {
    if (key == "command" || key == "retries") continue;
    if (const auto spec = root.find(key)) spec->fail(fmt::format("'{}' is for jobs with a command", key));
  }
}

std::int64_t read_count(const Spec& root, std::string_view key, std::int64_t otherwise, std::int64_t least,
                        std::int64_t most) {
  const auto spec = root.find(key);
  if (!spec) return otherwise;
  const auto count = spec->integer();
  if (count < least || count > most)
    spec->fail(fmt::format("must be from {} to {}, is {}", least, most, count));
  return count;
}

/// Fills in the subject, and the command if there is one.
void read_subject(const Spec& root, std::span<const sweep::Function> functions, Job& job) {
  auto& subject = job.definition->subject;
  const auto function = root.find("function");
  const auto command = root.find("command");
  if (function && command) command->fail("a job has a function or a command, not both");
  if (!function && !command)
    root.fail("a job needs 'function' (one that the program registered) or 'command'");
  subject.seed =
      static_cast<std::uint64_t>(read_count(root, "seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
  if (function) {
    const auto& found = find_function(*function, functions);
    refuse_command_keys(root);
    if (const auto version = root.find("version")) {
      version->fail(
          fmt::format("the program gives the version of its function '{}': {}", found.name, found.version));
    }
    subject.kind = "function";
    subject.name = found.name;
    subject.version = found.version;
    job.retries = static_cast<std::uint32_t>(read_count(root, "retries", 0, 0, 1000));
    return;
  }
  auto names = job.definition->grid.axes();
  for (const auto& [name, value] : subject.params) names.push_back(name);
  job.command = sweep::CommandSpec::read(root, names);
  job.retries = job.command->retries;
  subject.kind = "command";
  subject.name = job.command->identity();
  const auto version = root.find("version");
  subject.version = version ? read_version(*version) : "1";
}

std::uint64_t read_max_failures(const Spec& root, std::uint64_t points) {
  const auto spec = root.find("max_failures");
  if (!spec) return ~std::uint64_t{0};
  if (!spec->is_text()) {
    const auto count = spec->integer();
    if (count < 0) spec->fail("must not be negative");
    return static_cast<std::uint64_t>(count);
  }
  const auto text = spec->text();
  double percent = -1;
  const auto end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, percent);
  const bool parsed = error == std::errc() && rest + 1 == end && *rest == '%';
  if (!parsed || !(percent >= 0 && percent <= 100))
    spec->fail_expected("a number of points, or a share such as 5%");
  return static_cast<std::uint64_t>(percent / 100 * static_cast<double>(points));
}

VersionChange read_version_change(const Spec& root) {
  const auto spec = root.find("on_version_change");
  if (!spec) return VersionChange::error;
  if (const auto choice = version_change(spec->text())) return *choice;
  spec->fail(fmt::format("unknown choice '{}'; choices are error, new, keep", spec->text()));
}

void read_output(const Spec& root, Job& job) {
  job.output = job.name + ".h5";
  if (const auto spec = root.find("output")) {
    job.output = spec->text();
    const auto extension = job.output.extension();
    if (extension != ".h5" && extension != ".csv" && extension != ".jsonl") {
      spec->fail(fmt::format("'{}' must end in .h5, .csv or .jsonl", job.output.string()));
    }
  }
  const auto spec = root.find("compression");
  if (!spec) return;
  job.compression = spec->text();
  constexpr std::array<std::string_view, 3> choices = {"none", "deflate", "zstd"};
  if (std::find(choices.begin(), choices.end(), job.compression) == choices.end()) {
    spec->fail(
        fmt::format("unknown compression '{}'; choices are {}", job.compression, fmt::join(choices, ", ")));
  }
  if (job.output.extension() != ".h5") spec->fail("is for outputs that end in .h5");
}

void read_cost(const Spec& root, Job& job) {
  const auto spec = root.find("cost");
  if (!spec) return;
  job.cost = spec->is_number() ? spec->json().dump() : spec->text();
  auto names = job.definition->grid.axes();
  for (const auto& [name, value] : job.definition->subject.params) names.push_back(name);
  try {
    const auto cost = expression::Expression::parse(job.cost, names);
    const sweep::Point first(*job.definition);
    (void)cost.number([&](std::size_t i) { return first.value(names[i]); });
  } catch (const base::UsageError& e) {
    spec->fail(e.what());
  }
}

void read_fields(const Spec& root, Job& job) {
  const auto fields = root.find("fields");
  if (!fields) return;
  for (const auto& field : fields->keys()) {
    const auto spec = fields->at(field);
    spec.allow_only({"units", "long_name"});
    for (const auto& key : spec.keys()) job.fields[field][key] = spec.at(key).text();
  }
}

Job read_job(const Spec& root, std::span<const sweep::Function> functions) {
  root.allow_only(valid_keys());
  Job job;
  job.name = detail::read_name(root);
  job.definition = sweep::Definition{{}, sweep::Grid::parse(root)};
  job.definition->subject.params = read_params(root, job.definition->grid);
  read_subject(root, functions, job);
  job.on_version_change = read_version_change(root);
  job.memory_bytes = detail::read_memory(root, least_memory_bytes);
  read_output(root, job);
  if (const auto memo = root.find("memo")) {
    job.memo = memo->text();
    if (job.memo.empty()) memo->fail("must not be empty");
  }
  job.lease_seconds = detail::read_seconds(root, "lease", job.lease_seconds, 1);
  job.max_failures = read_max_failures(root, job.definition->grid.size());
  job.ranks_per_point = static_cast<int>(read_count(root, "ranks_per_point", 1, 1, 1'000'000));
  if (const auto spec = root.find("memory_per_point")) job.memory_per_point = spec->bytes();
  job.time_limit_seconds = detail::read_seconds(root, "time_limit", 0, 0);
  read_cost(root, job);
  read_fields(root, job);
  return job;
}

}  // namespace

std::optional<VersionChange> version_change(std::string_view text) {
  if (text == "error") return VersionChange::error;
  if (text == "new") return VersionChange::fresh;
  if (text == "keep") return VersionChange::keep;
  return std::nullopt;
}

Job parse_job(const std::string& text, const storage::Path& file, std::span<const std::string> settings,
              std::span<const sweep::Function> functions) {
  const detail::JobDocument document(text, file, settings);
  try {
    auto job = read_job(Spec(document.root()), functions);
    job.file = file;
    job.text = document.annotated_text();
    return job;
  } catch (const base::SpecError& e) {
    document.fail(e);
  }
}

}  // namespace surd::batch
