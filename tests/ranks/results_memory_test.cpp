// Ten million points within the memory that was asked for.
#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "ranks/results_support.hpp"
#include "surd/base/units.hpp"
#include "surd/memory/limits.hpp"
#include "surd/ranks/results.hpp"

namespace surd::ranks {
namespace {

TEST(ResultsOfTenMillionPoints, AreWrittenInBoundedMemory) {
  MPI_Comm copy = MPI_COMM_NULL;
  mpi::check(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "MPI_Comm_dup");
  const mpi::Communicator world(copy);
  const test::SharedDirectory directory(world);
  const auto definition =
      test::define(R"({"axes": {"a": {"range": 2500}, "b": {"range": 4000}}, "chunk": {"a": 50, "b": 20}})");
  if (world.is_root()) {
    test::fill(directory / "memo", definition, 2, [](const test::Coordinates& c) {
      return test::success({{"y", static_cast<double>(c[0] * 4000 + c[1])}});
    });
  }
  world.barrier();
  for (const bool parallel : {false, true}) {
    ResultsOptions options;
    options.output = directory / "a.h5";
    options.scratch = directory / "scratch";
    options.parallel_bytes = parallel ? 0 : std::uint64_t{1} << 40;
    const auto before = memory::usage().resident;
    memory::reset_peak();
    const auto start = std::chrono::steady_clock::now();

    write_results(world, storage::local_file_system(), directory / "memo", definition, options);

    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    const auto grown = memory::usage().peak_resident - before;
    if (world.is_root()) {
      std::printf("%d ranks, %s: %.2f s, %s\n", world.size(), parallel ? "parallel" : "compressed",
                  taken.count(), base::format_bytes(grown).c_str());
    }
    EXPECT_LT(grown, options.memory_bytes * 5 / 4 + 12 * base::MiB);
    if (world.is_root()) {
      const auto y = test::values<double>(options.output, "y");
      for (std::size_t i = 0; i < y.size(); i += 997) ASSERT_EQ(y[i], static_cast<double>(i));
    }
    world.barrier();
  }
}

}  // namespace
}  // namespace surd::ranks
