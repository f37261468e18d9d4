#include "surd/stream/detail/write_stage.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

constexpr std::string_view quarantine_head = "file,offset,line,column,reason,text\n";

/// Copies from spill files into one output file, reading ahead and writing behind.
class Copier {
 public:
  Copier(Worker& worker, storage::SharedFile& into, std::uint64_t memory_bytes)
      : worker_(worker),
        into_(into),
        reservation_(worker.budget.reserve(128 << 10, std::min<std::uint64_t>(memory_bytes / 4, 4 << 20),
                                           "copying to the output")) {
    for (auto& slot : slots_) slot.buffer.resize(static_cast<std::size_t>(reservation_.bytes() / 2));
  }
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;
  ~Copier() {
    for (const auto& slot : slots_) {
      try {
        worker_.io.wait(slot.read);
        worker_.io.wait(slot.write);
      } catch (const std::exception&) {  // another error is on its way
      }
    }
  }

  void copy(const Piece& piece, std::uint64_t offset) {
    if (piece.extents.empty()) return;
    auto& file = worker_.spills.open(piece.file);
    for (const auto& extent : piece.extents) {
      for (std::uint64_t done = 0; done < extent.bytes;) {
        auto& slot = slots_[current_];
        worker_.io.wait(std::exchange(slot.write, 0));
        slot.bytes =
            static_cast<std::size_t>(std::min<std::uint64_t>(slot.buffer.size(), extent.bytes - done));
        slot.offset = offset;
        slot.read = worker_.io.read(file, extent.offset + done, std::span(slot.buffer).first(slot.bytes));
        done += slot.bytes;
        offset += slot.bytes;
        current_ = 1 - current_;
        write(slots_[current_]);
      }
    }
  }

  void finish() {
    write(slots_[current_]);
    write(slots_[1 - current_]);
    for (auto& slot : slots_) worker_.io.wait(std::exchange(slot.write, 0));
  }

 private:
  struct Slot {
    std::vector<std::byte> buffer;
    storage::AsyncIo::Ticket read = 0;
    storage::AsyncIo::Ticket write = 0;
    std::size_t bytes = 0;
    std::uint64_t offset = 0;
  };

  void write(Slot& slot) {
    if (slot.read == 0) return;
    worker_.io.wait(std::exchange(slot.read, 0));
    slot.write = worker_.io.write(into_, slot.offset, std::span(slot.buffer).first(slot.bytes));
  }

  Worker& worker_;
  storage::SharedFile& into_;
  memory::Reservation reservation_;
  std::array<Slot, 2> slots_;
  std::size_t current_ = 0;
};

void write_quarantine(const WritePlan& plan, const std::vector<UnitOutput>& bad, Worker& worker) {
  const auto file = worker.files.open_shared(plan.quarantine_part);
  file->write_at(0, std::as_bytes(std::span(quarantine_head)));
  Copier copier(worker, *file, plan.memory_bytes);
  std::uint64_t offset = quarantine_head.size();
  for (const auto& unit : bad) {
    copier.copy(unit.quarantine, offset);
    offset += unit.quarantine.bytes();
  }
  copier.finish();
  file->close();
  if (worker.sync_at_commit) worker.sync_at_commit(plan.quarantine_part, offset);
}

bool has_bad_rows(const std::vector<UnitOutput>& bad) {
  return std::any_of(bad.begin(), bad.end(),
                     [](const auto& unit) { return !unit.quarantine.extents.empty(); });
}

class WriteStage : public Stage {
 public:
  WriteStage(const WritePlan& plan, const std::vector<UnitOutput>& pieces, const std::vector<UnitOutput>& bad)
      : plan_(plan) {
    std::uint64_t rows = 0;
    for (const auto& unit : pieces) rows += unit.rows;
    if (pieces.empty() || table::head_counts_rows(plan.output)) {
      head_ = table::head(plan.output, plan.schema, rows);
    }
    std::uint64_t offset = head_.size();
    std::vector<std::uint64_t> bytes;
    for (const auto& unit : pieces) {
      bytes.push_back(unit.piece.bytes());
      placed_.push_back({unit.piece, unit.rows, offset});
      offset += bytes.back();
    }
    begins_ = stretches(bytes, plan.unit_bytes);
    if (begins_.size() == 1) begins_.push_back(0);  // the head alone
    whole_ = whole_file();
    if (whole_) begins_ = {0, placed_.size()};
    if (has_bad_rows(bad)) bad_ = bad;
  }

