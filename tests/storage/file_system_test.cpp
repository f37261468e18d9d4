#include "surd/storage/file_system.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using storage::Path;
using testing::ElementsAre;

class LocalFiles : public testing::Test {
 protected:
  LocalFiles()
      : directory_(std::filesystem::temp_directory_path() / ("surd_files_" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(directory_);
  }
  ~LocalFiles() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] Path at(const std::string& name) const { return directory_ / name; }
  void write(const std::string& name, const std::string& text) {
    const auto file = files_.create(at(name));
    file->append(as_bytes(text));
    file->close();
  }

  storage::FileSystem& files_ = storage::local_file_system();

 private:
  Path directory_;
};

/// The IoError that `call` throws; fails the test if it throws none.
base::IoError error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::IoError& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return {"none", 0};
}

TEST_F(LocalFiles, GiveBackWhatWasAppended) {
  const auto file = files_.create(at("x"));
  file->append(as_bytes("one "));
  file->append({});
  file->append(as_bytes("two"));
  file->sync();
  file->close();
  file->close();

  EXPECT_EQ(storage::read_file(files_, at("x")), "one two");
  EXPECT_EQ(files_.file_size(at("x")), 7U);
}

TEST_F(LocalFiles, ReadAtAnyOffsetAndShortAtTheEndOnly) {
  write("x", "0123456789");
  const auto file = files_.open(at("x"));
  std::string text(4, '.');
  const auto into = std::as_writable_bytes(std::span(text));

  EXPECT_EQ(file->read_at(3, into), 4U);
  EXPECT_EQ(text, "3456");
  EXPECT_EQ(file->read_at(8, into), 2U);
  EXPECT_EQ(file->read_at(10, into), 0U);
  EXPECT_EQ(file->read_at(1000, into), 0U);
  EXPECT_EQ(file->size(), 10U);
}

TEST_F(LocalFiles, AreCreatedOnceOnlyByCreateNew) {
  EXPECT_NE(files_.create_new(at("x")), nullptr);
  EXPECT_EQ(files_.create_new(at("x")), nullptr);
  write("x", "text");
  files_.create(at("x"));
  EXPECT_EQ(files_.file_size(at("x")), 0U);
}

TEST_F(LocalFiles, AreListedSortedAndMayBeMissing) {
  for (const char* const name : {"b", "a", "c"}) write(name, "");
  files_.make_directories(at("d/e/f"));

  EXPECT_THAT(files_.list(at("")), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(files_.list(at("d")), ElementsAre("e"));
  EXPECT_TRUE(files_.list(at("nowhere")).empty());
  EXPECT_EQ(files_.file_size(at("nowhere/x")), std::nullopt);
  EXPECT_EQ(files_.file_size(at("a/x")), std::nullopt);
  EXPECT_EQ(files_.file_size(at("d")), std::nullopt);
}

TEST_F(LocalFiles, AreRenamedAndRemoved) {
  write("x", "new");
  write("y", "old");
  files_.rename(at("x"), at("y"));

  EXPECT_EQ(storage::read_file(files_, at("y")), "new");
  EXPECT_EQ(files_.file_size(at("x")), std::nullopt);
  files_.remove(at("y"));
  files_.remove(at("y"));
  EXPECT_TRUE(files_.list(at("")).empty());
}

TEST_F(LocalFiles, GetASecondName) {
  write("x", "text");

  EXPECT_TRUE(files_.link(at("x"), at("y")));
  EXPECT_EQ(error_of([&] { files_.link(at("x"), at("y")); }).code(), EEXIST);
  files_.remove(at("x"));
  EXPECT_EQ(storage::read_file(files_, at("y")), "text");
}

TEST_F(LocalFiles, MakeDirectoriesThatMayExist) {
  files_.make_directories(at("a/b/c/"));
  files_.make_directories(at("a/b"));
  files_.make_directories("");
  files_.sync_directory(at("a"));
  write("f", "");

  EXPECT_TRUE(std::filesystem::is_directory(at("a/b/c")));
  EXPECT_EQ(error_of([&] { files_.make_directories(at("f/g")); }).code(), ENOTDIR);
}

TEST_F(LocalFiles, NameFileCallAndCauseInErrors) {
  const auto path = at("nowhere/x").string();

  EXPECT_EQ(error_of([&] { files_.open(path); }).what(), "open " + path + ": No such file or directory");
  EXPECT_EQ(error_of([&] { files_.create(path); }).code(), ENOENT);
  EXPECT_EQ(error_of([&] { files_.create_new(path); }).code(), ENOENT);
  EXPECT_EQ(error_of([&] { files_.rename(path, at("y")); }).what(),
            "rename " + path + ": No such file or directory (to " + at("y").string() + ")");
  EXPECT_EQ(error_of([&] { files_.sync_directory(path); }).code(), ENOENT);
  EXPECT_EQ(error_of([&] { (void)files_.list("/proc/self/status"); }).code(), ENOTDIR);
  EXPECT_EQ(error_of([&] {
              files_.open(at(""))->read_at(0, std::as_writable_bytes(std::span(std::string("x").data(), 1)));
            }).code(),
            EISDIR);
}

TEST_F(LocalFiles, SayHowMuchFittedOnAFullDisk) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 24;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto file = files_.create(at("x"));

  const auto error = error_of([&] { file->append(as_bytes(std::string(64, 'x'))); });
  ::setrlimit(RLIMIT_FSIZE, &before);

  EXPECT_EQ(error.what(), "write " + at("x").string() + ": File too large (24 of 64 bytes)");
  EXPECT_EQ(error.code(), EFBIG);
}

