// main() of every multi-rank test: one rank's failure ends the test on all ranks.
#include <cstdio>

#include <gtest/gtest.h>
#include <mpi.h>

#include "support/rank_main.hpp"
#include "surd/mpi/fatal.hpp"
#include "surd/mpi/session.hpp"

namespace {

/// Prints failures of every rank; a fatal one (ASSERT_*) skips collectives, so it ends the job.
class RankReporter : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank, result.file_name(), result.line_number(),
                 result.message());
    if (result.fatally_failed()) surd::mpi::end_job("fatal test failure");
  }
};

}  // namespace

const surd::mpi::Session* surd_test_session = nullptr;

int main(int argc, char** argv) {
  surd::mpi::install_fatal_handler();
  testing::InitGoogleTest(&argc, argv);
  GTEST_FLAG_SET(catch_exceptions, false);
  const surd::mpi::Session session(argc, argv);
  surd_test_session = &session;
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session.world().rank() != 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new RankReporter);
  const int mine = RUN_ALL_TESTS();
  int worst = 0;
  MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}
