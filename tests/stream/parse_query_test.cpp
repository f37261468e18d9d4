#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/stream/query.hpp"

namespace surd::stream {
namespace {

using base::Json;
using external::Aggregate;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Step> steps_of(const char* text) {
  const auto document = Json::parse(text);
  return parse_steps(base::Spec(document, "steps"));
}

/// What is wrong with these steps.
std::string mistake(const char* text) {
  try {
    static_cast<void>(steps_of(text));
  } catch (const base::SpecError& e) {
    return e.what();
  }
  return "nothing";
}

TEST(ParseSteps, ReadsTheStepsOfASalesAnalysis) {
  const auto steps = steps_of(R"([
    {"filter": "status == 'completed'"},
    {"derive": {"revenue": "price * quantity", "year": 2026}},
    {"group": {"by": ["product"], "revenue": "sum", "orders": "count", "largest": {"max": "price"}}},
    {"sort": {"by": ["revenue"], "descending": true}},
    {"take": 10}])");

  ASSERT_EQ(steps.size(), 6U);
  EXPECT_EQ(std::get<Derive>(steps[2]).expression, "2026");
  const auto& group = std::get<Group>(steps[3]);
  ASSERT_EQ(group.results.size(), 3U);
  EXPECT_EQ(group.results[0].input, "revenue");
  EXPECT_EQ(group.results[1].input, "");
  EXPECT_EQ(group.results[2].aggregate, Aggregate::max);
  EXPECT_TRUE(group.sorted);
  EXPECT_TRUE(std::get<Sort>(steps[4]).by[0].descending);
}

TEST(ParseSteps, ReadsAllWaysToWriteASort) {
  const auto directions = [](const char* text) {
    std::vector<bool> result;
    const auto steps = steps_of(text);
    for (const auto& key : std::get<Sort>(steps.at(0)).by) result.push_back(key.descending);
    return result;
  };

  EXPECT_THAT(directions(R"([{"sort": "-a"}])"), ElementsAre(true));
  EXPECT_THAT(directions(R"([{"sort": ["a", "-b"]}])"), ElementsAre(false, true));
  EXPECT_THAT(directions(R"([{"sort": {"by": ["a", "b"], "descending": [true, false]}}])"),
              ElementsAre(true, false));
}

TEST(ParseSteps, NamesThePlaceOfAMistakeAndWhatWasMeant) {
  EXPECT_THAT(mistake(R"([{"filtr": "a"}])"),
              HasSubstr("steps.0.filtr: unknown key 'filtr'; did you mean 'filter'?"));
  EXPECT_THAT(mistake(R"([{"take": -1}])"), HasSubstr("steps.0.take: a number of rows must not be negative"));
  EXPECT_THAT(mistake(R"([{"take": 1, "skip": 2}])"), HasSubstr("steps.0: a step has one key"));
  EXPECT_THAT(mistake(R"([{"take": 1}, {"group": {"by": "a", "x": "som"}}])"),
              HasSubstr("steps.1.group.x: unknown aggregate 'som'; did you mean 'sum'?"));
  EXPECT_THAT(mistake(R"([{"group": {"x": "sum"}}])"), HasSubstr("steps.0.group: the key 'by' is missing"));
  EXPECT_THAT(mistake(R"([{"sort": {"by": ["a"], "descending": [true, false]}}])"),
              HasSubstr("steps.0.sort.descending: has 2 values for 1 columns"));
  EXPECT_THAT(mistake(R"([{"sample": 2}])"), HasSubstr("steps.0.sample: must be between 0 and 1"));
  EXPECT_THAT(mistake(R"([{"join": {"path": "a.csv", "on": "k", "kind": "iner"}}])"),
              HasSubstr("steps.0.join.kind: no kind of join 'iner'; did you mean 'inner'?"));
}

TEST(ParseSteps, ReadsAJoinWithStepsOfItsOwn) {
  const auto steps = steps_of(
      R"([{"join": {"path": "b.csv", "on": {"id": "key"}, "kind": "left", "steps": [{"filter": "x > 1"}]}}])");

  const auto& join = *std::get<std::shared_ptr<Join>>(steps[0]);
  EXPECT_THAT(join.left_by, ElementsAre("id"));
  EXPECT_THAT(join.right_by, ElementsAre("key"));
  EXPECT_EQ(join.kind, external::JoinKind::left);
  EXPECT_EQ(to_text(steps[0]), "left join with (b.csv | filter x > 1) on id = key");
}

}  // namespace
}  // namespace surd::stream
