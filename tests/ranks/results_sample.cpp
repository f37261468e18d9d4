// Writes result files for results_xarray.py into the directory it is given.
#include <cstdio>
#include <filesystem>

#include "ranks/results_support.hpp"
#include "surd/mpi/fatal.hpp"
#include "surd/mpi/session.hpp"
#include "surd/ranks/results.hpp"

namespace surd {
namespace {

using sweep::Array;
using test::Coordinates;

void write(const mpi::Session& session, const storage::Path& directory, const std::string& name,
           const std::string& grid, const test::Evaluate& evaluate) {
  const auto definition = test::define(grid);
  test::fill(directory / (name + ".memo"), definition, 3, evaluate);
  for (const std::uint64_t parallel_bytes : {std::uint64_t{1} << 40, std::uint64_t{0}}) {
    ranks::ResultsOptions options;
    options.output = directory / (name + (parallel_bytes == 0 ? "-parallel.h5" : ".h5"));
    options.scratch = directory;
    options.parallel_bytes = parallel_bytes;
    options.attributes = {{"title", name}, {"job", "kind: sweep\n"}};
    options.fields = {{"energy", {{"units", "J"}, {"long_name", "energy per site"}}},
                      {"T", {{"units", "K"}}}};
    ranks::write_results(session.self(), storage::local_file_system(), directory / (name + ".memo"),
                         definition, options);
  }
}

void write_all(const mpi::Session& session, const storage::Path& directory) {
  write(session, directory, "grid",
        R"({"axes": {"T": {"linspace": [1.5, 3.5, 41]}, "L": [16, 32, 64], "seed": 16}})",
        [](const Coordinates& c) {
          const auto id = static_cast<std::int64_t>((c[0] * 3 + c[1]) * 16 + c[2]);
          return test::success({{"energy", static_cast<double>(id) / 7},
                                {"steps", (std::int64_t{1} << 60) + id},
                                {"stable", id % 2 == 0},
                                {"phase", id % 3 == 0 ? "β phase" : "α"},
                                {"spins", Array({2, 3}, std::vector<double>(6, static_cast<double>(id)))}});
        });
  write(session, directory, "holes",
        R"({"axes": {"n": {"range": 10}, "mode": ["a", "bc"], "fast": [false, true]},
        "exclude": [{"n": 9}]})",
        [](const Coordinates& c) {
          if (c[0] == 1) return test::nothing();
          if (c[0] == 2) return test::failure("no");
          return test::success({{"count", static_cast<std::int64_t>(c[0])}, {"flag", c[2] == 1}, {"x", 0.5}});
        });
  write(session, directory, "zip",
        R"({"axes": {"T": [1.0, 2.5], "pair": {"zip": {"a": [1, 2, 3], "b": ["x", "y", "x"]}}}})",
        [](const Coordinates& c) {
          return test::success({{"energy", static_cast<double>(10 * c[0] + c[1])}});
        });
  write(
      session, directory, "sample",
      R"({"axes": {"design": {"sample": {"method": "sobol", "points": 64, "seed": 1, "axes": {"x": [0, 1], "y": [2, 3]}}}}})",
      [](const Coordinates& c) {
        return test::success({{"energy", static_cast<double>(c[0])}});
      });
  write(session, directory, "letters", R"({"axes": {"c": ["a", "b"], "mixed": [1, "auto", 2.5]}})",
        [](const Coordinates& c) {
          return test::success({{"letter", c[1] == 0 ? "x" : "y"}});
        });
}

}  // namespace
}  // namespace surd

int main(int argc, char** argv) {
  surd::mpi::install_fatal_handler();
  const surd::mpi::Session session(argc, argv);
  if (argc != 2) return 64;
  surd::write_all(session, argv[1]);
  return 0;
}
