#include "surd/ranks/sweep.hpp"

#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "support/rank_main.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::ranks {
namespace {

using std::chrono::milliseconds;
using sweep::Context;
using sweep::Point;
using sweep::Values;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

const mpi::Session& session() { return *surd_test_session; }

class SweepOnRanks : public testing::Test {
 protected:
  SweepOnRanks() {
    std::string name = (std::filesystem::temp_directory_path() / "surd-sweep-test-XXXXXX").string();
    if (world().is_root() && ::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = world().broadcast_text(name);
    options_.memo = directory_ / "memo";
    options_.leases = directory_ / "leases";
    options_.scratch = directory_ / "scratch";
    options_.lease_seconds = 2;
  }
  ~SweepOnRanks() override {
    world().barrier();
    std::error_code ignored;
    if (world().is_root()) std::filesystem::remove_all(directory_, ignored);
  }

  static const mpi::Communicator& world() { return session().world(); }

  static sweep::Definition define(const std::string& job) {
    const auto json = base::Json::parse(job);
    return {{"function", "test", "1", 42, {}}, sweep::Grid::parse(base::Spec(json))};
  }

  SweepResult run(const sweep::Definition& definition, const sweep::Body& body, std::uint32_t retries = 0) {
    options_.origin.run = "run" + std::to_string(++runs_);
    const auto evaluator = sweep::evaluate_function(
        [&](const Point& point, Context& context) {
          ++evaluated_;
          return body(point, context);
        },
        retries);
    evaluated_ = 0;
    return run_sweep(session(), definition, *evaluator, storage::local_file_system(), options_, stop_);
  }
  std::uint64_t evaluated() const { return world().sum(evaluated_); }

  std::filesystem::path directory_;
  SweepOptions options_;
  std::atomic<bool> stop_{false};
  std::uint64_t evaluated_ = 0;
  int runs_ = 0;
};

Values square(const Point& point, Context&) { return {{"square", point.f64("x") * point.f64("x")}}; }

const char* const small_grid =
    R"({"axes": {"x": {"range": 50}, "y": ["a", "b", "c"], "z": {"linspace": [0, 1, 4]}}})";

TEST_F(SweepOnRanks, EvaluatesEveryPointOnceAndNoneTheSecondTime) {
  const auto grid = define(small_grid);

  const auto first = run(grid, square);
  EXPECT_EQ(evaluated(), 600U);
  EXPECT_EQ(first.end, SweepEnd::complete);
  EXPECT_EQ(first.state.done, 600U);
  EXPECT_EQ(first.state.stored_before, 0U);

  const auto second = run(grid, square);
  EXPECT_EQ(evaluated(), 0U);
  EXPECT_EQ(second.end, SweepEnd::complete);
  EXPECT_EQ(second.state.stored_before, 600U);
}

TEST_F(SweepOnRanks, StoresWhatTheFunctionReturned) {
  const auto grid = define(small_grid);
  (void)run(grid, square);

  const sweep::Memo memo(storage::local_file_system(), options_.memo, grid);
  std::uint64_t seen = 0;
  memo.read([&](const sweep::Block& block) {
    Point point(grid);
    for (std::size_t i = 0; i < block.size(); ++i, ++seen) {
      point.move_to(block.position(i));
      ASSERT_EQ(std::get<double>(block.outcome(i).values.at(0).value), point.f64("x") * point.f64("x"));
    }
  });
  EXPECT_EQ(seen, 600U);
}

TEST_F(SweepOnRanks, AGrownGridEvaluatesOnlyNewPoints) {
  (void)run(define(R"({"axes": {"x": {"range": [10, 20]}}})"), square);

  const auto result = run(define(R"({"axes": {"x": {"range": [5, 25]}}, "chunk": 3})"), square);

  EXPECT_EQ(evaluated(), 10U);
  EXPECT_EQ(result.state.stored_before, 10U);
  EXPECT_EQ(result.state.done, 20U);
}

TEST_F(SweepOnRanks, AFailingPointIsStoredAndTheJobGoesOn) {
  const auto grid = define(R"({"axes": {"x": {"range": 40}}})");
  const auto odd_fails = [](const Point& point, Context&) -> Values {
    if (point.i64("x") % 2 == 1) throw std::runtime_error("x is odd");
    return {{"y", 1.0}};
  };

  const auto first = run(grid, odd_fails);
  EXPECT_EQ(first.end, SweepEnd::complete);
  EXPECT_EQ(first.state.done, 20U);
  EXPECT_EQ(first.state.failed, 20U);

  (void)run(grid, odd_fails);
  EXPECT_EQ(evaluated(), 0U) << "failed points are tried again only on request";

  options_.retry_failed = true;
  const auto third = run(grid, square);
  EXPECT_EQ(evaluated(), 20U);
  EXPECT_EQ(third.state.done, 40U);
}

TEST_F(SweepOnRanks, RetriesFailedAttempts) {
  const auto grid = define(R"({"axes": {"x": {"range": 9}}})");

  const auto result = run(
      grid,
      [](const Point&, Context& context) -> Values {
        if (context.attempt() < 3) throw std::runtime_error("not yet");
        return {{"attempt", context.attempt()}};
      },
      2);

  EXPECT_EQ(result.state.done, 9U);
  EXPECT_EQ(evaluated(), 27U);
}

TEST_F(SweepOnRanks, TooManyFailuresEndTheRun) {
  options_.max_failures = 5;

  const auto result =
      run(define(R"({"axes": {"x": {"range": 100000}}})"), [](const Point&, Context&) -> Values {
        std::this_thread::sleep_for(milliseconds(1));
        throw std::runtime_error("always");
      });

  EXPECT_EQ(result.end, SweepEnd::too_many_failures);
  EXPECT_LT(result.state.failed_here, 5000U);
}

TEST_F(SweepOnRanks, AStopKeepsWhatIsDoneAndTheNextRunDoesTheRest) {
  const auto grid = define(R"({"axes": {"x": {"range": 400}}})");
  const auto body = [&](const Point& point, Context& context) {
    std::this_thread::sleep_for(milliseconds(10));
    if (world().rank() == world().size() - 1 && evaluated_ == 20) stop_ = true;
    return square(point, context);
  };

  const auto first = run(grid, body);
  const auto did = evaluated();
  EXPECT_EQ(first.end, SweepEnd::interrupted);
  EXPECT_LT(did, 400U);
  EXPECT_EQ(first.state.done, did);

  stop_ = false;
  const auto second = run(grid, square);
  EXPECT_EQ(second.end, SweepEnd::complete);
  EXPECT_EQ(evaluated(), 400U - did);
}

TEST_F(SweepOnRanks, AbandonedPointsAreNotStored) {
  const auto grid = define(R"({"axes": {"x": {"range": 30}}})");
  const auto body = [&](const Point& point, Context& context) {
    if (world().is_root() && evaluated_ == 3) stop_ = true;
    for (int i = 0; i < 200; ++i) {
      if (context.stop_requested()) throw sweep::Abandoned{};
      std::this_thread::sleep_for(milliseconds(1));
      if (i >= 5 && evaluated_ < 3) break;
    }
    return square(point, context);
  };

  const auto first = run(grid, body);
  EXPECT_EQ(first.end, SweepEnd::interrupted);
  const auto stored = first.state.done;
  EXPECT_LT(stored, 30U);

  stop_ = false;
  (void)run(grid, square);
  EXPECT_EQ(evaluated(), 30U - stored);
}

TEST_F(SweepOnRanks, SeveralRanksWorkOnOnePoint) {
  if (world().size() < 2) {
    options_.ranks_per_point = 2;
    EXPECT_THROW((void)run(define(small_grid), square), base::UsageError);
    return;
  }
  options_.ranks_per_point = 2;
  const auto grid = define(R"({"axes": {"x": {"range": 25}}})");

  const auto result = run(grid, [](const Point& point, Context& context) -> Values {
    const auto total = context.ranks().sum(static_cast<std::uint64_t>(context.ranks().rank() + 1));
    if (point.i64("x") == 7 && context.ranks().rank() == 1) throw std::runtime_error("unlucky");
    return {{"ranks", static_cast<double>(total)}};
  });

  EXPECT_EQ(result.state.done, 24U);
  EXPECT_EQ(result.state.failed, 1U);
  const sweep::Memo memo(storage::local_file_system(), options_.memo, grid);
  memo.read([&](const sweep::Block& block) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto outcome = block.outcome(i);
      if (outcome.status == sweep::Status::ok) {
        EXPECT_EQ(std::get<double>(outcome.values.at(0).value), 3.0);
      } else {
        EXPECT_NE(outcome.message.find("rank 1 of 2: unlucky"), std::string::npos) << outcome.message;
      }
    }
  });
}

