#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/sweep/command.hpp"

namespace surd::sweep {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::StartsWith;

CommandSpec read(const Json& job) { return CommandSpec::read(base::Spec(job), {"T", "L", "length"}); }

CommandSpec read(const char* text) { return read(Json::parse(text)); }

/// The error of a job whose command is fine unless `text` says otherwise.
std::string why(const char* text) {
  auto job = Json::parse(text);
  if (!job.contains("command")) job["command"] = {"./model"};
  try {
    static_cast<void>(read(job));
  } catch (const base::SpecError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(CommandSpec, HasDefaults) {
  const auto spec = read(R"({"command": ["./model", "--t", "{T}", "{scratch}/x", "{{}}"]})");

  EXPECT_EQ(spec.argv, (std::vector<std::string>{"./model", "--t", "{T}", "{scratch}/x", "{{}}"}));
  EXPECT_FALSE(spec.shell);
  EXPECT_EQ(spec.parse, "json");
  EXPECT_EQ(spec.timeout_seconds, 0);
  EXPECT_EQ(spec.retries, 0U);
  EXPECT_EQ(spec.capture_bytes, 64U * 1024);
  EXPECT_TRUE(spec.environment.empty());
  EXPECT_FALSE(spec.run_in_scratch);
}

TEST(CommandSpec, ReadsEveryKey) {
  const auto spec =
      read(R"j({"command": "./model {T} | tail -1", "shell": true, "parse": {"regex": "(?<e>.*)"},
    "timeout": "2m", "retries": 3, "capture": "1MiB", "env": {"OMP_NUM_THREADS": 4, "A": "{L}"},
    "directory": "scratch"})j");

  EXPECT_TRUE(spec.shell);
  EXPECT_EQ(spec.parse, Json::parse(R"j({"regex": ["(?<e>.*)"]})j"));
  EXPECT_EQ(spec.timeout_seconds, 120);
  EXPECT_EQ(spec.retries, 3U);
  EXPECT_EQ(spec.capture_bytes, 1U << 20);
  EXPECT_EQ(spec.environment,
            (std::vector<std::pair<std::string, std::string>>{{"OMP_NUM_THREADS", "4"}, {"A", "{L}"}}));
  EXPECT_TRUE(spec.run_in_scratch);
}

TEST(CommandSpec, NamesThePlaceOfEveryMistake) {
  EXPECT_THAT(why(R"({"command": []})"), StartsWith("command: must name a program"));
  EXPECT_THAT(why(R"({"command": [""]})"), StartsWith("command.0: must name a program"));
  EXPECT_THAT(why(R"({"command": "./model"})"), HasSubstr("for a line of shell add shell: true"));
  EXPECT_THAT(why(R"({"command": {"a": 1}})"), StartsWith("command: expected a list of texts"));
  EXPECT_THAT(why(R"({"command": ["./model", 3]})"),
              StartsWith("command.1: expected a text (write numbers in quotes)"));
  EXPECT_THAT(why(R"({"command": ["./model"], "shell": true})"),
              StartsWith("command: expected one text, as shell: true"));
  EXPECT_THAT(why(R"({"command": " ", "shell": true})"), StartsWith("command: must not be empty"));
  EXPECT_THAT(why(R"({"shell": 1})"), StartsWith("shell: expected true or false"));
  EXPECT_THAT(why(R"({"command": ["m", "{lenght}"]})"),
              StartsWith("command.1: {lenght} names no axis or parameter; did you mean {length}?"));
  EXPECT_THAT(why(R"({"command": ["m", "{beta}"]})"), HasSubstr("valid are {T}, {L}, {length}, {scratch}"));
  EXPECT_THAT(why(R"({"command": ["m", "{T"]})"), StartsWith("command.1: has a '{' without a '}'"));
  EXPECT_THAT(why(R"({"parse": "jsn"})"), StartsWith("parse: expected json, csv, none or {regex"));
  EXPECT_THAT(why(R"({"parse": 3})"), StartsWith("parse: expected json"));
  EXPECT_THAT(why(R"({"parse": "regex"})"), StartsWith("parse: write the pattern"));
  EXPECT_THAT(why(R"({"parse": {"regx": "x"}})"), HasSubstr("did you mean 'regex'?"));
  EXPECT_THAT(why(R"({"parse": {}})"), HasSubstr("the key 'json' is missing"));
  EXPECT_THAT(why(R"({"parse": {"regex": "("}})"), StartsWith("parse.regex: is no regular expression"));
  EXPECT_THAT(why(R"({"parse": {"regex": []}})"), StartsWith("parse.regex: must have at least one pattern"));
  EXPECT_THAT(why(R"j({"parse": {"regex": ["(?<a>x)", "y"]}})j"),
              StartsWith("parse.regex.1: needs a named group"));
  EXPECT_THAT(why(R"({"parse": {"json": ""}})"), StartsWith("parse.json: expected the file"));
  EXPECT_THAT(why(R"({"parse": {"json": "{scratsh}/x"}})"), HasSubstr("did you mean {scratch}?"));
  EXPECT_THAT(why(R"({"timeout": 0})"), StartsWith("timeout: must be longer than nothing"));
  EXPECT_THAT(why(R"({"timeout": "soon"})"), StartsWith("timeout: 'soon' is not a duration"));
  EXPECT_THAT(why(R"({"retries": -1})"), StartsWith("retries: must be between 0 and 1000"));
  EXPECT_THAT(why(R"({"retries": "2"})"), StartsWith("retries: expected an integer"));
  EXPECT_THAT(why(R"({"capture": "1GiB"})"), StartsWith("capture: must be at most 16MiB"));
  EXPECT_THAT(why(R"({"env": ["A"]})"), StartsWith("env: expected a map"));
  EXPECT_THAT(why(R"({"env": {"A=B": "1"}})"), HasSubstr("cannot be the name"));
  EXPECT_THAT(why(R"({"env": {"A": [1]}})"), StartsWith("env.A: expected a text or a number"));
  EXPECT_THAT(why(R"({"env": {"A": "{X}"}})"), StartsWith("env.A: {X} names no axis"));
  EXPECT_THAT(why(R"({"env": {"SURD_SEED": "1"}})"), StartsWith("env.SURD_SEED: is set by surd"));
  EXPECT_THAT(why(R"({"directory": "/tmp"})"), StartsWith("directory: expected here or scratch"));
}

TEST(CommandSpec, IsAnotherSubjectOnlyIfResultsMayDiffer) {
  const auto base = read(R"({"command": ["m", "{T}"]})").identity();

  for (const char* same : {R"({"command": ["m", "{T}"], "timeout": 5, "retries": 1, "capture": 0})",
                           R"({"command": ["m", "{T}"], "parse": "json", "env": {}})"}) {
    EXPECT_EQ(read(same).identity(), base) << same;
  }
  for (const char* other : {R"({"command": ["m", "{L}"]})", R"({"command": ["m", "{T}"], "parse": "csv"})",
                            R"({"command": ["m", "{T}"], "env": {"A": "1"}})"}) {
    EXPECT_NE(read(other).identity(), base) << other;
  }
  EXPECT_EQ(read(R"({"command": ["m"], "env": {"A": "1", "B": "2"}})").identity(),
            read(R"({"command": ["m"], "env": {"B": "2", "A": "1"}})").identity());
}

}  // namespace
}  // namespace surd::sweep
