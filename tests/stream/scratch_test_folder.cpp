#include "scratch_test_folder.hpp"

#include <stdlib.h>

#include <algorithm>
#include <map>

#include "surd/base/random.hpp"

namespace surd::stream {
namespace {

/// A spill file per stretch of units, kept for the whole job.
class ManySpills : public SpillStore {
 public:
  explicit ManySpills(storage::Path scratch) : scratch_(std::move(scratch)) {}
  void begin() { ++current_; }

  external::SpillFile& own() override {
    auto& files = storage::local_file_system();
    const auto found = spills_.find(current_);
    if (found != spills_.end()) return found->second;
    return spills_.emplace(current_, external::SpillFile::scratch(files, scratch_)).first->second;
  }
  [[nodiscard]] std::uint64_t own_number() const override { return current_; }
  storage::ReadableFile& open(std::uint64_t number) override { return spills_.at(number).reader(); }

 private:
  storage::Path scratch_;
  std::map<std::uint64_t, external::SpillFile> spills_;
  std::uint64_t current_ = 100;
};

/// [first, last) of 0 ... units, in any order.
std::vector<std::pair<std::uint64_t, std::uint64_t>> scattered(std::uint64_t units,
                                                               base::RandomStream& random) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> stretches;
  for (std::uint64_t unit = 0; unit < units;) {
    const auto last = std::min(units, unit + 1 + random.below(3));
    stretches.emplace_back(unit, last);
    unit = last;
  }
  for (std::size_t i = stretches.size(); i > 1; --i) std::swap(stretches[i - 1], stretches[random.below(i)]);
  return stretches;
}

}  // namespace

ScratchTestFolder::ScratchTestFolder() {
  auto name = (std::filesystem::temp_directory_path() / "surd-stream-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for a test");
  path_ = name;
}

ScratchTestFolder::~ScratchTestFolder() { std::filesystem::remove_all(path_); }

storage::Path ScratchTestFolder::write(const std::string& name, std::string_view content) const {
  storage::write_atomically(storage::local_file_system(), path_ / name, content, false);
  return path_ / name;
}

std::string ScratchTestFolder::read(const std::string& name) const {
  return storage::read_file(storage::local_file_system(), path_ / name);
}

DataJob::Summary run_scattered(const DataJob& job, const storage::Path& scratch, std::uint64_t memory_bytes,
                               std::uint64_t seed) {
  auto& files = storage::local_file_system();
  base::RandomStream random(seed, 0);
  memory::Budget budget(memory_bytes);
  memory::Pressure pressure(memory_bytes);
  storage::AsyncIo io;
  ManySpills spills(scratch);
  Worker worker{files, spills, budget, pressure, io, scratch, {}, {}};
  std::vector<std::vector<Artifact>> artifacts;
  artifacts.reserve(job.stages());
  for (std::size_t k = 0; k < job.stages(); ++k) {
    std::vector<Artifact> made;
    const auto units = job.stage(k, artifacts)->units();
    for (const auto& [first, last] : scattered(units, random)) {
      spills.begin();
      job.stage(k, artifacts)->run(first, last, worker, [&](Artifact artifact) {
        spills.own().flush(io);
        made.push_back(std::move(artifact));
      });
    }
    std::sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    artifacts.push_back(std::move(made));
  }
  return job.finish(artifacts, files, {});
}

}  // namespace surd::stream