  [[nodiscard]] std::string name() const override { return "write " + plan_.output.path.filename().string(); }
  [[nodiscard]] std::uint64_t units() const override { return copies() + (bad_.empty() ? 0 : 1); }

  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    std::uint64_t bytes = 0;
    if (unit == copies()) {
      for (const auto& part : bad_) bytes += part.quarantine.bytes();
      return bytes;
    }
    for (auto i = begins_[unit]; i < begins_[unit + 1]; ++i) bytes += placed_[i].piece.bytes();
    return bytes;
  }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    for (auto unit = first; unit < last && !(worker.stop && worker.stop()); ++unit) {
      UnitOutput output;
      if (unit == copies()) {
        write_quarantine(plan_, bad_, worker);
      } else {
        output.rows = write_pieces(unit, worker);
      }
      commit({.first = unit, .last = unit + 1, .content = encode(output)});
      if (worker.progress) worker.progress(output.rows, unit_bytes(unit));
    }
  }

 private:
  struct Placed {
    Piece piece;
    std::uint64_t rows;
    std::uint64_t offset;
  };

  [[nodiscard]] std::uint64_t copies() const { return begins_.size() - 1; }

  /// Where a unit's bytes end in the output.
  [[nodiscard]] std::uint64_t end(std::uint64_t unit) const {
    const auto past = begins_[unit + 1];
    return past == 0 ? head_.size() : placed_[past - 1].offset + placed_[past - 1].piece.bytes();
  }

  /// The spill file that is what the output is to be, if there is one: one rank has written all of it.
  [[nodiscard]] std::optional<std::uint64_t> whole_file() const {
    std::optional<std::uint64_t> file;
    if (!head_.empty()) return file;  // whatever stands before the pieces there, it is no head
    for (const auto& [piece, rows, offset] : placed_) {
      if (piece.extents.empty()) continue;
      const bool in_place = piece.extents.size() == 1 && piece.extents[0].offset == offset;
      if (!in_place || piece.file != file.value_or(piece.file)) return std::nullopt;
      file = piece.file;
    }
    return file;
  }

  /// Makes the spill file the output. False if its file system cannot, or if there is more in it.
  bool adopt(Worker& worker) const {
    worker.files.remove(plan_.part);
    if (!worker.spills.link(*whole_, plan_.part)) return false;
    if (worker.files.file_size(plan_.part) == end(0)) return true;
    worker.files.remove(plan_.part);
    return false;
  }

  std::uint64_t write_pieces(std::uint64_t unit, Worker& worker) {
    if (whole_ && adopt(worker)) {
      if (worker.sync_at_commit) worker.sync_at_commit(plan_.part, end(unit));
      return std::accumulate(placed_.begin(), placed_.end(), std::uint64_t{0},
                             [](std::uint64_t sum, const Placed& placed) { return sum + placed.rows; });
    }
    const auto file = worker.files.open_shared(plan_.part);
    if (unit == 0) file->write_at(0, std::as_bytes(std::span(head_)));
    std::uint64_t rows = 0;
    {
      Copier copier(worker, *file, plan_.memory_bytes);
      for (auto i = begins_[unit]; i < begins_[unit + 1]; ++i) {
        copier.copy(placed_[i].piece, placed_[i].offset);
        rows += placed_[i].rows;
      }
      copier.finish();
    }
    file->close();
    if (worker.sync_at_commit) worker.sync_at_commit(plan_.part, end(unit));
    return rows;
  }

  WritePlan plan_;
  std::string head_;
  std::vector<Placed> placed_;
  std::vector<std::size_t> begins_;
  std::optional<std::uint64_t> whole_;  ///< Spill file that is the whole output.
  std::vector<UnitOutput> bad_;         ///< Empty: no bad rows.
};

/// Gives rows to a writer.
class Hdf5Flow : public Flow {
 public:
  Hdf5Flow(table::Hdf5TableWriter& writer, Worker& worker) : writer_(writer), worker_(worker) {}
  void begin(std::uint64_t) override {}
  void push(table::Batch& rows, std::uint64_t) override {
    if (worker_.stop && worker_.stop()) stopped_ = true;
    if (stopped_) return;
    writer_.write(rows);
    rows_ += rows.rows;
    if (worker_.progress) worker_.progress(rows.rows, 0);
  }
  [[nodiscard]] bool full() const override { return stopped_; }
  void bad(const std::vector<table::BadRow>&, std::uint64_t) override {}
  void end() override {}
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  table::Hdf5TableWriter& writer_;
  Worker& worker_;
  std::uint64_t rows_ = 0;
  bool stopped_ = false;
};

class Hdf5Stage : public Stage {
 public:
  Hdf5Stage(const WritePlan& plan, const std::vector<UnitOutput>& rows, const std::vector<UnitOutput>& bad)
      : plan_(plan), source_(rows_source(plan.schema, rows, {}, true)) {
    if (has_bad_rows(bad)) bad_ = bad;
  }

  [[nodiscard]] std::string name() const override { return "write " + plan_.output.path.filename().string(); }
  [[nodiscard]] std::uint64_t units() const override { return 1; }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t) const override {
    return source_->units() == 0 ? 0 : source_->unit_bytes(0);
  }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    if (first == last) return;
    table::Hdf5TableWriter writer(plan_.part, plan_.output.dataset, plan_.schema);
    Hdf5Flow flow(writer, worker);
    source_->run(0, source_->units(), {worker, divide(plan_.memory_bytes, 0, 0, plan_.columns_bytes)}, flow);
    if (flow.stopped()) return;
    writer.close();
    if (worker.sync_at_commit) {
      worker.sync_at_commit(plan_.part, worker.files.file_size(plan_.part).value_or(0));
    }
    if (!bad_.empty()) write_quarantine(plan_, bad_, worker);
    UnitOutput output;
    output.rows = flow.rows();
    commit({.first = 0, .last = 1, .content = encode(output)});
    if (worker.progress) worker.progress(0, unit_bytes(0));
  }

 private:
  WritePlan plan_;
  std::unique_ptr<Source> source_;
  std::vector<UnitOutput> bad_;
};

}  // namespace

std::unique_ptr<Stage> write_stage(const WritePlan& plan, const std::vector<UnitOutput>& pieces,
                                   const std::vector<UnitOutput>& bad) {
  return std::make_unique<WriteStage>(plan, pieces, bad);
}

std::unique_ptr<Stage> hdf5_stage(const WritePlan& plan, const std::vector<UnitOutput>& rows,
                                  const std::vector<UnitOutput>& bad) {
  return std::make_unique<Hdf5Stage>(plan, rows, bad);
}

}  // namespace surd::stream::detail
