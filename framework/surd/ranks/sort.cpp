#include "surd/ranks/sort.hpp"

#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "surd/base/clock.hpp"
#include "surd/ranks/detail/sort_keys.hpp"
#include "surd/ranks/detail/splitters.hpp"

namespace surd::ranks {
namespace {

/// Unsigned numbers in the order of T, made of its bits and back. Floats: flipped so that they ascend, then
/// turned by the number of NaNs with a sign, which would come first.
template <class T>
struct Order {
  using Key = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr Key sign = Key{1} << (8 * sizeof(Key) - 1);
  static constexpr Key signed_nans = []() -> Key {
    if constexpr (std::is_floating_point_v<T>) return (Key{1} << (std::numeric_limits<T>::digits - 1)) - 1;
    return 0;
  }();

  static Key to_key(Key bits) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      const Key flipped = (bits & sign) != 0 ? ~bits : bits | sign;
      return flipped - signed_nans;
    } else {
      return std::is_signed_v<T> ? bits ^ sign : bits;
    }
  }
  static Key to_bits(Key key) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      const Key flipped = key + signed_nans;
      return (flipped & sign) != 0 ? flipped ^ sign : ~flipped;
    } else {
      return std::is_signed_v<T> ? key ^ sign : key;
    }
  }
};

/// Replaces the bits of each value by map(bits). Bytes are copied, so that no value is read as another type.
template <class T, class Map>
void replace_bits(std::vector<T>& values, Map map) {
  if constexpr (std::is_unsigned_v<T>) return;
  for (auto& value : values) {
    typename Order<T>::Key bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = map(bits);
    std::memcpy(&value, &bits, sizeof bits);
  }
}

/// The values as keys, for the functions of detail/. Nothing in this file reads or writes through the span:
/// here the values stay values, there they are keys, and the compiler sees only one side at a time.
template <class T>
auto keys_of(std::vector<T>& values) {
  using Key = typename Order<T>::Key;
  return std::span<Key>(reinterpret_cast<Key*>(values.data()), values.size());
}

/// Makes `values` of size `n` without keeping or copying what it holds.
template <class T>
void renew(std::vector<T>& values, std::size_t n) {
  if (values.capacity() < n) std::vector<T>().swap(values);
  values.resize(n);
}

}  // namespace

template <class T>
SortSeconds sort(const mpi::Communicator& ranks, std::vector<T>& values, std::uint64_t exchange_bytes) {
  using Key = typename Order<T>::Key;
  SortSeconds seconds;
  double then = base::now_seconds();
  const auto note = [&then](double& into) {
    const double now = base::now_seconds();
    into = now - std::exchange(then, now);
  };
  replace_bits(values, Order<T>::to_key);
  detail::sort_keys<Key>(keys_of(values));
  note(seconds.local);
  if (ranks.size() > 1) {
    ranks.barrier();  // politely: ranks that are ready leave their cores to the others
    then = base::now_seconds();
    const auto cuts = detail::exact_cuts<Key>(ranks, keys_of(values));
    const auto from = detail::announce(ranks, cuts);
    note(seconds.splitting);
    std::vector<T> part(from.back());
    detail::exchange<Key>(ranks, keys_of(values), cuts, keys_of(part), from, exchange_bytes);
    note(seconds.exchange);
    renew(values, part.size());
    if (!detail::merge_keys<Key>(keys_of(part), from, keys_of(values))) values.swap(part);
    if (values.capacity() / 2 > values.size()) values.shrink_to_fit();
    note(seconds.merging);
  }
  replace_bits(values, Order<T>::to_bits);
  return seconds;
}

template SortSeconds sort(const mpi::Communicator&, std::vector<std::uint32_t>&, std::uint64_t);
template SortSeconds sort(const mpi::Communicator&, std::vector<std::uint64_t>&, std::uint64_t);
template SortSeconds sort(const mpi::Communicator&, std::vector<std::int32_t>&, std::uint64_t);
template SortSeconds sort(const mpi::Communicator&, std::vector<std::int64_t>&, std::uint64_t);
template SortSeconds sort(const mpi::Communicator&, std::vector<float>&, std::uint64_t);
template SortSeconds sort(const mpi::Communicator&, std::vector<double>&, std::uint64_t);

}  // namespace surd::ranks
