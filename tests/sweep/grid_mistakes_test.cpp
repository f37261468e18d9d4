#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grid_support.hpp"
#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

using testing::HasSubstr;

std::string mistake_of(const base::Json& job) {
  try {
    const auto grid = Grid::parse(base::Spec(job));
    (void)grid.excluded();
  } catch (const base::SpecError& e) {
    return e.what();
  }
  return "no error";
}

/// In a job: `axes` and what follows them.
std::string mistake_in(const std::string& axes, const std::string& rest = "") {
  return mistake_of(base::Json::parse("{\"axes\": " + axes + rest + "}"));
}

struct Mistake {
  const char* axes;
  const char* message;
};

TEST(GridMistakes, InAxesAreNamedWithTheirPlace) {
  const std::vector<Mistake> mistakes{
      {R"({})", "axes: must have at least one axis"},
      {R"([])", "axes: expected a map, found a list of 0 items"},
      {R"({"": [1]})", "an axis needs a name"},
      {R"({"a/b": [1]})", "axes.a/b: the name of an axis must not"},
      {R"({"x": []})", "axes.x: must have at least one value"},
      {R"({"x": {}})", "axes.x: must have at least one value"},
      {R"({"x": 3})", "axes.x: expected a list of values, or a map such as {range: [0, 16]}, found 3"},
      {R"({"x": {"list": []}})", "axes.x.list: must have at least one value"},
      {R"({"x": {"list": 5}})", "axes.x.list: expected a list, found 5"},
      {R"({"x": [1, 2, 1]})", "axes.x.2: the value 1 is there twice: also at 0"},
      {R"({"x": [1, 2, 2.0]})", "axes.x.2: the value 2 is there twice: also at 1"},
      {R"({"x": [0, -0.0]})", "axes.x.1: the value 0 is there twice"},
      {R"({"x": {"list": ["a", "a"]}})", "axes.x.list.1: the value a is there twice"},
      {R"({"x": [1, "a"]})", "axes.x.1: is a text, but the first value of this axis is a number"},
      {R"({"x": [true, 1]})", "axes.x.1: is a number, but the first value of this axis is true or false"},
      {R"({"x": [1, null]})", "axes.x.1: expected a number, a text, true or false, found nothing"},
      {R"({"x": [[1]]})", "axes.x.0: expected a number, a text, true or false, found a list of 1 items"},
      {R"({"x": [18446744073709551615]})", "axes.x.0: the integer 18446744073709551615 is beyond 64 bits"},
      {R"({"x": {"linspac": [0, 1, 3]}})", "axes.x.linspac: unknown key 'linspac'; did you mean 'linspace'?"},
      {R"({"x": {"linspace": [0, 1, 3], "range": 3}})", "axes.x: has both 'linspace' and 'range'"},
      {R"({"x": {"linspace": [0, 1, 3], "base": 3}})", "axes.x.base: unknown key 'base'"},
      {R"({"x": {"linspace": [0, 1]}})", "axes.x.linspace: expected [first, last, how many]"},
      {R"({"x": {"linspace": [0, 1, 0]}})", "axes.x.linspace.2: must be at least 1, found 0"},
      {R"({"x": {"linspace": [0, 1, -3]}})", "axes.x.linspace.2: must be at least 1, found -3"},
      {R"({"x": {"linspace": [0, 1, 2.5]}})", "axes.x.linspace.2: expected an integer, found 2.5"},
      {R"({"x": {"linspace": ["a", 1, 2]}})", "axes.x.linspace.0: expected a number"},
      {R"({"x": {"linspace": [1, 1, 2]}})", "axes.x.linspace: all 2 values would be 1"},
      {R"({"x": {"linspace": [1, 1.0000000000000002, 3]}})", "axes.x.linspace: values 0 and 1 are both 1"},
      {R"({"x": {"linspace": [1, 1.000000001, 1000000000]}})", "axes.x.linspace: "},
      {R"({"x": {"linspace": [-1.7e308, 1.7e308, 3]}})", "axes.x.linspace: the values lie too far apart"},
      {R"({"x": {"logspace": [0, 400, 3]}})", "axes.x.logspace: a value is too large"},
      {R"({"x": {"logspace": [0, -400, 300]}})", "axes.x.logspace: a value is too small"},
      {R"({"x": {"logspace": [0, 1, 3], "base": 1}})", "axes.x.base: must be positive and not 1"},
      {R"({"x": {"logspace": [0, 1, 3], "base": -2}})", "axes.x.base: must be positive and not 1"},
      {R"({"x": {"range": [0, 10, 0]}})", "axes.x.range: the step must not be 0"},
      {R"({"x": {"range": [0, 10, -1]}})",
       "axes.x.range: there is no value: steps of -1 from 0 do not reach 10"},
      {R"({"x": {"range": [0, 1, -0.1]}})", "axes.x.range: there is no value"},
      {R"({"x": {"range": 0}})", "axes.x.range: there is no value"},
      {R"({"x": {"range": []}})", "axes.x.range: expected [first, end, step]"},
      {R"({"x": {"range": "a"}})", "expected a number, found the text"},
      {R"({"x": {"range": [0, 1, 1e-300]}})", "axes.x.range: there are too many values"},
      {R"({"x": {"zip": {}}})", "axes.x.zip: must have at least one axis"},
      {R"({"x": {"zip": {"a": [1, 2], "b": [1]}}})", "axes.x.zip.b: has 1 values, but 'a' has 2"},
      {R"({"x": {"zip": {"a": [1, 1], "b": [2, 2]}}})", "axes.x.zip: entries 0 and 1 have the same values"},
      {R"({"x": {"zip": {"a": {"zip": {"b": [1]}}}}})", "axes.x.zip.a: a zip cannot be inside a zip"},
      {R"({"x": [1], "p": {"zip": {"x": [1, 2]}}})", "axes.p: there is another axis called 'x'"},
      {R"({"p": {"zip": {"x": [1]}}, "q": {"sample": {"method": "lhs", "points": 3, "axes": {"x": [0, 1]}}}})",
       "axes.q: there is another axis called 'x'"},
      {R"({"x": {"range": 1000000}, "y": {"range": 10000000}})",
       "axes: the grid has 10,000,000,000,000 points with 'y', more than 1,099,511,627,776"},
      {R"({"x": {"range": 1000000}, "y": {"range": 9000000000000000000}})",
       "axes: the grid has 9e+24 points"},
  };
  for (const auto& m : mistakes) EXPECT_THAT(mistake_in(m.axes), HasSubstr(m.message)) << m.axes;
}

