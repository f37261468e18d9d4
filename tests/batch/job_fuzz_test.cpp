// Mutated job files: every one is a job or a JobError, and never anything else; soon, and in little memory.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../support/peak_memory.hpp"
#include "surd/base/random.hpp"
#include "surd/batch/job.hpp"
#include "surd/batch/table_job.hpp"

namespace surd::batch {
namespace {

using Texts = std::vector<std::string>;

const Texts& sweeps() {
  static const Texts all{
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

const Texts& tables() {
  static const Texts all{
      "kind: table\nname: a\ninput: sales/*.csv\nsteps:\n  - filter: \"price > 0 and status == 'ok'\"\n"
      "  - derive: {revenue: price * quantity, day: 'substr(time, 0, 10)'}\n"
      "  - group: {by: [product], n: count, total: {sum: revenue}, all: {list: store}}\n"
      "  - sort: {by: [-total, product], nulls: first}\n  - take: 10\noutput: top.csv\nmemory: 64MiB\n",
      "kind: table\nname: b\ninput: {path: [a.csv.gz, b.csv], format: csv, delimiter: ';', header: false,\n"
      "  null_texts: ['', '-'], types: {c0: text, c1: float}, on_bad_row: quarantine}\n"
      "steps: [{select: {x: c0, y: c1}}, {sample: {share: 0.1, seed: 3}}, {skip: 5}, {distinct: [x]}]\n"
      "output: {path: o.jsonl.zst, format: jsonl}\nepoch: 1GiB\ntime_limit: 2h\n",
      "kind: table\nname: c\ninput: {path: records.bin, fixed: {record_bytes: 100, key: [0, 10]}}\n"
      "output: sorted.bin\nmemory: 8MiB\n",
      "kind: table\nname: d\ninput: {path: p.bin, fixed: {record_bytes: 16, columns: [{name: k, type: u64, "
      "offset: 0},\n  {name: v, type: f64, offset: 8}]}}\n"
      "steps:\n  - join: {input: {path: 'r.h5:/t', format: hdf5}, steps: [{filter: 'w > 1'}], on: [k], kind: "
      "left}\n"
      "  - distinct\noutput: {path: o.bin, fixed: {record_bytes: 16, columns: [{name: k, type: u64, offset: "
      "0}]}}\n",
      "{kind: table, name: e, input: {path: x.bin, fixed: {record_bytes: 8, key: {offset: 0, type: i64, "
      "descending: true}}}, output: y.bin}"};
  return all;
}

const std::vector<std::string>& tokens() {
  static const std::vector<std::string> all{"{",
                                            "}",
                                            "[",
                                            "]",
                                            ": ",
                                            ", ",
                                            "- ",
                                            "\n",
                                            "  ",
                                            "'",
                                            "\"",
                                            "#",
                                            "&a ",
                                            "*a",
                                            "!!str ",
                                            "<<: ",
                                            "~",
                                            ".nan",
                                            "-.inf",
                                            "1e999",
                                            "99999999999999999999",
                                            "-1",
                                            "0",
                                            "true",
                                            "axes",
                                            "chunk",
                                            "linspace",
                                            "zip",
                                            "sample",
                                            "{x}",
                                            "\t",
                                            "\xFF",
                                            "|",
                                            ">",
                                            "%",
                                            "@",
                                            "steps",
                                            "fixed",
                                            "record_bytes",
                                            "key",
                                            "join",
                                            "group",
                                            "9223372036854775808",
                                            "18446744073709551615",
                                            "1e18",
                                            "64MiB",
                                            "[[[[[[[[",
                                            "{a: {a: {a: ",
                                            "(((((((("};
  return all;
}

std::string mutate(std::string text, const Texts& seeds, base::RandomStream& random) {
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
        const auto& other = seeds[random.below(seeds.size())];
        text.insert(at, other.substr(random.below(other.size()), random.below(40)));
      }
    }
  }
  return text;
}

/// Whether a message begins "fuzz.yaml:12: ". What is wrong with the whole file has no line.
bool names_a_line(const std::string& message) {
  if (message.starts_with("fuzz.yaml: the key '") && message.find("is missing") != message.npos) return true;
  for (const auto* const whole : {"fuzz.yaml: expected a map, found ", "fuzz.yaml: a job "}) {
    if (message.starts_with(whole)) return true;
  }
  static const std::string begin = "fuzz.yaml:";
  return message.starts_with(begin) && std::isdigit(static_cast<unsigned char>(message[begin.size()])) != 0;
}

/// Parses mutations of `seeds` for some seconds.
template <class Parse>
void fuzz(const Texts& seeds, std::uint64_t stream, Parse parse) {
  using Clock = std::chrono::steady_clock;
  for (const auto& seed : seeds) EXPECT_NO_THROW(parse(seed)) << seed;
  base::RandomStream random(20261121, stream);
  const auto end = Clock::now() + std::chrono::seconds(5);
  std::uint64_t jobs = 0;
  std::uint64_t errors = 0;
  [[maybe_unused]] const auto memory = test::peak_memory([&] {
    while (Clock::now() < end) {
      const auto text = mutate(seeds[random.below(seeds.size())], seeds, random);
      const auto begin = Clock::now();
      try {
        parse(text);
        ++jobs;
      } catch (const JobError& e) {
        ++errors;
        ASSERT_TRUE(names_a_line(e.what())) << e.what() << "\n" << text;
      }
      ASSERT_LT(Clock::now() - begin, std::chrono::seconds(5)) << text;
    }
  });
  EXPECT_GT(jobs, 10U);
  EXPECT_GT(errors, 100U);
#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed for a while
  EXPECT_LT(memory, 64U << 20);
#endif
}

TEST(JobParser, TakesAnyTextAsAJobOrAJobError) {
  const std::vector<sweep::Function> functions{sweep::function("f", {})};
  fuzz(sweeps(), 1, [&](const std::string& text) { (void)parse_job(text, "fuzz.yaml", {}, functions); });
}

TEST(JobParser, TakesAnyTextAsATableJobOrAJobError) {
  fuzz(tables(), 2, [](const std::string& text) { (void)parse_table_job(text, "fuzz.yaml", {}); });
}

}  // namespace
}  // namespace surd::batch
