// Files written and read in pieces, some of them past the page cache.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::test {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t size = 4 << 20;
constexpr std::array<std::size_t, 6> lengths{512 << 10, 1 << 20, 5, page - 5, (256 << 10) + 77, page - 77};

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using Pages = std::unique_ptr<std::byte, Free>;
Pages pages() { return Pages(static_cast<std::byte*>(std::aligned_alloc(page, size))); }

/// As scratch, and on a file system that may have no direct transfers.
TEST(Pieces, HoldTheSameBytesWhereverTheyBegin) {
  const auto sent = pages();
  const auto got = pages();
  base::RandomStream random(5, 5);
  std::generate_n(sent.get(), size, [&] { return static_cast<std::byte>(random()); });
  for (const char* directory : {"/tmp", "/dev/shm"}) {
    if (!std::filesystem::is_directory(directory)) continue;
    const auto [writer, reader] = storage::local_file_system().create_scratch(directory);
    std::size_t written = 0;
    for (std::size_t i = 0; written < size; ++i) {
      const auto bytes = std::min(lengths[i % lengths.size()], size - written);
      writer->append({sent.get() + written, bytes});
      written += bytes;
      ASSERT_EQ(reader->size(), written) << directory;
    }
    for (const std::size_t begin : {std::size_t{0}, page, 3 * page, std::size_t{1}, page + 512}) {
      std::fill_n(got.get(), size, std::byte{0});
      const auto read = reader->read_at(begin, {got.get(), size});
      ASSERT_EQ(read, size - begin) << directory;
      EXPECT_TRUE(std::equal(sent.get() + begin, sent.get() + size, got.get())) << directory << begin;
    }
  }
}

/// Of whole pages, which pass the page cache by together, and of any sizes; more than the kernel takes at
/// once.
TEST(Pieces, AreAppendedTogether) {
  const auto sent = pages();
  base::RandomStream random(5, 6);
  std::generate_n(sent.get(), size, [&] { return static_cast<std::byte>(random()); });
  for (const char* directory : {"/tmp", "/dev/shm"}) {
    if (!std::filesystem::is_directory(directory)) continue;
    for (const bool whole_pages : {true, false}) {
      const auto [writer, reader] = storage::local_file_system().create_scratch(directory);
      std::vector<std::byte> expected;
      for (const std::size_t count : {3U, 1U, 0U, 40U, 900U}) {
        std::vector<std::span<const std::byte>> pieces;
        for (std::size_t i = 0; i < count; ++i) {
          const auto begin = random.below(size / page - 40) * page + (whole_pages ? 0 : random.below(page));
          const auto bytes = whole_pages ? (1 + random.below(30)) * page : random.below(3000);
          pieces.emplace_back(sent.get() + begin, bytes);
          expected.insert(expected.end(), pieces.back().begin(), pieces.back().end());
        }
        writer->append_all(pieces);
        if (!whole_pages) continue;
        // As the last piece of a file may end.
        const std::array last{std::span<const std::byte>(sent.get(), 50 * page),
                              std::span<const std::byte>(sent.get() + page, page + 7)};
        writer->append_all(last);
        for (const auto piece : last) expected.insert(expected.end(), piece.begin(), piece.end());
        const auto to_page = page - expected.size() % page;
        writer->append({sent.get(), to_page});
        expected.insert(expected.end(), sent.get(), sent.get() + to_page);
      }
      std::vector<std::byte> got(expected.size() + 1);
      ASSERT_EQ(reader->read_at(0, got), expected.size()) << directory;
      got.pop_back();
      EXPECT_TRUE(got == expected) << directory << whole_pages;
    }
  }
}

}  // namespace
}  // namespace surd::test
