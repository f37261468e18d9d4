// What a user registers, and what it sees of the point it works on.
//
//   Values ising(const Point& point, Context& context) {
//     auto random = context.random();
//     const double T = point.f64("T");
//     ...
//     return {{"energy", energy}, {"magnetisation", m}};
//   }
//   int main(int c, char** v) { return surd::batch::main(c, v, {surd::sweep::function("ising", ising)}); }
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/base/random.hpp"
#include "surd/mpi/communicator.hpp"
#include "surd/sweep/outcome.hpp"
#include "surd/sweep/subject.hpp"

namespace surd::sweep {

/// One point: the values of all axes and parameters. Valid during the call.
class Point {
 public:
  explicit Point(const Definition& definition);

  /// Moves to the point at `position`. O(dimensions).
  void move_to(std::uint64_t position);

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] std::span<const std::uint64_t> coordinates() const noexcept { return coordinates_; }

  /// Value of the axis or parameter `name`. @throws UsageError  listing the names, if there is none such.
  [[nodiscard]] Value value(std::string_view name) const;
  /// @throws UsageError  if it is of another type; f64 takes integers too, i64 takes floats that are
  /// integers.
  [[nodiscard]] double f64(std::string_view name) const;
  [[nodiscard]] std::int64_t i64(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name) const;  ///< Any type, as to_text().

  [[nodiscard]] bool has(std::string_view name) const;
  /// All axes in grid order, then the parameters.
  [[nodiscard]] std::vector<std::pair<std::string, Value>> values() const;
  /// "T=1.55 L=16 seed=3": the axes.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] base::Hash128 identity() const;
  [[nodiscard]] const Definition& definition() const noexcept { return *definition_; }

 private:
  const Definition* definition_;
  PointIdentities identities_;
  std::uint64_t position_ = 0;
  std::vector<std::uint64_t> coordinates_;
};

/// What surd offers a function at work on one point.
class Context {
 public:
  Context(const mpi::Communicator& ranks, const std::atomic<bool>& stop, std::filesystem::path scratch_root);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  /// Starts work on `point`; removes the scratch directory of the one before.
  void begin(const Point& point, std::uint32_t attempt);

  /// Removes the scratch directory of the last point.
  void finish() noexcept;

  /// The random stream of this point: a function of the job's seed and the point's identity alone.
  [[nodiscard]] base::RandomStream random() const;
  /// The ranks working on this point together (one, unless --ranks-per-point).
  [[nodiscard]] const mpi::Communicator& ranks() const noexcept { return ranks_; }
  /// An empty directory for this point on node-local storage; made at the first call, removed after the
  /// point.
  [[nodiscard]] const std::filesystem::path& scratch();
  /// The job must end soon: return (or throw) early. What a function returns after that is stored all the
  /// same, unless it throws Abandoned. Always false where several ranks share the point: they would see it at
  /// different moments.
  [[nodiscard]] bool stop_requested() const noexcept { return stop_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::atomic<bool>& stop_flag() const noexcept { return stop_; }
  /// 1 for the first attempt.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return attempt_; }

 private:
  void clear_scratch() noexcept;

  const mpi::Communicator& ranks_;
  const std::atomic<bool>& stop_;
  std::filesystem::path scratch_root_;
  std::filesystem::path scratch_;
  const Point* point_ = nullptr;
  std::uint32_t attempt_ = 1;
};

/// Thrown by a function (or command) that gave up a point because stop_requested(): nothing is stored, and
/// the point is computed by the next run.
struct Abandoned {};

using Body = std::function<Values(const Point&, Context&)>;

/// A registered function.
struct Function {
  std::string name;
  Body body;
  std::string version;
};

struct FunctionOptions {
  std::string version =
      "1";  ///< Change it when results change: stored points of other versions are not reused.
};

[[nodiscard]] inline Function function(std::string name, Body body, FunctionOptions options = {}) {
  return {std::move(name), std::move(body), std::move(options.version)};
}

/// Evaluates points one at a time: a function, or an external command.
class Evaluator {
 public:
  virtual ~Evaluator() = default;

  /// Rank-local, or collective over context.ranks(). A failing point is an Outcome, not an exception.
  /// @throws Abandoned  if the point was given up to stop in time.
  virtual Outcome evaluate(const Point& point, Context& context) = 0;
  /// All ranks of a point evaluate it together; else its first rank does, and the others lend it their cores.
  [[nodiscard]] virtual bool collective() const noexcept { return true; }
};

/// Calls `body`; an exception becomes Status::failed with its message. `retries` more attempts.
[[nodiscard]] std::unique_ptr<Evaluator> evaluate_function(Body body, std::uint32_t retries = 0);

}  // namespace surd::sweep
