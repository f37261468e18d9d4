// The memory budget of one rank: operations reserve from it and never read a global limit.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace surd::memory {

/// max(16 MiB, 2 sqrt(n B)): room for sqrt(n/B) blocks of B bytes, twice, out of n bytes. With it, sorting
/// and joining n bytes takes one merge pass (Aggarwal & Vitter, CACM 31(9), 1988, doi:10.1145/48529.48535).
[[nodiscard]] std::uint64_t sqrt_budget(std::uint64_t data_bytes, std::uint64_t block_bytes);

class Budget;

/// Bytes taken from a budget, given back on destruction. Movable.
class Reservation {
 public:
  Reservation() noexcept = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  friend class Budget;
  Reservation(Budget* budget, std::uint64_t bytes) noexcept : budget_(budget), bytes_(bytes) {}

  Budget* budget_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// Thread-safe. Must outlive its reservations.
class Budget {
 public:
  explicit Budget(std::uint64_t bytes) noexcept : bytes_(bytes) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// Takes as much as is free up to `wanted`, at least `least`.
  /// @throws UsageError  naming `purpose`, the budget and the number needed, if less than `least` is free.
  [[nodiscard]] Reservation reserve(std::uint64_t least, std::uint64_t wanted, std::string_view purpose);

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_.load(); }
  [[nodiscard]] std::uint64_t peak() const noexcept { return peak_.load(); }

 private:
  friend class Reservation;
  void release(std::uint64_t bytes) noexcept { used_ -= bytes; }

  std::uint64_t bytes_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> peak_{0};
};

}  // namespace surd::memory
