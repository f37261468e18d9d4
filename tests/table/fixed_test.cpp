#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "surd/base/error.hpp"
#include "table_support.hpp"

namespace surd::test {
namespace {

using table::FixedColumn;
using table::Format;
using table::InputSpec;
using table::OutputSpec;
using table::Type;
using testing::HasSubstr;

/// Out of order and with gaps.
const std::vector<FixedColumn>& all_kinds() {
  static const std::vector<FixedColumn> columns{
      {"i8", "i8", 0, 0},    {"u8", "u8", 1, 0},    {"i16", "i16", 2, 0},    {"u16", "u16", 5, 0},
      {"i32", "i32", 8, 0},  {"u32", "u32", 12, 0}, {"i64", "i64", 17, 0},   {"u64", "u64", 25, 0},
      {"f32", "f32", 33, 0}, {"f64", "f64", 40, 0}, {"bool", "bool", 48, 0}, {"t", "bytes", 50, 7}};
  return columns;
}

constexpr std::uint32_t kinds_bytes = 60;

OutputSpec output_of(const std::string& path, std::vector<FixedColumn> columns, std::uint32_t record_bytes,
                     table::Compression compression = table::Compression::none) {
  auto spec = output_to(path, Format::fixed, compression);
  spec.columns = std::move(columns);
  spec.record_bytes = record_bytes;
  return spec;
}

InputSpec input_of(const TempFile& file, std::vector<FixedColumn> columns, std::uint32_t record_bytes) {
  InputSpec spec;
  spec.paths = {file.path()};
  spec.format = Format::fixed;
  spec.columns = std::move(columns);
  spec.record_bytes = record_bytes;
  return spec;
}

table::Schema kinds_schema() {
  table::Schema schema;
  for (const auto& column : all_kinds()) {
    const auto letter = column.type[0];
    const bool text = column.type == "bytes";
    schema.push_back({column.name, text                    ? Type::text
                                   : column.type == "bool" ? Type::boolean
                                   : letter == 'f'         ? Type::float64
                                                           : Type::int64});
  }
  return schema;
}

/// The least, the largest and others, by the column's bits.
table::Batch every_kind_of_value(std::size_t rows) {
  base::RandomStream random(71, 0);
  table::Batch batch;
  batch.clear(kinds_schema());
  batch.rows = rows;
  for (std::size_t k = 0; k < all_kinds().size(); ++k) {
    const auto& type = all_kinds()[k].type;
    auto& column = batch.columns[k];
    for (std::size_t i = 0; i < rows; ++i) {
      if (type == "bytes") {
        column.push_text(std::string_view("abcdefg").substr(0, random.below(8)));
      } else if (type == "bool") {
        column.push_integer(static_cast<std::int64_t>(random.below(2)));
      } else if (type[0] == 'f') {
        column.push_number(random.below(5) == 0 ? std::numeric_limits<double>::infinity()
                                                : static_cast<double>(static_cast<float>(random.normal())));
      } else {
        const auto bits = std::stoi(type.substr(1)) - (type[0] == 'i' || type == "u64" ? 1 : 0);
        const auto most = static_cast<std::int64_t>((std::uint64_t{1} << bits) - 1);
        const auto least = type[0] == 'i' ? -most - 1 : 0;
        const std::int64_t values[] = {least, most, static_cast<std::int64_t>(random.below(100))};
        column.push_integer(values[random.below(3)]);
      }
    }
  }
  return batch;
}

TEST(FixedRecords, OfAllTypesComeBackFromSplitsOfAnySize) {
  const auto batch = every_kind_of_value(3000);
  const auto bytes =
      written(output_of("r.bin", all_kinds(), kinds_bytes), kinds_schema(), {batch, every_kind_of_value(1)});
  ASSERT_EQ(bytes.size(), 3001U * kinds_bytes);
  const TempFile file("r.bin", bytes);

  const auto input = open_input(input_of(file, all_kinds(), kinds_bytes), storage::local_file_system());

  EXPECT_EQ(input->schema(), kinds_schema());
  auto expected = rows_of(batch);
  expected.push_back(rows_of(every_kind_of_value(1))[0]);
  for (const std::uint64_t split : {1U << 30, 50000U, 7777U, 61U, 60U, 1U}) {
    expect_same_rows(read_all(*input, split, 1U << 16).rows, expected);
  }
  EXPECT_EQ(input->splits(1).size(), 3001U);
  EXPECT_EQ(input->splits(120).size(), 1501U);
}

TEST(FixedRecords, AreReadFromCompressedFiles) {
  const auto batch = every_kind_of_value(3000);
  for (const auto& [name, compression] :
       {std::pair{"r.bin.gz", table::Compression::gzip}, {"r.bin.zst", table::Compression::zstd}}) {
    const auto spec = output_of(name, all_kinds(), kinds_bytes, compression);
    const auto bytes = written(spec, kinds_schema(), {batch});
    const TempFile file(name, bytes);
    const auto input = open_input(input_of(file, all_kinds(), kinds_bytes), storage::local_file_system());

    EXPECT_EQ(input->splits(100).size(), 1U);
    expect_same_rows(read_all(*input).rows, rows_of(batch));

    file.write(std::string_view(bytes).substr(0, bytes.size() / 2));
    const auto cut = open_input(input_of(file, all_kinds(), kinds_bytes), storage::local_file_system());
    EXPECT_THAT(message_of<base::Error>([&] { (void)read_all(*cut); }), HasSubstr(file.path()));
  }
}

TEST(FixedRecords, AreReadOnlyInTheColumnsAskedFor) {
  const auto batch = every_kind_of_value(100);
  const TempFile file("c.bin",
                      written(output_of("c.bin", all_kinds(), kinds_bytes), kinds_schema(), {batch}));
  const auto input = open_input(input_of(file, all_kinds(), kinds_bytes), storage::local_file_system());
  std::vector<bool> columns(all_kinds().size());
  columns[6] = columns[11] = true;

  const auto found = read_all(*input, 1U << 20, 1U << 20, columns).rows;

  ASSERT_EQ(found.size(), 100U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], (Row{rows_of(batch)[i][6], rows_of(batch)[i][11]}));
  }
}

