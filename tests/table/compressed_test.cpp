#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <functional>

#include "csv_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using testing::HasSubstr;

std::string gzip(std::string text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& text, int level = 3) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), level));
  return packed;
}

std::string table_text() {
  base::RandomStream random(31, 0);
  auto text = hostile_csv(random, 20000, false);
  if (text.back() != '\n') text += '\n';
  return text;
}

Reading read(const TempFile& file, std::uint64_t memory_bytes = 1U << 20) {
  const auto input = table::detail::open_csv(texts_only(file.path(), {"a", "b", "c"}), {file.path()},
                                             storage::local_file_system());
  EXPECT_EQ(input->splits(100).size(), 1U);
  return read_all(*input, 100, memory_bytes);
}

template <class Error>
std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(CompressedCsv, ReadsAsThePlainOne) {
  const auto text = table_text();
  const auto expected = rows_by_oracle(text, 3);
  const auto half = text.size() / 2;
  const auto first = text.substr(0, half);
  const auto second = text.substr(half);
  const std::string skippable("\x50\x2A\x4D\x18\x03\0\0\0abc", 11);
  const std::vector<std::pair<std::string, std::string>> files{
      {"one.csv.gz", gzip(text)},
      {"members.csv.gz", gzip(first) + gzip("") + gzip(second)},
      {"padded.csv.gz", gzip(text) + std::string(512, '\0')},
      {"one.csv.zst", zstd(text)},
      {"frames.csv.zst", skippable + zstd(first) + zstd("") + skippable + zstd(second, 12)},
      {"no_ending.csv", gzip(text)}};
  for (const auto& [name, bytes] : files) {
    const TempFile file(name, bytes);

    EXPECT_EQ(read(file, 4U << 20).rows, expected) << name;
  }
}

TEST(CompressedCsv, CutShortIsAnErrorWithTheOffset) {
  const auto text = table_text();
  for (const bool zip : {true, false}) {
    const auto whole = zip ? gzip(text) : zstd(text);
    for (const auto size : {whole.size() - 1, whole.size() - 9, whole.size() / 2}) {
      const TempFile file(zip ? "cut.csv.gz" : "cut.csv.zst", whole.substr(0, size));
      const auto what = error_of<base::IoError>([&] { (void)read(file, 4U << 20); });

      EXPECT_THAT(what, HasSubstr("cut.csv"));
      EXPECT_THAT(what, HasSubstr("truncated: the file ends at byte " + std::to_string(size))) << size;
    }
  }
}

TEST(CompressedCsv, DamagedIsAnErrorWithTheOffset) {
  const auto text = table_text();
  auto damaged = gzip(text);
  for (std::size_t i = 0; i < 8; ++i) damaged[damaged.size() / 2 + i] ^= 0x55;
  const TempFile file("damaged.csv.gz", damaged);
  const TempFile behind("behind.csv.gz", gzip(text) + "something else");

  EXPECT_THAT(error_of<base::FormatError>([&] { (void)read(file); }),
              HasSubstr("damaged gzip data near byte"));
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)read(behind); }),
              HasSubstr("damaged gzip data near byte"));
}

TEST(CompressedCsv, ThatIsNotCompressedIsAnError) {
  const TempFile file("plain.csv.gz", "a,b,c\n1,2,3\n");
  const TempFile nothing("nothing.csv.zst", "");

  EXPECT_THAT(error_of<base::UsageError>([&] { (void)read(file); }), HasSubstr("not what its name says"));
  EXPECT_THAT(error_of<base::UsageError>([&] { (void)read(nothing); }), HasSubstr("not what its name says"));
}

TEST(CompressedCsv, WithAWindowBeyondTheBudgetSaysWhatItNeeds) {
  std::string text = "a,b,c\n";
  while (text.size() < 10U << 20) text += "some,words,repeated\n";
  const TempFile file("window.csv.zst", zstd(text, 19));
  const auto input = table::detail::open_csv(texts_only(file.path(), {"a", "b", "c"}), {file.path()},
                                             storage::local_file_system());
  const auto read_with = [&](std::uint64_t bytes) {
    memory::Budget budget(bytes);
    table::Batch batch;
    const auto reader = input->read(input->splits(1).at(0), {true, true, true}, budget, 1U << 20);
    return reader->next(batch);
  };

  EXPECT_GT(input->beside_bytes({true}), 8U << 20);
  EXPECT_LT(input->beside_bytes({true}), 9U << 20);
  EXPECT_THAT(error_of<base::UsageError>([&] { (void)read_with(4U << 20); }),
              HasSubstr("the window of 8.00 MiB"));
  EXPECT_TRUE(read_with(12U << 20));
}

}  // namespace
}  // namespace surd::test
