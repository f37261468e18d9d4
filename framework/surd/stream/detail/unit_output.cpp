#include "surd/stream/detail/unit_output.hpp"

#include <algorithm>

namespace surd::stream::detail {

using base::ByteReader;
using base::ByteWriter;

std::string encode(const UnitOutput& output) {
  ByteWriter writer;
  writer.put_varint(output.rows);
  writer.put_varint(output.bad_rows);
  external::put_partition(writer, output.quarantine);
  external::put_partition(writer, output.piece);
  writer.put_varint(output.runs.size());
  for (const auto& run : output.runs) external::put_run(writer, run);
  writer.put_varint(output.partitions.size());
  for (const auto& partition : output.partitions) external::put_partition(writer, partition);
  const auto bytes = writer.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

UnitOutput decode(const std::string& content) {
  ByteReader reader(std::as_bytes(std::span(content)));
  UnitOutput output;
  output.rows = reader.get_varint();
  output.bad_rows = reader.get_varint();
  output.quarantine = external::get_partition(reader);
  output.piece = external::get_partition(reader);
  for (auto left = reader.get_varint(); left > 0; --left) output.runs.push_back(external::get_run(reader));
  for (auto left = reader.get_varint(); left > 0; --left) {
    output.partitions.push_back(external::get_partition(reader));
  }
  return output;
}

std::vector<UnitOutput> decode(const std::vector<Artifact>& artifacts) {
  std::vector<UnitOutput> outputs;
  outputs.reserve(artifacts.size());
  for (const auto& artifact : artifacts) outputs.push_back(decode(artifact.content));
  return outputs;
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
