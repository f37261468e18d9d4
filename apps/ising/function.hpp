// The 2-D Ising model as a function that a surd program registers.
#pragma once

#include "surd/sweep/function.hpp"

namespace ising {

/// Function "ising": axes or parameters T, L, sweeps and, if given, warmup.
[[nodiscard]] surd::sweep::Function function();

}  // namespace ising
