#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "surd/table/evaluate.hpp"

namespace {
std::size_t allocations = 0;
}  // namespace

// Not inlined: GCC would take new and free for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace surd::table {
namespace {

TEST(TableExpressions, AllocateNothingForFurtherBatches) {
  const Schema schema{{"s", Type::text}, {"x", Type::float64}, {"i", Type::int64}};
  Batch batch;
  batch.clear(schema);
  batch.rows = 5000;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    batch.columns[0].push_text(i % 3 == 0 ? "completed" : "pending");
    batch.columns[1].push_number(static_cast<double>(i));
    i % 7 == 0 ? batch.columns[2].push_null() : batch.columns[2].push_integer(static_cast<std::int64_t>(i));
  }
  BoundExpression filter(
      "upper(s) == 'COMPLETED' and x * i > 2 and concat(s, text(i)) like 'c%9' or s in ['a', 'b'] or "
      "coalesce(i, int('3')) ** 2 % 5 == 1",
      schema);
  BoundExpression derived("if(x > 2, concat(s, '-', text(x)), substr(s, 2, 3))", schema);
  std::vector<std::uint32_t> rows;
  Column column;
  filter.select(batch, rows);
  derived.evaluate(batch, column);

  const auto before = allocations;
  for (int i = 0; i < 3; ++i) {
    filter.select(batch, rows);
    derived.evaluate(batch, column);
  }

  EXPECT_EQ(allocations, before);
  EXPECT_GT(rows.size(), 100U);
}

}  // namespace
}  // namespace surd::table
