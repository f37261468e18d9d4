#include "surd/batch/slurm.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/sweep/detail/process.hpp"

namespace surd::batch {
namespace {

constexpr std::uint64_t longest_answer_bytes = 1 << 20;

std::string environment_text(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

bool is_job_id(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789_") == std::string_view::npos;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::vector<std::string> cut(const std::string& text, char at) {
  std::vector<std::string> pieces;
  std::istringstream stream(text);
  for (std::string piece; std::getline(stream, piece, at);) pieces.push_back(piece);
  return pieces;
}

std::string in_one_line(const std::string& text) {
  std::string line;
  for (const auto& part : cut(trimmed(text), '\n')) line += (line.empty() ? "" : "; ") + part;
  return line;
}

/// The number at the beginning of "64" or "64+"; 0 if there is none.
int leading_number(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

double ask_for_end_time() {
  const auto now = static_cast<double>(std::time(nullptr));
  const auto told = environment_text("SLURM_JOB_END_TIME");
  if (const double end = std::strtod(told.c_str(), nullptr); end > now) return end;
  const auto job = environment_text("SLURM_JOB_ID");
  if (!is_job_id(job)) return 0;
  const double left = parse_squeue(ask_slurm({"squeue", "-h", "-j", job, "-o", "%L"}).output);
  return left > 0 ? now + left : 0;
}

}  // namespace

base::Json describe_slurm() {
  if (environment_text("SLURM_JOB_ID").empty()) return nullptr;
  base::Json slurm = base::Json::object();
  constexpr std::pair<const char*, const char*> names[] = {{"job_id", "SLURM_JOB_ID"},
                                                           {"job_name", "SLURM_JOB_NAME"},
                                                           {"restart_count", "SLURM_RESTART_COUNT"},
                                                           {"partition", "SLURM_JOB_PARTITION"},
                                                           {"nodes", "SLURM_JOB_NODELIST"},
                                                           {"tasks", "SLURM_NTASKS"},
                                                           {"cluster", "SLURM_CLUSTER_NAME"},
                                                           {"array_job_id", "SLURM_ARRAY_JOB_ID"},
                                                           {"array_task_id", "SLURM_ARRAY_TASK_ID"}};
  for (const auto& [key, variable] : names) {
    const char* text = std::getenv(variable);
    if (text != nullptr) slurm[key] = text;
  }
  if (!slurm.contains("restart_count"))
    slurm["restart_count"] = "0";  // Slurm sets it from the first restart on
  if (const double end = slurm_end_time(); end > 0) slurm["end_time"] = end;
  return slurm;
}

double slurm_end_time() {
  static const double end = ask_for_end_time();  // Slurm's controller is spared a second question
  return end;
}

double slurm_seconds_left() {
  const double end = slurm_end_time();
  return end > 0 ? std::max(1.0, end - static_cast<double>(std::time(nullptr))) : 0;
}

double parse_squeue(std::string text) {
  text = trimmed(std::move(text));
  if (text.empty() || text.find_first_not_of("0123456789:-") != std::string::npos) return 0;
  if (text.find(':') == std::string::npos) return 0;
  return base::parse_seconds(text);
}

SlurmAnswer ask_slurm(const std::vector<std::string>& words, double patience_seconds) {
  SlurmAnswer answer;
  const auto program = sweep::detail::find_program(words.front());
  if (!program) return answer;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  sweep::detail::BoundedText output(longest_answer_bytes, 0);
  sweep::detail::BoundedText errors(longest_answer_bytes, 0);
  sweep::detail::Launch launch;
  launch.program = program->c_str();
  launch.arguments = arguments.data();
  launch.environment = environ;
  sweep::detail::Supervision supervision;
  supervision.timeout_seconds = patience_seconds;
  supervision.output = &output;
  supervision.errors = &errors;
  const auto ending = sweep::detail::run(launch, supervision);
  answer.found = ending.failed == nullptr;
  answer.status = ending.signal != 0 ? 128 + ending.signal : ending.exit_code;
  answer.output = output.whole();
  answer.errors =
      ending.timed_out ? fmt::format("no answer within {} s", patience_seconds) : in_one_line(errors.whole());
  return answer;
}

std::optional<std::vector<QueueEntry>> slurm_queue(const std::string& job_id, double patience_seconds) {
  if (!is_job_id(job_id)) return std::nullopt;
  const auto answer = ask_slurm({"squeue", "-h", "-j", job_id, "-o", "%T|%r|%N|%L"}, patience_seconds);
  if (!answer.found) return std::nullopt;
  std::vector<QueueEntry> entries;
  if (answer.status != 0) {
    const bool forgotten = answer.errors.find("Invalid job id") != std::string::npos;
    return forgotten ? std::optional(entries) : std::nullopt;
  }
  for (const auto& line : cut(answer.output, '\n')) {
    auto fields = cut(line, '|');
    if (fields.empty()) continue;
    fields.resize(4);
    entries.push_back({fields[0], fields[1], fields[2], parse_squeue(fields[3])});
  }
  return entries;
}

std::optional<SlurmPartition> slurm_partition(const std::string& name) {
  // name, sockets, cores of a socket, MiB, time limit; a line for each kind of node
  const auto answer = ask_slurm({"sinfo", "-h", "-e", "-o", "%P|%X|%Y|%m|%l"});
  if (!answer.found || answer.status != 0) return std::nullopt;
  std::optional<SlurmPartition> least;
  for (const auto& line : cut(answer.output, '\n')) {
    auto fields = cut(line, '|');
    fields.resize(5);
    const bool is_default = fields[0].ends_with('*');
    if (is_default) fields[0].pop_back();
    if (name.empty() ? !is_default : fields[0] != name) continue;
    const int cores = leading_number(fields[1]) * leading_number(fields[2]);
    const auto memory = static_cast<std::uint64_t>(std::max(0, leading_number(fields[3]))) * base::MiB;
    if (cores <= 0) continue;
    if (!least) least = SlurmPartition{cores, memory, parse_squeue(fields[4])};
    least->cores = std::min(least->cores, cores);
    least->memory_bytes = std::min(least->memory_bytes, memory);
  }
  return least;
}

}  // namespace surd::batch
