#include "surd/batch/time_left.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::batch {
namespace {

/// The first line that squeue prints about this Slurm job; empty outside Slurm, or if it does not answer.
std::string ask_squeue() {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || std::string_view(job).find_first_not_of("0123456789_") != std::string_view::npos)
    return {};
  const auto command = fmt::format("timeout 20 squeue -h -j {} -o %L 2>/dev/null", job);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 64> line{};
  if (!pipe || std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()) == nullptr) return {};
  return line.data();
}

}  // namespace

double parse_squeue(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.empty() || text.find_first_not_of("0123456789:-") != std::string::npos) return 0;
  if (text.find(':') == std::string::npos) return 0;
  return base::parse_seconds(text);
}

double slurm_seconds_left() { return parse_squeue(ask_squeue()); }

double time_left_seconds(const Job& job, const CommandLine& line) {
  double least = 0;
  for (const double known : {line.time_left_seconds, job.time_limit_seconds, slurm_seconds_left()}) {
    if (known > 0) least = least > 0 ? std::min(least, known) : known;
  }
  return least;
}

}  // namespace surd::batch
