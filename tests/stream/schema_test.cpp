#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/stream/detail/bind.hpp"

namespace surd::stream::detail {
namespace {

using external::Aggregate;
using table::Schema;
using table::Type;
using testing::ElementsAre;
using testing::HasSubstr;

const Schema sales{{"product", Type::text}, {"price", Type::float64}, {"quantity", Type::int64}};

GroupColumn column(const char* name, Aggregate aggregate, const char* input) {
  GroupColumn result;
  result.name = name;
  result.aggregate = aggregate;
  result.input = input;
  return result;
}

std::string mistake(const Step& step, const Schema& right = {}) {
  try {
    static_cast<void>(schema_after(step, sales, right));
  } catch (const base::UsageError& e) {
    return e.what();
  }
  return "nothing";
}

TEST(SchemaAfter, KnowsTheTypesOfDerivedAndGroupedColumns) {
  const auto derived = schema_after(Derive{"revenue", "price * quantity"}, sales);
  const auto grouped =
      schema_after(Group{{"product"},
                         {column("n", Aggregate::count, ""), column("total", Aggregate::sum, "quantity"),
                          column("mean", Aggregate::mean, "quantity")}},
                   derived);

  EXPECT_EQ(derived.back(), (table::Field{"revenue", Type::float64}));
  EXPECT_EQ(
      grouped,
      (Schema{{"product", Type::text}, {"n", Type::int64}, {"total", Type::int64}, {"mean", Type::float64}}));
}

TEST(SchemaAfter, RefusesWhatDoesNotFit) {
  EXPECT_THAT(mistake(Filter{"price + 1"}), HasSubstr("the condition gives float"));
  EXPECT_THAT(mistake(Sort{{{"prize", false, false}}}), HasSubstr("price"));
  EXPECT_THAT(mistake(Group{{"product"}, {column("x", Aggregate::sum, "product")}}),
              HasSubstr("sum needs numbers, but 'product' is text"));
  EXPECT_THAT(mistake(Select{{"price", "price"}, {}}), HasSubstr("two columns would be called 'price'"));
}

TEST(SchemaAfter, NamesColumnsOfAJoin) {
  const Schema right{{"product", Type::text}, {"price", Type::float64}, {"maker", Type::text}};
  auto join = std::make_shared<Join>();
  join->left_by = join->right_by = {"product"};

  const auto joined = schema_after(join, sales, right);

  EXPECT_EQ(joined.size(), 5U);
  EXPECT_EQ(joined[3].name, "price_right");
  EXPECT_EQ(joined[4].name, "maker");
  join->right_by = {"price"};
  EXPECT_THAT(mistake(join, right),
              HasSubstr("'product' of the left is text, 'price' of the right is float"));
}

TEST(NeededBefore, AsksForUsedColumnsAlone) {
  const auto derived = schema_after(Derive{"revenue", "price * quantity"}, sales);

  EXPECT_THAT(
      needed_before(Derive{"revenue", "price * quantity"}, sales, derived, {true, false, false, true}),
      ElementsAre(true, true, true));
  EXPECT_THAT(
      needed_before(Derive{"revenue", "price * quantity"}, sales, derived, {true, false, false, false}),
      ElementsAre(true, false, false));
  EXPECT_THAT(needed_before(Filter{"quantity > 1"}, sales, sales, {true, false, false}),
              ElementsAre(true, false, true));
}

}  // namespace
}  // namespace surd::stream::detail
