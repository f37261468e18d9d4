#include "surd/stream/detail/unit_output.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace surd::stream::detail {

using base::ByteReader;
using base::ByteWriter;

namespace {

/// u32 partitions, u32 offset of each from the end of the offsets (and of the end), the partitions.
void put_partitions(ByteWriter& into, const std::vector<external::PartitionExtents>& partitions) {
  ByteWriter bytes;
  into.put(static_cast<std::uint32_t>(partitions.size()));
  for (const auto& partition : partitions) {
    into.put(static_cast<std::uint32_t>(bytes.size()));
    if (partition.records > 0) external::put_partition(bytes, partition);
  }
  into.put(static_cast<std::uint32_t>(bytes.size()));
  into.put_all(bytes.bytes());
}

UnitOutput get_members(ByteReader& reader) {
  UnitOutput output;
  output.rows = reader.get_varint();
  output.bad_rows = reader.get_varint();
  output.quarantine = external::get_partition(reader);
  output.piece = external::get_partition(reader);
  for (auto left = reader.get_varint(); left > 0; --left) output.runs.push_back(external::get_run(reader));
  return output;
}

/// One partition of an artifact; nullopt if its unit left nothing there.
std::optional<external::PartitionExtents> get_partition(const Artifact& artifact, std::size_t partition) {
  ByteReader reader(std::as_bytes(std::span(artifact.content)));
  static_cast<void>(get_members(reader));
  const auto partitions = reader.get<std::uint32_t>();
  if (partitions == 0) return std::nullopt;
  if (partition >= partitions) throw base::FormatError("an artifact has too few partitions");
  static_cast<void>(reader.take(partition * sizeof(std::uint32_t)));
  const auto begin = reader.get<std::uint32_t>();
  const auto end = reader.get<std::uint32_t>();
  if (begin == end) return std::nullopt;
  static_cast<void>(reader.take((partitions - 1 - partition) * sizeof(std::uint32_t) + begin));
  return external::get_partition(reader);
}

}  // namespace

std::string encode(const UnitOutput& output) {
  ByteWriter writer;
  writer.put_varint(output.rows);
  writer.put_varint(output.bad_rows);
  external::put_partition(writer, output.quarantine);
  external::put_partition(writer, output.piece);
  writer.put_varint(output.runs.size());
  for (const auto& run : output.runs) external::put_run(writer, run);
  put_partitions(writer, output.partitions);
  const auto bytes = writer.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

UnitOutput decode(const std::string& content) {
  ByteReader reader(std::as_bytes(std::span(content)));
  return get_members(reader);
}

std::vector<UnitOutput> decode(std::span<const Artifact> artifacts) {
  std::vector<UnitOutput> outputs;
  outputs.reserve(artifacts.size());
  for (const auto& artifact : artifacts) outputs.push_back(decode(artifact.content));
  return outputs;
}

PartitionTable::PartitionTable(std::span<const Artifact> artifacts, std::uint32_t partitions)
    : artifacts_(artifacts), bytes_(partitions) {
  for (std::size_t p = 0; p < bytes_.size(); ++p) {
    for (const auto& artifact : artifacts_) {
      const auto part = get_partition(artifact, p);
      if (!part) continue;
      bytes_[p] += part->unpacked_bytes;
      records_ += part->records;
    }
  }
}

std::vector<external::PartitionExtents> PartitionTable::parts(std::size_t partition) const {
  std::vector<external::PartitionExtents> parts;
  for (const auto& artifact : artifacts_) {
    if (auto part = get_partition(artifact, partition)) parts.push_back(std::move(*part));
  }
  return parts;
}

std::uint64_t PartitionTable::bytes() const noexcept {
  return std::accumulate(bytes_.begin(), bytes_.end(), std::uint64_t{0});
}

std::uint64_t OpenFiles::index(std::uint64_t number) {
  const auto found = std::find(numbers_.begin(), numbers_.end(), number);
  const auto at = static_cast<std::uint64_t>(found - numbers_.begin());
  if (found == numbers_.end()) {
    files_.push_back(&store_.open(number));
    numbers_.push_back(number);
  }
  return at;
}

}  // namespace surd::stream::detail
