// Inputs and the slow, obvious sort that everything is compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "surd/base/random.hpp"
#include "surd/external/sort.hpp"
#include "surd/memory/budget.hpp"

namespace sort_test {

using Bytes = std::vector<std::byte>;

/// A directory that goes with the test.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Appends a record of variable size.
void put_record(Bytes& into, std::string_view key, std::string_view rest);

/// All records, stably sorted by std::stable_sort.
[[nodiscard]] Bytes expected(const surd::external::RecordFormat& format, const Bytes& records);
[[nodiscard]] Bytes collect(surd::external::RecordStream& stream);

struct Sorted {
  Bytes records;
  std::uint64_t runs = 0;
};
/// By Sorter, pushed in pieces of uneven size.
[[nodiscard]] Sorted sort(const surd::external::RecordFormat& format, const Bytes& records,
                          std::uint64_t memory_bytes);

/// Runs in a scratch file, made from consecutive parts of the input.
class Runs {
 public:
  Runs(surd::external::RecordFormat format, const std::vector<Bytes>& parts);
  /// As many as the memory makes of the records.
  Runs(surd::external::RecordFormat format, const Bytes& records, std::uint64_t memory_bytes,
       surd::storage::FileSystem& disk);
  Scratch scratch;
  surd::external::RecordFormat format;
  surd::memory::Budget budget{256 << 20};
  surd::storage::AsyncIo io;
  surd::external::SpillFile spill;
  std::vector<surd::external::Run> runs;
  surd::external::RunFiles files;
};

/// Keys with a name: uniform, zipf, equal, two, sorted, reverse, noisy, organ_pipe, extremes, gauss,
/// staggered.
[[nodiscard]] std::vector<std::string> distributions();
[[nodiscard]] std::uint64_t draw(const std::string& distribution, std::uint64_t i, std::uint64_t n,
                                 surd::base::RandomStream& random);
[[nodiscard]] std::vector<std::uint64_t> keys(const std::string& distribution, std::uint64_t n);

template <class T>
[[nodiscard]] Bytes bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

}  // namespace sort_test
