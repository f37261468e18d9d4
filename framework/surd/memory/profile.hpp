// What each phase of a run cost this rank: time, CPU, peak memory, bytes moved.
//
//   Profile profile;
//   { auto phase = profile.phase("scan memo"); ... }
//   for (const auto& p : profile.phases()) print(p.name, p.seconds, p.peak_bytes);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace surd::memory {

struct PhaseUse {
  std::string name;
  double seconds = 0;            ///< Wall clock (monotonic).
  double cpu_seconds = 0;        ///< User and system, all threads, children that were waited for included.
  std::uint64_t peak_bytes = 0;  ///< VmHWM inside the phase.
  std::uint64_t read_bytes = 0;  ///< read(2) and the like, page cache included (/proc/self/io rchar).
  std::uint64_t written_bytes = 0;
};

class Profile {
 public:
  /// Ends its phase when destroyed. Phases may not nest; the profile must outlive them and stay in place.
  class Phase {
   public:
    Phase(Phase&& other) noexcept;
    Phase& operator=(Phase&&) = delete;
    ~Phase();

   private:
    friend class Profile;
    explicit Phase(Profile* profile) noexcept : profile_(profile) {}
    Profile* profile_;
  };

  Profile();
  [[nodiscard]] Phase phase(std::string name);
  /// Phases that were measured elsewhere, between phases of this profile.
  void add(const std::vector<PhaseUse>& phases);

  [[nodiscard]] const std::vector<PhaseUse>& phases() const noexcept { return phases_; }
  [[nodiscard]] std::uint64_t baseline_bytes() const noexcept {
    return baseline_bytes_;
  }  ///< Resident at construction.
  [[nodiscard]] std::uint64_t peak_bytes()
      const noexcept;  ///< Since the process began, in and between phases.

 private:
  void begin(std::string name);
  void end() noexcept;

  std::vector<PhaseUse> phases_;
  PhaseUse start_;
  std::uint64_t baseline_bytes_;
  std::uint64_t peak_bytes_ = 0;
  bool running_ = false;
};

}  // namespace surd::memory