TEST(GridMistakes, InSamplesAreNamedWithTheirPlace) {
  const std::vector<Mistake> mistakes{
      {R"({"points": 3, "axes": {"a": [0, 1]}})", "axes.s.sample: the key 'method' is missing"},
      {R"({"method": "halton", "points": 3, "axes": {"a": [0, 1]}})",
       "axes.s.sample.method: expected lhs or sobol"},
      {R"({"method": "lhs", "axes": {"a": [0, 1]}})", "axes.s.sample: the key 'points' is missing"},
      {R"({"method": "lhs", "points": 0, "axes": {"a": [0, 1]}})", "axes.s.sample.points: must be from 1 to"},
      {R"({"method": "lhs", "points": 1.5, "axes": {"a": [0, 1]}})",
       "axes.s.sample.points: expected an integer"},
      {R"({"method": "lhs", "points": 3, "seed": -1, "axes": {"a": [0, 1]}})",
       "axes.s.sample.seed: must not be"},
      {R"({"method": "lhs", "points": 3, "axes": {}})", "axes.s.sample.axes: must have at least one axis"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": [1, 0]}})",
       "axes.s.sample.axes.a: the low bound 1 must be below"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": [1, 1]}})",
       "axes.s.sample.axes.a: the low bound 1 must be below"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": [1]}})", "axes.s.sample.axes.a: expected [low, high]"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": {"log": [0, 1]}}})",
       "axes.s.sample.axes.a.log.0: a log axis needs positive bounds, found 0"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": {"log": [-1, 1]}}})",
       "axes.a.log.0: a log axis needs positive"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": {"lin": [0, 1]}}})", "axes.a.lin: unknown key 'lin'"},
      {R"({"method": "sobol", "points": 1000000, "axes": {"a": [1, 1.000000000001]}})",
       "is too narrow to tell"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": [-1e308, 1e308]}})",
       "axes.a: the bounds lie too far apart"},
      {R"({"method": "lhs", "points": 3, "axes": {"a": [0, 1]}, "n": 3})",
       "axes.s.sample.n: unknown key 'n'"},
  };
  for (const auto& m : mistakes) {
    EXPECT_THAT(mistake_in("{\"s\": {\"sample\": " + std::string(m.axes) + "}}"), HasSubstr(m.message))
        << m.axes;
  }
}

