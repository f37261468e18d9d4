#include "surd/ranks/team.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "surd/mpi/fatal.hpp"
#include "surd/mpi/message.hpp"

namespace surd::ranks {
namespace {

constexpr std::uint64_t no_position = ~std::uint64_t{0};

/// Ordered by weight: the heaviest verdict of the team counts.
enum Verdict : int { verdict_ok = 0, verdict_failed = 1, verdict_abandoned = 2 };

template <class Expired>
void wait_for(MPI_Request& request, const Expired& expired) {
  mpi::Patience patience;
  int done = 0;
  while (true) {
    mpi::check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return;
    expired();
    patience.pause();
  }
}

}  // namespace

Team::Team(const mpi::Session& session, int size) {
  const auto& world = session.world();
  if (size < 1 || size > world.size()) {
    throw base::UsageError(fmt::format("ranks_per_point is {}, but the job has {} ranks; start it with more",
                                       size, world.size()));
  }
  const int teams = world.size() / size;
  const int team = world.rank() / size;
  member_ = team < teams;
  own_ = world.split(member_ ? team : teams);
  const bool leader = member_ && own_.rank() == 0;
  leaders_ = world.split(leader ? 0 : 1);
  if (size > 1) shared_copy_ = own_.duplicate();
  shared_ = size > 1 ? &shared_copy_ : &session.self();
}

void Team::announce(std::optional<std::uint64_t> position) const {
  if (own_.size() == 1) return;
  std::uint64_t message = position.value_or(no_position);
  MPI_Request request = MPI_REQUEST_NULL;
  mpi::check(MPI_Ibcast(&message, 1, MPI_UINT64_T, 0, own_.native(), &request), "MPI_Ibcast");
  wait_for(request, [] {});
}

std::optional<std::uint64_t> Team::await() const {
  std::uint64_t message = no_position;
  MPI_Request request = MPI_REQUEST_NULL;
  mpi::check(MPI_Ibcast(&message, 1, MPI_UINT64_T, 0, own_.native(), &request), "MPI_Ibcast");
  wait_for(request, [] {});
  if (message == no_position) return std::nullopt;
  return message;
}

sweep::Outcome Team::evaluate(sweep::Evaluator& evaluator, const sweep::Point& point, sweep::Context& context,
                              bool& stop) const {
  if (own_.size() == 1) return evaluator.evaluate(point, context);
  sweep::Outcome outcome;
  int mine = verdict_ok;
  try {  // the item boundary: a point given up here is given up by the whole team
    if (evaluator.collective() || own_.rank() == 0) outcome = evaluator.evaluate(point, context);
    if (outcome.status != sweep::Status::ok) mine = verdict_failed;
  } catch (const sweep::Abandoned&) {
    mine = verdict_abandoned;
  }
  const auto start = std::chrono::steady_clock::now();
  // The heaviest verdict, and among equals the lowest rank's.
  const int vote = mine * own_.size() + (own_.size() - 1 - own_.rank());
  const std::array<int, 2> mine_and_stop{vote, stop ? 1 : 0};
  std::array<int, 2> all{};
  MPI_Request request = MPI_REQUEST_NULL;
  mpi::check(MPI_Iallreduce(mine_and_stop.data(), all.data(), 2, MPI_INT, MPI_MAX, own_.native(), &request),
             "MPI_Iallreduce");
  wait_for(request, [&] {
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (mine != verdict_failed || waited.count() < partner_seconds) return;
    mpi::end_job(fmt::format(
        "point {}: this rank failed ({}) and its partners are still inside the function {} s later; "
        "a function run by several ranks must fail on all of them",
        point.name(), mine == verdict_failed ? outcome.message : "stopped early", partner_seconds));
  });
  stop = all[1] != 0;
  const int winner = all[0];
  const int verdict = winner / own_.size();
  const int rank = own_.size() - 1 - winner % own_.size();
  if (verdict == verdict_abandoned) throw sweep::Abandoned{};
  if (verdict == verdict_failed) {
    const auto message = own_.broadcast_text(outcome.message, rank);
    outcome.status = sweep::Status::failed;
    outcome.values.clear();
    outcome.message = fmt::format("rank {} of {}: {}", rank, own_.size(), message);
  }
  return outcome;
}

}  // namespace surd::ranks
