// Makes the first record of a segment one of a later format version, checksums and all:  make_newer SEGMENT
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>

#include "surd/base/hash.hpp"
#include "surd/storage/log.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  std::fstream file(argv[1], std::ios::in | std::ios::out | std::ios::binary);
  std::array<char, surd::storage::log_header_bytes> header{};
  file.read(header.data(), header.size());
  constexpr std::size_t version_at = 4;
  constexpr std::size_t checksum_at = 24;
  header[version_at] = 99;
  const std::uint64_t checksum = surd::base::hash64(std::as_bytes(std::span(header).first(checksum_at)));
  std::memcpy(header.data() + checksum_at, &checksum, sizeof checksum);
  file.seekp(0);
  file.write(header.data(), header.size());
  return file ? 0 : 1;
}