TEST(FixedRecords, BeyondTheLargestIntegerAreBadRows) {
  std::string bytes(5 * 8, '\0');
  bytes[15] = '\x80';  // record 1 is 2^63
  const TempFile file("u.bin", bytes);
  auto spec = input_of(file, {{"u", "u64", 0, 0}}, 8);
  const auto error =
      message_of<base::UsageError>([&] { (void)read_all(*open_input(spec, storage::local_file_system())); });
  EXPECT_THAT(error, HasSubstr("column u"));
  EXPECT_THAT(error, HasSubstr("9223372036854775808 is beyond the largest integer"));

  spec.on_bad_row = table::OnBadRow::quarantine;
  const auto reading = read_all(*open_input(spec, storage::local_file_system()));

  EXPECT_EQ(reading.rows.size(), 4U);
  ASSERT_EQ(reading.bad.size(), 1U);
  EXPECT_EQ(reading.bad[0].offset, 8U);
  EXPECT_EQ(reading.bad[0].text, "0000000000000080");
}

TEST(FixedRecords, NeedFilesOfWholeRecordsThatStayAsTheyAre) {
  const TempFile file("f.bin", std::string(33, 'x'));
  const auto spec = input_of(file, {{"a", "i64", 0, 0}}, 16);
  EXPECT_THAT(message_of<base::UsageError>([&] { (void)open_input(spec, storage::local_file_system()); }),
              HasSubstr("33 bytes are no multiple of record_bytes, 16: 1 bytes are left over"));
  file.write(std::string(160, 'x'));
  const auto input = open_input(spec, storage::local_file_system());
  file.write(std::string(80, 'x'));
  EXPECT_THAT(message_of<base::IoError>([&] { (void)read_all(*input); }),
              HasSubstr("changed while the job ran"));
}

TEST(FixedRecords, RefuseColumnsThatCannotBe) {
  const TempFile file("d.bin", "");
  const auto error = [&](std::vector<FixedColumn> columns, std::uint32_t bytes) {
    const auto spec = input_of(file, std::move(columns), bytes);
    return message_of<base::UsageError>([&] { (void)open_input(spec, storage::local_file_system()); });
  };
  EXPECT_THAT(error({{"a", "i64", 0, 0}}, 0), HasSubstr("needs 'record_bytes'"));
  EXPECT_THAT(error({}, 8), HasSubstr("needs 'columns'"));
  EXPECT_THAT(error({{"a", "i64", 1, 0}}, 8), HasSubstr("column a: bytes 1 to 9 reach out of the record"));
  EXPECT_THAT(error({{"a", "int", 0, 0}}, 8), HasSubstr("column a: unknown type 'int'"));
  EXPECT_THAT(error({{"a", "bytes", 0, 0}}, 8), HasSubstr("column a: type bytes needs a length"));
  EXPECT_THAT(error({{"a", "i32", 0, 8}}, 8), HasSubstr("i32 has 4 bytes, not 8"));
  EXPECT_THAT(error({{"a", "i8", 0, 0}, {"a", "i8", 1, 0}}, 8), HasSubstr("described twice"));
}

