#include "surd/stream/detail/pipe_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/stream/detail/segment.hpp"

namespace surd::stream::detail {

PipePlan::PipePlan(std::function<PipeHead(const Before&)> head, table::Schema schema, table::Schema kept,
                   std::vector<std::size_t> reads)
    : head_(std::move(head)),
      segment_input_(std::move(schema)),
      kept_(std::move(kept)),
      reads_(std::move(reads)) {}

void PipePlan::narrow(const Step& step, table::Schema kept) {
  if (std::holds_alternative<Filter>(step) || std::holds_alternative<Sample>(step)) range.reset();
  segment_.push_back(step);
  words.push_back(to_text(step));
  kept_ = std::move(kept);
}

void PipePlan::close() {
  if (segment_.empty() && segment_input_ == kept_) return;
  operators_.emplace_back([input = segment_input_, steps = segment_, result = kept_](
                              const Setting& setting, Operator& next) -> std::unique_ptr<Operator> {
    return std::make_unique<Segment>(input, steps, result, setting.memory, next);
  });
  segment_.clear();
  segment_input_ = kept_;
}

void PipePlan::append(OperatorMaker maker, table::Schema schema, table::Schema kept) {
  close();
  operators_.push_back(std::move(maker));
  segment_input_ = std::move(schema);
  kept_ = std::move(kept);
  range.reset();
  positions = false;
}

PipeHead PipePlan::make(const Before& before) const {
  auto head = head_(before);
  head.operators.insert(head.operators.end(), operators_.begin(), operators_.end());
  return head;
}

std::string PipePlan::name() const { return fmt::format("{}", fmt::join(words, ", ")); }

}  // namespace surd::stream::detail
