// Single records of runs on disk, by number, through a small cache of windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/run.hpp"

namespace surd::external::detail {

/// Records of fixed size are found by arithmetic, others by a search in the index on disk and a walk through
/// one block. Memory: 4 MiB, or one block if blocks are larger.
class RunProbe {
 public:
  RunProbe(const Order& order, const RunFiles& files, const std::vector<Run>& runs);

  /// Valid until the next call.
  [[nodiscard]] const std::byte* record(std::size_t run, std::uint64_t number);
  /// Of the record's first byte, from the run's start; run.bytes for the number after the last.
  [[nodiscard]] std::uint64_t byte_of(std::size_t run, std::uint64_t number);

 private:
  static constexpr std::size_t no_run = ~std::size_t{0};

  struct Window {
    std::size_t run = no_run;
    std::uint64_t first_record = 0;
    std::uint64_t last_record = 0;  ///< After the last.
    std::uint64_t first_byte = 0;
    std::vector<std::byte> bytes;
    std::uint64_t at_record = 0;  ///< Where the last walk ended.
    std::size_t at_byte = 0;
  };

  Window& window(std::size_t run, std::uint64_t number);
  void load_fixed(Window& window, std::uint64_t number);
  void load_variable(Window& window, std::uint64_t number);
  void read(Window& window, std::uint64_t bytes);
  std::size_t walk(Window& window, std::uint64_t number);

  const Order& order_;
  const RunFiles& files_;
  const std::vector<Run>& runs_;
  std::vector<Window> windows_;
};

}  // namespace surd::external::detail
