// Operators that call functions of the user.
#include <algorithm>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/stream/detail/operators.hpp"

namespace surd::stream::detail {
namespace {

void check_columns(const table::Batch& made, const table::Schema& schema) {
  if (made.columns.size() == schema.size()) {
    bool fits = true;
    for (std::size_t i = 0; i < schema.size(); ++i) {
      fits = fits && made.columns[i].type == schema[i].type && made.columns[i].size() == made.rows;
    }
    if (fits) return;
  }
  throw base::UsageError("a function did not return the columns of its schema, all of `rows` rows");
}

class FlatMapOperator : public Operator {
 public:
  FlatMapOperator(const FlatMap& step, Operator& next) : step_(step), next_(next) {}

  void push(table::Batch& rows, std::uint64_t) override {
    made_.clear(step_.schema);
    step_.map(rows, made_);
    check_columns(made_, step_.schema);
    if (made_.rows > 0) next_.push(made_, 0);
  }

  void end_unit() override { next_.end_unit(); }

 private:
  FlatMap step_;
  table::Batch made_;
  Operator& next_;
};

class WindowsOperator : public Operator {
 public:
  WindowsOperator(const Windows& step, table::Schema input, const Setting& setting, Operator& next)
      : step_(step),
        input_(std::move(input)),
        reservation_(setting.worker.budget.reserve(0, setting.memory.heavy, "rows of a window")),
        next_(next) {
    held_.clear(input_);
  }

  void push(table::Batch& rows, std::uint64_t) override {
    for (std::size_t row = 0; row < rows.rows; ++row) {
      if (skip_ > 0) {
        --skip_;
        continue;
      }
      for (std::size_t i = 0; i < input_.size(); ++i) held_.columns[i].push(rows.columns[i], row);
      ++held_.rows;
      check_share();
      if (held_.rows == step_.size) emit();
    }
  }

  void end_unit() override {
    if (step_.partial && held_.rows > 0) emit();
    held_.clear(input_);
    skip_ = 0;
    next_.end_unit();
  }

 private:
  void check_share() const {
    const auto bytes = held_.memory_bytes();
    if (bytes <= reservation_.bytes() / 2) return;
    const auto whole =
        static_cast<double>(bytes) / static_cast<double>(held_.rows) * static_cast<double>(step_.size);
    throw ShareTooSmall{
        fmt::format("{} rows of a window of {} take {}", held_.rows, step_.size, base::format_bytes(bytes)),
        &Division::heavy, 2 * static_cast<std::uint64_t>(std::min(whole, 1e18))};
  }

  void emit() {
    made_.clear(step_.schema);
    step_.map(held_, made_);
    check_columns(made_, step_.schema);
    if (made_.rows > 0) next_.push(made_, 0);
    if (step_.step >= held_.rows) {
      skip_ = step_.step - held_.rows;
      held_.clear(input_);
      return;
    }
    kept_.clear();
    for (auto row = step_.step; row < held_.rows; ++row) kept_.push_back(static_cast<std::uint32_t>(row));
    table::keep_rows(held_, kept_);
  }

  Windows step_;
  table::Schema input_;
  memory::Reservation reservation_;
  table::Batch held_;
  table::Batch made_;
  std::uint64_t skip_ = 0;  ///< Rows between windows.
  std::vector<std::uint32_t> kept_;
  Operator& next_;
};

}  // namespace

std::unique_ptr<Operator> flat_map(const FlatMap& step, Operator& next) {
  return std::make_unique<FlatMapOperator>(step, next);
}

std::unique_ptr<Operator> windows(const Windows& step, table::Schema input, const Setting& setting,
                                  Operator& next) {
  return std::make_unique<WindowsOperator>(step, std::move(input), setting, next);
}

}  // namespace surd::stream::detail
