// Segments that were cut short, flipped or made up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "surd/sweep/detail/memo_codec.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Memo;
using sweep::MemoWriter;
using sweep::repair_memo;
using sweep::verify_memo;
using testing::HasSubstr;
using testing::IsEmpty;

/// A segment of 24 blocks of 4 points, with all kinds of columns and two schemas.
struct Sample {
  sweep::Definition definition = line(200, 10);
  std::string bytes;
  Contents contents;

  Sample() {
    RecordingFileSystem disk;
    MemoWriter writer(disk, "memo", definition, origin("a"), {.flush_seconds = 1e9});
    for (std::uint64_t p = 0; p < 96; ++p) {
      const auto x = static_cast<double>(p);
      auto outcome = p % 24 < 12 ? success({{"x", x}, {"t", std::string(p % 3, 't')}}, x)
                                 : success({{"b", p % 2 == 0}, {"n", p}, {"a", std::vector<double>{x, -x}}});
      if (p % 11 == 5) outcome = failure(fmt::format("failure at {}", p));
      if (p % 13 == 7) outcome.capture = sweep::Capture{1, 0, p, "out", "err"};
      writer.add(2 * p, outcome);
      contents[2 * p] = exact(outcome);
      if (p % 4 == 3) writer.flush();
    }
    writer.close();
    bytes = disk.content().begin()->second;
  }
};

RecordingFileSystem disk_with(const std::string& bytes) {
  DiskContent content;
  content.directories.insert("memo");
  content.names["memo/a-0.log"] = 0;
  content.files.push_back(bytes);
  return RecordingFileSystem(std::move(content));
}

/// Points of `contents` in blocks, 4 each, that `found` lacks; fails if it holds anything that is wrong.
std::size_t blocks_missing(const Contents& contents, const Contents& found) {
  std::set<std::uint64_t> blocks;
  for (const auto& [p, outcome] : contents) {
    const auto it = found.find(p);
    if (it == found.end()) {
      blocks.insert(p / 8);
    } else {
      EXPECT_EQ(it->second, outcome);
    }
  }
  EXPECT_LE(found.size(), contents.size());
  EXPECT_EQ(contents.size() - found.size(), 4 * blocks.size());
  return blocks.size();
}

TEST(MemoDamage, ByTruncationAtAnyByteLosesOnlyTheTail) {
  const Sample sample;
  std::size_t least = 0;
  for (std::size_t size = sample.bytes.size() + 1; size-- > 0;) {
    SCOPED_TRACE(size);
    auto disk = disk_with(sample.bytes.substr(0, size));

    const Memo memo(disk, "memo", sample.definition);
    const auto missing = blocks_missing(sample.contents, read_all(memo));

    EXPECT_GE(missing, least);
    EXPECT_LE(missing, least + 1);
    least = missing;
    ASSERT_LE(memo.damage().size(), 1U);
    for (const auto& damage : memo.damage()) EXPECT_TRUE(damage.tail);
  }
  EXPECT_EQ(least, 24U);
}

TEST(MemoDamage, OfAnyByteLosesAtMostItsOwnBlockIsNamedAndRepaired) {
  const Sample sample;
  for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
    SCOPED_TRACE(at);
    auto bytes = sample.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    auto disk = disk_with(bytes);

    const auto contents = read_all(Memo(disk, "memo", sample.definition));
    const auto report = verify_memo(disk, "memo").at(0);
    const auto repaired = repair_memo(disk, "memo");
    const auto after = verify_memo(disk, "memo").at(0);

    EXPECT_LE(blocks_missing(sample.contents, contents), 1U);
    ASSERT_EQ(report.damage.size(), 1U);
    EXPECT_LE(report.damage[0].offset, at);
    EXPECT_GT(report.damage[0].offset + report.damage[0].bytes, at);
    EXPECT_EQ(repaired, 1U);
    EXPECT_THAT(after.damage, IsEmpty());
    EXPECT_EQ(after.points, report.points);
    EXPECT_EQ(read_all(Memo(disk, "memo", sample.definition)), contents);
  }
}

TEST(MemoDamage, OfNothingNeedsNoRepair) {
  const Sample sample;
  auto disk = disk_with(sample.bytes);

  const auto report = verify_memo(disk, "memo").at(0);

  EXPECT_EQ(report.points, 96U);
  EXPECT_EQ(report.bytes, sample.bytes.size());
  EXPECT_EQ(repair_memo(disk, "memo"), 0U);
  EXPECT_EQ(disk.content().at("memo/a-0.log"), sample.bytes);
}

