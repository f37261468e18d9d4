// How near this process is to the end of its memory, and who acts on it.
//
//   Pressure pressure(budget.bytes(), limit);
//   auto subscription = pressure.subscribe(Level::high, [&](Level) { builder.shrink(half); });
//   ... at every block:  pressure.check();
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace surd::memory {

/// Share of the allowance in use: below 70 %, from 70 %, from 85 %, from 95 %.
enum class Level : std::uint8_t { normal, raised, high, critical };

[[nodiscard]] std::string_view name(Level level) noexcept;

/// Watches two things: this process's resident set beyond its baseline against 1.25 x the budget, and the
/// group's use (cgroup) against its limit. Not thread-safe.
class Pressure {
 public:
  /// What is measured; replaced in tests.
  struct Reading {
    std::uint64_t resident = 0;     ///< Of this process, beyond its baseline.
    std::uint64_t group_used = 0;   ///< Of the cgroup, page cache that can be dropped not counted.
    std::uint64_t group_limit = 0;  ///< 0: none.
  };
  using Probe = std::function<Reading()>;

  using Now = std::function<std::chrono::steady_clock::time_point()>;

  /// The default probe takes the resident set of this moment as the baseline; a reading costs some 10 us.
  explicit Pressure(std::uint64_t budget_bytes, Probe probe = {}, Now now = {});
  ~Pressure();

  /// Handlers run inside check(), in order of subscription, when the level rises to at least `from`, and
  /// again when it rises further, and at most every 100 ms while it stays there. They may end any
  /// subscription, also their own, and subscribe. A level falls only when use is 5 % below its threshold.
  class Subscription;
  [[nodiscard]] Subscription subscribe(Level from, std::function<void(Level)> handler);

  /// Measures if the last measurement is older than 20 ms. Cheap otherwise: call it for every block.
  Level check();
  [[nodiscard]] Level level() const noexcept;
  [[nodiscard]] Reading reading() const noexcept;          ///< The last one.
  [[nodiscard]] std::uint64_t responses() const noexcept;  ///< Calls of handlers so far.
  [[nodiscard]] std::chrono::steady_clock::time_point now() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Ends the subscription when destroyed. Movable.
class Pressure::Subscription {
 public:
  Subscription() noexcept = default;
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();

 private:
  friend class Pressure;
  std::weak_ptr<State> state_;
  std::uint64_t number_ = 0;
};

/// Warns from Level::high on, once per level and minute. `pressure` stays in place; `log` replaces
/// base::log_warning.
[[nodiscard]] Pressure::Subscription log_pressure(Pressure& pressure,
                                                  std::function<void(std::string_view)> log = {});

}  // namespace surd::memory