TEST_F(SweepOnRanks, PointsThatCannotEndInTimeAreNotStarted) {
  options_.cost = "seconds";
  const auto body = [](const Point& point, Context& context) {
    EXPECT_LT(point.f64("seconds"), 1) << "would not end before the limit";
    std::this_thread::sleep_for(milliseconds(10));
    return square(point, context);
  };
  // What a unit of `cost` takes is known only once a point was measured.
  (void)run(define(R"({"axes": {"x": {"range": 3}, "seconds": [0.01]}})"), body);
  options_.time_left_seconds = 30;
  options_.grace_seconds = 1;

  const auto result = run(define(R"({"axes": {"x": {"range": 12}, "seconds": [0.01, 500]}})"), body);

  EXPECT_EQ(result.end, SweepEnd::interrupted);
  EXPECT_EQ(result.state.done, 12U);
}

TEST_F(SweepOnRanks, PointsOfUnequalLengthsAreStartedWhereAllEndInTime) {
  options_.time_left_seconds = 600;

  const auto result =
      run(define(R"({"axes": {"x": {"range": 200}}})"), [](const Point& point, Context& context) {
        if (point.i64("x") < 10) std::this_thread::sleep_for(milliseconds(50));
        return square(point, context);
      });

  EXPECT_EQ(result.end, SweepEnd::complete);
}

