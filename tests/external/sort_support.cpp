#include "sort_support.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "surd/storage/file_system.hpp"

namespace sort_test {

using surd::external::RecordFormat;

Scratch::Scratch() {
  auto name = (std::filesystem::temp_directory_path() / "surd-sort-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw surd::base::IoError("mkdtemp failed for " + name, errno);
  path_ = name;
}
Scratch::~Scratch() { std::filesystem::remove_all(path_); }

void put_record(Bytes& into, std::string_view key, std::string_view rest) {
  const auto key_size = static_cast<std::uint32_t>(key.size());
  const auto rest_size = static_cast<std::uint32_t>(rest.size());
  const auto append = [&](const void* from, std::size_t size) {
    const auto* const bytes = static_cast<const std::byte*>(from);
    into.insert(into.end(), bytes, bytes + size);
  };
  append(&key_size, sizeof key_size);
  append(&rest_size, sizeof rest_size);
  append(key.data(), key.size());
  append(rest.data(), rest.size());
}

Bytes expected(const RecordFormat& format, const Bytes& records) {
  std::vector<const std::byte*> order;
  for (std::size_t at = 0; at < records.size();) {
    order.push_back(records.data() + at);
    at += surd::external::record_size(format, order.back());
  }
  std::stable_sort(order.begin(), order.end(), [&](const std::byte* a, const std::byte* b) {
    return surd::external::compare(format, a, b) < 0;
  });
  Bytes sorted;
  sorted.reserve(records.size());
  for (const auto* record : order) {
    sorted.insert(sorted.end(), record, record + surd::external::record_size(format, record));
  }
  return sorted;
}

Bytes collect(surd::external::RecordStream& stream) {
  Bytes all;
  for (auto block = stream.next(); !block.empty(); block = stream.next()) {
    all.insert(all.end(), block.begin(), block.end());
  }
  return all;
}

Sorted sort(const RecordFormat& format, const Bytes& records, std::uint64_t memory_bytes) {
  const Scratch scratch;
  surd::memory::Budget budget(memory_bytes);
  surd::external::Sorter sorter(format, budget, memory_bytes, surd::storage::local_file_system(),
                                scratch.path());
  std::size_t piece = 1;
  for (std::size_t at = 0; at < records.size(); piece = piece * 7 % 1000 + 1) {
    auto end = at;
    for (std::size_t i = 0; i < piece && end < records.size(); ++i) {
      end += surd::external::record_size(format, records.data() + end);
    }
    sorter.push(std::span(records).subspan(at, end - at));
    at = end;
  }
  Sorted sorted;
  sorted.runs = sorter.runs();
  const auto stream = std::move(sorter).merge();
  sorted.records = collect(*stream);
  return sorted;
}

Runs::Runs(RecordFormat wanted, const std::vector<Bytes>& parts)
    : format(std::move(wanted)),
      spill(surd::external::SpillFile::scratch(surd::storage::local_file_system(), scratch.path())) {
  for (const auto& part : parts) {
    surd::external::RunBuilder builder(format, budget, 64 << 20, spill, 0, io);
    builder.push(part);
    const auto made = builder.finish();
    if (made.empty()) runs.emplace_back();
    runs.insert(runs.end(), made.begin(), made.end());
  }
  if (spill.bytes() == 0) (void)spill.append_now(io, std::as_bytes(std::span("-", 1)));
  spill.flush(io);
  files = {&spill.reader()};
}

Runs::Runs(RecordFormat wanted, const Bytes& records, std::uint64_t memory_bytes,
           surd::storage::FileSystem& disk)
    : format(std::move(wanted)), spill(surd::external::SpillFile::scratch(disk, scratch.path())) {
  surd::external::RunBuilder builder(format, budget, memory_bytes, spill, 0, io);
  builder.push(records);
  runs = builder.finish();
  spill.flush(io);
  files = {&spill.reader()};
}

std::vector<std::string> distributions() {
  return {"uniform", "gauss", "zipf",      "equal",      "two",      "sorted",
          "reverse", "noisy", "staggered", "organ_pipe", "extremes", "duplicates"};
}

std::uint64_t draw(const std::string& distribution, std::uint64_t i, std::uint64_t n,
                   surd::base::RandomStream& random) {
  if (distribution == "uniform") return random();
  if (distribution == "gauss") return static_cast<std::uint64_t>((random.normal() + 100) * 1e12);
  if (distribution == "zipf") return static_cast<std::uint64_t>(std::pow(1e6, random.uniform()));
  if (distribution == "equal") return 42;
  if (distribution == "two") return random.below(2) == 0 ? 0 : ~std::uint64_t{0};
  if (distribution == "sorted") return i;
  if (distribution == "reverse") return n - i;
  if (distribution == "noisy") return random.below(100) == 0 ? random.below(n) : i;
  if (distribution == "staggered") return (i * 17 % 64) * n + i / 64;
  if (distribution == "organ_pipe") return std::min(i, n - i);
  if (distribution == "extremes") return random.below(3) == 0 ? 0 : ~std::uint64_t{0} - random.below(2);
  return i % 1000 * (i % 7);  // duplicates
}

std::vector<std::uint64_t> keys(const std::string& distribution, std::uint64_t n) {
  surd::base::RandomStream random(7, n);
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(draw(distribution, i, n, random));
  return all;
}

}  // namespace sort_test
