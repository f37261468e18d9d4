#include "surd/stream/detail/sinks.hpp"
#include "surd/stream/detail/spill_writer.hpp"

namespace surd::stream::detail {
namespace {

class OutputSink : public Sink {
 public:
  OutputSink(const OutputTarget& target, const Setting& setting)
      : target_(target), writer_(setting.worker, setting.memory.encode) {}

  /// The first piece begins with what stands before all rows, so that pieces in order are the whole file.
  void begin_unit(std::uint64_t unit) override {
    if (unit == 0 && !table::head_counts_rows(target_.output)) {
      const auto head = table::head(target_.output, target_.schema, 0);
      writer_.buffer().insert(writer_.buffer().end(), head.begin(), head.end());
    }
    piece_ = table::write_piece(target_.output, target_.schema);
    count_ = 0;
  }

  void push(table::Batch& rows, std::uint64_t) override {
    piece_->write(rows, writer_.buffer());
    writer_.spill_if_full();
    count_ += rows.rows;
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    if (count_ > 0) piece_->finish(writer_.buffer());  // no compressed frames of nothing
    into.rows = count_;
    into.piece = writer_.finish();
    into.piece.records = count_;
  }

 private:
  OutputTarget target_;
  SpillWriter writer_;
  std::unique_ptr<table::PieceWriter> piece_;
  std::uint64_t count_ = 0;
};

}  // namespace

std::unique_ptr<Sink> output_sink(const OutputTarget& target, const Setting& setting) {
  return std::make_unique<OutputSink>(target, setting);
}

}  // namespace surd::stream::detail
