#include "surd/table/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>

#include "surd/base/error.hpp"
#include "table_support.hpp"

namespace surd::test {
namespace {

using table::Compression;
using table::Format;
using table::OutputSpec;
using table::Type;
using testing::HasSubstr;

table::InputSpec input_from(const TempFile& file, const table::Schema& types) {
  table::InputSpec spec;
  spec.paths = {file.path()};
  spec.null_texts = {"", "NA"};
  spec.types = types;
  return spec;
}

/// Opens by name, as a job does, and reads splits of all sizes.
void expect_read_back(const table::InputSpec& spec, const std::vector<Row>& expected) {
  const auto input = open_input(spec, storage::local_file_system());
  for (const std::uint64_t bytes : {1U << 30, 100000U, 4096U, 300U}) {
    expect_same_rows(read_all(*input, bytes).rows, expected);
  }
}

struct Text {
  const char* name;
  Format format;
  Compression compression;
  char delimiter;
};

class TextOutput : public testing::TestWithParam<Text> {};

TEST_P(TextOutput, ReadsBackAsItWasWritten) {
  const auto& text = GetParam();
  base::RandomStream random(61, 0);
  const bool json = text.format == Format::jsonl;
  std::vector<table::Batch> pieces;
  std::vector<Row> expected;
  for (const std::size_t rows : {700U, 0U, 1U, 2000U}) {
    pieces.push_back(hostile_batch(random, every_type(), rows, {.zero_bytes = json, .not_finite = !json}));
    for (auto& row : rows_of(pieces.back())) expected.push_back(std::move(row));
  }
  auto output = output_to(text.name, text.format, text.compression);
  output.delimiter = text.delimiter;

  const TempFile file(text.name, written(output, every_type(), pieces));

  auto input = input_from(file, every_type());
  input.delimiter = text.delimiter;
  expect_read_back(input, expected);
}

INSTANTIATE_TEST_SUITE_P(Formats, TextOutput,
                         testing::Values(Text{"o.csv", Format::csv, Compression::none, ','},
                                         Text{"o.tsv", Format::csv, Compression::none, '\t'},
                                         Text{"o.csv.gz", Format::csv, Compression::gzip, ','},
                                         Text{"p.csv.zst", Format::csv, Compression::zstd, ';'},
                                         Text{"o.jsonl", Format::jsonl, Compression::none, ','},
                                         Text{"o.jsonl.gz", Format::jsonl, Compression::gzip, ','},
                                         Text{"o.ndjson.zst", Format::jsonl, Compression::zstd, ','}),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           for (char& byte : name) byte = byte == '.' ? '_' : byte;
                           return name;
                         });

TEST(CsvOutput, KeepsNullsApartFromEmptyTextsInOneColumn) {
  const table::Schema schema{{"t", Type::text}};
  table::Batch batch;
  batch.clear(schema);
  batch.rows = 5;
  auto& column = batch.columns[0];
  column.push_text("");
  column.push_null();
  column.push_text("NA");
  column.push_text("NaN");
  column.push_text("null");

  const auto text = written(output_to("one.csv", Format::csv), schema, {batch});

  EXPECT_EQ(text, "t\n\"\"\nNA\n\"NA\"\n\"NaN\"\n\"null\"\n");
  const TempFile file("one.csv", text);
  auto spec = input_from(file, schema);
  spec.null_texts = table::InputSpec{}.null_texts;
  expect_read_back(spec, rows_of(batch));
}

std::string shortest(double value) {
  std::array<char, 40> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

double some_number(base::RandomStream& random) {
  const auto sign = random.below(2) == 0 ? 1.0 : -1.0;
  switch (random.below(6)) {
    case 0:
      return sign * static_cast<double>(random.below(100000000)) / 100;
    case 1:
      return sign * static_cast<double>(random.below(1000)) / 100;
    case 2:
      return sign * static_cast<double>(random.below(std::uint64_t{1} << random.below(60)));
    case 3:
      return std::nextafter(static_cast<double>(random.below(10000)) / 100, sign * 1e9);
    case 4:
      return sign * std::ldexp(1.0 + random.uniform(), static_cast<int>(random.below(120)) - 60);
    default:
      return std::bit_cast<double>(random());
  }
}

TEST(CsvOutput, WritesNumbersInTheirShortestForm) {
  base::RandomStream random(62, 0);
  const table::Schema schema{{"x", Type::float64}};
  const auto writer = write_piece(output_to("x.csv", Format::csv), schema);
  for (int round = 0; round < 250; ++round) {
    table::Batch batch;
    batch.clear(schema);
    batch.rows = 4000;
    std::string expected;
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const auto value = some_number(random);
      batch.columns[0].push_number(value);
      expected += shortest(value) + "\n";
    }
    std::vector<char> bytes;

    writer->write(batch, bytes);

    const std::string found(bytes.begin(), bytes.end());
    if (found == expected) continue;
    const auto at = std::mismatch(found.begin(), found.end(), expected.begin(), expected.end()).second;
    const auto offset = static_cast<std::size_t>(at - expected.begin());
    FAIL() << "at " << expected.substr(offset - std::min<std::size_t>(offset, 20), 60);
  }
}

TEST(JsonOutput, HasNullForWhatJsonLacksAndReplacesWhatIsNoUtf8) {
  const table::Schema schema{{"x", Type::float64}, {"t\n", Type::text}};
  table::Batch batch;
  batch.clear(schema);
  batch.rows = 2;
  batch.columns[0].push_number(std::numeric_limits<double>::quiet_NaN());
  batch.columns[0].push_number(-std::numeric_limits<double>::infinity());
  batch.columns[1].push_text("a\xFF\"");
  batch.columns[1].push_text(std::string_view("\0\x1F\xC3\xA4", 4));

  EXPECT_EQ(written(output_to("o.jsonl", Format::jsonl), schema, {batch}),
            "{\"x\":null,\"t\\n\":\"a\xEF\xBF\xBD\\\"\"}\n"
            "{\"x\":null,\"t\\n\":\"\\u0000\\u001f\xC3\xA4\"}\n");
}

OutputSpec parse(const char* json) {
  const auto document = base::Json::parse(json);
  return table::parse_output(base::Spec(document, "output"));
}

TEST(OutputSpec, TakesFormatAndCompressionFromTheName) {
  EXPECT_EQ(parse(R"("a/b.csv")").format, Format::csv);
  EXPECT_EQ(parse(R"("b.tsv.gz")").delimiter, '\t');
  EXPECT_EQ(parse(R"("b.tsv.gz")").compression, Compression::gzip);
  EXPECT_EQ(parse(R"("b.ndjson.zst")").format, Format::jsonl);
  EXPECT_EQ(parse(R"("b.ndjson.zst")").compression, Compression::zstd);
  EXPECT_EQ(parse(R"({"path": "x", "format": "npy"})").format, Format::npy);
  EXPECT_EQ(parse(R"({"path": "b.h5", "dataset": "x/y"})").dataset, "x/y");
  EXPECT_EQ(parse(R"({"path": "b.csv", "delimiter": "tab"})").delimiter, '\t');
}

TEST(OutputSpec, RefusesWhatCannotBeWritten) {
  const auto error = [](const char* json) { return message_of<base::Error>([&] { (void)parse(json); }); };
  EXPECT_THAT(error(R"("b.xls")"), HasSubstr("its name tells no format"));
  EXPECT_THAT(error(R"("b.npy.gz")"), HasSubstr("only csv, jsonl and fixed outputs can be compressed"));
  EXPECT_THAT(error(R"({"path": "b", "format": "arrow"})"), HasSubstr("unknown format 'arrow'"));
  EXPECT_THAT(error(R"({"path": "b.csv", "delimiter": "\""})"), HasSubstr("must be one ASCII character"));
  EXPECT_THAT(error(R"({"path": "b.csv", "delimeter": ","})"), HasSubstr("delimeter"));
}

TEST(Quarantine, WritesALineOfCsvForEveryBadRow) {
  table::BadRow row;
  row.file = "a,\"b\".csv";
  row.offset = 17;
  row.line = 3;
  row.column = "x";
  row.reason = "'y' is no float";
  row.text = "1,y\n";
  EXPECT_EQ(table::quarantine_line(row), "\"a,\"\"b\"\".csv\",17,,\"x\",\"'y' is no float\",\"1,y\n\"\n");
  row.line_is_exact = true;
  EXPECT_THAT(table::quarantine_line(row), HasSubstr(",17,3,"));
  EXPECT_EQ(table::quarantine_path(output_to("out/x.csv.gz", Format::csv)), "out/x.csv.gz.bad.csv");
}

TEST(TextOutputs, TakeLittleMoreRoomThanTheirTexts) {
  const table::Schema schema{{"t", Type::text}};
  table::Batch batch;
  batch.clear(schema);
  batch.rows = 100;
  for (std::size_t i = 0; i < batch.rows; ++i) batch.columns[0].push_text(std::string(10000, 'x'));
  for (const auto format : {Format::csv, Format::jsonl}) {
    std::vector<char> bytes;
    bytes.reserve(1500000);
    write_piece(output_to("s", format), schema)->write(batch, bytes);
    EXPECT_EQ(bytes.capacity(), 1500000U);
    EXPECT_GT(bytes.size(), 1000000U);
  }
  EXPECT_THROW((void)write_piece(output_to("s.csv", Format::csv), {}), base::UsageError);
}

/// Rows like those of a table of sales, CPU seconds per byte of output.
TEST(OutputSpeed, IsHundredsOfMegabytesASecondForCsvAndJson) {
  base::RandomStream random(63, 0);
  const table::Schema schema{{"id", Type::int64},     {"day", Type::text},      {"store", Type::text},
                             {"amount", Type::int64}, {"price", Type::float64}, {"note", Type::text}};
  table::Batch batch;
  batch.clear(schema);
  batch.rows = 8192;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    batch.columns[0].push_integer(static_cast<std::int64_t>(1000000 + i));
    batch.columns[1].push_text("2026-01-" + std::to_string(10 + random.below(20)));
    batch.columns[2].push_text(random.below(2) == 0 ? "north" : "south-east");
    batch.columns[3].push_integer(static_cast<std::int64_t>(random.below(1000)));
    batch.columns[4].push_number(static_cast<double>(random.below(10000000)) / 100);
    batch.columns[5].push_text(i % 4 == 0 ? "a note, quoted" : "plain note");
  }
  for (const auto format : {Format::csv, Format::jsonl}) {
    const auto writer = write_piece(output_to("s", format), schema);
    std::vector<char> bytes;
    double best = 1e9;
    for (int round = 0; round < 60; ++round) {
      bytes.clear();
      const auto start = cpu_seconds();
      writer->write(batch, bytes);
      best = std::min(best, cpu_seconds() - start);
    }
    const auto rate = static_cast<double>(bytes.size()) / best / 1e6;
    std::printf("%s: %.0f MB/s of CPU time\n", format == Format::csv ? "csv" : "jsonl", rate);
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
    EXPECT_GT(rate, 150);
#endif
  }
}

}  // namespace
}  // namespace surd::test
