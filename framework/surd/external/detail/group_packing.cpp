#include "surd/external/detail/group_packing.hpp"

#include <algorithm>
#include <cstring>

#include "surd/base/error.hpp"

namespace surd::external::detail {

GroupPacking::GroupPacking(const Layout& layout) noexcept
    : forms_{Form{0, layout.raw_bytes / 8}, Form{layout.null_bytes, layout.raw_bytes / 8},
             Form{0, layout.state_bytes / 8}} {
  for (const auto kind : {Kind::raw, Kind::raw_nulls, Kind::state}) {
    longest_ = std::max(longest_, unpacked_bytes(kind));
  }
}

bool GroupPacking::suits(const Layout& layout) noexcept {
  const auto longest = 9 + std::max(layout.null_bytes + layout.raw_bytes, layout.state_bytes);
  return !layout.byte_keys && !layout.texts && !layout.holistic && longest <= most_bytes;
}

std::byte* GroupPacking::put(std::byte* at, Kind kind, std::uint64_t key,
                             const std::byte* payload) const noexcept {
  const auto& form = form_of(kind);
  auto* const sizes = at + 1;
  std::memset(sizes, 0, form.words / 2);
  auto* to = sizes + form.words / 2;
  std::memcpy(to, payload, form.lead);
  payload += form.lead;
  to += form.lead;
  const auto key_bytes = put_word(to, key);
  to += key_bytes;
  auto first = static_cast<unsigned>(kind) | (key_bytes - 1) << 2;
  for (std::size_t i = 0; i < form.words; ++i) {
    const auto bytes = put_word(to, load<std::uint64_t>(payload + 8 * i));
    to += bytes;
    if (i == 0) {
      first |= (bytes - 1) << 5;
    } else {
      sizes[(i - 1) / 2] |= static_cast<std::byte>((bytes - 1) << (i % 2 == 1 ? 0 : 4));
    }
  }
  *at = static_cast<std::byte>(first);
  return to;
}

void GroupPacking::unpack(const std::byte*& at, const std::byte* end, std::byte*& into,
                          const std::byte* into_end, bool rows_apart) const noexcept {
  while (at < end && static_cast<std::size_t>(into_end - into) >= longest_) {
    const auto kind = static_cast<Kind>(*at & std::byte{3});
    if (kind == Kind::value) {  // never packed
      at = end + 1;
    } else if (kind == Kind::raw && rows_of_one()) {
      if (rows_apart) return;
      PackedRows run(at, end);
      std::uint64_t hash = 0;
      std::uint64_t value = 0;
      while (into_end - into >= 17 && run.next(hash, value)) {
        *into = static_cast<std::byte>(Kind::raw);
        store(into + 1, hash);
        store(into + 9, value);
        into += 17;
      }
      at = run.at();
    } else {
      at = unpack_one(at, into);
      into += unpacked_bytes(kind);
    }
  }
}

const std::byte* GroupPacking::unpack_one(const std::byte* at, std::byte* into) const noexcept {
  const auto first = std::to_integer<unsigned>(*at);
  const auto kind = static_cast<Kind>(first & 3);
  const auto& form = form_of(kind);
  const auto* const sizes = at + 1;
  const auto* from = sizes + form.words / 2;
  *into = static_cast<std::byte>(kind);
  auto* to = into + 9;
  std::memcpy(to, from, form.lead);
  from += form.lead;
  to += form.lead;
  const auto key_bytes = (first >> 2 & 7) + 1;
  store(into + 1, mix(get_word(from, key_bytes)));
  from += key_bytes;
  for (std::size_t i = 0; i < form.words; ++i) {
    const auto pair =
        i == 0 ? first >> 5 : std::to_integer<unsigned>(sizes[(i - 1) / 2]) >> (i % 2 == 1 ? 0 : 4);
    const auto bytes = (pair & 7) + 1;
    store(to + 8 * i, get_word(from, bytes));
    from += bytes;
  }
  return from;
}

std::span<const std::byte> GroupUnpacker::next(bool rows_apart) {
  if (at_ == end_) {
    const auto piece = from_.next();
    at_ = piece.data();
    end_ = at_ + piece.size();
  }
  auto* into = buffer_.data();
  const auto* at = at_;
  packing_.unpack(at, end_, into, buffer_.data() + buffer_.size(), rows_apart);
  move_to(at);
  return {buffer_.data(), into};
}

void GroupUnpacker::move_to(const std::byte* at) {
  if (at > end_) throw base::FormatError("a partition ends inside of a record");
  at_ = at;
}

}  // namespace surd::external::detail
