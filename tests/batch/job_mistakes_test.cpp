// Every mistake in a job file gives a JobError that names the place and says what is wrong.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/batch/job.hpp"
#include "surd/batch/table_job.hpp"

namespace {

using surd::batch::JobError;
using surd::batch::parse_job;

std::vector<surd::sweep::Function> registered() {
  const auto body = [](const surd::sweep::Point&, surd::sweep::Context&) { return surd::sweep::Values{}; };
  return {surd::sweep::function("ising", body, {.version = "3"}), surd::sweep::function("heat", body)};
}

struct Mistake {
  const char* text;    ///< The job file; or a part of it, after base below, if it does not begin with "kind".
  const char* place;   ///< "job.yaml:5: axes.T"
  const char* phrase;  ///< What the message must say.
};

/// Four lines; parts begin at line 5.
const std::string base = "kind: sweep\nname: x\nfunction: ising\nseed: 1\n";
const std::string command_base = "kind: sweep\nname: x\nseed: 1\naxes: {T: [1, 2]}\n";

std::string error_of(const std::string& text, const std::vector<std::string>& settings = {}) {
  const auto functions = registered();
  try {
    (void)surd::batch::job_kind(text, "job.yaml", settings);  // asked first, for every job file
    (void)parse_job(text, "job.yaml", settings, functions);
  } catch (const JobError& e) {
    return e.what();
  }
  return "no error";
}

void expect_mistakes(const std::string& head, const std::vector<Mistake>& mistakes) {
  for (const auto& mistake : mistakes) {
    const auto message = error_of(head + mistake.text);
    EXPECT_THAT(message, testing::HasSubstr(mistake.place)) << mistake.text;
    EXPECT_THAT(message, testing::HasSubstr(mistake.phrase)) << mistake.text;
    EXPECT_THAT(message, testing::Not(testing::HasSubstr("internal error"))) << mistake.text;
  }
}

TEST(JobMistakes, OfTheFileAsAWhole) {
  expect_mistakes(
      "", {
              {"", "job.yaml:1:", "empty"},
              {"just words", "job.yaml: ", "expected a map"},
              {"[1, 2]", "job.yaml: ", "expected a map"},
              {"kind: sweep\nname: [x\n", "job.yaml:", "not YAML"},
              {"kind: sweep\n\tname: x\n", "job.yaml:2:", "not YAML"},
              {"kind: sweep\nname: x\nname: y\n", "job.yaml:3:", "the key 'name' is there twice"},
              {"kind: sweep\n---\nname: x\n", "job.yaml:2:", "second document"},
              {"kind: sweep\nname: \xc3\x28\n", "job.yaml:2:", "no UTF-8"},
              {"name: x\nfunction: ising\naxes: {T: [1]}\n", "job.yaml: ", "the key 'kind' is missing"},
              {"kind: search\nname: x\n", "job.yaml:1: kind", "cannot run jobs of kind 'search' yet"},
              {"kind: swep\nname: x\n", "job.yaml:1: kind",
               "unknown kind 'swep'; this surd runs sweep and table"},
              {"kind: 3\nname: x\n", "job.yaml:1: kind", "expected a text, found 3"},
              {"kind: sweep\nfunction: ising\naxes: {T: [1]}\n", "job.yaml: ", "the key 'name' is missing"},
              {"kind: sweep\nname: x\naxes: {T: [1]}\n", "job.yaml: ", "needs 'function'"},
              {"kind: sweep\nname: x\nfunction: ising\n", "job.yaml: ", "'axes' is missing"},
              {"kind: sweep\nname: x\nfunction: ising\naxis: {T: [1]}\n", "job.yaml:4: axis",
               "did you mean 'axes'?"},
          });
}

TEST(JobMistakes, OfNamesAndSubjects) {
  const std::string axes = "axes: {T: [1, 2]}\n";
  expect_mistakes(
      "kind: sweep\n" + axes,
      {
          {"name: ''\nfunction: ising\n", "job.yaml:3: name", "must not be empty"},
          {"name: a/b\nfunction: ising\n", "job.yaml:3: name", "must serve as a directory"},
          {"name: ..\nfunction: ising\n", "job.yaml:3: name", "must serve as a directory"},
          {"name: -x\nfunction: ising\n", "job.yaml:3: name", "must serve as a directory"},
          {"name: 7\nfunction: ising\n", "job.yaml:3: name", "expected a text, found 7"},
          {"name: [x]\nfunction: ising\n", "job.yaml:3: name", "expected a text, found a list"},
          {"name: x\nfunction: isin\n", "job.yaml:4: function",
           "no function 'isin', it has ising, heat; did you mean 'ising'?"},
          {"name: x\nfunction: 5\n", "job.yaml:4: function", "expected a text"},
          {"name: x\nfunction: ising\ncommand: [a]\n", "job.yaml:5: command", "not both"},
          {"name: x\nfunction: ising\nversion: '2'\n", "job.yaml:5: version",
           "the program gives the version"},
          {"name: x\nfunction: ising\ntimeout: 5s\n", "job.yaml:5: timeout", "for jobs with a command"},
          {"name: x\nfunction: ising\nparse: json\n", "job.yaml:5: parse", "for jobs with a command"},
          {"name: x\nfunction: ising\nretries: -1\n", "job.yaml:5: retries", "must be from 0 to 1000, is -1"},
          {"name: x\nfunction: ising\nseed: -1\n", "job.yaml:5: seed", "must be from 0"},
          {"name: x\nfunction: ising\nseed: 1.5\n", "job.yaml:5: seed", "expected an integer, found 1.5"},
          {"name: x\nfunction: ising\nseed: 1_000\n", "job.yaml:5: seed",
           "expected an integer, found the text \"1_000\""},
          {"name: x\nfunction: ising\nseed: 99999999999999999999\n", "job.yaml:5: ", "beyond 64 bits"},
      });
}

TEST(JobMistakes, OfParameters) {
  expect_mistakes(base + "axes: {T: [1, 2]}\n",
                  {
                      {"params: 3\n", "job.yaml:6: params", "expected a map"},
                      {"params: [1]\n", "job.yaml:6: params", "expected a map"},
                      {"params: {T: 1}\n", "job.yaml:6: params.T", "'T' is an axis already"},
                      {"params:\n  a: 1\n  b: [1, 2]\n", "job.yaml:8: params.b", "list"},
                      {"params:\n  a: 1\n  a: 2\n", "job.yaml:8: ", "the key 'a' is there twice"},
                      {"params: {a: .nan}\n", "job.yaml:6: params.a", "finite"},
                      {"params: {a: .inf}\n", "job.yaml:6: params.a", "finite"},
                      {"params: {a: }\n", "job.yaml:6: params.a", "nothing"},
                      {"params: {scratch: 1}\n", "job.yaml:6: params.scratch", "'scratch' is taken"},
                  });
}

TEST(JobMistakes, OfAxes) {
  expect_mistakes(
      base,
      {
          {"axes: {}\n", "job.yaml:5: axes", "axis"},
          {"axes: [1, 2]\n", "job.yaml:5: axes", "expected a map"},
          {"axes:\n  T: []\n", "job.yaml:6: axes.T", "value"},
          {"axes:\n  T: 5\n", "job.yaml:6: axes.T", "expected"},
          {"axes:\n  T: [1, 2, 1]\n", "job.yaml:6: axes.T.2", "1"},
          {"axes:\n  T: [1, 1.0]\n", "job.yaml:6: axes.T.1", "1"},
          {"axes:\n  T: [1, .nan]\n", "job.yaml:6: axes.T.1", "finite"},
          {"axes:\n  T: [1, [2]]\n", "job.yaml:6: axes.T.1", "list"},
          {"axes:\n  L: [1]\n  T: {linspce: [1, 2, 3]}\n", "job.yaml:7: axes.T", "linspace"},
          {"axes:\n  T: {linspace: [1, 2]}\n", "job.yaml:6: axes.T", "linspace"},
          {"axes:\n  T: {linspace: [1, 2, 0]}\n", "job.yaml:6: axes.T.linspace", "0"},
          {"axes:\n  T: {linspace: [1, 2, 2.5]}\n", "job.yaml:6: axes.T.linspace", "2.5"},
          {"axes:\n  T: {linspace: [1, 1, 3]}\n", "job.yaml:6: axes.T", ""},
          {"axes:\n  T: {linspace: [1, x, 3]}\n", "job.yaml:6: axes.T.linspace.1", "expected a number"},
          {"axes:\n  T: {range: [5, 5]}\n", "job.yaml:6: axes.T", ""},
          {"axes:\n  T: {range: [0, 10, 0]}\n", "job.yaml:6: axes.T", ""},
          {"axes:\n  T: {range: ten}\n", "job.yaml:6: axes.T.range", "expected"},
          {"axes:\n  T: {logspace: [1, 2, 3], bas: 2}\n", "job.yaml:6: axes.T.bas", "did you mean 'base'?"},
          {"axes:\n  p: {zip: {a: [1, 2], b: [1]}}\n", "job.yaml:6: axes.p", ""},
          {"axes:\n  a: [1]\n  p: {zip: {a: [1, 2], b: [3, 4]}}\n", "job.yaml:7: axes.p", "a"},
          {"axes:\n  s: {sample: {method: sobl, points: 8, axes: {x: [0, 1]}}}\n",
           "job.yaml:6: axes.s.sample", "sobol"},
          {"axes:\n  s: {sample: {method: lhs, points: 0, axes: {x: [0, 1]}}}\n", "job.yaml:6: axes.s.sample",
           ""},
          {"axes:\n  s: {sample: {method: lhs, points: 8, axes: {x: [1, 0]}}}\n", "job.yaml:6: axes.s.sample",
           ""},
          {"axes:\n  a: {range: 2000000}\n  b: {range: 2000000}\n", "job.yaml:5: axes", ""},
      });
}

TEST(JobMistakes, OfChunksAndConstraints) {
  expect_mistakes(base + "axes: {T: [1, 2, 3], L: [16, 32]}\n",
                  {
                      {"chunk: 0\n", "job.yaml:6: chunk", "0"},
                      {"chunk: big\n", "job.yaml:6: chunk", "big"},
                      {"chunk: {S: 2}\n", "job.yaml:6: chunk.S", "S"},
                      {"chunk: {T: -2}\n", "job.yaml:6: chunk.T", "-2"},
                      {"exclude: {T: 1}\n", "job.yaml:6: exclude", "expected a list"},
                      {"exclude:\n  - {T: 1}\n  - {S: 1}\n", "job.yaml:8: exclude.1", "S"},
                      {"where: 'T <'\n", "job.yaml:6: where", ""},
                      {"where: 'S > 1'\n", "job.yaml:6: where", "S"},
                      {"where: 'T + 1'\n", "job.yaml:6: where", ""},
                      {"where: 5\n", "job.yaml:6: where", "expected a text"},
                      {"cost: 'L ** x'\n", "job.yaml:6: cost", "x"},
                      {"cost: 'L > 3'\n", "job.yaml:6: cost", ""},
                      {"cost: [L]\n", "job.yaml:6: cost", "expected a text"},
                  });
}

TEST(JobMistakes, OfTheOtherKeys) {
  expect_mistakes(
      base + "axes: {T: [1, 2, 3]}\n",
      {
          {"memory: lots\n", "job.yaml:6: memory", "lots"},
          {"memory: -5\n", "job.yaml:6: memory", "negative"},
          {"memory: 1MiB\n", "job.yaml:6: memory", "at least 16.0 MiB, not 1.00 MiB"},
          {"output: result.nc\n", "job.yaml:6: output", "must end in .h5, .csv or .jsonl"},
          {"output: [a.h5]\n", "job.yaml:6: output", "expected a text"},
          {"compression: gzip\n", "job.yaml:6: compression",
           "unknown compression 'gzip'; choices are none, deflate, zstd"},
          {"output: a.csv\ncompression: zstd\n", "job.yaml:7: compression", "for outputs that end in .h5"},
          {"on_version_change: newer\n", "job.yaml:6: on_version_change", "choices are error, new, keep"},
          {"memo: ''\n", "job.yaml:6: memo", "must not be empty"},
          {"lease: 0\n", "job.yaml:6: lease", "at least 1"},
          {"lease: soon\n", "job.yaml:6: lease", "soon"},
          {"max_failures: -1\n", "job.yaml:6: max_failures", "negative"},
          {"max_failures: 5 %%\n", "job.yaml:6: max_failures", "a share such as 5%"},
          {"max_failures: 101%\n", "job.yaml:6: max_failures", "a share such as 5%"},
          {"max_failures: nan%\n", "job.yaml:6: max_failures", "a share such as 5%"},
          {"ranks_per_point: 0\n", "job.yaml:6: ranks_per_point", "must be from 1"},
          {"ranks_per_point: two\n", "job.yaml:6: ranks_per_point", "expected an integer"},
          {"memory_per_point: many\n", "job.yaml:6: memory_per_point", "many"},
          {"time_limit: -3\n", "job.yaml:6: time_limit", "negative"},
          {"time_limit: 1:2:3:4\n", "job.yaml:6: time_limit", "1:2:3:4"},
          {"fields: [energy]\n", "job.yaml:6: fields", "expected a map"},
          {"fields: {energy: {unit: K}}\n", "job.yaml:6: fields.energy.unit", "did you mean 'units'?"},
          {"fields: {energy: {units: 3}}\n", "job.yaml:6: fields.energy.units", "expected a text"},
          {"outptu: x.h5\n", "job.yaml:6: outptu", "unknown key 'outptu'; did you mean 'output'?"},
          {"wibble: 1\n", "job.yaml:6: wibble", "valid keys are kind, name, function"},
      });
}

TEST(JobMistakes, OfCommands) {
  expect_mistakes(
      command_base,
      {
          {"command: []\n", "job.yaml:5: command", ""},
          {"command: 5\n", "job.yaml:5: command", "expected"},
          {"command: [echo, '{S}']\n", "job.yaml:5: command.1", "S"},
          {"command: [echo, '{T']\n", "job.yaml:5: command.1", ""},
          {"command: [echo, '{T}']\nparse: xml\n", "job.yaml:6: parse", "xml"},
          {"command: [echo, '{T}']\nparse: {regex: '('}\n", "job.yaml:6: parse", ""},
          {"command: [echo, '{T}']\ntimeout: 5 parsecs\n", "job.yaml:6: timeout", "parsecs"},
          {"command: [echo, '{T}']\ndirectory: there\n", "job.yaml:6: directory", "there"},
          {"command: [echo, '{T}']\nshell: yes\n", "job.yaml:6: shell", "true or false"},
          {"command: [echo, '{T}']\nversion: 1.10\n", "job.yaml:6: version", "as a text: \"1.1\""},
          {"command: [echo, '{T}']\nversion: ''\n", "job.yaml:6: version", "must not be empty"},
          {"command: [echo, '{T}']\nenv: [A]\n", "job.yaml:6: env", "expected a map"},
      });
}

TEST(JobMistakes, ShowTheLineAndACaret) {
  EXPECT_EQ(error_of(base + "axes: {T: [1]}\nmemory: 1MiB  # small\n"),
            "job.yaml:6: memory: a rank needs at least 16.0 MiB, not 1.00 MiB\n"
            "    memory: 1MiB  # small\n"
            "            ^");
}

TEST(JobMistakes, OfSettingsNameTheSetting) {
  const auto job = base + "axes:\n  T: [1, 2]\n";

  EXPECT_EQ(error_of(job, {"memory=1MiB"}),
            "--set memory=1MiB: memory: a rank needs at least 16.0 MiB, not 1.00 MiB");
  EXPECT_THAT(error_of(job, {"axes.L=[]"}), testing::StartsWith("--set axes.L=[]: axes.L"));
  EXPECT_THAT(error_of(job, {"wibble.a=1"}), testing::StartsWith("--set wibble.a=1: wibble: unknown key"));
  EXPECT_THAT(error_of(job, {"axes.T.7=1"}), testing::HasSubstr("there is no 'axes.T.7'"));
  EXPECT_THAT(error_of(job, {"memory"}), testing::HasSubstr("expected key.path=value"));
  EXPECT_THAT(error_of(job, {"=5"}), testing::HasSubstr("expected key.path=value"));
  EXPECT_THAT(error_of(job, {"axes.T=[1"}), testing::HasSubstr("--set axes.T=[1: column"));
  EXPECT_THAT(error_of(job, {"seed=7", "seed=x"}),
              testing::StartsWith("--set seed=x: seed: expected an integer"));
  EXPECT_THAT(error_of(base + "axes: {T: []}\n", {"seed=7"}), testing::StartsWith("job.yaml:5: axes.T"));
}

TEST(JobMistakes, WithoutAnyRegisteredFunction) {
  try {
    (void)parse_job(base + "axes: {T: [1]}\n", "job.yaml", {}, {});
    FAIL() << "no error";
  } catch (const JobError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("this program has no functions, so no 'ising'"));
  }
}

}  // namespace
