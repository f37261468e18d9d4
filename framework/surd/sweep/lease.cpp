#include "surd/sweep/lease.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/sweep/detail/lease_file.hpp"
#include "surd/sweep/translation.hpp"

namespace surd::sweep {

using namespace detail;
namespace {

constexpr std::string_view extension = ".lease";

/// Claims on other grids are translated point by point; what is beyond this many is ignored.
constexpr std::uint64_t translation_limit = std::uint64_t{1} << 22;

/// A lease that has not moved for so many timeouts, and so many seconds, is removed.
constexpr double forgotten_timeouts = 10;
constexpr double forgotten_seconds = 600;

/// File systems show other machines' files some seconds late, and clocks differ.
constexpr double glance_seconds = 30;

/// How long to wait for another job that claims at the same time to make up its mind.
constexpr double settle_seconds = 1;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The positions of a lease's claim in the grid of `mine`.
PointSet translate_claim(const LeaseFile& lease, const Definition& mine, const std::string& my_text) {
  PointSet claim;
  const auto theirs = lease.definition == my_text ? mine : Definition::parse(lease.definition);
  Translation translate(theirs, mine);
  if (translate.kinship() != Kinship::same || translate.disjoint()) return claim;
  auto left = translation_limit;
  for (const auto& run : lease.claim) {
    const auto size = theirs.grid.size();
    if (run.first >= size || run.count > size - run.first) continue;
    if (translate.identical()) {
      claim.add(run);
      continue;
    }
    for (auto p = run.first; p < run.end() && left > 0; ++p, --left) {
      if (const auto at = translate(p)) claim.add(*at);
    }
  }
  return claim;
}

}  // namespace

struct Leases::State {
  /// Another job's lease.
  struct Neighbour {
    std::string text;
    LeaseFile lease;
    PointSet claim;    ///< In our grid.
    double moved = 0;  ///< When its text changed last, on our clock.
    bool living = true;
  };

  void look();
  void look_at(const std::string& name);
  void read(const std::string& text, Neighbour& neighbour) const;
  void judge(const std::string& name, Neighbour& neighbour);
  [[nodiscard]] PointSet claimed() const;
  [[nodiscard]] bool written_lately(const std::string& name) const;
  [[nodiscard]] bool give_way(PointSet& claim) const;
  void settle(PointSet& claim);
  void publish(const PointSet& claim, bool settled);
  void publish();
  void create(const storage::Path& path);

  storage::FileSystem* files;
  storage::Path directory;
  const Definition* definition;
  double timeout;
  Clock clock;
  LeaseFile own;
  bool held = false;
  double published = 0;
  std::map<std::string, Neighbour> neighbours;
};

void Leases::State::look() {
  auto names = files->list(directory);
  std::erase_if(names, [&](const std::string& name) {
    return !name.ends_with(extension) || name == own.run + std::string(extension);
  });
  std::erase_if(neighbours, [&](const auto& n) { return !std::ranges::binary_search(names, n.first); });
  for (const auto& name : names) look_at(name);
}

/// A lease that cannot be read, or makes no sense, is none.
void Leases::State::look_at(const std::string& name) {
  try {
    const auto text = storage::read_file(*files, directory / name);
    const auto [known, fresh] = neighbours.try_emplace(name);
    if (fresh || known->second.text != text) read(text, known->second);
    judge(name, known->second);
  } catch (const base::IoError&) {
    neighbours.erase(name);
  }
}

void Leases::State::read(const std::string& text, Neighbour& neighbour) const {
  neighbour.text = text;
  neighbour.moved = clock();
  auto lease = LeaseFile::parse(text).value_or(LeaseFile{});
  const bool same_claim =
      lease.claim == neighbour.lease.claim && lease.definition == neighbour.lease.definition;
  neighbour.lease = std::move(lease);
  if (same_claim) return;
  try {
    neighbour.claim = translate_claim(neighbour.lease, *definition, own.definition);
  } catch (const base::FormatError&) {
    neighbour.claim = {};
  }
}

void Leases::State::judge(const std::string& name, Neighbour& neighbour) {
  const bool dead = known_dead(neighbour.lease.process, own.process);
  const auto still = clock() - neighbour.moved;
  neighbour.living = !dead && !neighbour.lease.run.empty() && still <= timeout;
  if (dead || still > std::max(forgotten_timeouts * timeout, forgotten_seconds)) {
    files->remove(directory / name);
    files->remove(directory / (name + ".part"));
  }
}

PointSet Leases::State::claimed() const {
  PointSet all;
  for (const auto& [name, neighbour] : neighbours) {
    if (neighbour.living) all |= neighbour.claim;
  }
  return all;
}

bool Leases::State::written_lately(const std::string& name) const {
  const auto version = files->file_version(directory / name);
  if (!version) return false;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto written = std::chrono::nanoseconds(version->modified_nanoseconds);
  return now - written <= std::chrono::duration<double>(std::max(glance_seconds, timeout));
}

/// Leaves to others what is theirs. True if all is decided: no other is still to give way to us.
bool Leases::State::give_way(PointSet& claim) const {
  bool decided = true;
  for (const auto& [name, neighbour] : neighbours) {
    if (!neighbour.living) continue;
    auto both = neighbour.claim;
    both &= claim;
    if (both.empty()) continue;
    if (neighbour.lease.settled || neighbour.lease.run < own.run) {
      claim -= both;
    } else {
      decided = false;
    }
  }
  return decided;
}

/// Each publishes before it looks, so of two that claim at once one sees the other. The earlier name must
/// wait until the later one has given way or settled: it may have looked before we published.
void Leases::State::settle(PointSet& claim) {
  const auto give_up = steady_seconds() + std::min(settle_seconds, timeout / 4);
  auto pause = std::chrono::milliseconds(1);
  while (true) {
    look();
    if (give_way(claim) || steady_seconds() > give_up) return;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(50));
  }
}

