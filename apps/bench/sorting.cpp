// How fast ranks sort what they hold in memory.
#include <algorithm>

#include "surd/base/random.hpp"
#include "surd/memory/limits.hpp"
#include "surd/ranks/sort.hpp"
#include "workload.hpp"

namespace bench {

std::vector<Figure> ranks_sort(const surd::mpi::Session& session, const Options& options) {
  const auto& world = session.world();
  const auto size = static_cast<std::uint64_t>(world.size());
  const auto keys = (options.n > 0 ? options.n : std::uint64_t{64} << 20) / size;
  std::vector<std::uint64_t> values(keys);
  surd::base::RandomStream random(1, static_cast<std::uint64_t>(world.rank()));
  for (auto& value : values) value = random();
  const auto before = surd::memory::usage().resident;
  (void)surd::memory::reset_peak();
  world.barrier();

  const Stopwatch watch;
  const auto parts = surd::ranks::sort(world, values);
  const double seconds = world.max(watch.seconds());

  const auto peak = surd::memory::usage().peak_resident;
  const auto input = keys * sizeof(std::uint64_t);
  const bool sorted = std::is_sorted(values.begin(), values.end());
  const auto balance =
      static_cast<double>(world.max(std::uint64_t{values.size()})) / static_cast<double>(keys);
  const auto memory = static_cast<double>(peak - before + input) / static_cast<double>(input);
  return {{"keys per second and rank", static_cast<double>(keys) / seconds, "1/s", 25e6},
          {"largest part / mean", world.min(std::uint64_t{sorted}) == 1 ? balance : -1, "", 1, true},
          {"memory / input", world.max(memory), "", 2.3, true},
          {"sorting alone", world.max(parts.local), "s"},
          {"splitting, share of all", world.max(parts.splitting) / seconds, "", 0.02, true},
          {"exchanging", world.max(parts.exchange), "s"},
          {"merging", world.max(parts.merging), "s"}};
}

}  // namespace bench
