#include "surd/base/digest.hpp"

#define XXH_STATIC_LINKING_ONLY  // the layout of the state, so that it can be a member
#include <xxhash.h>

namespace surd::base {

struct Digest::State {
  XXH3_state_t hash;
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->hash); }
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::add(std::span<const std::byte> bytes) noexcept {
  XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size());
}

std::uint64_t Digest::value() const noexcept { return XXH3_64bits_digest(&state_->hash); }

}  // namespace surd::base
