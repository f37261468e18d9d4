#include "surd/stream/detail/record_stages.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "surd/external/sort.hpp"
#include "surd/stream/detail/aligned_writer.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/parts.hpp"

namespace surd::stream::detail {
namespace {

/// A stretch of a file.
struct Stretch {
  std::size_t file = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Reads a stretch ahead, in two buffers.
class StretchReader {
 public:
  StretchReader(Worker& worker, storage::ReadableFile& file, const Stretch& stretch,
                std::array<std::vector<std::byte>, 2>& buffers)
      : worker_(worker), file_(file), at_(stretch.begin), end_(stretch.end), buffers_(buffers) {
    ask();
  }
  StretchReader(const StretchReader&) = delete;
  StretchReader& operator=(const StretchReader&) = delete;
  ~StretchReader() {
    try {
      worker_.io.wait(ticket_);
    } catch (const std::exception&) {  // another error is on its way
    }
  }

  /// Empty at the end. Valid until the next call.
  std::span<const std::byte> next() {
    worker_.io.wait(std::exchange(ticket_, 0));
    const auto ready = asked_;
    asked_ = {};
    ask();
    return ready;
  }

 private:
  void ask() {
    if (at_ == end_) return;
    auto& buffer = buffers_[current_];
    current_ = 1 - current_;
    asked_ = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), end_ - at_));
    ticket_ = worker_.io.read(file_, at_, asked_);
    at_ += asked_.size();
  }

  Worker& worker_;
  storage::ReadableFile& file_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::array<std::vector<std::byte>, 2>& buffers_;
  std::size_t current_ = 0;
  std::span<std::byte> asked_;
  storage::AsyncIo::Ticket ticket_ = 0;
};

class FormRunsStage : public Stage {
 public:
  FormRunsStage(std::vector<RecordFile> inputs, external::RecordFormat format, const Cut& cut)
      : inputs_(std::move(inputs)), format_(std::move(format)), memory_bytes_(cut.memory_bytes) {
    const auto unit =
        std::max<std::uint64_t>(1, cut.unit_bytes / format_.record_bytes) * format_.record_bytes;
    for (std::size_t file = 0; file < inputs_.size(); ++file) {
      const auto bytes = inputs_[file].version.bytes;
      for (std::uint64_t begin = 0; begin < bytes; begin += unit) {
        stretches_.push_back({file, begin, std::min(bytes, begin + unit)});
      }
    }
  }

  [[nodiscard]] std::string name() const override { return "form runs"; }
  [[nodiscard]] std::uint64_t units() const override { return stretches_.size(); }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    return stretches_[unit].end - stretches_[unit].begin;
  }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    if (first == last) return;
    const auto memory = divide(memory_bytes_, 1, 0);
    const auto reading = worker.budget.reserve(2 * format_.record_bytes, memory.reader, "reading records");
    const auto records = std::max<std::uint64_t>(1, reading.bytes() / 2 / format_.record_bytes);
    for (auto& buffer : buffers_) buffer.resize(static_cast<std::size_t>(records * format_.record_bytes));
    // The encode and batch shares are not needed here, unless it takes them to read two records.
    const auto over = std::max(reading.bytes(), memory.reader) - memory.reader;
    external::RunBuilder builder(format_, worker.budget, memory.heavy + memory.batch + memory.encode - over,
                                 worker.spills.own(), worker.spills.own_number(), worker.io);
    const auto subscription = worker.pressure.subscribe(
        memory::Level::high, [&](memory::Level) { builder.shrink(memory.heavy / 2); });
    const auto stretch = bytes_per_commit(memory.heavy, worker.epoch_bytes);
    while (first < last) {
      auto unit = first;
      std::uint64_t pushed = 0;
      while (unit < last && pushed < stretch) {
        const auto next = join(unit, last, stretch - pushed);
        if (!push(next, worker, builder)) return;
        pushed += next.end - next.begin;
      }
      UnitOutput output;
      output.rows = pushed / format_.record_bytes;
      output.runs = builder.finish();
      commit({.first = first, .last = unit, .content = encode(output)});
      first = unit;
    }
    buffers_ = {};
  }

 private:
  /// What the units from `unit` on read of one file, to be read ahead without a break: none from `last` on,
  /// and none more once it is `enough` bytes. Makes `unit` the one after them.
  Stretch join(std::uint64_t& unit, std::uint64_t last, std::uint64_t enough) const {
    auto joined = stretches_[unit++];
    while (unit < last && stretches_[unit].file == joined.file && joined.end - joined.begin < enough) {
      joined.end = stretches_[unit++].end;
    }
    return joined;
  }

  /// False if the job is stopping.
  bool push(const Stretch& stretch, Worker& worker, external::RunBuilder& builder) {
    const auto& input = inputs_[stretch.file];
    const auto check = [&] {
      if (worker.files.file_version(input.path) == input.version) return;
      throw base::IoError(fmt::format("{}: changed while the job ran", input.path.string()), 0);
    };
    check();
    const auto file = worker.files.open(input.path, storage::Access::streaming);
    StretchReader reader(worker, *file, stretch, buffers_);
    for (auto block = reader.next(); !block.empty(); block = reader.next()) {
      if (worker.stop && worker.stop()) return false;
      worker.pressure.check();
      builder.push(block);
      if (worker.progress) worker.progress(block.size() / format_.record_bytes, block.size());
    }
    check();
    return true;
  }

  std::vector<RecordFile> inputs_;
  external::RecordFormat format_;
  std::uint64_t memory_bytes_;
  std::vector<Stretch> stretches_;
  std::array<std::vector<std::byte>, 2> buffers_;
};

