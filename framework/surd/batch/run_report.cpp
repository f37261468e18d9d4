#include "surd/batch/run_report.hpp"

#include <algorithm>

#include "surd/base/version.hpp"
#include "surd/batch/detail/hdf5_version.hpp"
#include "surd/mpi/session.hpp"

namespace surd::batch {

using base::Json;

Json describe_program() {
  return {{"version", base::version()},
          {"revision", base::git_revision()},
          {"compiler", base::compiler()},
          {"mpi", mpi::library_name()},
          {"hdf5", detail::hdf5_version()}};
}

const char* to_text(ranks::SweepEnd end) noexcept {
  switch (end) {
    case ranks::SweepEnd::complete:
      return "complete";
    case ranks::SweepEnd::interrupted:
      return "interrupted";
    case ranks::SweepEnd::too_many_failures:
      return "too many failures";
  }
  return "unknown";
}

Json gather_profiles(const mpi::Communicator& ranks, const memory::Profile& profile) {
  Json mine = {{"rank", ranks.rank()},
               {"host", mpi::host_name()},
               {"baseline_bytes", profile.baseline_bytes()},
               {"peak_bytes", profile.peak_bytes()},
               {"phases", Json::array()}};
  for (const auto& phase : profile.phases()) {
    mine["phases"].push_back({{"name", phase.name},
                              {"seconds", phase.seconds},
                              {"cpu_seconds", phase.cpu_seconds},
                              {"peak_bytes", phase.peak_bytes},
                              {"read_bytes", phase.read_bytes},
                              {"written_bytes", phase.written_bytes}});
  }
  Json all = Json::array();
  for (const auto& text : ranks.gather_text(mine.dump())) all.push_back(Json::parse(text));
  return all;
}

std::uint64_t largest_growth(const Json& profiles) {
  std::uint64_t most = 0;
  for (const auto& rank : profiles) {
    const auto peak = rank["peak_bytes"].get<std::uint64_t>();
    most = std::max(most, peak - std::min(peak, rank["baseline_bytes"].get<std::uint64_t>()));
  }
  return most;
}

}  // namespace surd::batch
