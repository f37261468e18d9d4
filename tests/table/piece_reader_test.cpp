#include "surd/table/detail/piece_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "surd/base/error.hpp"
#include "surd/base/random.hpp"
#include "table_support.hpp"

namespace surd::table::detail {
namespace {

std::string random_bytes(std::size_t size) {
  base::RandomStream random(5, size);
  std::string text(size, '\0');
  for (auto& byte : text) byte = static_cast<char>(random());
  return text;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class PieceReaderTest : public testing::Test {
 protected:
  PieceReader reader(std::uint64_t begin, std::uint64_t end, std::size_t piece_bytes, bool ahead = true) {
    if (!noted_) noted_ = note_versions({file_.path()}, files_).at(0);
    return {*noted_, Compression::none, begin, end, piece_bytes, files_, budget_, ahead ? &io_ : nullptr};
  }

  /// Returns once the reads that were asked for are done.
  void finish_reads() {
    const auto file = files_.open(file_.path());
    std::byte byte{};
    io_.wait(io_.read(*file, 0, std::span(&byte, 1)));
  }

  storage::FileSystem& files_ = storage::local_file_system();
  const std::string content_ = random_bytes(1'000'003);
  test::TempFile file_{"pieces.bin", content_};
  std::optional<InputFile> noted_;
  memory::Budget budget_{8 << 20};
  storage::AsyncIo io_;
};

TEST_F(PieceReaderTest, GivesAllBytesInOrder) {
  for (const bool ahead : {false, true}) {
    for (const std::size_t piece_bytes : {997UL, 4096UL, 500'000UL, 1'000'003UL, 2'000'000UL}) {
      for (const std::uint64_t begin : {0UL, 1UL, 999'000UL}) {
        for (const std::uint64_t end : {begin, begin + 1, std::uint64_t{1'000'003}}) {
          auto pieces = reader(begin, end, piece_bytes, ahead);
          std::string all;
          for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
            const auto left = end - begin - all.size();
            ASSERT_EQ(piece.size(), std::min<std::uint64_t>(piece_bytes, left));
            all += text_of(piece);
          }
          ASSERT_TRUE(all == content_.substr(begin, end - begin)) << begin << " to " << end;
          EXPECT_TRUE(pieces.next().empty());
        }
      }
    }
  }
}

TEST_F(PieceReaderTest, ReadsTheNextPieceWhileOneIsUsed) {
  auto pieces = reader(0, 1'000'003, 300'000);
  const auto first = pieces.next();
  finish_reads();
  file_.write(std::string(content_.size(), 'x'));

  EXPECT_EQ(text_of(first), content_.substr(0, 300'000)) << "it was overwritten";
  EXPECT_EQ(text_of(pieces.next()), content_.substr(300'000, 300'000)) << "it was not read ahead";
}

TEST_F(PieceReaderTest, NamesAFileThatBecameShorter) {
  for (const bool ahead : {false, true}) {
    auto pieces = reader(0, 1'000'003, 300'000, ahead);
    (void)pieces.next();
    if (ahead) finish_reads();
    std::filesystem::resize_file(file_.path(), 650'000);
    (void)pieces.next();
    const auto message = test::message_of<base::IoError>([&] { (void)pieces.next(); });
    EXPECT_THAT(message, testing::HasSubstr(file_.path()));
    EXPECT_THAT(message, testing::HasSubstr("the file ends at byte 650000, but had 1000003"));
    file_.write(content_);
  }
}

TEST_F(PieceReaderTest, MayBeGivenUpWhileItReads) {
  for (int i = 0; i < 20; ++i) {
    auto pieces = reader(0, 1'000'003, 200'000);
    if (i % 2 == 0) (void)pieces.next();
  }
}

}  // namespace
}  // namespace surd::table::detail
