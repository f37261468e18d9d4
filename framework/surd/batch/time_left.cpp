#include "surd/batch/time_left.hpp"

#include <algorithm>

#include "surd/batch/slurm.hpp"

namespace surd::batch {

double time_left_seconds(const Job& job, const CommandLine& line) {
  double least = 0;
  for (const double known : {line.time_left_seconds, job.time_limit_seconds, slurm_seconds_left()}) {
    if (known > 0) least = least > 0 ? std::min(least, known) : known;
  }
  return least;
}

}  // namespace surd::batch
