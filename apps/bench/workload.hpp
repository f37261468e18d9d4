// A named measurement of surd_bench.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/mpi/session.hpp"
#include "surd/sweep/subject.hpp"

namespace bench {

struct Options {
  std::uint64_t n = 0;              ///< Size; 0: the workload's own, chosen to run for a second or two.
  std::uint64_t memory_bytes = 0;   ///< Given to data operations; 0: 64 MiB.
  std::filesystem::path directory;  ///< Empty directory for what the workload stores; removed by main().
};

/// One measured figure; printed by rank 0 as one line of JSON.
struct Figure {
  std::string what;
  double value = 0;
  std::string unit;
  double goal = 0;  ///< What the project promises on two idle cores; 0: none.
  bool less_is_better = false;
};

struct Workload {
  const char* name;
  const char* purpose;
  std::vector<Figure> (*run)(const surd::mpi::Session& session, const Options& options);
};

/// All workloads, in the order of the table in README.md.
const std::vector<Workload>& workloads();

std::vector<Figure> grants(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> guided(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> records(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> chunks(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> sweep_points(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> scan(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> plan(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> sort_u64(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> sort_records(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> balance(const surd::mpi::Session& session, const Options& options);
std::vector<Figure> ranks_sort(const surd::mpi::Session& session, const Options& options);

/// A job text (JSON is YAML) as a definition of function "bench".
surd::sweep::Definition definition(const std::string& job, const std::string& name = "bench");

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace bench
