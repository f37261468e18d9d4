#include "surd/batch/time_left.hpp"

#include <algorithm>
#include <ctime>

#include "surd/batch/slurm.hpp"

namespace surd::batch {

double slurm_seconds_left() {
  const double end = slurm_end_time();
  return end > 0 ? std::max(1.0, end - static_cast<double>(std::time(nullptr))) : 0;
}

double time_left_seconds(const Job& job, const CommandLine& line) {
  double least = 0;
  for (const double known : {line.time_left_seconds, job.time_limit_seconds, slurm_seconds_left()}) {
    if (known > 0) least = least > 0 ? std::min(least, known) : known;
  }
  return least;
}

}  // namespace surd::batch