/// Each commit waits until what it refers to is written.
constexpr std::uint64_t least_commit_bytes = 32 << 20;

/// All of a stage that merges and writes, and nothing else.
std::uint64_t share_bytes(std::uint64_t memory_bytes) {
  const auto shares = divide(memory_bytes, 1, 0);
  return shares.heavy + shares.reader + shares.encode + shares.batch;
}

std::uint64_t writer_bytes(std::uint64_t memory_bytes) {
  return AlignedWriter::memory_of(share_bytes(memory_bytes) / 16);
}

class MergeRecordsStage : public Stage {
 public:
  MergeRecordsStage(std::vector<external::Run> runs, external::RecordFormat format, const Cut& cut,
                    storage::Path part)
      : format_(std::move(format)),
        parts_(std::move(runs), {}, cut.unit_bytes),
        memory_bytes_(cut.memory_bytes),
        part_(std::move(part)) {}

  [[nodiscard]] std::string name() const override { return "merge to " + part_.stem().stem().string(); }
  [[nodiscard]] std::uint64_t units() const override { return std::max<std::uint64_t>(1, parts_.units()); }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t) const override { return parts_.unit_bytes(); }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    if (first == last) return;
    const auto file = worker.files.open_shared(part_);
    if (parts_.units() == 0) {  // nothing to sort: an empty file
      if (worker.sync_at_commit) worker.sync_at_commit(part_, 0);
      commit({.first = 0, .last = 1, .content = encode(UnitOutput{})});
    } else {
      merge(first, last, worker, *file, commit);
    }
    file->close();
  }

 private:
  void merge(std::uint64_t first, std::uint64_t last, Worker& worker, storage::SharedFile& file,
             const std::function<void(Artifact)>& commit) {
    OpenFiles files(worker.spills);
    const auto sorted = parts_.merge(format_, files, first, last, worker, record_merge_bytes(memory_bytes_));
    const auto record = format_.record_bytes;
    const auto end_of = [&](std::uint64_t unit) { return parts_.border(unit + 1) * record; };
    const auto enough = std::min(worker.epoch_bytes, least_commit_bytes);
    AlignedWriter output_file(worker.budget, writer_bytes(memory_bytes_), worker.io, file,
                              parts_.border(first) * record);
    for (auto block = sorted->next(); !block.empty(); block = sorted->next()) {
      output_file.write(block);
      if (worker.progress) worker.progress(block.size() / record, block.size());
      const auto offset = output_file.offset();
      if (offset >= end_of(first) &&
          (offset - parts_.border(first) * record >= enough || offset >= end_of(last - 1))) {
        output_file.flush();
        if (worker.sync_at_commit) worker.sync_at_commit(part_, offset);
        auto past = first;
        while (past < last && offset >= end_of(past)) ++past;
        UnitOutput output;
        output.rows = parts_.border(past) - parts_.border(first);
        commit({.first = first, .last = past, .content = encode(output)});
        first = past;
      }
      if (worker.stop && worker.stop()) break;
      worker.pressure.check();
    }
  }

  external::RecordFormat format_;
  SortedParts parts_;
  std::uint64_t memory_bytes_;
  storage::Path part_;
};

}  // namespace

std::uint64_t record_merge_bytes(std::uint64_t memory_bytes) {
  return share_bytes(memory_bytes) - writer_bytes(memory_bytes);
}

std::unique_ptr<Stage> form_runs_stage(std::vector<RecordFile> inputs, external::RecordFormat format,
                                       const Cut& cut) {
  return std::make_unique<FormRunsStage>(std::move(inputs), std::move(format), cut);
}

std::unique_ptr<Stage> merge_records_stage(std::vector<external::Run> runs, external::RecordFormat format,
                                           const Cut& cut, storage::Path part) {
  return std::make_unique<MergeRecordsStage>(std::move(runs), std::move(format), cut, std::move(part));
}

}  // namespace surd::stream::detail