TEST(FixedRecords, LargerThanTheirMemorySaySo) {
  const TempFile file("h.bin", std::string(4U << 20, 'x'));
  const auto input = open_input(input_of(file, {{"a", "i64", 0, 0}}, 2U << 20), storage::local_file_system());
  memory::Budget small(4U << 20);
  EXPECT_THROW((void)input->read({0, 0, 4U << 20}, {true}, small, 1U << 20), base::UsageError);
  memory::Budget enough(8U << 20);
  table::Batch batch;
  EXPECT_TRUE(input->read({0, 0, 4U << 20}, {true}, enough, 1U << 20)->next(batch));
  EXPECT_EQ(batch.rows, 1U);
}

TEST(FixedOutput, RefusesValuesThatDoNotFit) {
  const auto error = [](const char* type, std::uint32_t bytes, Type column, auto push) {
    const table::Schema schema{{"a", column}};
    table::Batch batch;
    batch.clear(schema);
    push(batch.columns[0]);
    batch.rows = 1;
    return message_of<base::UsageError>([&] {
      (void)written(output_of("e.bin", {{"a", type, 0, bytes}}, 0), schema, {batch});
    });
  };
  const auto integer = [](std::int64_t value) {
    return [=](table::Column& column) { column.push_integer(value); };
  };
  const auto null = [](table::Column& column) { column.push_null(); };
  EXPECT_THAT(error("i8", 0, Type::int64, integer(128)),
              HasSubstr("row 0 of the output, column a: 128 does not"));
  EXPECT_THAT(error("u32", 0, Type::int64, integer(-1)), HasSubstr("-1 does not fit 4 bytes without a sign"));
  EXPECT_THAT(error("i64", 0, Type::int64, null), HasSubstr("null cannot be written"));
  EXPECT_THAT(error("bool", 0, Type::boolean, null), HasSubstr("null cannot be written"));
  EXPECT_THAT(error("f32", 0, Type::float64, [](auto& column) { column.push_number(1e300); }),
              HasSubstr("1e+300 is out of the range of f32"));
  EXPECT_THAT(error("bytes", 3, Type::text, [](auto& column) { column.push_text("four"); }),
              HasSubstr("a text of 4 bytes does not fit the 3"));
  EXPECT_THAT(
      error("bytes", 3, Type::text, [](auto& column) { column.push_text(std::string_view("a\0b", 3)); }),
      HasSubstr("a text with a zero byte"));
  EXPECT_EQ(error("f32", 0, Type::float64, null), "no such error");
  EXPECT_THAT(error("f64", 0, Type::int64, integer(1)), HasSubstr("cannot hold its values"));
  EXPECT_THAT(message_of<base::UsageError>([] {
                (void)write_piece(output_to("t.bin", Format::fixed), {{"t", Type::text}});
              }),
              HasSubstr("column t: texts in a binary output need a length"));
}

TEST(FixedSpeed, IsThatOfMemoryForTwoIntegers) {
  base::RandomStream random(72, 0);
  std::string bytes(std::size_t{32} << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    const auto value = random() >> 1;
    std::memcpy(bytes.data() + i, &value, 8);
  }
  const TempFile file("speed.bin", bytes);
  const auto input = open_input(input_of(file, {{"key", "u64", 0, 0}, {"value", "u64", 8, 0}}, 16),
                                storage::local_file_system());
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    std::size_t rows = 0;
    const auto start = cpu_seconds();
    for (const auto& split : input->splits(16U << 20)) {
      memory::Budget budget(2U << 20);
      const auto reader = input->read(split, {true, true}, budget, 1U << 20);
      for (table::Batch batch; reader->next(batch);) rows += batch.rows;
    }
    best = std::min(best, cpu_seconds() - start);
    EXPECT_EQ(rows, bytes.size() / 16);
  }
  const auto rate = static_cast<double>(bytes.size()) / best / 1e6;
  std::printf("%.0f MB/s of CPU time\n", rate);
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
  EXPECT_GT(rate, 500);
#endif
}

}  // namespace
}  // namespace surd::test
