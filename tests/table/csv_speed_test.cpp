#include <gtest/gtest.h>

#include <ctime>

#include "csv_support.hpp"

namespace surd::test {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Sales: eight columns, one of them quoted.
std::string sales(std::size_t bytes) {
  static constexpr std::array<std::string_view, 4> stores{"north", "south", "east", "west"};
  base::RandomStream random(41, 0);
  std::string text = "id,day,store,product,amount,price,customer,note\n";
  for (std::uint64_t id = 0; text.size() < bytes; ++id) {
    text += std::to_string(id) + ",2026-01-" + std::to_string(10 + random.below(20)) + "," +
            std::string(stores[random.below(4)]) + "," + std::to_string(random.below(1000)) + "," +
            std::to_string(1 + random.below(20)) + "," + std::to_string(random.below(100000)) + "." +
            std::to_string(10 + random.below(90)) + ",c" + std::to_string(random.below(1000000)) +
            (id % 4 == 0 ? ",\"a note, quoted\"\n" : ",plain note\n");
  }
  return text;
}

TEST(CsvSpeed, ReadsThreeOfEightColumns) {
  const auto text = sales(std::size_t{64} << 20);
  const TempFile file("speed.csv", text);
  const auto input = table::detail::open_csv({}, {file.path()}, storage::local_file_system());
  const std::vector<bool> columns{false, false, true, false, true, true, false, false};
  double best = 1e9;
  std::size_t rows = 0;
  double sum = 0;

  for (int round = 0; round < 5; ++round) {
    const auto start = cpu_seconds();
    rows = 0;
    for (const auto& split : input->splits(16U << 20)) {
      memory::Budget budget(1U << 20);
      const auto reader = input->read(split, columns, budget, 1U << 20);
      for (table::Batch batch; reader->next(batch); rows += batch.rows) sum += batch.columns[5].numbers[0];
    }
    best = std::min(best, cpu_seconds() - start);
  }

  const auto rate = static_cast<double>(text.size()) / best / 1e6;
  std::printf("%zu rows, %.0f MB/s of CPU time\n", rows, rate);
  EXPECT_GT(sum, 0);
  EXPECT_EQ(rows, static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) - 1);
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
  EXPECT_GT(rate, 150);
#endif
}

}  // namespace
}  // namespace surd::test
