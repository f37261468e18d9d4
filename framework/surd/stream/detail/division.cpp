#include "surd/stream/detail/division.hpp"

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::stream::detail {

std::string memory_advice(const Division& now, std::uint64_t Division::*share, std::uint64_t bytes) {
  const auto share_of = [&](std::uint64_t memory) { return divide_like(now, memory).*share; };
  if (const auto most = share_of(std::uint64_t{1} << 60); most < bytes) {
    return fmt::format("; no --memory allows more than {}", base::format_bytes(most));
  }
  const auto least = memory_for(bytes, share_of);
  return fmt::format("; give at least --memory {}MiB, not {}", least / base::MiB,
                     base::format_bytes(now.whole));
}

}  // namespace surd::stream::detail
