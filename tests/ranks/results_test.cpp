#include "surd/ranks/results.hpp"

#include <sys/resource.h>
#include <algorithm>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ranks/results_support.hpp"
#include "surd/base/error.hpp"

namespace surd::ranks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto nan = std::numeric_limits<double>::quiet_NaN();

/// The world's ranks, and a directory that all of them see.
class Results : public testing::Test {
 protected:
  Results() : world_(MPI_Comm_dup_of_world()), directory_(world_) {}
  ~Results() override { world_.barrier(); }

  static mpi::Communicator MPI_Comm_dup_of_world() {
    MPI_Comm copy = MPI_COMM_NULL;
    mpi::check(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "MPI_Comm_dup");
    return mpi::Communicator(copy);
  }

  [[nodiscard]] ResultsOptions options(const std::string& name) const {
    ResultsOptions options;
    options.output = directory_ / name;
    options.scratch = directory_ / "scratch";
    options.attributes = {{"title", "test"}, {"job", "axes: ..."}};
    options.fields = {{"energy", {{"units", "J"}, {"long_name", "energy per site"}}}};
    return options;
  }

  /// Rank 0 fills the memo.
  void fill(const sweep::Definition& definition, int writers, const test::Evaluate& evaluate) const {
    if (world_.is_root()) test::fill(directory_ / "memo", definition, writers, evaluate);
    world_.barrier();
  }

  ResultsSummary write(const sweep::Definition& definition, const ResultsOptions& options) const {
    return write_results(world_, storage::local_file_system(), directory_ / "memo", definition, options);
  }

  mpi::Communicator world_;
  /// A part file that was not cleared away.
  [[nodiscard]] bool part_left() const {
    const std::filesystem::directory_iterator files(directory_ / ".");
    return std::any_of(begin(files), end(files),
                       [](const auto& f) { return f.path().extension() == ".part"; });
  }

  test::SharedDirectory directory_;
};

sweep::Definition ising() {
  return test::define(
      R"({"axes": {"T": {"linspace": [1.5, 3.5, 23]}, "L": [16, 32, 64], "seed": {"range": 19}}, "chunk": {"T": 4, "seed": 7}})");
}

/// Number, integer, flag, text and array, all different at every point; some points fail, some are missing.
sweep::Outcome evaluate(const test::Coordinates& c) {
  const auto id = static_cast<std::int64_t>((c[0] * 3 + c[1]) * 19 + c[2]);
  if (id % 11 == 3) return test::nothing();
  if (id % 13 == 5) return test::failure("diverged");
  const auto x = static_cast<double>(id);
  return test::success({{"energy", x / 7},
                        {"steps", id},
                        {"stable", id % 2 == 0},
                        {"phase", std::string(static_cast<std::size_t>(id % 5), 'p')},
                        {"spins", sweep::Array({2, 3}, {x, x + 1, x + 2, x + 3, x + 4, x + 5})}});
}

TEST_F(Results, HoldWhatTheMemoHolds) {
  const auto definition = ising();
  fill(definition, 3, evaluate);
  for (const std::uint64_t parallel_bytes : {std::uint64_t{1} << 40, std::uint64_t{0}}) {
    auto with = options("a.h5");
    with.parallel_bytes = parallel_bytes;

    const auto summary = write(definition, with);

    EXPECT_EQ(summary.done + summary.failed + summary.missing, definition.grid.size());
    EXPECT_EQ(summary.bytes, std::filesystem::file_size(with.output));
    const auto energy = test::values<double>(with.output, "energy");
    const auto steps = test::values<std::int64_t>(with.output, "steps");
    const auto stable = test::values<std::int8_t>(with.output, "stable");
    const auto status = test::values<std::int8_t>(with.output, "status");
    const auto spins = test::values<double>(with.output, "spins");
    const auto phase = test::texts(with.output, "phase");
    for (std::uint64_t i = 0; i < definition.grid.size(); ++i) {
      const auto wanted = evaluate({i / 57, i / 19 % 3, i % 19});
      const bool ok = wanted.attempts > 0 && wanted.status == sweep::Status::ok;
      ASSERT_EQ(status[i], wanted.attempts == 0 ? 0 : ok ? 1 : 2) << i;
      ASSERT_EQ(steps[i], ok ? static_cast<std::int64_t>(i) : std::numeric_limits<std::int64_t>::min());
      ASSERT_EQ(stable[i], ok ? i % 2 == 0 : -1);
      ASSERT_EQ(phase[i], ok ? std::string(i % 5, 'p') : "");
      ASSERT_EQ(std::isnan(energy[i]), !ok);
      if (ok) {
        ASSERT_EQ(energy[i], static_cast<double>(i) / 7);
      }
      for (std::uint64_t j = 0; ok && j < 6; ++j) ASSERT_EQ(spins[i * 6 + j], static_cast<double>(i + j));
    }
  }
}