TEST_F(SweepOnRanks, MemoryPerPointLimitsHowManyRunAtOnce) {
  const auto grid = define(R"({"axes": {"x": {"range": 20}}})");
  options_.memory_per_point = 600;
  options_.memory_per_node = 1000;  // one at a time on this host

  (void)run(grid, [](const Point&, Context&) -> Values {
    const double start = now_seconds();
    std::this_thread::sleep_for(milliseconds(5));
    return {{"start", start}, {"end", now_seconds()}};
  });

  std::set<std::pair<double, double>> spans;
  const sweep::Memo memo(storage::local_file_system(), options_.memo, grid);
  memo.read([&](const sweep::Block& block) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto values = block.outcome(i).values;
      spans.emplace(std::get<double>(values.at(0).value), std::get<double>(values.at(1).value));
    }
  });
  ASSERT_EQ(spans.size(), 20U);
  double last_end = 0;
  for (const auto& [start, end] : spans) {
    EXPECT_GE(start, last_end) << "two points at once";
    last_end = end;
  }
}

TEST_F(SweepOnRanks, RandomStreamsDependOnThePointAlone) {
  const auto grid = define(R"({"axes": {"x": {"range": 64}}})");
  const auto body = [](const Point&, Context& context) -> Values {
    auto random = context.random();
    return {{"u", random.uniform()}};
  };
  (void)run(grid, body);

  const sweep::Memo memo(storage::local_file_system(), options_.memo, grid);
  memo.read([&](const sweep::Block& block) {
    Point point(grid);
    for (std::size_t i = 0; i < block.size(); ++i) {
      point.move_to(block.position(i));
      const auto identity = point.identity();
      base::RandomStream expected(42 ^ identity.high, identity.low);
      EXPECT_EQ(std::get<double>(block.outcome(i).values.at(0).value), expected.uniform());
    }
  });
}

}  // namespace
}  // namespace surd::ranks
