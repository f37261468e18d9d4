#include "table_support.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <ctime>
#include <limits>

#include <gtest/gtest.h>

namespace surd::test {

using table::Type;

namespace {

std::int64_t hostile_integer(base::RandomStream& random) {
  static constexpr std::array<std::int64_t, 6> edges{0,   -1,  std::numeric_limits<std::int64_t>::min(),
                                                     255, 256, std::numeric_limits<std::int64_t>::max()};
  switch (random.below(3)) {
    case 0:
      return edges[random.below(edges.size())];
    case 1:
      return static_cast<std::int64_t>(random.below(7)) - 3;
    default:
      return static_cast<std::int64_t>(random());
  }
}

double hostile_number(base::RandomStream& random, bool not_finite) {
  using limits = std::numeric_limits<double>;
  static constexpr std::array edges{0.0,           -0.0,          0.1, 1e300, limits::denorm_min(),
                                    limits::max(), -limits::max()};
  static constexpr std::array odd{limits::infinity(), -limits::infinity(), limits::quiet_NaN()};
  switch (random.below(4)) {
    case 0:
      return edges[random.below(edges.size())];
    case 1:
      return not_finite ? odd[random.below(odd.size())] : 1.0;
    case 2:
      return static_cast<double>(random.below(2000)) / 100 - 10;
    default: {
      const auto value = std::bit_cast<double>(random());
      return std::isfinite(value) ? value : 7.0;
    }
  }
}

std::string hostile_text(base::RandomStream& random, const Hostility& hostility) {
  static const std::vector<std::string> parts{"",   "a",  "ab",   "\"",   ",",        "\n",  "\r\n",
                                              "NA", "{}", "null", "\\",   "\xC3\xA4", " x ", "12",
                                              "\t", "'",  "a b",  "true", "\x01",     "\x7F"};
  static const std::string zero(1, '\0');
  std::string text;
  for (auto n = random.below(4); n > 0; --n) {
    text += hostility.zero_bytes && random.below(4) == 0 ? zero : parts[random.below(parts.size())];
  }
  if (random.below(8) == 0) text.append(random.below(hostility.longest_text + 1), 'z');
  if (text.size() > hostility.longest_text) text.assign("cut");
  return text;
}

}  // namespace

table::Schema every_type() {
  return {{"integer", Type::int64},
          {"number", Type::float64},
          {"text", Type::text},
          {"flag", Type::boolean},
          {"a \"word\", quoted", Type::text}};
}

table::Batch hostile_batch(base::RandomStream& random, const table::Schema& schema, std::size_t rows,
                           const Hostility& hostility) {
  table::Batch batch;
  batch.clear(schema);
  batch.rows = rows;
  for (auto& column : batch.columns) {
    for (std::size_t i = 0; i < rows; ++i) {
      if (hostility.nulls && random.below(5) == 0) {
        column.push_null();
      } else if (column.type == Type::int64) {
        column.push_integer(hostile_integer(random));
      } else if (column.type == Type::float64) {
        column.push_number(hostile_number(random, hostility.not_finite));
      } else if (column.type == Type::boolean) {
        column.push_integer(static_cast<std::int64_t>(random.below(2)));
      } else {
        column.push_text(hostile_text(random, hostility));
      }
    }
  }
  return batch;
}

std::vector<Row> rows_of(const table::Batch& batch) {
  std::vector<Row> rows;
  const std::vector<bool> all(batch.columns.size(), true);
  for (std::size_t i = 0; i < batch.rows; ++i) rows.push_back(row_of(batch, i, all));
  return rows;
}

void expect_same_rows(const std::vector<Row>& found, const std::vector<Row>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], expected[i]) << "row " << i;
}

table::OutputSpec output_to(const std::string& path, table::Format format, table::Compression compression) {
  table::OutputSpec spec;
  spec.path = path;
  spec.format = format;
  spec.compression = compression;
  return spec;
}

std::string written(const table::OutputSpec& spec, const table::Schema& schema,
                    const std::vector<table::Batch>& pieces) {
  std::uint64_t rows = 0;
  for (const auto& piece : pieces) rows += piece.rows;
  auto file = head(spec, schema, rows);
  for (const auto& piece : pieces) {
    std::vector<char> bytes;
    const auto writer = write_piece(spec, schema);
    writer->write(piece, bytes);
    writer->finish(bytes);
    file.append(bytes.begin(), bytes.end());
  }
  return file;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace surd::test
