// Each test runs in a child that reads SURD_FAULT anew, and looks at what the child left on the disk.
#include "surd/storage/faults.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "log_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

namespace fs = std::filesystem;

/// Where the tests of this process work. The child that a death statement starts inherits it.
fs::path shared_directory() {
  if (::getenv("SURD_FAULT_TEST") == nullptr)
    ::setenv("SURD_FAULT_TEST", std::to_string(::getpid()).c_str(), 1);
  return fs::temp_directory_path() / (std::string("surd_faults_") + ::getenv("SURD_FAULT_TEST"));
}

/// The child executes this test's body again up to the death statement: nothing before that uses a
/// FileSystem.
class Faults : public testing::Test {
 protected:
  Faults() : directory_(shared_directory()) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    fs::remove_all(directory_);
    fs::create_directory(directory_);
  }
  ~Faults() override { fs::remove_all(directory_); }

  [[nodiscard]] fs::path at(const char* name) const { return directory_ / name; }
  [[nodiscard]] std::uintmax_t size(const char* name) const {
    return fs::exists(at(name)) ? fs::file_size(at(name)) : ~std::uintmax_t{0};
  }

  /// Three creations of ten bytes: operations 1 to 6 are create, write, create, write, create, write.
  void write_three(const char* fault) const {
    ::setenv("SURD_FAULT", fault, 1);
    for (const char* const name : {"a.log", "b.log", "c.log"}) {
      const auto file = storage::local_file_system().create(at(name));
      file->append(as_bytes("0123456789"));
    }
    std::_Exit(0);
  }

  /// The code of the error that ends write_three(), or 0.
  void write_three_catching(const char* fault) const {
    try {
      write_three(fault);
    } catch (const base::IoError& error) {
      std::_Exit(error.code());
    } catch (const base::UsageError&) {
      std::_Exit(200);
    }
  }

 private:
  fs::path directory_;
};

constexpr std::uintmax_t absent = ~std::uintmax_t{0};

TEST_F(Faults, KillBeforeAnOperation) {
  EXPECT_EXIT(write_three("kill@4"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(size("a.log"), 10U);
  EXPECT_EQ(size("b.log"), 0U);
  EXPECT_EQ(size("c.log"), absent);
}

TEST_F(Faults, KillAfterAnOperation) {
  EXPECT_EXIT(write_three("after@4"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(size("b.log"), 10U);
  EXPECT_EQ(size("c.log"), absent);
}

TEST_F(Faults, TearAWrite) {
  EXPECT_EXIT(write_three("torn@4"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(size("b.log"), 5U);
  EXPECT_EQ(size("c.log"), absent);
}

TEST_F(Faults, CountOnlyMatchingPaths) {
  EXPECT_EXIT(write_three("kill@2:c.l"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(size("b.log"), 10U);
  EXPECT_EQ(size("c.log"), 0U);
}

TEST_F(Faults, FillTheDisk) {
  EXPECT_EXIT(write_three_catching("enospc@4"), testing::ExitedWithCode(ENOSPC), "");
  EXPECT_EQ(size("a.log"), 10U);
  EXPECT_EQ(size("b.log"), 0U);
}

TEST_F(Faults, BreakTheDisk) {
  EXPECT_EXIT(write_three_catching("eio@1:b.log"), testing::ExitedWithCode(EIO), "");
  EXPECT_EQ(size("b.log"), absent);
}

TEST_F(Faults, AreForOneRankOnly) {
  ::setenv("OMPI_COMM_WORLD_RANK", "2", 1);
  EXPECT_EXIT(write_three("kill@4#2"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(write_three("kill@4:log#1"), testing::ExitedWithCode(0), "");
  ::unsetenv("OMPI_COMM_WORLD_RANK");
}

TEST_F(Faults, AreOffWithoutTheVariable) {
  EXPECT_EXIT(write_three(""), testing::ExitedWithCode(0), "");
  EXPECT_EQ(size("c.log"), 10U);
}

TEST_F(Faults, RefuseOtherForms) {
  for (const char* const fault :
       {"kill", "kill@", "kill@0", "kill@x", "maim@1", "kill@-1", "kill@1#x", "@1"}) {
    EXPECT_EXIT(write_three_catching(fault), testing::ExitedWithCode(200), "") << fault;
  }
}

}  // namespace
}  // namespace surd::test
