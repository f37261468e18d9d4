// Checkpoints for a user's own loop: killed at any moment, it resumes at the last one.
//
//   State state;                                           // anything Boost.Serialization can save
//   for (auto step : surd::batch::checkpointed(state, total, {.directory = "run1"})) {
//     advance(state, step);                                // steps 0 .. total - 1
//   }
//
// The state is saved after every sqrt(total) steps or `seconds`, whichever comes first, so that at most that
// much work is done twice and saving costs at most sqrt(total) times. A checkpoint is written beside the last
// one and renamed, so that there is always a whole one; the newest `keep` stay. A damaged checkpoint (its
// checksum tells) is passed over for the one before. After SIGTERM, SIGINT or SIGUSR1 the state is saved and
// the loop ends early: see interrupted().
//
// Rank-local: with several ranks give each its own directory, and let them save at the same steps (seconds =
// 0).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>

namespace surd::batch {

struct CheckpointOptions {
  std::filesystem::path directory = ".surd/checkpoints";
  std::string name = "state";
  std::uint64_t every = 0;  ///< Steps between checkpoints; 0: sqrt(total), rounded up.
  double seconds = 60;      ///< At most this long between checkpoints; 0: steps alone decide.
  std::size_t keep = 2;     ///< Newest checkpoints that stay; at least 1.
};

/// The loop behind checkpointed(): when to save, and where the files are. Bytes come and go through
/// functions.
class CheckpointLoop {
 public:
  /// Restores the newest whole checkpoint through `load`.
  /// @throws IoError  if the directory cannot be used; UsageError  if the checkpoint is of another total.
  CheckpointLoop(CheckpointOptions options, std::uint64_t total, std::function<std::string()> save,
                 const std::function<void(const std::string&)>& load);
  CheckpointLoop(CheckpointLoop&&) noexcept;
  ~CheckpointLoop();

  /// The step to do next.
  [[nodiscard]] std::uint64_t step() const noexcept;
  /// Counts the current step as done, saves if it is time.
  void advance();
  /// All steps are done, or a signal asked to stop (the state is saved then).
  [[nodiscard]] bool over() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A signal ended a checkpointed loop early: leave with ExitStatus::interrupted.
[[nodiscard]] bool interrupted() noexcept;

/// Range over the steps that are still to do.
class CheckpointedSteps {
 public:
  class Iterator {
   public:
    explicit Iterator(CheckpointLoop* loop) : loop_(loop) {}
    std::uint64_t operator*() const { return loop_->step(); }
    Iterator& operator++() {
      loop_->advance();
      return *this;
    }
    bool operator!=(std::default_sentinel_t) const { return !loop_->over(); }

   private:
    CheckpointLoop* loop_;
  };

  explicit CheckpointedSteps(CheckpointLoop loop) : loop_(std::move(loop)) {}
  [[nodiscard]] Iterator begin() { return Iterator(&loop_); }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  CheckpointLoop loop_;
};

/// Steps 0 .. total - 1 less those that a checkpoint says are done; `state` is restored from it. `state` must
/// outlive the loop.
template <class State>
[[nodiscard]] CheckpointedSteps checkpointed(State& state, std::uint64_t total,
                                             CheckpointOptions options = {}) {
  return CheckpointedSteps(CheckpointLoop(
      std::move(options), total,
      [&state] {
        std::ostringstream stream;
        {
          boost::archive::binary_oarchive archive(stream, boost::archive::no_header);
          archive << state;
        }
        return std::move(stream).str();
      },
      [&state](const std::string& bytes) {
        std::istringstream stream(bytes);
        boost::archive::binary_iarchive archive(stream, boost::archive::no_header);
        archive >> state;
      }));
}

}  // namespace surd::batch
