#include "surd/stream/detail/division.hpp"

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::stream::detail {

std::string memory_advice(const Division& now, std::uint64_t Division::*share, std::uint64_t bytes) {
  const auto least = memory_for(bytes, [&](std::uint64_t memory) { return divide_like(now, memory).*share; });
  return fmt::format("; give at least --memory {}MiB, not {}", least / base::MiB,
                     base::format_bytes(now.whole));
}

}  // namespace surd::stream::detail
