#include "surd/memory/budget.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::memory {

std::uint64_t sqrt_budget(std::uint64_t data_bytes, std::uint64_t block_bytes) {
  // The largest result, for 2^64 and 2^64, is 2^65: saturated.
  const auto root =
      2 * std::sqrt(static_cast<double>(data_bytes)) * std::sqrt(static_cast<double>(block_bytes));
  const auto bytes = root >= 0x1p63 ? std::uint64_t{1} << 63 : static_cast<std::uint64_t>(std::ceil(root));
  return std::max(16 * base::MiB, bytes);
}

Reservation::Reservation(Reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  Reservation taken(std::move(other));
  std::swap(budget_, taken.budget_);
  std::swap(bytes_, taken.bytes_);
  return *this;
}

Reservation::~Reservation() {
  if (budget_ != nullptr) budget_->release(bytes_);
}

Reservation Budget::reserve(std::uint64_t least, std::uint64_t wanted, std::string_view purpose) {
  auto used = used_.load();
  std::uint64_t taken = 0;
  do {
    const auto free = bytes_ - used;
    if (free < least) {
      throw base::UsageError(fmt::format(
          "{} needs at least {}, but {} of the memory budget of {} are in use; raise --memory", purpose,
          base::format_bytes(least), base::format_bytes(used), base::format_bytes(bytes_)));
    }
    taken = std::clamp(wanted, least, free);
  } while (!used_.compare_exchange_weak(used, used + taken));
  auto peak = peak_.load();
  while (peak < used + taken && !peak_.compare_exchange_weak(peak, used + taken)) {
  }
  return Reservation(this, taken);
}

}  // namespace surd::memory
