// Sorts a file with stxxl::sorter (Debian: libstxxl-dev): stxxl_sort IN OUT MEBIBYTES RECORD_BYTES, where
// records are u64 numbers (8) or have a key of 10 bytes (100). Built by data.py.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include <stxxl/sorter>

struct NumberLess {
  bool operator()(std::uint64_t a, std::uint64_t b) const { return a < b; }
  std::uint64_t min_value() const { return 0; }
  std::uint64_t max_value() const { return std::numeric_limits<std::uint64_t>::max(); }
};

struct Record {
  unsigned char bytes[100];
};

struct RecordLess {
  bool operator()(const Record& a, const Record& b) const { return std::memcmp(a.bytes, b.bytes, 10) < 0; }
  Record min_value() const { return Record{}; }
  Record max_value() const {
    Record record;
    std::memset(record.bytes, 0xFF, sizeof record.bytes);
    return record;
  }
};

template <class T, class Less>
int sort_file(const char* in, const char* out, std::size_t memory_bytes) {
  stxxl::sorter<T, Less, 256 * 1024> sorter(Less(), memory_bytes);
  std::vector<T> block(4096);
  std::FILE* from = std::fopen(in, "rb");
  std::FILE* to = std::fopen(out, "wb");
  if (from == nullptr || to == nullptr) return 1;
  while (const std::size_t n = std::fread(block.data(), sizeof(T), block.size(), from)) {
    for (std::size_t i = 0; i < n; ++i) sorter.push(block[i]);
  }
  sorter.sort();
  std::size_t filled = 0;
  for (; !sorter.empty(); ++sorter) {
    block[filled++] = *sorter;
    if (filled == block.size()) {
      if (std::fwrite(block.data(), sizeof(T), filled, to) != filled) return 1;
      filled = 0;
    }
  }
  if (std::fwrite(block.data(), sizeof(T), filled, to) != filled) return 1;
  return std::fclose(to) == 0 && std::fclose(from) == 0 ? 0 : 1;
}

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  const auto memory_bytes = std::strtoull(argv[3], nullptr, 10) << 20;
  return std::atoi(argv[4]) == 8 ? sort_file<std::uint64_t, NumberLess>(argv[1], argv[2], memory_bytes)
                                 : sort_file<Record, RecordLess>(argv[1], argv[2], memory_bytes);
}
