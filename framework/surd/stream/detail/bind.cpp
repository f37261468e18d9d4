#include "surd/stream/detail/bind.hpp"

#include <fmt/format.h>

namespace surd::stream::detail {
namespace {

using table::Schema;

std::vector<bool> needs_of_right(const Join& join, const BoundStep& step) {
  const auto& right = step.right->schema;
  std::vector<bool> needed(right.size());
  for (const auto& key : join.right_by) needed[table::find(right, key)] = true;
  const auto names = right_names(join, step.before, right);
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (names[i].empty() || step.after.size() == step.before.size()) continue;
    if (step.needed[table::find(step.after, names[i])]) needed[i] = true;
  }
  return needed;
}

/// Walks back from the result: what each step must keep.
void prune(BoundQuery& query, std::vector<bool> needed) {
  for (auto step = query.steps.rbegin(); step != query.steps.rend(); ++step) {
    step->needed = needed;
    if (step->right) prune(*step->right, needs_of_right(*std::get<std::shared_ptr<Join>>(step->step), *step));
    needed = needed_before(step->step, step->before, step->after, step->needed);
  }
  query.needed = std::move(needed);
}

std::shared_ptr<BoundQuery> bind_steps(const Query& query, storage::FileSystem& files) {
  auto bound = std::make_shared<BoundQuery>();
  bound->input = table::open_input(query.input, files);
  bound->schema = bound->input->schema();
  for (const auto& step : query.steps) {
    BoundStep next{.step = step, .before = bound->schema, .after = {}, .needed = {}};
    try {
      if (const auto* join = std::get_if<std::shared_ptr<Join>>(&step)) {
        next.right = bind_steps((*join)->right, files);
      }
      next.after = schema_after(step, next.before, next.right ? next.right->schema : Schema{});
    } catch (const base::UsageError& e) {
      const auto at = bound->steps.size();
      const auto* const inner = dynamic_cast<const StepError*>(&e);
      const auto place = at < query.places.size() ? query.places[at] : "";
      throw StepError(inner != nullptr ? inner->path() : place,
                      fmt::format("step {} ({}): {}", at + 1, to_text(step), e.what()));
    }
    bound->schema = next.after;
    bound->steps.push_back(std::move(next));
  }
  return bound;
}

}  // namespace

Schema BoundStep::kept() const {
  Schema schema;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (needed[i]) schema.push_back(after[i]);
  }
  return schema;
}

std::uint64_t BoundQuery::input_bytes() const {
  std::uint64_t bytes = input->bytes();
  for (const auto& step : steps) {
    if (step.right) bytes += step.right->input_bytes();
  }
  return bytes;
}

namespace {

/// Measured with jobs of 5,000 to 20,000 columns: what a column takes of the batches of a stage and of what
/// reads and writes them,
constexpr std::uint64_t column_bytes = 800;
/// and how many copies of the widest schema the stages of a job have, beside those of its steps.
constexpr std::uint64_t schema_copies = 14;
/// So much is within what a division leaves unreserved.
constexpr std::uint64_t free_bytes = 256 << 10;

std::uint64_t schema_bytes(const Schema& schema) {
  std::uint64_t bytes = schema.size() * sizeof(table::Field);
  for (const auto& field : schema) {
    if (field.name.size() > 15) bytes += field.name.size() + 24;  // not within the string
  }
  return bytes;
}

std::uint64_t all_columns_bytes(const BoundQuery& query) {
  auto widest = schema_bytes(query.input->schema());
  auto bytes = widest;
  for (const auto& step : query.steps) {
    const auto after = schema_bytes(step.after);
    widest = std::max(widest, after);
    bytes += 2 * after;  // this step's, and the next one's before
    if (step.right) bytes += all_columns_bytes(*step.right);
  }
  return bytes + schema_copies * widest + column_bytes * query.most_columns();
}

}  // namespace

std::uint64_t BoundQuery::columns_bytes() const {
  const auto bytes = all_columns_bytes(*this);
  return bytes - std::min(bytes, free_bytes);
}

std::size_t BoundQuery::most_columns() const {
  auto most = input->schema().size();
  for (const auto& step : steps) most = std::max(most, step.after.size());
  return most;
}

std::shared_ptr<BoundQuery> bind(const Query& query, storage::FileSystem& files) {
  auto bound = bind_steps(query, files);
  prune(*bound, std::vector<bool>(bound->schema.size(), true));
  return bound;
}

}  // namespace surd::stream::detail
