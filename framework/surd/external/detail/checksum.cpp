#include "surd/external/detail/checksum.hpp"

#include <array>
#include <numeric>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "surd/external/detail/checksum.cpp"  // compiled once per instruction set
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace surd::external::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// XXH3's way with inputs of 4 to 8 bytes, without a seed.
template <class V>
V Hash(V word) {
  const hn::DFromV<V> d;
  const auto factor = hn::Set(d, 0x9FB21C651E98DF25);
  auto h = hn::Xor(hn::RotateRight<32>(word), hn::Set(d, 0xC73AB174C5ECD5A2));
  h = hn::Xor(h, hn::Xor(hn::RotateRight<64 - 49>(h), hn::RotateRight<64 - 24>(h)));
  h = hn::Mul(h, factor);
  h = hn::Xor(h, hn::Add(hn::ShiftRight<35>(h), hn::Set(d, 8)));
  h = hn::Mul(h, factor);
  return hn::Xor(h, hn::ShiftRight<28>(h));
}

template <class D>
std::uint64_t SumOf(D d, const std::uint64_t*& at, std::size_t& words) {
  auto sum = hn::Zero(d);
  for (; words >= hn::Lanes(d); words -= hn::Lanes(d)) {
    sum = hn::Add(sum, Hash(hn::LoadU(d, at)));
    at += hn::Lanes(d);
  }
  // Not SumOfLanes: GCC 12 adds signed lanes there, which overflow.
  HWY_ALIGN std::array<std::uint64_t, hn::MaxLanes(D())> lanes;
  hn::Store(sum, d, lanes.data());
  return std::accumulate(lanes.begin(), lanes.begin() + hn::Lanes(d), std::uint64_t{0});
}

std::uint64_t SumOfHashes(const std::byte* bytes, std::size_t words) {
  const auto* at = reinterpret_cast<const std::uint64_t*>(bytes);  // read by loads that need no alignment
  const auto most = SumOf(hn::ScalableTag<std::uint64_t>(), at, words);
  return most + SumOf(hn::CappedTag<std::uint64_t, 1>(), at, words);
}

}  // namespace surd::external::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace surd::external::detail {

HWY_EXPORT(SumOfHashes);

std::uint64_t sum_of_hashes(std::span<const std::byte> words) noexcept {
  return HWY_DYNAMIC_DISPATCH(SumOfHashes)(words.data(), words.size() / sizeof(std::uint64_t));
}

}  // namespace surd::external::detail
#endif