TEST_F(LocalFiles, ReportAFullDevice) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const auto file = files_.create("/dev/full");

  EXPECT_EQ(error_of([&] { file->append(as_bytes(std::string(64, 'x'))); }).what(),
            std::string("write /dev/full: No space left on device (0 of 64 bytes)"));
}

TEST_F(LocalFiles, SurviveSignalsAndShortWritesOfAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: write() is interrupted
  struct sigaction before {};
  ::sigaction(SIGALRM, &action, &before);
  const auto sent = payload(1 << 20, false);
  const auto reader = ::fork();
  if (reader == 0) {
    ::close(ends[1]);
    std::string got(sent.size(), '\0');
    std::size_t size = 0;
    while (size < got.size()) {
      const auto n = ::read(ends[0], got.data() + size, std::min<std::size_t>(got.size() - size, 30'000));
      if (n <= 0) break;
      size += static_cast<std::size_t>(n);
      ::usleep(2000);
    }
    ::_exit(got == sent ? 0 : 1);
  }
  ::close(ends[0]);
  const itimerval often{{0, 700}, {0, 700}};
  ::setitimer(ITIMER_REAL, &often, nullptr);

  files_.create("/proc/self/fd/" + std::to_string(ends[1]))->append(as_bytes(sent));
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  ::close(ends[1]);
  int status = 0;
  ::waitpid(reader, &status, 0);

  EXPECT_EQ(status, 0);
}

TEST_F(LocalFiles, AreFilledBySeveralWritersAtOffsets) {
  write("x", "..........");
  const auto one = files_.open_shared(at("x"));
  const auto two = files_.open_shared(at("x"));
  two->write_at(8, as_bytes("two"));
  one->write_at(1, as_bytes("one"));
  one->sync();
  one->close();
  two->close();
  files_.open_shared(at("new"))->write_at(2, as_bytes("z"));

  EXPECT_EQ(storage::read_file(files_, at("x")), ".one....two");
  EXPECT_EQ(storage::read_file(files_, at("new")), std::string("\0\0z", 3));
  EXPECT_EQ(error_of([&] { (void)files_.open_shared(at("nowhere/x")); }).code(), ENOENT);
}

TEST_F(LocalFiles, WithoutANameAreReadByTheirWriterOnly) {
  const auto [writer, reader] = files_.create_scratch(at(""));
  writer->append(as_bytes("one "));
  writer->append(as_bytes("two"));
  writer->sync();
  std::string text(7, '\0');

  EXPECT_EQ(reader->read_at(0, std::as_writable_bytes(std::span(text))), 7U);
  EXPECT_EQ(text, "one two");
  EXPECT_EQ(reader->size(), 7U);
  EXPECT_TRUE(files_.list(at("")).empty());
  EXPECT_EQ(error_of([&] { (void)files_.create_scratch(at("nowhere")); }).code(), ENOENT);
}

TEST_F(LocalFiles, HoldTheSameBytesWhenStreamed) {
  constexpr std::size_t block = 3 << 20;
  const auto sent = payload(9 * block, false);
  const auto file = files_.create(at("x"), storage::Access::streaming);
  for (std::size_t i = 0; i < sent.size(); i += block) file->append(as_bytes(sent.substr(i, block)));
  file->sync();
  file->close();
  for (const std::size_t size : {std::size_t{10'007}, std::size_t{1'000'003}}) {
    const auto reader =
        files_.open(at("x"), size > 20'000 ? storage::Access::pieces : storage::Access::streaming);
    std::string got(sent.size(), '\0');
    for (std::size_t i = 0; i < got.size(); i += size) {
      const auto into = std::as_writable_bytes(std::span(got)).subspan(i);
      reader->read_at(i, into.first(std::min(size, into.size())));
    }
    EXPECT_TRUE(got == sent) << size;
  }
}

TEST_F(LocalFiles, HaveAVersionThatChangesWithThem) {
  write("x", "one");
  const auto first = files_.file_version(at("x"));
  ::usleep(20'000);  // file systems tell time in ticks of up to 10 ms
  write("x", "two");
  const auto second = files_.file_version(at("x"));

  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->bytes, 3U);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(second, files_.file_version(at("x")));
  EXPECT_EQ(files_.file_version(at("nowhere")), std::nullopt);
  EXPECT_GT(files_.free_bytes(at("")), 0U);
  EXPECT_EQ(error_of([&] { (void)files_.free_bytes(at("nowhere")); }).code(), ENOENT);
}

TEST_F(LocalFiles, AreReplacedAtomically) {
  storage::write_atomically(files_, at("x"), "one");
  storage::write_atomically(files_, at("x"), "two", false);

  EXPECT_EQ(storage::read_file(files_, at("x")), "two");
  EXPECT_THAT(files_.list(at("")), ElementsAre("x"));
}

TEST_F(LocalFiles, AreNotReadBeyondALimit) {
  write("x", "0123456789");

  EXPECT_EQ(storage::read_file(files_, at("x"), 10), "0123456789");
  EXPECT_EQ(error_of([&] { (void)storage::read_file(files_, at("x"), 9); }).what(),
            "read " + at("x").string() + ": File too large (10 bytes, at most 9 expected)");
}

}  // namespace
}  // namespace surd::test
