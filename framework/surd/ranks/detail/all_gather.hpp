// Texts of any length, from all ranks to all ranks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "surd/mpi/communicator.hpp"

namespace surd::ranks::detail {

/// Collective. Shape [size()], on every rank. One broadcast per rank that has something to say.
[[nodiscard]] inline std::vector<std::string> all_gather_texts(const mpi::Communicator& ranks,
                                                               std::string_view mine) {
  const auto sizes = ranks.all_gather(mine.size());
  std::vector<std::string> texts(sizes.size());
  for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
    const bool own = static_cast<int>(rank) == ranks.rank();
    texts[rank] = own ? std::string(mine) : std::string(sizes[rank], '\0');
    if (sizes[rank] > 0) ranks.broadcast(std::span<char>(texts[rank]), static_cast<int>(rank));
  }
  return texts;
}

}  // namespace surd::ranks::detail
