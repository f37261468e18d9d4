#include "function.hpp"

#include <algorithm>
#include <cstdint>

#include "ising.hpp"

namespace {

/// Axes or parameters T, L, sweeps and, if given, warmup; a `seed` axis gives independent repetitions.
surd::sweep::Values evaluate(const surd::sweep::Point& point, surd::sweep::Context& context) {
  const std::int64_t sweeps = point.i64("sweeps");
  const std::int64_t warmup =
      point.has("warmup") ? point.i64("warmup") : std::max<std::int64_t>(100, sweeps / 10);
  const auto result = ising::simulate({point.f64("T"), point.i64("L"), sweeps, warmup}, context.random(),
                                      [&context] { return context.stop_requested(); });
  if (!result) throw surd::sweep::Abandoned{};
  return {{"energy", result->energy},
          {"magnetisation", result->magnetisation},
          {"specific_heat", result->specific_heat},
          {"susceptibility", result->susceptibility},
          {"binder", result->binder}};
}

}  // namespace

namespace ising {

surd::sweep::Function function() { return surd::sweep::function("ising", evaluate); }

}  // namespace ising