void Leases::State::publish(const PointSet& claim, bool settled) {
  own.claim = enclosing_runs(claim);
  own.settled = settled;
  publish();
}

void Leases::State::publish() {
  const auto path = directory / (own.run + std::string(extension));
  if (!held) create(path);
  held = true;
  ++own.beat;
  storage::write_atomically(*files, path, own.text(), false);
  published = clock();
}

void Leases::State::create(const storage::Path& path) {
  files->make_directories(directory);
  if (auto file = files->create_new(path)) {
    file->close();
    return;
  }
  const auto other = LeaseFile::parse(storage::read_file(*files, path));
  if (!other || other->process == own.process || known_dead(other->process, own.process)) return;
  throw base::UsageError(fmt::format("{} is held by process {} on {}: two jobs have one name", path.native(),
                                     other->process.pid, other->process.host));
}

Leases::Leases(storage::FileSystem& files, storage::Path directory, const Definition& definition,
               std::string run, double timeout_seconds, Clock clock)
    : state_(std::make_unique<State>()) {
  state_->files = &files;
  state_->directory = std::move(directory);
  state_->definition = &definition;
  state_->timeout = timeout_seconds;
  state_->clock = clock ? std::move(clock) : steady_seconds;
  state_->own.run = std::move(run);
  state_->own.process = this_process();
  state_->own.definition = definition.text();
}
Leases::Leases(Leases&&) noexcept = default;
Leases& Leases::operator=(Leases&&) noexcept = default;
Leases::~Leases() = default;

PointSet Leases::claim(const PointSet& wanted) {
  auto& state = *state_;
  state.look();
  auto claim = wanted;
  claim -= state.claimed();
  state.publish(claim, false);
  state.settle(claim);
  state.publish(claim, true);
  return claim;
}

PointSet Leases::others() {
  state_->look();
  return state_->claimed();
}

std::size_t Leases::neighbours() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(state_->neighbours, [](const auto& n) { return n.second.living; }));
}

std::size_t Leases::neighbours_at_a_glance() {
  auto& state = *state_;
  state.look();
  return static_cast<std::size_t>(std::ranges::count_if(state.neighbours, [&](const auto& named) {
    const auto& [name, neighbour] = named;
    const bool here = neighbour.lease.process.host == state.own.process.host;
    return neighbour.living && (here || state.written_lately(name));
  }));
}

void Leases::beat() {
  auto& state = *state_;
  if (!state.held || state.clock() - state.published < state.timeout / 4) return;
  state.publish();
  state.look();
}

void Leases::release() {
  auto& state = *state_;
  if (!state.held) return;
  state.files->remove(state.directory / (state.own.run + std::string(extension)));
  state.held = false;
}

}  // namespace surd::sweep
