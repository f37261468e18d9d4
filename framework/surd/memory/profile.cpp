#include "surd/memory/profile.hpp"

#include <sys/resource.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "surd/base/error.hpp"
#include "surd/memory/limits.hpp"

namespace surd::memory {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double cpu_seconds() {
  double total = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage use{};
    ::getrusage(who, &use);
    total += seconds(use.ru_utime) + seconds(use.ru_stime);
  }
  return total;
}

/// Totals since the process began, in the fields of a phase.
PhaseUse totals() {
  PhaseUse now;
  now.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  now.cpu_seconds = cpu_seconds();
  now.peak_bytes = usage().peak_resident;
  std::ifstream file("/proc/self/io");
  std::string name;
  for (std::uint64_t count = 0; file >> name >> count;) {
    if (name == "rchar:") now.read_bytes = count;
    if (name == "wchar:") now.written_bytes = count;
  }
  return now;
}

}  // namespace

Profile::Phase::Phase(Phase&& other) noexcept : profile_(std::exchange(other.profile_, nullptr)) {}

Profile::Phase::~Phase() {
  if (profile_ != nullptr) profile_->end();
}

Profile::Profile() : baseline_bytes_(usage().resident) {}

Profile::Phase Profile::phase(std::string name) {
  begin(std::move(name));
  return Phase(this);
}

void Profile::begin(std::string name) {
  base::expect(!running_, "phases of a profile may not nest");
  phases_.reserve(phases_.size() + 1);  // end() must not throw
  peak_bytes_ = std::max(peak_bytes_, usage().peak_resident);
  reset_peak();
  start_ = totals();
  start_.name = std::move(name);
  running_ = true;
}

void Profile::end() noexcept {
  auto use = totals();
  use.name = std::move(start_.name);
  use.seconds -= start_.seconds;
  use.cpu_seconds -= start_.cpu_seconds;
  use.read_bytes -= start_.read_bytes;
  use.written_bytes -= start_.written_bytes;
  peak_bytes_ = std::max(peak_bytes_, use.peak_bytes);
  phases_.push_back(std::move(use));
  running_ = false;
}

std::uint64_t Profile::peak_bytes() const noexcept { return std::max(peak_bytes_, usage().peak_resident); }

void Profile::add(const std::vector<PhaseUse>& phases) {
  for (const auto& phase : phases) {
    phases_.push_back(phase);
    peak_bytes_ = std::max(peak_bytes_, phase.peak_bytes);
  }
}

}  // namespace surd::memory
