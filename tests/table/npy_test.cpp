#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "surd/base/error.hpp"
#include "surd/table/detail/npy.hpp"
#include "table_support.hpp"

namespace surd::test {
namespace {

using table::Format;
using table::InputSpec;
using table::Type;
using testing::HasSubstr;

std::unique_ptr<table::Input> open(const TempFile& file) {
  InputSpec spec;
  spec.paths = {file.path()};
  return open_input(spec, storage::local_file_system());
}

void expect_round_trip(const table::Schema& schema, const table::Schema& read_as) {
  base::RandomStream random(81, 0);
  const auto batch = hostile_batch(random, schema, 3000, {.nulls = false});
  const auto spec = output_to("a.npy", Format::npy);
  const auto bytes = written(spec, schema, {batch, batch});
  const TempFile file("a.npy", bytes);

  const auto input = open(file);

  EXPECT_EQ(input->schema(), read_as);
  auto expected = rows_of(batch);
  for (auto& row : rows_of(batch)) expected.push_back(row);
  for (const std::uint64_t split : {1U << 30, 30000U, 1000U, 1U}) {
    expect_same_rows(read_all(*input, split, 1U << 16).rows, expected);
  }
}

TEST(Npy, OfOneColumnIsAVector) { expect_round_trip({{"x", Type::float64}}, {{"c0", Type::float64}}); }

TEST(Npy, OfColumnsOfOneTypeIsAMatrix) {
  expect_round_trip({{"a", Type::int64}, {"b", Type::int64}, {"c", Type::int64}},
                    {{"c0", Type::int64}, {"c1", Type::int64}, {"c2", Type::int64}});
}

TEST(Npy, OfColumnsOfSeveralTypesKeepsTheirNames) {
  const table::Schema schema{{"a", Type::int64}, {"it's", Type::float64}, {"f\\", Type::boolean}};
  expect_round_trip(schema, schema);
}

TEST(Npy, WritesNullFloatsAsNanAndRefusesOtherNulls) {
  const table::Schema schema{{"x", Type::float64}};
  table::Batch batch;
  batch.clear(schema);
  batch.rows = 1;
  batch.columns[0].push_null();
  const TempFile file("n.npy", written(output_to("n.npy", Format::npy), schema, {batch}));
  EXPECT_EQ(read_all(*open(file)).rows, (std::vector<Row>{{"nan"}}));

  batch.clear({{"x", Type::int64}});
  batch.columns[0].push_null();
  EXPECT_THAT(message_of<base::UsageError>([&] {
                (void)written(output_to("n.npy", Format::npy), {{"x", Type::int64}}, {batch});
              }),
              HasSubstr("null cannot be written"));
}

/// A file of version `version` around a header.
std::string npy(const std::string& header, std::string_view data, char version = 1) {
  std::string file("\x93NUMPY");
  file += {version, '\0'};
  auto size = static_cast<std::uint32_t>(header.size());
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i, size >>= 8) file += static_cast<char>(size & 0xFF);
  return file + header + std::string(data);
}

std::vector<Row> rows_in(const std::string& bytes) {
  const TempFile file("h.npy", bytes);
  return read_all(*open(file)).rows;
}

TEST(Npy, ReadsTypesAndHeadersOfOthers) {
  using namespace std::string_literals;
  const std::string plain = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
  EXPECT_EQ(rows_in(npy(plain, "\1\0\2\0"s)), (std::vector<Row>{{"1"}, {"2"}}));
  EXPECT_EQ(rows_in(npy(plain, "\1\0\2\0"s, 2)), (std::vector<Row>{{"1"}, {"2"}}));
  EXPECT_EQ(rows_in(npy(plain, "\1\0\2\0"s, 3)), (std::vector<Row>{{"1"}, {"2"}}));
  EXPECT_EQ(rows_in(npy("{'descr':'>u4','fortran_order':True,'shape':(1L, 1)}", "\0\0\1\2"s)),
            (std::vector<Row>{{"258"}}));
  EXPECT_EQ(rows_in(npy("{\"shape\": (2,), \"fortran_order\": False, \"descr\": \"<f2\"}", "\0\x3C\0\xFC"s)),
            (std::vector<Row>{{"1"}, {"-inf"}}));
  EXPECT_EQ(rows_in(npy("{'descr': '<U2', 'fortran_order': False, 'shape': (2,)}",
                        "\xE4\0\0\0\x42\0\0\0\x4F\xF6\1\0\0\0\0\0"s)),
            (std::vector<Row>{{"\xC3\xA4"s + "B"}, {"\xF0\x9F\x99\x8F"}}));
  EXPECT_EQ(rows_in(npy("{'descr': [('a', '|S3'), ('', '|V2'), ('b', '|b1')], 'fortran_order': False, "
                        "'shape': (1,)}",
                        "xy\0??\1"s)),
            (std::vector<Row>{{"xy", "1"}}));
  EXPECT_EQ(rows_in(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}", "")), std::vector<Row>{});
}

TEST(Npy, NamesWhatIsWrongWithAFile) {
  const auto error = [](const std::string& header, std::string_view data) {
    return message_of<base::Error>([&] { (void)rows_in(npy(header, data)); });
  };
  const auto of = [](const char* descr, const char* shape, const char* fortran = "False") {
    return std::string("{'descr': ") + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + "}";
  };
  EXPECT_THAT(error(of("'<i8'", "(2,)"), std::string(15, 'x')),
              HasSubstr("promises 2 rows of 8 bytes, but 15 bytes follow it"));
  EXPECT_THAT(error(of("'<i8'", "(1,)"), std::string(16, 'x')), HasSubstr("but 16 bytes follow"));
  EXPECT_THAT(error(of("'<i8'", "(2, 2)", "True"), std::string(32, 'x')), HasSubstr("Fortran order"));
  EXPECT_THAT(error(of("'<i8'", "(2, 2, 2)"), std::string(64, 'x')), HasSubstr("3 dimensions"));
  EXPECT_THAT(error(of("'<i8'", "()"), std::string(8, 'x')), HasSubstr("0 dimensions"));
  EXPECT_THAT(error(of("'|O'", "(1,)"), "x"), HasSubstr("|O"));
  EXPECT_THAT(error(of("[('a', '<i8', (2,))]", "(1,)"), std::string(16, 'x')),
              HasSubstr("column a: subarrays"));
  EXPECT_THAT(error("{'descr': '<i8'", ""), HasSubstr("npy"));
  EXPECT_THAT(error(of("'<i8'", "(-1,)"), ""), HasSubstr("npy"));
  EXPECT_THAT(error(of("'<i8'", "(0, 0)"), ""), HasSubstr("0 columns"));
  EXPECT_THAT(message_of<base::FormatError>([] { (void)rows_in("\x93NUMPY"); }), HasSubstr("no .npy file"));
  EXPECT_THAT(message_of<base::FormatError>([] { (void)rows_in(""); }), HasSubstr("no .npy file"));
  EXPECT_THAT(message_of<base::FormatError>([] { (void)rows_in(npy("{}", "", 9)); }),
              HasSubstr("unknown version 9"));
}

TEST(Npy, HeadersThatAreDamagedGiveErrorsOnly) {
  base::RandomStream random(82, 0);
  const auto header = table::detail::npy_header({{"a", table::detail::FieldKind::integer, 8, 0, false},
                                                 {"b", table::detail::FieldKind::number, 8, 8, false}},
                                                17);
  int errors = 0;
  for (int round = 0; round < 20000; ++round) {
    auto damaged = header;
    for (auto n = 1 + random.below(3); n > 0; --n) {
      constexpr std::string_view telling = "()[]{}',:0<";
      const auto byte =
          random.below(4) == 0 ? static_cast<char>(random.below(256)) : telling[random.below(telling.size())];
      damaged[random.below(damaged.size())] = byte;
    }
    if (random.below(4) == 0) damaged.resize(random.below(damaged.size()));
    try {
      EXPECT_FALSE(table::detail::parse_npy_header(damaged).fields.empty());
    } catch (const base::Error&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 1000);
}

TEST(Npy, WithABadCodePointIsABadRow) {
  using namespace std::string_literals;
  const TempFile file(
      "u.npy", npy("{'descr': '<U1', 'fortran_order': False, 'shape': (3,)}", "a\0\0\0\0\xD8\0\0b\0\0\0"s));
  InputSpec spec;
  spec.paths = {file.path()};
  EXPECT_THAT(
      message_of<base::UsageError>([&] { (void)read_all(*open_input(spec, storage::local_file_system())); }),
      HasSubstr("0xD800 is no code point"));
  spec.on_bad_row = table::OnBadRow::skip;
  EXPECT_EQ(read_all(*open_input(spec, storage::local_file_system())).rows, (std::vector<Row>{{"a"}, {"b"}}));
}

}  // namespace
}  // namespace surd::test
