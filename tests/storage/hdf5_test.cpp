#include "surd/storage/hdf5.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace surd::storage {
namespace {

using Shape = std::vector<std::uint64_t>;

/// A directory of its own for each test.
class Hdf5 : public testing::Test {
 protected:
  Hdf5() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 (std::string("surd-hdf5-") + test->name() + "-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
  }
  ~Hdf5() override { std::filesystem::remove_all(directory_); }

  Path directory_;
};

std::vector<double> numbers(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.5);
  return values;
}

std::string content(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

TEST_F(Hdf5, ReadsBackWhatWasWrittenInPiecesOfAnySizeForEveryShapeAndFilter) {
  std::mt19937 random(7);
  for (const auto& shape :
       {Shape{}, Shape{1}, Shape{100}, Shape{7, 5, 3}, Shape{3, 1, 70000}, Shape{50, 40, 30, 2}}) {
    for (const auto filter : {H5Filter::none, H5Filter::deflate, H5Filter::zstd}) {
      const auto values = numbers(product(shape));
      const auto path = directory_ / "x.h5";
      auto file = H5File::create(path);
      auto data = file.create_dataset("v", {H5Kind::f64}, shape, filter);
      for (std::size_t first = 0; first < values.size();) {
        const auto count = std::min<std::size_t>(values.size() - first, 1 + random() % 5000);
        data.write(first, std::as_bytes(std::span(values).subspan(first, count)));
        first += count;
      }
      file.close();

      const auto again = H5File::open(path);
      std::vector<double> read(values.size());
      again.dataset("v").read(0, std::as_writable_bytes(std::span(read)));

      ASSERT_EQ(read, values) << testing::PrintToString(shape);
      ASSERT_EQ(again.dataset("v").shape(), shape);
    }
  }
}

TEST_F(Hdf5, ReadsAnyStretchOfTheRowMajorSequence) {
  const Shape shape{4, 3, 5};
  const auto values = numbers(60);
  auto file = H5File::create(directory_ / "x.h5");
  auto data = file.create_dataset("v", {H5Kind::f64}, shape);
  data.write(0, std::as_bytes(std::span(values)));
  for (std::size_t first = 0; first < 60; ++first) {
    for (std::size_t count = 1; first + count <= 60; ++count) {
      std::vector<double> read(count);
      data.read(first, std::as_writable_bytes(std::span(read)));
      ASSERT_TRUE(std::equal(read.begin(), read.end(), values.begin() + static_cast<std::ptrdiff_t>(first)));
    }
  }
}

TEST_F(Hdf5, KeepsTextsOfFixedLength) {
  const std::string texts("ab\0\xC3\xA9\0xyz", 9);
  auto file = H5File::create(directory_ / "x.h5");
  file.create_dataset("t", {H5Kind::text, 3}, {3}).write(0, std::as_bytes(std::span(texts)));
  file.close();

  const auto again = H5File::open(directory_ / "x.h5");
  std::string read(9, '?');
  again.dataset("t").read(0, std::as_writable_bytes(std::span(read)));

  EXPECT_EQ(read, texts);
  EXPECT_EQ(again.dataset("t").type().text_bytes, 3U);
}

void write_something(const Path& path) {
  auto file = H5File::create(path);
  file.set_attribute("job", std::string(100000, 'j'));
  file.set_attribute("empty", "");
  for (int i = 0; i < 12; ++i) file.set_attribute("a" + std::to_string(i), static_cast<double>(i));
  auto scale = file.create_dataset("T", {H5Kind::i64}, {300});
  const std::vector<std::int64_t> values(300, 4);
  scale.write(0, std::as_bytes(std::span(values)));
  scale.make_scale();
  auto bare = file.create_bare_scale("e_dim0", 50);
  for (const auto* name : {"e", "f"}) {
    auto data = file.create_dataset(name, {H5Kind::f64}, {300, 50}, H5Filter::deflate);
    data.write(0, std::as_bytes(std::span<const double>(numbers(15000))));
    data.attach_scale(0, scale);
    data.attach_scale(1, bare);
    data.set_attribute("units", "K");
    data.set_attribute("flag_values", std::vector<std::int8_t>{0, 1});
  }
  file.close();
}

TEST_F(Hdf5, WritesTheSameBytesForTheSameCallsWhateverMemoryHeldBefore) {
  write_something(directory_ / "a.h5");
  std::vector<std::string> dirt;
  for (std::size_t size = 8; size < 200000; size *= 2) dirt.emplace_back(size, '\xA5');
  dirt.clear();

  write_something(directory_ / "b.h5");

  EXPECT_EQ(content(directory_ / "a.h5"), content(directory_ / "b.h5"));
}

TEST_F(Hdf5, DescribesWhatAFileHolds) {
  write_something(directory_ / "a.h5");

  const auto said = describe_hdf5(directory_ / "a.h5");

  EXPECT_EQ(said["attributes"]["a3"], 3.0);
  EXPECT_EQ(said["attributes"]["empty"], "");
  EXPECT_EQ(said["attributes"]["job"].get<std::string>().size(), 100000U);
  EXPECT_TRUE(said["damage"].empty());
  ASSERT_EQ(said["datasets"].size(), 4U);
  const auto& data = said["datasets"][1];
  EXPECT_EQ(data["name"], "e");
  EXPECT_EQ(data["type"], "f64");
  EXPECT_EQ(data["shape"].dump(), "[300,50]");
  EXPECT_EQ(data["dimensions"].dump(), R"(["T","e_dim0"])");
  EXPECT_EQ(data["filters"].dump(), R"(["shuffle","deflate"])");
  EXPECT_EQ(data["attributes"]["flag_values"].dump(), "[0,1]");
}

TEST_F(Hdf5, NamesTheDatasetWhoseChunkIsDamaged) {
  for (const auto filter : {H5Filter::deflate, H5Filter::zstd}) {
    const auto path = directory_ / "a.h5";
    auto file = H5File::create(path);
    file.create_dataset("v", {H5Kind::f64}, {40000}, filter)
        .write(0, std::as_bytes(std::span<const double>(numbers(40000))));
    file.close();
    std::fstream raw(path, std::ios::binary | std::ios::in | std::ios::out);
    raw.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    raw.write("damage", 6);
    raw.close();

    const auto said = describe_hdf5(path);

    ASSERT_EQ(said["damage"].size(), 1U) << said.dump(1);
    EXPECT_EQ(said["damage"][0]["dataset"], "v");
  }
}

TEST_F(Hdf5, RefusesFilesThatAreMissingCutOrNotHdf5) {
  write_something(directory_ / "a.h5");
  std::filesystem::resize_file(directory_ / "a.h5", 5000);
  std::ofstream(directory_ / "b.h5") << "no HDF5";

  EXPECT_THROW((void)H5File::open(directory_ / "none.h5"), base::IoError);
  EXPECT_THROW((void)describe_hdf5(directory_ / "a.h5"), base::FormatError);
  EXPECT_THROW((void)describe_hdf5(directory_ / "b.h5"), base::FormatError);
  EXPECT_THROW((void)H5File::create(directory_ / "no" / "c.h5"), base::IoError);
}

TEST_F(Hdf5, SaysThatTheDiskIsFullAndCanStartAgain) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{100000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto path = directory_ / "a.h5";
  const auto fill = [&] {
    auto file = H5File::create(path);
    file.create_dataset("v", {H5Kind::f64}, {40000})
        .write(0, std::as_bytes(std::span<const double>(numbers(40000))));
    file.close();
  };

  std::string message;
  try {
    fill();
  } catch (const base::IoError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  fill();

  EXPECT_THAT(message, testing::HasSubstr("a.h5"));
  EXPECT_THAT(message, testing::HasSubstr("File too large"));
  EXPECT_TRUE(describe_hdf5(path)["damage"].empty());
}

TEST(ChunksOfHdf5, AreConsecutiveInRowMajorOrderAndAboutTheSameSize) {
  EXPECT_EQ(chunk_shape({10'000'000}, 8), Shape{16367});
  EXPECT_EQ(chunk_shape({41, 3, 16}, 8), (Shape{41, 3, 16}));
  EXPECT_EQ(chunk_shape({1000, 100, 100}, 8), (Shape{1, 100, 100}));
  EXPECT_EQ(chunk_shape({1000, 30000}, 8), (Shape{1, 15000}));
  EXPECT_EQ(chunk_shape({5, 2}, 1 << 20), (Shape{1, 1}));
}

}  // namespace
}  // namespace surd::storage
