// The two-dimensional Ising model on an L x L torus, simulated by Wolff's cluster algorithm.
//
// E = -J sum s_i s_j over the 2 L^2 bonds of each spin with its right and its lower neighbour (on a 2 x 2
// torus each pair of neighbours has two bonds); temperatures in units of J / k. One step grows a cluster of
// equal spins from a random one, taking each bond with probability 1 - exp(-2/T), and flips it (Wolff,
// "Collective Monte Carlo updating for spin systems", Phys. Rev. Lett. 62, 361, 1989,
// doi:10.1103/PhysRevLett.62.361): no critical slowing down to speak of. A sweep is a fixed number of
// clusters, about L^2 flipped spins, settled during the warm-up; to stop a sweep when enough spins have
// flipped would favour states that follow large clusters.
//
// The results depend on the parameters and the random stream alone. Rank-local.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "surd/base/random.hpp"

namespace ising {

struct Parameters {
  double temperature = 1;    ///< In units of J / k; above 0.
  std::int64_t length = 16;  ///< Spins along each side, 2 to 4096.
  std::int64_t sweeps = 1000;
  std::int64_t warmup = 100;  ///< Sweeps before the first measurement; at least 1.
};

/// Averages over the sweeps of one simulation, per spin.
struct Observables {
  double energy = 0;          ///< <E> / N, in units of J: -2 to 2.
  double magnetisation = 0;   ///< <|M|> / N
  double specific_heat = 0;   ///< (<E^2> - <E>^2) / (N T^2), in units of k.
  double susceptibility = 0;  ///< (<M^2> - <|M|>^2) / (N T), in units of 1 / J.
  double binder = 0;          ///< 1 - <M^4> / (3 <M^2>^2): 2/3 in order, 0 in disorder.
  std::uint64_t flips = 0;    ///< Spins flipped, warm-up included.
};

/// The spins, all up at first.
class Lattice {
 public:
  explicit Lattice(std::int64_t length);

  /// Flips one cluster and returns its size. A bond joins if 32 random bits are below `threshold`.
  std::int64_t flip_cluster(surd::base::RandomStream& random, std::uint64_t threshold);

  [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(spins_.size()); }
  [[nodiscard]] std::int64_t energy() const noexcept;  ///< In units of J. O(size).
  [[nodiscard]] std::int64_t magnetisation() const noexcept { return magnetisation_; }

 private:
  std::int64_t length_;
  std::int64_t magnetisation_;
  std::vector<std::int8_t> spins_;         ///< Row-major, +1 or -1.
  std::vector<std::uint32_t> neighbours_;  ///< Four per spin.
  std::vector<std::uint32_t> stack_;       ///< As large as the largest possible cluster.
};

/// Runs warm-up and sweeps; nullopt if `stop`, asked between sweeps, said so. No allocation after the start.
/// @throws surd::base::UsageError  naming the parameter that is out of range.
[[nodiscard]] std::optional<Observables> simulate(const Parameters& parameters,
                                                  surd::base::RandomStream random,
                                                  const std::function<bool()>& stop);

/// Onsager's energy per spin of the infinite lattice, in units of J (Phys. Rev. 65, 117, 1944,
/// doi:10.1103/PhysRev.65.117).
[[nodiscard]] double onsager_energy(double temperature);

}  // namespace ising
