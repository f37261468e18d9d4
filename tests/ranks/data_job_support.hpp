// A small data job that touches everything: stage 1 spills blocks of numbers, stage 2 sums them by residue
// from all blocks and spills the sums, stage 3 reads the sums into its artifacts, finish() writes them out.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "surd/base/bytes.hpp"
#include "surd/base/random.hpp"
#include "surd/stream/stage.hpp"

namespace surd::test {

struct ToyShape {
  std::uint64_t blocks = 60;
  std::uint64_t residues = 17;
  std::uint64_t numbers = 50;  ///< Per block, on average.
  std::string name = "toy";
};

/// What tests want to know, or to do, while the job runs.
struct ToyHooks {
  std::array<std::atomic<std::uint64_t>, 3> units{};  ///< Done here, by stage.
  std::function<void()> before_commit;
  std::function<void(std::size_t stage, std::uint64_t unit)> unit;
};

inline std::vector<std::uint64_t> toy_block(const ToyShape& shape, std::uint64_t block) {
  base::RandomStream random(7, block);
  std::vector<std::uint64_t> numbers(random.below(2 * shape.numbers + 1));
  for (auto& number : numbers) number = random.below(1'000'000);
  return numbers;
}

/// What the job's output holds.
inline std::string toy_result(const ToyShape& shape) {
  std::vector<std::uint64_t> sums(shape.residues);
  for (std::uint64_t block = 0; block < shape.blocks; ++block)
    for (const auto number : toy_block(shape, block)) sums[number % shape.residues] += number;
  std::string text;
  for (const auto sum : sums) text += fmt::format("{}\n", sum);
  return text;
}

/// Where bytes lie in a spill file; the content of an artifact.
struct Place {
  std::uint64_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
};

inline std::string encode(const std::vector<Place>& places) {
  return {reinterpret_cast<const char*>(places.data()), places.size() * sizeof(Place)};
}

inline std::vector<Place> places_of(const std::vector<stream::Artifact>& artifacts) {
  std::vector<Place> places;
  for (const auto& artifact : artifacts) {
    base::ByteReader from(std::as_bytes(std::span(artifact.content)));
    while (from.remaining() > 0) places.push_back(from.get<Place>());
  }
  return places;
}

inline std::vector<std::uint64_t> read(stream::Worker& worker, const Place& place) {
  std::vector<std::uint64_t> numbers(place.count);
  worker.io.wait(worker.io.read(worker.spills.open(place.file), place.offset,
                                std::as_writable_bytes(std::span(numbers))));
  return numbers;
}

class ToyStage final : public stream::Stage {
 public:
  ToyStage(const ToyShape& shape, ToyHooks& hooks, std::size_t number, std::vector<Place> before)
      : shape_(shape), hooks_(hooks), number_(number), before_(std::move(before)) {}

  [[nodiscard]] std::string name() const override {
    return fmt::format("stage {} of {}", number_, shape_.name);
  }
  [[nodiscard]] std::uint64_t units() const override {
    return number_ == 0 ? shape_.blocks : shape_.residues;
  }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    return number_ == 0 ? toy_block(shape_, unit).size() * 8 : 100;
  }

  /// Commits two units at a time.
  void run(std::uint64_t first, std::uint64_t last, stream::Worker& worker,
           const std::function<void(stream::Artifact)>& commit) override {
    for (auto unit = first; unit < last;) {
      const auto end = std::min(unit + 2, last);
      stream::Artifact artifact{unit, end, {}};
      for (; unit < end; ++unit) {
        if (worker.stop()) return;
        artifact.content += do_unit(unit, worker);
        worker.progress(1, unit_bytes(unit));
        ++hooks_.units[number_];
        if (hooks_.unit) hooks_.unit(number_, unit);
      }
      if (hooks_.before_commit) hooks_.before_commit();
      commit(std::move(artifact));
    }
  }

 private:
  std::string do_unit(std::uint64_t unit, stream::Worker& worker) {
    if (number_ == 0) return spill(toy_block(shape_, unit), worker);
    if (number_ == 1) {
      std::uint64_t sum = 0;
      for (const auto& place : before_)
        for (const auto number : read(worker, place)) sum += number % shape_.residues == unit ? number : 0;
      return spill({sum}, worker);
    }
    return fmt::format("{}\n", read(worker, before_[unit]).front());
  }

  static std::string spill(const std::vector<std::uint64_t>& numbers, stream::Worker& worker) {
    if (numbers.empty()) return encode({Place{worker.spills.own_number(), 0, 0}});
    const auto offset = worker.spills.own().append_now(worker.io, std::as_bytes(std::span(numbers)));
    return encode({{worker.spills.own_number(), offset, numbers.size()}});
  }

  const ToyShape& shape_;
  ToyHooks& hooks_;
  std::size_t number_;
  std::vector<Place> before_;
};

class ToyJob final : public stream::DataJob {
 public:
  ToyJob(ToyShape shape, ToyHooks& hooks, storage::Path output)
      : shape_(std::move(shape)), hooks_(hooks), output_(std::move(output)) {}

  [[nodiscard]] std::string identity() const override {
    return fmt::format("job: {}\nblocks: {}\nresidues: {}\n", shape_.name, shape_.blocks, shape_.residues);
  }
  [[nodiscard]] std::size_t stages() const override { return 3; }
  [[nodiscard]] std::unique_ptr<stream::Stage> stage(
      std::size_t k, const std::vector<std::vector<stream::Artifact>>& before) const override {
    auto places = k == 0 ? std::vector<Place>{} : places_of(before[k - 1]);
    std::erase_if(places, [](const Place& place) { return place.count == 0; });
    return std::make_unique<ToyStage>(shape_, hooks_, k, std::move(places));
  }
  [[nodiscard]] bool needs(std::size_t k, std::size_t done) const override { return done <= k; }
  Summary finish(const std::vector<std::vector<stream::Artifact>>& artifacts, storage::FileSystem& files,
                 const std::set<storage::Path>&) const override {
    std::string text;
    for (const auto& artifact : artifacts[2]) text += artifact.content;
    storage::write_atomically(files, output_, text);
    return {shape_.residues, text.size(), 0, output_.native()};
  }

 private:
  ToyShape shape_;
  ToyHooks& hooks_;
  storage::Path output_;
};

}  // namespace surd::test
