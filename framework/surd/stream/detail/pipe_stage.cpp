#include "surd/stream/detail/pipe_stage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/record.hpp"
#include "surd/stream/detail/spill_writer.hpp"
#include "surd/table/output.hpp"

namespace surd::stream::detail {
namespace {

/// Unwinds out of a unit that is given up. Never leaves this file.
struct Stopped {};

class PipeFlow : public Flow {
 public:
  PipeFlow(Operator& head, Sink& sink, const Source& source, std::uint64_t first, std::uint64_t last,
           Worker& worker, const std::function<void(Artifact)>& commit)
      : head_(head),
        sink_(sink),
        source_(source),
        first_(first),
        last_(last),
        worker_(worker),
        commit_(commit) {}

  void begin(std::uint64_t unit) override {
    check();
    unit_ = unit;
    sink_.begin_unit(unit);
  }

  void push(table::Batch& rows, std::uint64_t position) override {
    check();
    const auto count = rows.rows;
    head_.push(rows, position);
    if (worker_.progress) worker_.progress(count, 0);
  }

  [[nodiscard]] bool full() const override { return sink_.full(); }

  void bad(const std::vector<table::BadRow>& rows, std::uint64_t count) override {
    if (!rows.empty() && !quarantine_) quarantine_.emplace(worker_, 64 << 10);
    for (const auto& row : rows) {
      const auto line = table::quarantine_line(row);
      quarantine_->buffer().insert(quarantine_->buffer().end(), line.begin(), line.end());
      quarantine_->spill_if_full();
    }
    output_.bad_rows += count;
  }

  void end() override {
    head_.end_unit();
    const auto bytes = source_.unit_bytes(unit_);
    if (worker_.progress) worker_.progress(0, bytes);
    bytes_ += bytes;
    if (unit_ + 1 < last_ && bytes_ < sink_.stretch_bytes()) return;
    sink_.finish(output_);
    if (quarantine_) output_.quarantine = quarantine_->finish();
    commit_({.first = first_, .last = unit_ + 1, .content = encode(output_)});
    output_ = {};
    first_ = unit_ + 1;
    bytes_ = 0;
  }

 private:
  void check() {
    if (worker_.stop && worker_.stop()) throw Stopped{};
    worker_.pressure.check();
  }

  Operator& head_;
  Sink& sink_;
  const Source& source_;
  std::uint64_t first_;  ///< Unit that was not committed yet.
  std::uint64_t last_;
  Worker& worker_;
  const std::function<void(Artifact)>& commit_;
  std::uint64_t unit_ = 0;
  std::uint64_t bytes_ = 0;  ///< Read since the last commit.
  UnitOutput output_;
  std::optional<SpillWriter> quarantine_;
};

class PipeStage : public Stage {
 public:
  PipeStage(std::string name, PipeParts parts, std::uint64_t memory_bytes)
      : name_(std::move(name)), parts_(std::move(parts)), memory_bytes_(memory_bytes) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::uint64_t units() const override { return parts_.source->units(); }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    return parts_.source->unit_bytes(unit);
  }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    if (first == last) return;
    const auto beside = parts_.columns_bytes + parts_.source->beside_bytes();
    const auto memory = divide(memory_bytes_, parts_.heavy, parts_.broadcasts, beside);
    try {
      run({worker, memory}, first, last, commit);
    } catch (const ShareTooSmall& e) {
      fail(e, memory);
    } catch (const external::LargeRecord& e) {
      // It may have gone through a part of the share.
      const auto times = static_cast<double>(e.needed()) / static_cast<double>(e.had());
      const auto needed = static_cast<std::uint64_t>(times * static_cast<double>(memory.heavy)) + 1;
      fail({e.complaint(), &Division::heavy, needed}, memory);
    }
  }

 private:
  void run(const Setting& setting, std::uint64_t first, std::uint64_t last,
           const std::function<void(Artifact)>& commit) {
    auto& budget = setting.worker.budget;
    const auto wide = budget.reserve(0, parts_.columns_bytes, "the columns of a wide table");
    refuse_many_joins(setting.memory);
    const auto columns = budget.reserve(0, 2 * setting.memory.batch, "columns of rows");
    const auto sink = parts_.sink(setting);
    std::vector<std::unique_ptr<Operator>> chain;
    Operator* head = sink.get();
    for (auto maker = parts_.operators.rbegin(); maker != parts_.operators.rend(); ++maker) {
      head = chain.emplace_back((*maker)(setting, *head)).get();
    }
    PipeFlow flow(*head, *sink, *parts_.source, first, last, setting.worker, commit);
    try {
      parts_.source->run(first, last, setting, flow);
    } catch (const Stopped&) {  // what was committed stays
    }
    while (!chain.empty()) chain.pop_back();
  }

  [[noreturn]] void fail(const ShareTooSmall& why, const Division& memory) const {
    throw base::UsageError(
        fmt::format("{}: {}{}", name_, why.complaint, memory_advice(memory, why.share, why.bytes)));
  }

  void refuse_many_joins(const Division& memory) const {
    constexpr std::uint64_t least_heavy = 1 << 20;
    const auto enough = [](const Division& part) {
      return std::uint64_t{part.fits && (part.heavy_parts == 0 || part.heavy >= least_heavy)};
    };
    if (parts_.broadcasts == 0 || enough(memory) != 0) return;
    const auto share = [&](std::uint64_t bytes) { return enough(divide_like(memory, bytes)); };
    throw base::UsageError(
        fmt::format("{}: {} small right sides of joins at once take at least --memory {}MiB, not {}", name_,
                    parts_.broadcasts, memory_for(1, share) / base::MiB, base::format_bytes(memory.whole)));
  }

  std::string name_;
  PipeParts parts_;
  std::uint64_t memory_bytes_;
};

class EmptyStage : public Stage {
 public:
  explicit EmptyStage(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::uint64_t units() const override { return 0; }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t) const override { return 0; }
  void run(std::uint64_t, std::uint64_t, Worker&, const std::function<void(Artifact)>&) override {}

 private:
  std::string name_;
};

}  // namespace

std::unique_ptr<Stage> pipe_stage(std::string name, PipeParts parts, std::uint64_t memory_bytes) {
  return std::make_unique<PipeStage>(std::move(name), std::move(parts), memory_bytes);
}

std::unique_ptr<Stage> empty_stage(std::string name) { return std::make_unique<EmptyStage>(std::move(name)); }

}  // namespace surd::stream::detail
