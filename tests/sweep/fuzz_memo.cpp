// libFuzzer target: the input is a list of records (kind, length, payload) that get right checksums, or, if
// it begins with a zero byte, the bytes of a segment as they are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sweep/memo_attack.hpp"

namespace {

using surd::base::ByteReader;

std::vector<std::pair<std::uint8_t, std::string>> cut(ByteReader reader) {
  // The sample's definition and schemas come first, so that blocks are reached quickly.
  auto records = surd::test::sample_records();
  std::erase_if(records, [](const auto& record) { return record.first == 4; });
  while (reader.remaining() >= 3) {
    const auto kind = reader.get<std::uint8_t>();
    const auto size = std::min<std::size_t>(reader.get<std::uint16_t>(), reader.remaining());
    const auto payload = reader.take(size);
    records.emplace_back(kind, std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (size > 0 && data[0] == 0) {
    surd::test::RecordingFileSystem disk;
    disk.make_directories("memo");
    disk.create("memo/a-0.log")->append(bytes.subspan(1));
    surd::test::read_in_every_way(disk);
  } else {
    surd::test::read_in_every_way(surd::test::forge(cut(ByteReader(bytes))));
  }
  return 0;
}
