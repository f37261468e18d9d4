#include "surd/table/input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "csv_support.hpp"
#include "surd/base/error.hpp"
#include "surd/table/detail/glob.hpp"
#include "surd/table/detail/infer.hpp"

namespace surd::test {
namespace {

using base::Json;
using base::Spec;
using table::Format;
using table::OnBadRow;
using table::Type;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

table::InputSpec parse(const char* json) {
  const auto document = Json::parse(json);
  return table::parse_input(Spec(document, "input"));
}

std::string error_of(const char* json) {
  try {
    (void)parse(json);
  } catch (const base::SpecError& e) {
    return e.what();
  }
  return "no error";
}

TEST(InputSpecs, ArePathsOrMaps) {
  EXPECT_THAT(parse(R"("a.csv")").paths, ElementsAre("a.csv"));
  EXPECT_THAT(parse(R"(["a.csv", "b*.csv"])").paths, ElementsAre("a.csv", "b*.csv"));

  const auto spec = parse(R"({"path": "a.txt", "format": "csv", "delimiter": "tab", "header": false,
      "null_texts": ["-"], "types": {"c0": "int", "c1": "text"}, "on_bad_row": "skip", "split": false})");
  EXPECT_EQ(spec.format, Format::csv);
  EXPECT_EQ(spec.delimiter, '\t');
  EXPECT_FALSE(spec.header);
  EXPECT_FALSE(spec.split);
  EXPECT_THAT(spec.null_texts, ElementsAre("-"));
  EXPECT_EQ(spec.types, (table::Schema{{"c0", Type::int64}, {"c1", Type::text}}));
  EXPECT_EQ(spec.on_bad_row, OnBadRow::skip);

  const auto fixed = parse(R"({"path": "r.bin", "fixed": {"record_bytes": 100,
      "columns": [{"name": "key", "type": "bytes", "offset": 0, "bytes": 10}]}})");
  EXPECT_EQ(fixed.record_bytes, 100U);
  ASSERT_EQ(fixed.columns.size(), 1U);
  EXPECT_EQ(fixed.columns[0].bytes, 10U);
}

TEST(InputSpecs, NameTheirMistakes) {
  EXPECT_THAT(error_of(R"({"path": "a", "on_bad_row": "skp"})"), HasSubstr("did you mean 'skip'"));
  EXPECT_THAT(error_of(R"({"path": "a", "delimeter": ","})"), HasSubstr("did you mean 'delimiter'"));
  EXPECT_THAT(error_of(R"({"path": "a", "delimiter": "\""})"), HasSubstr("input.delimiter"));
  EXPECT_THAT(error_of(R"({"path": "a", "types": {"x": "flaot"}})"), HasSubstr("input.types.x"));
  EXPECT_THAT(error_of(R"({"format": "csv"})"), HasSubstr("path"));
  EXPECT_THAT(error_of("[]"), HasSubstr("at least one path"));
}

TEST(Globs, FindFilesInOrder) {
  const std::filesystem::path root = testing::TempDir() + "surd_globs_" + std::to_string(getpid());
  for (const auto* name : {"x/b.csv", "x/a.csv", "y/a.csv", "y/.hidden.csv", "y/a[1].csv", "file"}) {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream(root / name) << "a\n1\n";
  }
  auto& disk = storage::local_file_system();
  const auto find = [&](const char* pattern) {
    std::vector<std::string> names;
    for (const auto& path : table::detail::expand_glob((root / pattern).native(), disk)) {
      names.push_back(std::filesystem::relative(path, root).native());
    }
    return names;
  };

  EXPECT_THAT(find("x/*.csv"), ElementsAre("x/a.csv", "x/b.csv"));
  EXPECT_THAT(find("*/a.csv"), ElementsAre("x/a.csv", "y/a.csv"));
  EXPECT_THAT(find("[y-z]/?.csv"), ElementsAre("y/a.csv"));
  EXPECT_THAT(find("y/a[1].csv"), ElementsAre("y/a[1].csv"));
  EXPECT_THAT(find("*/none"), IsEmpty());
  EXPECT_THAT(find("missing/*"), IsEmpty());
  std::filesystem::remove_all(root);
}

TEST(Splits, AreStored) {
  base::ByteWriter writer;
  table::put_split(writer, {3, 1U << 20, std::uint64_t{1} << 40});
  base::ByteReader reader(writer.bytes());

  const auto split = table::get_split(reader);

  EXPECT_EQ(split.file, 3U);
  EXPECT_EQ(split.begin, 1U << 20);
  EXPECT_EQ(split.end, std::uint64_t{1} << 40);
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(TypeGuesses, Widen) {
  const auto guess = [](std::initializer_list<const char*> values) {
    table::detail::TypeGuess types;
    for (const auto* value : values) types.see(value);
    return types.type();
  };

  EXPECT_EQ(guess({}), Type::text);
  EXPECT_EQ(guess({"", " 5 ", "+7"}), Type::int64);
  EXPECT_EQ(guess({"5", "-.5", "1e3", "inf"}), Type::float64);
  EXPECT_EQ(guess({"true", "False"}), Type::boolean);
  EXPECT_EQ(guess({"true", "1"}), Type::text);
  EXPECT_EQ(guess({"1", "2", "1-2"}), Type::text);
  EXPECT_EQ(guess({"0x10"}), Type::text);
  EXPECT_EQ(guess({"-", "."}), Type::text);
}

}  // namespace
}  // namespace surd::test
