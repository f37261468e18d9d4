#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/units.hpp"
#include "surd/sweep/command.hpp"
#include "surd/sweep/detail/parse_output.hpp"
#include "surd/sweep/detail/template.hpp"

namespace surd::sweep {
namespace {

using base::Spec;

constexpr std::string_view scratch_name = "scratch";
constexpr std::uint64_t most_capture_bytes = 16 * base::MiB;
constexpr std::int64_t most_retries = 1000;

/// Checks the text at `place` and its placeholders.
void check_template(const Spec& place, std::span<const std::string> names, bool for_shell = false) {
  const detail::Template text(place, for_shell);
  for (const auto& name : text.names()) {
    const bool known = std::find(names.begin(), names.end(), name) != names.end();
    if (name == scratch_name && known) {
      place.fail("{scratch} is the scratch directory; give the axis or parameter 'scratch' another name");
    }
    if (known || name == scratch_name) continue;
    std::vector<std::string_view> valid(names.begin(), names.end());
    valid.push_back(scratch_name);
    const auto guess = base::nearest(name, valid);
    const auto hint = guess.empty() ? fmt::format("valid are {{{}}}", fmt::join(valid, "}, {"))
                                    : fmt::format("did you mean {{{}}}?", guess);
    place.fail(
        fmt::format("{{{}}} names no axis or parameter; {} (write {{{{ and }}}} for braces)", name, hint));
  }
}

std::vector<std::string> read_argv(const Spec& command, bool shell, std::span<const std::string> names) {
  if (shell) {
    if (!command.is_text()) command.fail_expected("one text, as shell: true says");
    if (command.text().find_first_not_of(" \t\n") == std::string::npos) command.fail("must not be empty");
    check_template(command, names, true);
    return {command.text()};
  }
  if (command.is_text()) {
    command.fail(
        "expected a list of texts such as [\"./model\", \"{T}\"]; for a line of shell add shell: true");
  }
  if (!command.is_list()) command.fail_expected("a list of texts such as [\"./model\", \"{T}\"]");
  const auto words = command.items();
  if (words.empty()) command.fail("must name a program");
  std::vector<std::string> argv;
  for (const auto& word : words) {
    if (!word.is_text()) word.fail_expected("a text (write numbers in quotes)");
    check_template(word, names);
    argv.push_back(word.text());
  }
  if (argv[0].empty()) words[0].fail("must name a program");
  return argv;
}

std::string read_variable(const Spec& value, std::span<const std::string> names) {
  if (value.is_number() || value.json().is_boolean()) return value.json().dump();
  if (!value.is_text()) value.fail_expected("a text or a number");
  check_template(value, names);
  return value.text();
}

std::vector<std::pair<std::string, std::string>> read_environment(const Spec& env,
                                                                  std::span<const std::string> names) {
  std::vector<std::pair<std::string, std::string>> environment;
  for (const auto& name : env.keys()) {
    const auto value = env.at(name);
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      value.fail(fmt::format("'{}' cannot be the name of an environment variable", name));
    }
    if (name == "SURD_POINT" || name == "SURD_SEED") value.fail("is set by surd");
    environment.emplace_back(name, read_variable(value, names));
  }
  return environment;
}

std::uint32_t read_retries(const Spec& job) {
  const auto retries = job.get("retries", std::int64_t{0});
  if (retries < 0 || retries > most_retries) {
    job.at("retries").fail(fmt::format("must be between 0 and {}", most_retries));
  }
  return static_cast<std::uint32_t>(retries);
}

bool read_directory(const Spec& job) {
  const auto directory = job.get("directory", "here");
  if (directory != "here" && directory != "scratch") job.at("directory").fail_expected("here or scratch");
  return directory == "scratch";
}

}  // namespace

CommandSpec CommandSpec::read(const Spec& job, const std::vector<std::string>& names) {
  CommandSpec spec;
  spec.shell = job.get("shell", false);
  spec.argv = read_argv(job.at("command"), spec.shell, names);
  const base::Json json_by_default("json");
  const auto parse_place = job.find("parse").value_or(Spec(json_by_default, "parse"));
  const auto parse = detail::ParseSpec::read(parse_place);
  const base::Json file(parse.file);
  check_template(Spec(file, parse_place.path()), names);
  spec.parse = parse.describe();
  if (const auto timeout = job.find("timeout")) {
    spec.timeout_seconds = timeout->seconds();
    if (spec.timeout_seconds <= 0) timeout->fail("must be longer than nothing; leave it out for no limit");
  }
  spec.retries = read_retries(job);
  if (const auto capture = job.find("capture")) {
    spec.capture_bytes = capture->bytes();
    if (spec.capture_bytes > most_capture_bytes)
      capture->fail("must be at most 16MiB; it is stored for each point");
  }
  if (const auto env = job.find("env")) spec.environment = read_environment(*env, names);
  spec.run_in_scratch = read_directory(job);
  return spec;
}

std::string CommandSpec::identity() const {
  base::Json json{{"command", argv}, {"shell", shell}, {"parse", parse}, {"env", base::Json::object()}};
  auto sorted = environment;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, value] : sorted) json["env"][name] = value;
  return json.dump();
}

const std::vector<std::string_view>& CommandSpec::keys() {
  static const std::vector<std::string_view> keys{"command", "shell",   "parse", "timeout",
                                                  "retries", "capture", "env",   "directory"};
  return keys;
}

}  // namespace surd::sweep