TEST(MemoDamage, OfEverythingIsRepairedToNothing) {
  auto disk = disk_with(std::string(1000, 'x'));

  EXPECT_EQ(repair_memo(disk, "memo"), 1U);
  EXPECT_THAT(disk.content(), IsEmpty());
}

/// A segment of made-up records with right checksums.
class Forgery {
 public:
  Forgery& add(sweep::RecordKind kind, std::span<const std::byte> payload) {
    log_.append(static_cast<std::uint8_t>(kind), payload);
    return *this;
  }
  RecordingFileSystem disk() {
    log_.close();
    return disk_;
  }

 private:
  static RecordingFileSystem with_directory() {
    RecordingFileSystem disk;
    disk.make_directories("memo");
    return disk;
  }
  RecordingFileSystem disk_ = with_directory();
  storage::LogWriter log_{disk_, "memo/a-0.log"};
};

base::ByteWriter definition_payload(const sweep::Definition& definition) {
  base::ByteWriter payload;
  sweep::detail::encode_definition(definition.text(), payload);
  return payload;
}

TEST(MemoDamage, BlocksThatMakeNoSenseAreSkippedAndReported) {
  const auto definition = line(10);
  const auto id = sweep::detail::definition_id(definition.text());
  const auto block = [&](std::uint64_t of, std::uint64_t schema, std::vector<std::uint64_t> varints) {
    base::ByteWriter payload;
    payload.put(std::uint8_t{1});
    payload.put(std::uint8_t{0});
    payload.put(of);
    payload.put(schema);
    for (const auto value : varints) payload.put_varint(value);
    payload.put(0.0F);
    return payload;
  };
  base::ByteWriter empty_schema;
  sweep::detail::encode_schema({}, empty_schema);
  const auto schema = base::hash64(empty_schema.bytes());
  const std::vector<base::ByteWriter> bad{
      block(id + 1, schema, {1, 1, 0, 0}),          // of an unknown definition
      block(id, schema + 1, {1, 1, 0, 0}),          // of an unknown schema
      block(id, 0, {1, 1, 0, 0}),                   // ok without a schema
      block(id, schema, {0, 0}),                    // empty
      block(id, schema, {1 << 20, 1, 0, 1 << 20}),  // too many entries
      block(id, schema, {1, 1, 2 * 10, 0}),         // outside the grid
      block(id, schema, {1, 1, 1, 0}),              // before it
      block(id, schema, {4, 1, 2 * 7, 3}),          // beyond its end
      block(id, schema, {2, 1, 0, 0}),              // fewer positions than entries
      block(id, schema, {1, 2, 0, 0, 2, 0}),        // more
      block(id, schema, {2, ~0ULL, 0, 1}),          // more runs than bytes
      block(id, schema, {1, 1, 0, 0, 0}),           // a byte too many
  };
  Forgery forgery;
  forgery.add(sweep::RecordKind::definition, definition_payload(definition).bytes());
  forgery.add(sweep::RecordKind::schema, empty_schema.bytes());
  for (const auto& payload : bad) forgery.add(sweep::RecordKind::block, payload.bytes());
  forgery.add(sweep::RecordKind::block, block(id, schema, {2, 1, 2 * 4, 1}).bytes());
  forgery.add(static_cast<sweep::RecordKind>(9), {});
  auto disk = forgery.disk();

  const Memo memo(disk, "memo", definition);

  EXPECT_EQ(elements(memo.done()), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(memo.damage().size(), bad.size() + 1);
  EXPECT_EQ(verify_memo(disk, "memo").at(0).damage.size(), bad.size() + 1);
  EXPECT_EQ(repair_memo(disk, "memo"), 1U);
  EXPECT_EQ(verify_memo(disk, "memo").at(0).points, 2U);
}

TEST(MemoDamage, NewerPayloadsAreRefusedByName) {
  const auto definition = line(10);
  base::ByteWriter newer;
  newer.put(std::uint8_t{2});
  for (const auto kind : {sweep::RecordKind::origin, sweep::RecordKind::definition, sweep::RecordKind::schema,
                          sweep::RecordKind::block}) {
    auto disk = Forgery().add(kind, newer.bytes()).disk();
    try {
      const Memo memo(disk, "memo", definition);
      FAIL() << "was read";
    } catch (const base::FormatError& e) {
      EXPECT_THAT(e.what(), HasSubstr("memo/a-0.log"));
      EXPECT_THAT(e.what(), HasSubstr("version 2"));
      EXPECT_THAT(e.what(), HasSubstr("use a newer surd"));
    }
    EXPECT_THROW((void)compact_memo(disk, "memo", definition, origin()), base::FormatError);
  }
}

}  // namespace
}  // namespace surd::test
