#include "surd/memory/pressure.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/memory/detail/probe.hpp"

namespace surd::memory {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds between_readings{20};
constexpr milliseconds between_calls{100};
constexpr std::array thresholds{0.0, 0.70, 0.85, 0.95};
constexpr double hysteresis = 0.05;

double share_of(const Pressure::Reading& reading, double allowance) {
  const double own = static_cast<double>(reading.resident) / allowance;
  if (reading.group_limit == 0) return own;
  return std::max(own, static_cast<double>(reading.group_used) / static_cast<double>(reading.group_limit));
}

/// The level at `share` of the allowance, coming from `before`.
Level next_level(double share, Level before) {
  auto level = static_cast<std::size_t>(before);
  while (level + 1 < thresholds.size() && share >= thresholds[level + 1]) ++level;
  while (level > 0 && share < thresholds[level] - hysteresis) --level;
  return static_cast<Level>(level);
}

}  // namespace

struct Pressure::State {
  struct Handler {
    std::uint64_t number;  ///< 0: ended while handlers ran; removed after them.
    Level from;
    std::function<void(Level)> call;
    Level told = Level::normal;  ///< At the last call since use was below `from`; normal: none.
    Clock::time_point called;
  };

  double allowance = 0;
  Probe probe;
  Now now;
  Reading reading;
  std::vector<std::shared_ptr<Handler>> handlers;
  std::uint64_t last_number = 0;
  std::uint64_t responses = 0;
  std::optional<Clock::time_point> read;
  Level level = Level::normal;
  bool running = false;

  void check() {
    const auto time = now();
    if (running || (read && time - *read < between_readings)) return;
    read = time;
    reading = probe();
    level = next_level(share_of(reading, allowance), level);
    call(time);
  }

  /// Handlers may subscribe and end subscriptions, so the list is walked by index and cleaned afterwards.
  void call(Clock::time_point time) {
    const struct Run {
      State* state;
      explicit Run(State* s) : state(s) { state->running = true; }
      ~Run() {
        state->running = false;
        std::erase_if(state->handlers, [](const auto& handler) { return handler->number == 0; });
      }
    } run(this);
    for (std::size_t i = 0; i < handlers.size(); ++i) {
      const auto handler = handlers[i];
      if (handler->number == 0) continue;
      if (level < handler->from) {
        handler->told = Level::normal;
      } else if (level > handler->told || time - handler->called >= between_calls) {
        handler->called = time;
        handler->told = level;
        ++responses;
        handler->call(level);
      }
    }
  }

  void end(std::uint64_t number) {
    for (auto& handler : handlers) {
      if (handler->number == number) handler->number = 0;
    }
    if (!running) std::erase_if(handlers, [](const auto& handler) { return handler->number == 0; });
  }
};

std::string_view name(Level level) noexcept {
  switch (level) {
    case Level::normal:
      return "normal";
    case Level::raised:
      return "raised";
    case Level::high:
      return "high";
    case Level::critical:
      return "critical";
  }
  return "unknown";
}

Pressure::Pressure(std::uint64_t budget_bytes, Probe probe, Now now) : state_(std::make_shared<State>()) {
  state_->allowance = 1.25 * static_cast<double>(std::max<std::uint64_t>(budget_bytes, 1));
  state_->probe = probe ? std::move(probe) : detail::make_probe();
  state_->now = now ? std::move(now) : [] { return Clock::now(); };
}

Pressure::~Pressure() = default;

Pressure::Subscription Pressure::subscribe(Level from, std::function<void(Level)> handler) {
  base::expect(from != Level::normal && handler, "handlers of pressure act from a level above normal");
  Subscription subscription;
  subscription.state_ = state_;
  subscription.number_ = ++state_->last_number;
  state_->handlers.push_back(std::make_shared<State::Handler>(
      State::Handler{subscription.number_, from, std::move(handler), {}, {}}));
  return subscription;
}

Level Pressure::check() {
  const auto kept = state_;  // A handler may destroy this.
  kept->check();
  return kept->level;
}

Level Pressure::level() const noexcept { return state_->level; }
Pressure::Reading Pressure::reading() const noexcept { return state_->reading; }
std::uint64_t Pressure::responses() const noexcept { return state_->responses; }

Pressure::Subscription::Subscription(Subscription&& other) noexcept
    : state_(std::move(other.state_)), number_(std::exchange(other.number_, 0)) {}

Pressure::Subscription& Pressure::Subscription::operator=(Subscription&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(number_, other.number_);
  Subscription ended(std::move(other));
  return *this;
}

Pressure::Subscription::~Subscription() {
  const auto state = state_.lock();
  if (state != nullptr && number_ != 0) state->end(number_);
}

Pressure::Subscription log_pressure(Pressure& pressure, std::function<void(std::string_view)> log) {
  struct Said {
    std::array<std::optional<Clock::time_point>, thresholds.size()> at;
  };
  if (!log) log = base::log_warning;
  return pressure.subscribe(
      Level::high, [&pressure, log = std::move(log), said = Said{}](Level level) mutable {
        auto& last = said.at[static_cast<std::size_t>(level)];
        const auto now = pressure.now();
        if (last && now - *last < std::chrono::seconds(60)) return;
        last = now;
        const auto reading = pressure.reading();
        auto text = fmt::format("memory use is {}: {} of this process beyond its start", name(level),
                                base::format_bytes(reading.resident));
        if (reading.group_limit != 0) {
          text += fmt::format(", {} of {} of its group", base::format_bytes(reading.group_used),
                              base::format_bytes(reading.group_limit));
        }
        log(text);
      });
}

std::chrono::steady_clock::time_point Pressure::now() const { return state_->now(); }

}  // namespace surd::memory
