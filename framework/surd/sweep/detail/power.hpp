#pragma once
#include <cmath>
namespace surd::sweep::detail {
inline double power(double b, double e) { return std::pow(b, e); }
}  // namespace surd::sweep::detail
