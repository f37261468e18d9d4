#include "surd/external/run.hpp"

#include <algorithm>

namespace surd::external {

std::uint64_t longest_of(const std::vector<Run>& runs) noexcept {
  std::uint64_t longest = 0;
  for (const auto& run : runs) longest = std::max(longest, run.longest_bytes);
  return longest;
}

RunRange whole(const Run& run) noexcept { return {run, 0, 0, run.records, run.bytes}; }

void put_run(base::ByteWriter& into, const Run& run) {
  into.put_varint(run.file);
  into.put_varint(run.offset);
  into.put_varint(run.bytes);
  into.put_varint(run.records);
  into.put_varint(run.index_offset);
  into.put_varint(run.index_bytes);
  into.put(run.checksum);
  into.put_varint(run.longest_bytes);
}

Run get_run(base::ByteReader& from) {
  Run run;
  run.file = from.get_varint();
  run.offset = from.get_varint();
  run.bytes = from.get_varint();
  run.records = from.get_varint();
  run.index_offset = from.get_varint();
  run.index_bytes = from.get_varint();
  run.checksum = from.get<std::uint64_t>();
  run.longest_bytes = from.get_varint();
  return run;
}

}  // namespace surd::external
