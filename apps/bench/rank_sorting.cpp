// How fast ranks sort what they hold in memory, and how even the parts are.
#include <algorithm>
#include <cstdint>

#include "surd/base/random.hpp"
#include "surd/ranks/sort.hpp"
#include "workload.hpp"

namespace bench {
namespace {

using namespace surd;

/// Every rank's values are in order, and none is smaller than the largest of the rank before.
void check_order(const mpi::Communicator& ranks, const std::vector<std::uint64_t>& values) {
  struct Ends {
    std::uint64_t first;
    std::uint64_t last;
  };
  const Ends own = values.empty() ? Ends{0, 0} : Ends{values.front(), values.back()};
  const auto ends = ranks.all_gather(own);
  for (std::size_t r = 1; r < ends.size(); ++r) {
    base::expect(ends[r - 1].last <= ends[r].first, "ranks-sort: parts overlap");
  }
  base::expect(std::is_sorted(values.begin(), values.end()), "ranks-sort: a part is not in order");
}

}  // namespace

std::vector<Figure> ranks_sort(const mpi::Session& session, const Options& options) {
  const auto& ranks = session.world();
  const auto total = options.n > 0 ? options.n : std::uint64_t{1} << 26;
  const auto size = static_cast<std::uint64_t>(ranks.size());
  std::vector<std::uint64_t> values(total / size);
  base::RandomStream random(1, static_cast<std::uint64_t>(ranks.rank()));
  std::uint64_t sum = 0;
  for (auto& value : values) sum += value = random();

  ranks.barrier();
  const Stopwatch watch;
  const auto took = ranks::sort(ranks, values);
  ranks.barrier();
  const auto seconds = watch.seconds();

  std::uint64_t sorted_sum = 0;
  for (const auto value : values) sorted_sum += value;
  base::expect(ranks.sum(sum) == ranks.sum(sorted_sum), "ranks-sort: values were lost");
  check_order(ranks, values);
  const auto mean = static_cast<double>(ranks.sum(static_cast<std::uint64_t>(values.size()))) /
                    static_cast<double>(ranks.size());
  const auto rate = static_cast<double>(total) / static_cast<double>(size) / seconds / 1e6;
  return {{"keys per second and rank", rate, "million", 24},
          {"largest part over the mean", static_cast<double>(ranks.max(values.size())) / mean, "", 1.0000001,
           true},
          {"share of the time spent on splitters", ranks.max(took.splitting) / seconds, "", 0.02, true}};
}

}  // namespace bench
