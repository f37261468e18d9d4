#include "surd/external/detail/group_records.hpp"

#include <array>

#include "surd/base/error.hpp"
#include "surd/external/detail/hash_mix.hpp"

namespace surd::external::detail {
namespace {

std::span<const std::byte> text_of(const Values& values, std::size_t row) {
  return GroupRecords::is_null(values, row) ? std::span<const std::byte>{} : values.texts[row];
}

std::byte* put_sized(std::byte* at, std::span<const std::byte> bytes) {
  store(at, static_cast<std::uint32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(at + 4, bytes.data(), bytes.size());
  return at + 4 + bytes.size();
}

}  // namespace

GroupRecords::GroupRecords(const Layout& layout) : layout_(layout) {
  if (GroupPacking::suits(layout)) packing_.emplace(layout);
}

void GroupRecords::begin(const GroupInput& input) {
  base::expect(input.values.size() == layout_.columns.size(), "one column of values per aggregate");
  input_ = &input;
  sources_.clear();
  nulls_ = false;
  for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
    const auto& column = layout_.columns[c];
    const auto& values = input.values[c];
    if (!column.spec.has_input) continue;
    nulls_ = nulls_ || !values.nulls.empty();
    if (column.raw == Column::no_value) continue;
    const auto* const from = values.type == ValueType::float64
                                 ? reinterpret_cast<const std::byte*>(values.numbers.data())
                                 : reinterpret_cast<const std::byte*>(values.integers.data());
    sources_.push_back({from, column.raw});
  }
}

void GroupRecords::write(const std::uint32_t* rows, const std::uint64_t* hashes, std::size_t n,
                         PartitionPages& to) const {
  if (packing_) {
    write_packed(rows, hashes, n, to);
  } else {
    write_wide(rows, hashes, n, to);
  }
}

std::byte* GroupRecords::put_key(std::byte* at, Kind kind, std::uint64_t hash,
                                 std::span<const std::byte> key) const {
  *at++ = static_cast<std::byte>(kind);
  if (layout_.byte_keys) return put_sized(at, key);
  store(at, hash);
  return at + 8;
}

std::size_t GroupRecords::key_room(std::span<const std::byte> key) const {
  return 1 + (layout_.byte_keys ? 4 + key.size() : 8);
}

std::byte* GroupRecords::put_fixed(std::byte* at, std::size_t row) const {
  if (nulls_) {
    std::memset(at, 0, layout_.null_bytes);
    for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
      if (layout_.columns[c].spec.has_input && is_null(input_->values[c], row)) {
        at[c / 8] |= std::byte{1} << (c % 8);
      }
    }
    at += layout_.null_bytes;
  }
  for (const auto& source : sources_) std::memcpy(at + source.to, source.from + 8 * row, 8);
  if (layout_.position != Column::no_value) store(at + layout_.position, input_->first_position + row);
  return at + layout_.raw_bytes;
}

void GroupRecords::write_packed(const std::uint32_t* rows, const std::uint64_t* hashes, std::size_t n,
                                PartitionPages& to) const {
  const auto kind = nulls_ ? Kind::raw_nulls : Kind::raw;
  const auto unpacked = packing_->unpacked_bytes(kind);
  const auto room = packing_->room(kind);
  const auto put_all = [&](const auto& put) {
    for (std::size_t i = 0; i < n; ++i) {
      auto* const at = to.room(hashes[i], room);
      const auto* const end = put(at, rows[i]);
      to.take(hashes[i], static_cast<std::size_t>(end - at), unpacked);
    }
  };
  const auto* const keys = input_->keys.data();
  if (unpacked == 17 && sources_.size() == 1) {  // one number and nothing else: the commonest row
    const auto* const values = sources_[0].from;
    put_all([&](std::byte* at, std::size_t row) {
      return GroupPacking::put_row(at, keys[row], load<std::uint64_t>(values + 8 * row));
    });
  } else {
    std::array<std::byte, GroupPacking::most_bytes> payload;
    put_all([&](std::byte* at, std::size_t row) {
      put_fixed(payload.data(), row);
      return packing_->put(at, kind, keys[row], payload.data());
    });
  }
}

void GroupRecords::write_wide(const std::uint32_t* rows, const std::uint64_t* hashes, std::size_t n,
                              PartitionPages& to) const {
  const auto kind = nulls_ ? Kind::raw_nulls : Kind::raw;
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = rows[i];
    const auto row_key = key(row);
    auto bytes = key_room(row_key) + layout_.raw_bytes + (nulls_ ? layout_.null_bytes : 0);
    for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
      if (layout_.columns[c].text()) bytes += 4 + text_of(input_->values[c], row).size();
    }
    auto* at = to.append(hashes[i], bytes);
    at = put_fixed(put_key(at, kind, hashes[i], row_key), row);
    for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
      if (layout_.columns[c].text()) at = put_sized(at, text_of(input_->values[c], row));
    }
  }
}

void GroupRecords::write_values(std::size_t first, std::size_t n, const std::uint64_t* hashes,
                                PartitionPages& to) const {
  for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
    const auto& values = input_->values[c];
    if (!layout_.columns[c].holistic()) continue;
    const bool text = values.type == ValueType::text;
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = first + i;
      if (is_null(values, row)) continue;
      const auto row_key = key(row);
      const auto value_bytes = text ? 4 + values.texts[row].size() : 8;
      auto* at = to.append(hashes[i], key_room(row_key) + 9 + value_bytes);
      at = put_key(at, Kind::value, hashes[i], row_key);
      *at++ = static_cast<std::byte>(c);
      store(at, input_->first_position + row);
      if (text) {
        put_sized(at + 8, values.texts[row]);
      } else if (values.type == ValueType::float64) {
        store(at + 8, values.numbers[row]);
      } else {
        store(at + 8, values.integers[row]);
      }
    }
  }
}

void GroupRecords::write_state(const GroupCache& cache, std::size_t slot, PartitionPages& to) const {
  if (layout_.state_bytes == 0) return;  // the row that brought the key here was written
  const auto hash = cache.hash(slot);
  if (packing_) {
    auto* const at = to.room(hash, packing_->room(Kind::state));
    const auto* const end = packing_->put(at, Kind::state, unmix(hash), cache.state(slot));
    to.take(hash, static_cast<std::size_t>(end - at), packing_->unpacked_bytes(Kind::state));
    return;
  }
  const auto held = cache.key(slot);
  auto* const at = to.append(hash, key_room(held) + layout_.state_bytes);
  std::memcpy(put_key(at, Kind::state, hash, held), cache.state(slot), layout_.state_bytes);
}

}  // namespace surd::external::detail
