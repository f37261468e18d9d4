// The ranks that work on one point together.
//
// The first rank of a team (its leader) asks the scheduler for work and tells the others which point is next;
// all evaluate it; then they agree on what came out. A team of one costs nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "surd/mpi/session.hpp"
#include "surd/sweep/function.hpp"

namespace surd::ranks {

class Team {
 public:
  /// Collective over the session's world: cuts it into teams of `size` consecutive ranks. Ranks that are left
  /// over belong to no team and get no work.
  /// @throws UsageError  if there are fewer ranks than `size`.
  Team(const mpi::Session& session, int size);

  [[nodiscard]] bool leads() const noexcept { return member_ && own_.rank() == 0; }
  [[nodiscard]] bool idle() const noexcept { return !member_; }
  /// The ranks of a point, for the user's function.
  [[nodiscard]] const mpi::Communicator& ranks() const noexcept { return *shared_; }
  /// All leaders, rank 0 of the world first; only on leaders.
  [[nodiscard]] const mpi::Communicator& leaders() const noexcept { return leaders_; }

  /// Leader: the point all are to evaluate next; nullopt: no more.
  void announce(std::optional<std::uint64_t> position) const;
  /// Others: what the leader announced. Waits politely.
  [[nodiscard]] std::optional<std::uint64_t> await() const;

  /// Evaluates on all ranks of the team and agrees: ok if all are ok, else the first failure. If this rank
  /// failed and its partners are still inside after `partner_seconds`, they may wait for it in a collective
  /// for ever: the job ends.
  /// `stop`: this rank was asked to stop; afterwards, any rank of the team was. An evaluator that is not
  /// collective runs on the leader alone.
  /// @throws Abandoned  on all ranks if one gave the point up.
  sweep::Outcome evaluate(sweep::Evaluator& evaluator, const sweep::Point& point, sweep::Context& context,
                          bool& stop) const;

  static constexpr double partner_seconds = 30;

 private:
  bool member_ = false;
  const mpi::Communicator* shared_;
  mpi::Communicator shared_copy_;  ///< What the user's function may use as it likes.
  mpi::Communicator own_;          ///< Ours.
  mpi::Communicator leaders_;
};

}  // namespace surd::ranks