TEST_F(Results, AreTheSameBytesForAnyNumberOfRanksMemoryAndLayoutOfTheMemo) {
  const auto definition = ising();
  if (world_.is_root()) {
    test::fill(directory_ / "many", definition, 5, evaluate);
    test::fill(directory_ / "one", definition, 1, evaluate);
  }
  world_.barrier();
  for (const std::uint64_t parallel_bytes : {std::uint64_t{1} << 40, std::uint64_t{0}}) {
    std::string first;
    for (int count = 1; count <= world_.size(); ++count) {
      if (count > 3 && count < world_.size()) continue;
      const auto group = world_.split(world_.rank() < count ? 0 : 1);
      for (const std::uint64_t memory : {1U << 24, 6000U}) {
        for (const auto* memo : {"many", "one"}) {
          auto with = options("a.h5");
          with.parallel_bytes = parallel_bytes;
          with.memory_bytes = memory;
          if (world_.rank() < count) {
            write_results(group, storage::local_file_system(), directory_ / memo, definition, with);
          }
          world_.barrier();
          const auto bytes = test::content(with.output);
          if (first.empty()) first = bytes;
          ASSERT_EQ(bytes.size(), first.size());
          ASSERT_TRUE(bytes == first) << count << " ranks, " << memory << " bytes, memo " << memo;
          world_.barrier();
        }
      }
    }
    EXPECT_FALSE(first.empty());
  }
}

TEST_F(Results, TakeTheFirstSuccessOfTheMemoWhoeverReadsIt) {
  const auto definition = test::line(10, 10);
  if (world_.is_root()) {
    const auto say = [](double x) {
      return [x](const test::Coordinates&) { return test::success({{"x", x}}); };
    };
    const auto fail = [](const test::Coordinates&) { return test::failure("no"); };
    test::fill(directory_ / "memo", definition, 1, fail, "20260101T000000-00000000");
    test::fill(directory_ / "memo", definition, 1, say(2), "20260102T000000-00000000");
    test::fill(directory_ / "memo", definition, 1, say(3), "20260103T000000-00000000");
    test::fill(directory_ / "memo", definition, 1, fail, "20260104T000000-00000000");
  }
  world_.barrier();

  const auto summary = write(definition, options("a.h5"));

  EXPECT_EQ(summary.done, 10U);
  EXPECT_THAT(test::values<double>(directory_ / "a.h5", "x"), testing::Each(2.0));
}

TEST_F(Results, OfAnEmptyMemoAreAllMissing) {
  const auto summary = write(ising(), options("a.h5"));

  EXPECT_EQ(summary.missing, ising().grid.size());
  EXPECT_THAT(test::values<std::int8_t>(directory_ / "a.h5", "status"), testing::Each(0));
  EXPECT_THAT(test::values<std::int64_t>(directory_ / "a.h5", "L"), ElementsAre(16, 32, 64));
}

TEST_F(Results, OfFailuresAloneHaveNoFields) {
  const auto definition = test::line(20, 3);
  fill(definition, 2, [](const test::Coordinates&) { return test::failure("no"); });

  const auto summary = write(definition, options("a.h5"));

  EXPECT_EQ(summary.failed, 20U);
  EXPECT_EQ(storage::describe_hdf5(directory_ / "a.h5")["datasets"].size(), 2U);
}

TEST_F(Results, LeaveExcludedPointsOutEvenIfTheMemoHasThem) {
  const auto whole = test::define(R"({"axes": {"a": [1, 2], "b": [1, 2, 3]}})");
  const auto part = test::define(R"({"axes": {"a": [1, 2], "b": [1, 2, 3]}, "exclude": [{"a": 1, "b": 2}]})");
  fill(whole, 1, [](const test::Coordinates& c) {
    return test::success({{"x", static_cast<double>(c[1])}});
  });

  const auto summary = write(part, options("a.h5"));

  EXPECT_EQ(summary.excluded, 1U);
  EXPECT_EQ(summary.done, 5U);
  EXPECT_THAT(test::values<std::int8_t>(directory_ / "a.h5", "status"), ElementsAre(1, 3, 1, 1, 1, 1));
  EXPECT_THAT(test::values<double>(directory_ / "a.h5", "x"),
              ElementsAre(0, testing::NanSensitiveDoubleEq(nan), 2, 0, 1, 2));
}

TEST_F(Results, OfOnePointAreSingleValuesAndEmptyArraysAreAllowed) {
  const auto definition = test::define(R"({"axes": {"a": ["x"]}})");
  fill(definition, 1, [](const test::Coordinates&) {
    return test::success(
        {{"x", 4.5}, {"v", sweep::Array({1, 2})}, {"none", sweep::Array(std::vector<double>())}});
  });
  for (const std::uint64_t parallel_bytes : {std::uint64_t{1} << 40, std::uint64_t{0}}) {
    auto with = options("a.h5");
    with.parallel_bytes = parallel_bytes;

    EXPECT_EQ(write(definition, with).done, 1U);

    EXPECT_THAT(test::values<double>(with.output, "x"), ElementsAre(4.5));
    EXPECT_THAT(test::values<double>(with.output, "v"), ElementsAre(1, 2));
    EXPECT_THAT(test::values<double>(with.output, "none"), ElementsAre());
    EXPECT_THAT(test::texts(with.output, "a"), ElementsAre("x"));
  }
}

