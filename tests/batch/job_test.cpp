#include "surd/batch/job.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using surd::batch::Job;
using surd::batch::VersionChange;

const std::string small_job = R"(kind: sweep
name: ising
function: ising
params: {sweeps: 2000}
axes:
  T: {linspace: [1.5, 3.5, 41]}
  L: [16, 32, 64]
)";

Job parse(const std::string& text, const std::vector<std::string>& settings = {}) {
  const auto body = [](const surd::sweep::Point&, surd::sweep::Context&) { return surd::sweep::Values{}; };
  const std::vector functions = {surd::sweep::function("ising", body, {.version = "3"})};
  return surd::batch::parse_job(text, "jobs/ising/job.yaml", settings, functions);
}

TEST(Job, HasDefaultsForWhatIsNotSaid) {
  const auto job = parse(small_job);

  EXPECT_EQ(job.name, "ising");
  EXPECT_EQ(job.definition->grid.size(), 41U * 3);
  EXPECT_EQ(job.definition->subject.kind, "function");
  EXPECT_EQ(job.definition->subject.name, "ising");
  EXPECT_EQ(job.definition->subject.version, "3");
  EXPECT_EQ(job.definition->subject.params.at("sweeps"), surd::sweep::Value(std::int64_t{2000}));
  EXPECT_FALSE(job.command);
  EXPECT_EQ(job.output, "ising.h5");
  EXPECT_EQ(job.memory_bytes, 0U);
  EXPECT_EQ(job.on_version_change, VersionChange::error);
  EXPECT_EQ(job.max_failures, ~std::uint64_t{0});
  EXPECT_EQ(job.text, small_job);
}

TEST(Job, ReadsEveryKey) {
  const auto job = parse(small_job + R"(chunk: {T: 10}
seed: 7
on_version_change: new
memory: 512MiB
output: results/out.h5
compression: zstd
memo: /shared/memo
lease: 30s
max_failures: 5%
ranks_per_point: 4
retries: 2
memory_per_point: 1GiB
time_limit: 04:00:00
cost: L ** 2 * sweeps
fields: {energy: {units: J, long_name: energy per spin}}
)");

  EXPECT_EQ(job.definition->subject.seed, 7U);
  EXPECT_EQ(job.on_version_change, VersionChange::fresh);
  EXPECT_EQ(job.memory_bytes, std::uint64_t{512} << 20);
  EXPECT_EQ(job.output, "results/out.h5");
  EXPECT_EQ(job.compression, "zstd");
  EXPECT_EQ(job.memo, "/shared/memo");
  EXPECT_EQ(job.lease_seconds, 30);
  EXPECT_EQ(job.max_failures, 6U);
  EXPECT_EQ(job.ranks_per_point, 4);
  EXPECT_EQ(job.retries, 2U);
  EXPECT_EQ(job.memory_per_point, std::uint64_t{1} << 30);
  EXPECT_EQ(job.time_limit_seconds, 4 * 3600);
  EXPECT_EQ(job.cost, "L ** 2 * sweeps");
  EXPECT_EQ(job.fields.at("energy").at("long_name"), "energy per spin");
}

TEST(Job, OfACommandIsIdentifiedByIt) {
  const auto job =
      parse("kind: sweep\nname: c\ncommand: [./model, '{T}']\nversion: 4\nretries: 3\naxes: {T: [1, 2]}\n");

  ASSERT_TRUE(job.command);
  EXPECT_EQ(job.definition->subject.kind, "command");
  EXPECT_EQ(job.definition->subject.name, job.command->identity());
  EXPECT_EQ(job.definition->subject.version, "4");
  EXPECT_EQ(job.retries, 3U);
}

TEST(Job, TakesSettingsInOrder) {
  const auto job = parse(small_job, {"axes.L=[8, 10]", "axes.L.0=9", "params.extra=x", "seed=3", "seed=4"});

  EXPECT_EQ(job.definition->grid.size(), 41U * 2);
  EXPECT_EQ(job.definition->subject.seed, 4U);
  EXPECT_EQ(job.definition->subject.params.at("extra"), surd::sweep::Value(std::string("x")));
  EXPECT_EQ(job.text,
            small_job +
                "# --set axes.L=[8, 10]\n# --set axes.L.0=9\n# --set params.extra=x\n# --set seed=3\n"
                "# --set seed=4\n");
}

}  // namespace
