#include <gtest/gtest.h>

#include "support/peak_memory.hpp"
#include "table_support.hpp"

namespace surd::test {
namespace {

using table::Type;

table::Batch sales() {
  const table::Schema schema{{"i", Type::int64}, {"x", Type::float64}, {"t", Type::text}, {"u", Type::text}};
  base::RandomStream random(95, 0);
  table::Batch batch;
  batch.clear(schema);
  batch.rows = 4096;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    batch.columns[0].push_integer(static_cast<std::int64_t>(random()));
    batch.columns[1].push_number(random.normal());
    batch.columns[2].push_text(std::string(20 + random.below(30), 'x'));
    batch.columns[3].push_text(std::to_string(random()));
  }
  return batch;
}

void write(const std::string& path, const table::Batch& batch, int batches) {
  table::Hdf5TableWriter writer(
      path, "table", {{"i", Type::int64}, {"x", Type::float64}, {"t", Type::text}, {"u", Type::text}});
  for (int k = 0; k < batches; ++k) writer.write(batch);
  writer.close();
}

std::size_t count_rows(const table::Input& input) {
  std::size_t rows = 0;
  for (const auto& split : input.splits(16U << 20)) {
    memory::Budget budget(2U << 20);
    const auto reader = input.read(split, {true, true, true, true}, budget, 1U << 20);
    for (table::Batch into; reader->next(into);) rows += into.rows;
  }
  return rows;
}

/// A million rows, 120 MB.
TEST(Hdf5Memory, IsAFewMebibytesForTablesOfAnySize) {
  const auto batch = sales();
  const TempFile file("memory.h5", "");
  write(file.path(), batch, 1);  // the library itself
  const int batches = 250;

  auto start = cpu_seconds();
  const auto writing = peak_memory([&] { write(file.path(), batch, batches); });
  const auto writing_seconds = cpu_seconds() - start;
  table::InputSpec spec;
  spec.paths = {file.path()};
  const auto input = open_input(spec, storage::local_file_system());
  std::size_t rows = 0;
  start = cpu_seconds();
  const auto reading = peak_memory([&] { rows = count_rows(*input); });

  EXPECT_EQ(rows, batches * batch.rows);
  std::printf("%zu bytes; written with %zu KiB in %.2f s, read with %zu KiB in %.2f s of CPU time\n",
              static_cast<std::size_t>(input->bytes()), static_cast<std::size_t>(writing >> 10),
              writing_seconds, static_cast<std::size_t>(reading >> 10), cpu_seconds() - start);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(writing, 4U << 20);
  EXPECT_LT(reading, 4U << 20);
#endif
}

}  // namespace
}  // namespace surd::test
