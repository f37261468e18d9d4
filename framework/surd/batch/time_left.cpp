#include "surd/batch/time_left.hpp"

#include <algorithm>
#include <ctime>

#include "surd/batch/slurm.hpp"

namespace surd::batch {

double time_left_seconds(const Job& job, const CommandLine& line) {
  const double end = slurm_end_time();
  const double slurm = end > 0 ? std::max(1.0, end - static_cast<double>(std::time(nullptr))) : 0;
  double least = 0;
  for (const double known : {line.time_left_seconds, job.time_limit_seconds, slurm}) {
    if (known > 0) least = least > 0 ? std::min(least, known) : known;
  }
  return least;
}

}  // namespace surd::batch
