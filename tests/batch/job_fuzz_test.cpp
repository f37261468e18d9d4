// Mutated job files: every one is a job or a JobError, and never anything else.
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "surd/batch/job.hpp"

namespace surd::batch {
namespace {

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> all{
      "kind: sweep\nname: a\nfunction: f\nparams: {p: 1}\naxes:\n  T: {linspace: [0, 1, 5]}\n  L: [1, "
      "2]\nchunk: {T: 2}\n",
      "kind: sweep\nname: b\ncommand: [echo, '{x}']\nparse: {regex: '(?<y>.*)'}\ntimeout: 5s\naxes: {x: "
      "{range: [0, 9, 2]}}\n",
      "kind: sweep\nname: c\nfunction: f\naxes:\n  z: {zip: {a: [1, 2], b: [x, y]}}\n"
      "  s: {sample: {method: sobol, points: 8, seed: 1, axes: {u: [0, 1], v: {log: [1e-3, 1]}}}}\n"
      "exclude: [{a: 1, b: x}]\nwhere: 'a < 2'\nmemory: 64MiB\noutput: o.h5\nfields: {e: {units: J}}\n",
      "kind: sweep\nname: d\nfunction: f\naxes: &q\n  r: {logspace: [-3, 2, 6]}\nmax_failures: 5%\nlease: "
      "4s\ncost: r * 2\n"};
  return all;
}

const std::vector<std::string>& tokens() {
  static const std::vector<std::string> all{
      "{",      "}",    "[",    "]",    ": ",    ", ",       "- ",
      "\n",     "  ",   "'",    "\"",   "#",     "&a ",      "*a",
      "!!str ", "<<: ", "~",    ".nan", "-.inf", "1e999",    "99999999999999999999",
      "-1",     "0",    "true", "axes", "chunk", "linspace", "zip",
      "sample", "{x}",  "\t",   "\xFF", "|",     ">",        "%",
      "@"};
  return all;
}

std::string mutate(std::string text, base::RandomStream& random) {
  for (auto times = 1 + random.below(6); times > 0 && !text.empty(); --times) {
    const auto at = random.below(text.size());
    switch (random.below(5)) {
      case 0:
        text.erase(at, 1 + random.below(8));
        break;
      case 1:
        text.insert(at, tokens()[random.below(tokens().size())]);
        break;
      case 2:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 3:
        text.insert(at, text.substr(random.below(text.size()), random.below(30)));
        break;
      default: {
        const auto& other = seeds()[random.below(seeds().size())];
        text.insert(at, other.substr(random.below(other.size()), random.below(40)));
      }
    }
  }
  return text;
}

TEST(JobParser, TakesAnyTextAsAJobOrAJobError) {
  const std::vector<sweep::Function> functions{sweep::function("f", {})};
  base::RandomStream random(20261121, 1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::uint64_t jobs = 0;
  std::uint64_t errors = 0;
  while (std::chrono::steady_clock::now() < end) {
    const auto text = mutate(seeds()[random.below(seeds().size())], random);
    try {
      (void)parse_job(text, "fuzz.yaml", {}, functions);
      ++jobs;
    } catch (const JobError& e) {
      ++errors;
      EXPECT_EQ(std::string(e.what()).rfind("fuzz.yaml", 0), 0U) << e.what();
    }
  }
  EXPECT_GT(jobs, 10U);
  EXPECT_GT(errors, 100U);
}

}  // namespace
}  // namespace surd::batch