TEST_F(Results, MixIntegersAndFloatsAsFloats) {
  const auto definition = test::line(4, 1);
  fill(definition, 2, [](const test::Coordinates& c) {
    return c[0] % 2 == 0 ? test::success({{"x", std::int64_t{3}}})
                         : test::success({{"x", 0.5}, {"rare", true}});
  });

  write(definition, options("a.h5"));

  EXPECT_THAT(test::values<double>(directory_ / "a.h5", "x"), ElementsAre(3, 0.5, 3, 0.5));
  EXPECT_THAT(test::values<std::int8_t>(directory_ / "a.h5", "rare"), ElementsAre(-1, 1, -1, 1));
}

/// What all ranks are told, which must be the same.
template <class Error, class Work>
std::string message_of(const mpi::Communicator& ranks, Work work) {
  std::string message;
  try {
    work();
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_EQ(message, ranks.broadcast_text(message));
  return message;
}

TEST_F(Results, NameThePointsWhoseShapesDiffer) {
  const auto definition = test::line(20, 3);
  fill(definition, 2, [](const test::Coordinates& c) {
    return test::success({{"v", sweep::Array(std::vector<double>(c[0] == 17 ? 4 : 3))}});
  });

  const auto message = message_of<base::UsageError>(world_, [&] { write(definition, options("a.h5")); });

  EXPECT_THAT(message, HasSubstr("'v' is an array of shape [3] at i="));
  EXPECT_THAT(message, HasSubstr("shape [4] at i=17"));
  EXPECT_FALSE(part_left());
}

TEST_F(Results, MayNotHaveTheNameOfAnAxis) {
  const auto definition = test::line(3);
  fill(definition, 1, [](const test::Coordinates&) { return test::success({{"i", 1.0}}); });

  const auto message = message_of<base::UsageError>(world_, [&] { write(definition, options("a.h5")); });

  EXPECT_THAT(message,
              HasSubstr("result 'i' has the name of an axis: rename the result, for example to 'i_result'"));
  EXPECT_EQ(result_name_conflict(definition, "x"), "");
  EXPECT_NE(result_name_conflict(definition, "status"), "");
  EXPECT_NE(result_name_conflict(definition, "a/b"), "");
}

TEST_F(Results, SayOnAllRanksThatTheOutputCannotBeWritten) {
  if (world_.is_root()) std::ofstream(directory_ / "file") << "x";
  world_.barrier();

  const auto message =
      message_of<mpi::CollectiveError>(world_, [&] { write(ising(), options("file/a.h5")); });

  EXPECT_THAT(message, HasSubstr("file"));
}

TEST_F(Results, KeepTheOldOutputWhenTheDiskIsFull) {
  signal(SIGXFSZ, SIG_IGN);
  const auto definition = test::line(100000, 1000);
  fill(definition, 2, [](const test::Coordinates& c) {
    return test::success({{"x", std::sin(static_cast<double>(c[0]))}});
  });
  for (const std::uint64_t parallel_bytes : {std::uint64_t{1} << 40, std::uint64_t{0}}) {
    auto with = options("a.h5");
    with.parallel_bytes = parallel_bytes;
    if (world_.is_root()) std::ofstream(with.output) << "old";
    world_.barrier();
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{300000, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);

    const auto message = message_of<mpi::CollectiveError>(world_, [&] { write(definition, with); });

    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_THAT(message, HasSubstr("a.h5."));
    EXPECT_THAT(message, HasSubstr("oo large"));
    EXPECT_EQ(test::content(with.output), "old");
    EXPECT_FALSE(part_left());
    world_.barrier();
    EXPECT_EQ(write(definition, with).done, 100000U);
    world_.barrier();
  }
}

TEST_F(Results, AreCompressedByRank0WhenAskedFor) {
  const auto definition = test::line(50000, 500);
  fill(definition, 3, [](const test::Coordinates& c) {
    return test::success({{"x", static_cast<double>(c[0] / 100)}});
  });
  for (const auto* compression : {"deflate", "zstd"}) {
    auto with = options("a.h5");
    with.parallel_bytes = 0;
    with.compression_asked = true;
    with.compression = compression;
    with.memory_bytes = 100000;

    const auto summary = write(definition, with);

    EXPECT_LT(summary.bytes, 60000U);
    EXPECT_EQ(test::values<double>(with.output, "x")[49999], 499.0);
  }
}

}  // namespace
}  // namespace surd::ranks