TEST(GridMistakes, InChunkExcludeAndWhereAreNamedWithTheirPlace) {
  const std::string axes = R"({"Temp": [1, 2], "L": [8, 16], "m": ["x", "y"]})";
  const std::vector<Mistake> mistakes{
      {R"("chunk": 0)", "chunk: must be at least 1, found 0"},
      {R"("chunk": -4)", "chunk: must be at least 1, found -4"},
      {R"("chunk": 2.5)", "chunk: expected a number of points, found 2.5"},
      {R"("chunk": "cube")", "chunk: expected sqrt, a number of points, or a map"},
      {R"("chunk": {"L": 0})", "chunk.L: must be at least 1, found 0"},
      {R"("chunk": {"L": "all"})", "chunk.L: expected a number of points"},
      {R"("chunk": {"Tmep": 2})", "chunk.Tmep: there is no axis 'Tmep'; did you mean 'Temp'?"},
      {R"("exclude": {"L": 8})", "exclude: expected a list"},
      {R"("exclude": [{}])", "exclude.0: must name at least one axis"},
      {R"("exclude": [{"L": 8}, {"Tem": 1}])", "exclude.1.Tem: there is no axis 'Tem'; did you mean 'Temp'?"},
      {R"("exclude": [{"L": 9}])", "exclude.0.L: the axis 'L' has no value 9"},
      {R"("exclude": [{"m": 1}])", "exclude.0.m: the axis 'm' has no value 1"},
      {R"("where": 3)", "where: expected a text, found 3"},
      {R"("where": "L <")", "where: column 4: expected a value, found the end"},
      {R"("where": "L < Tmp")", "where: column 5: unknown name 'Tmp'; did you mean 'Temp'?"},
      {R"("where": "L + 1")", "where: the result is an integer, not true or false"},
      {R"("where": "L < m")", "where: column 3: '<' does not fit an integer and a text"},
      {R"("where": "true")", "where: must depend on at least one axis"},
  };
  for (const auto& m : mistakes)
    EXPECT_THAT(mistake_in(axes, std::string(", ") + m.axes), HasSubstr(m.message)) << m.axes;
  EXPECT_THAT(mistake_of(base::Json::parse("{}")), HasSubstr("the key 'axes' is missing"));
}

TEST(GridMistakes, NumbersThatAreNoneAreRefusedEverywhere) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, infinity, -infinity}) {
    for (const char* form : {"linspace", "logspace", "range"}) {
      for (std::size_t at = 0; at < 3; ++at) {
        base::Json job{{"axes", {{"x", {{form, {0, 1, 3}}}}}}};
        job["axes"]["x"][form][at] = bad;
        EXPECT_NE(mistake_of(job), "no error") << form << at;
      }
    }
    base::Json list{{"axes", {{"x", {1.5, bad}}}}};
    EXPECT_THAT(mistake_of(list), HasSubstr("axes.x.1: must be a finite number"));
    base::Json sample{
        {"axes", {{"s", {{"sample", {{"method", "lhs"}, {"points", 3}, {"axes", {{"a", {0.0, bad}}}}}}}}}}};
    EXPECT_THAT(mistake_of(sample), HasSubstr("axes.s.sample.axes.a.1: must be a finite number"));
  }
}

TEST(GridMistakes, InvalidUtf8IsRefused) {
  base::Json value{{"axes", {{"x", {"a\xff"}}}}};
  EXPECT_THAT(mistake_of(value), HasSubstr("axes.x.0: the text is not UTF-8"));
  base::Json name{{"axes", {{"x\xff", {1}}}}};
  EXPECT_THAT(mistake_of(name), HasSubstr("the text is not UTF-8"));
}

}  // namespace
}  // namespace surd::sweep
