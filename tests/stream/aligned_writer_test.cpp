#include "surd/stream/detail/aligned_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "scratch_test_folder.hpp"
#include "surd/base/random.hpp"

namespace surd::stream::detail {
namespace {

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Two writers, as of two ranks, share the page in which one ends and the other begins.
TEST(AlignedWriter, WritesWhatItIsGivenAndNothingElse) {
  const ScratchTestFolder folder;
  base::RandomStream random(1, 2);
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t begin = random.below(3) * random.below(10'000);
    const auto middle = begin + random.below(2'000'000);
    const auto end = middle + random.below(2'000'000);
    std::string expected(end, '.');
    folder.write("out", expected.substr(0, begin));
    const auto file = storage::local_file_system().open_shared(folder.path() / "out");
    memory::Budget budget(8 << 20);
    storage::AsyncIo io;
    for (const auto& [first, last] : {std::pair(middle, end), std::pair(begin, middle)}) {
      const auto memory = AlignedWriter::memory_of((4 << 10) << random.below(9));
      AlignedWriter writer(budget, memory, io, *file, first);
      EXPECT_EQ(budget.used(), memory);
      while (writer.offset() < last) {
        const auto bytes = std::min<std::uint64_t>(last - writer.offset(), random.below(400'000));
        const std::string block(bytes, static_cast<char>('a' + random.below(26)));
        expected.replace(writer.offset(), bytes, block);
        writer.write(as_bytes(block));
        if (random.below(4) == 0) {
          writer.flush();
          ASSERT_EQ(folder.read("out").substr(first, writer.offset() - first),
                    expected.substr(first, writer.offset() - first));
        }
      }
      writer.flush();
      EXPECT_EQ(writer.offset(), last);
    }
    file->close();
    std::fill(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(begin), '.');
    ASSERT_TRUE(folder.read("out") == expected) << round;
  }
}

/// Notes what is written where, and from where in memory.
class NotingFile : public storage::SharedFile {
 public:
  struct Piece {
    std::uint64_t offset;
    std::uint64_t address;
    std::uint64_t bytes;
    [[nodiscard]] bool is_direct() const { return (offset | address | bytes) % 4096 == 0; }
  };
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    pieces.push_back({offset, std::bit_cast<std::uintptr_t>(bytes.data()), bytes.size()});
  }
  void sync() override {}
  void close() override {}
  std::vector<Piece> pieces;
};

TEST(AlignedWriter, LeavesOnlyTheFirstAndTheLastPageToTheCache) {
  NotingFile file;
  memory::Budget budget(8 << 20);
  storage::AsyncIo io;
  AlignedWriter writer(budget, AlignedWriter::memory_of(256 << 10), io, file, 5000);
  for (int block = 0; block < 100; ++block) writer.write(as_bytes(std::string(9999, 'x')));
  writer.flush();

  ASSERT_GE(file.pieces.size(), 3U);
  EXPECT_EQ(file.pieces.front().offset, 5000U);
  EXPECT_EQ(file.pieces.front().bytes, 8192U - 5000U);
  const std::span inner(file.pieces.begin() + 1, file.pieces.end() - 1);
  EXPECT_TRUE(std::ranges::all_of(inner, &NotingFile::Piece::is_direct));
  EXPECT_LT(std::ranges::count_if(file.pieces, [](const auto& piece) { return !piece.is_direct(); }), 3);
}

}  // namespace
}  // namespace surd::stream::detail
