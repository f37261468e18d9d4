// surd_data: makes input for data jobs, and checks what came out.
//
//   surd_data sales --bytes 1GiB -o sales.csv            surd_data numbers --rows 1000000 --keys zipf -o
//   n.bin surd_data check sorted --record 100 --key 0:10 sorted.bin records.bin surd_data expect sales -o
//   expected.csv sales.csv     surd_data check equal top.csv expected.csv
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "check.hpp"
#include "generate.hpp"
#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace {

struct CommandLine {
  data::Amount amount;
  std::string output;
  std::string keys = "uniform";
  std::uint64_t groups = 1'000'000;
  double exponent = 0;
  std::vector<std::string> files;
  std::uint32_t record_bytes = 8;
  std::string key = "0:8";
  bool number = false;
  std::string wrong;  ///< What a check found.
};

data::Distribution distribution(const std::string& name) {
  const auto& names = data::distribution_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<data::Distribution>(i);
  }
  throw surd::base::UsageError("--keys " + name + ": there is no such distribution (see --help)");
}

CLI::App* add_generator(CLI::App& app, CommandLine& line, const char* name, const char* what) {
  auto* verb = app.add_subcommand(name, what);
  verb->add_option("-o,--output", line.output, "File to write")->required();
  verb->add_option("--rows", line.amount.rows, "How many rows");
  verb->add_option_function<std::string>(
      "--bytes", [&line](const std::string& text) { line.amount.bytes = surd::base::parse_bytes(text); },
      "About how many bytes: 1GiB");
  verb->add_option("--seed", line.amount.seed, "Other data");
  return verb;
}

void add_keys(CLI::App* verb, CommandLine& line) {
  std::string names;
  for (const auto name : data::distribution_names()) names += " " + std::string(name);
  verb->add_option("--keys", line.keys, "Distribution of the keys:" + names);
}

void add_generators(CLI::App& app, CommandLine& line) {
  add_generator(app, line, "sales", "CSV of orders")->callback([&] {
    data::sales(line.output, line.amount);
  });
  add_generator(app, line, "log", "JSON Lines of requests")->callback([&] {
    data::log(line.output, line.amount);
  });
  auto* records = add_generator(app, line, "records", "Records of 100 bytes with keys of 10");
  add_keys(records, line);
  records->callback([&] { data::records(line.output, line.amount, distribution(line.keys)); });
  auto* numbers = add_generator(app, line, "numbers", "u64 numbers");
  add_keys(numbers, line);
  numbers->callback([&] { data::numbers(line.output, line.amount, distribution(line.keys)); });
  auto* pairs = add_generator(app, line, "pairs", "Records of a u64 key and a u64 value");
  pairs->add_option("--groups", line.groups, "Different keys");
  pairs->add_option("--zipf", line.exponent, "Exponent of the keys' skew; 0: none");
  pairs->callback([&] { data::pairs(line.output, line.amount, line.groups, line.exponent); });
}

void add_checks(CLI::App& app, CommandLine& line) {
  auto* check = app.add_subcommand("check", "Check a result; status 1 if it is wrong");
  check->require_subcommand(1);
  auto* sorted = check->add_subcommand("sorted", "SORTED INPUT...: order, and nothing lost");
  sorted->add_option("FILES", line.files)->required();
  sorted->add_option("--record", line.record_bytes, "Bytes of a record");
  sorted->add_option("--key", line.key, "OFFSET:BYTES of the key");
  sorted->add_flag("--number", line.number, "The key is a little-endian number");
  sorted->callback([&] {
    const auto colon = line.key.find(':');
    line.wrong =
        data::check_sorted({line.files.begin() + 1, line.files.end()}, line.files[0], line.record_bytes,
                           static_cast<std::uint32_t>(std::stoul(line.key)),
                           static_cast<std::uint32_t>(std::stoul(line.key.substr(colon + 1))), line.number);
  });
  auto* equal = check->add_subcommand("equal", "FOUND EXPECTED: CSV, numbers up to rounding");
  equal->add_option("FILES", line.files)->required()->expected(2);
  equal->callback([&] { line.wrong = data::check_equal(line.files[0], line.files[1]); });
  auto* expect = app.add_subcommand("expect", "Compute the expected result of a showcase, row by row");
  expect->require_subcommand(1);
  for (const auto* name : {"sales", "log"}) {
    auto* verb = expect->add_subcommand(name, std::string("Of jobs/") + name);
    verb->add_option("FILES", line.files)->required();
    verb->add_option("-o,--output", line.output)->required();
    verb->callback([&line, sales = std::string(name) == "sales"] {
      (sales ? data::expect_sales : data::expect_log)(line.files, line.output);
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Input for data jobs, and checks of their output");
  app.require_subcommand(1);
  add_generators(app, line);
  add_checks(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(surd::base::ExitStatus::usage);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "surd_data: %s\n", e.what());
    return static_cast<int>(surd::base::ExitStatus::fatal);
  }
  if (!line.wrong.empty()) std::fprintf(stderr, "surd_data: %s\n", line.wrong.c_str());
  return line.wrong.empty() ? 0 : 1;
}
