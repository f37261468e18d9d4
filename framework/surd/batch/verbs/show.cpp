// surd show: everything stored about one point.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/units.hpp"
#include "surd/batch/detail/yaml_scalar.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::batch::verbs {
namespace {

using sweep::Definition;
using sweep::Value;

/// "T=1.5,L=16" as a value per axis of the grid, in its order.
std::vector<Value> read_values(const sweep::Grid& grid, const std::string& text) {
  const auto& axes = grid.axes();
  std::vector<std::optional<Value>> values(axes.size());
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    begin = end + 1;
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    const auto axis = std::find(axes.begin(), axes.end(), name);
    if (equals == std::string::npos || axis == axes.end()) {
      const auto guess = base::nearest(name, std::vector<std::string_view>(axes.begin(), axes.end()));
      throw base::UsageError(fmt::format("'{}': expected axis=value for each of {}{}", part,
                                         fmt::join(axes, ", "),
                                         guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess)));
    }
    const auto json = detail::resolve_scalar({}, "?", part.substr(equals + 1));
    values[static_cast<std::size_t>(axis - axes.begin())] = sweep::to_value(base::Spec(json, name));
  }
  std::vector<Value> all;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (!values[axis])
      throw base::UsageError(fmt::format("the value of axis '{}' is missing in '{}'", axes[axis], text));
    all.push_back(*values[axis]);
  }
  return all;
}

std::uint64_t find_by_values(const Definition& definition, const std::string& text) {
  const auto& grid = definition.grid;
  const auto values = read_values(grid, text);
  std::vector<std::uint64_t> coordinates;
  std::size_t first = 0;
  for (const auto& dimension : grid.dimensions()) {
    const auto mine = std::span(values).subspan(first, dimension.axes().size());
    first += dimension.axes().size();
    const auto index = dimension.find(mine);
    if (!index) {
      throw base::UsageError(fmt::format("'{}' is not on the grid: {} has {} values, from {} to {}", text,
                                         dimension.name(), base::format_count(dimension.size()),
                                         sweep::to_text(dimension.value(0, 0)),
                                         sweep::to_text(dimension.value(0, dimension.size() - 1))));
    }
    coordinates.push_back(*index);
  }
  return grid.position(coordinates);
}

/// The stored point whose identity begins with `digits`.
std::uint64_t find_by_identity(const Definition& definition, const sweep::Memo& memo,
                               const std::string& digits) {
  sweep::Point point(definition);
  std::optional<std::uint64_t> found;
  for (const auto* set : {&memo.done(), &memo.failed()}) {
    for (auto run = set->next_run(0); run; run = set->next_run(run->end())) {
      for (auto position = run->first; position < run->end(); ++position) {
        point.move_to(position);
        if (!point.identity().hex().starts_with(digits)) continue;
        if (found)
          throw base::UsageError(fmt::format("more than one point's identity begins with '{}'", digits));
        found = position;
      }
    }
  }
  if (!found) throw base::UsageError(fmt::format("no stored point's identity begins with '{}'", digits));
  return *found;
}

std::string field_text(const sweep::FieldValue& value) {
  if (const auto* array = std::get_if<sweep::Array>(&value)) {
    const auto shown = std::min<std::size_t>(array->values.size(), 8);
    return fmt::format(
        "[{}] {}{}", fmt::join(array->shape, ", "),
        fmt::join(array->values.begin(), array->values.begin() + static_cast<std::ptrdiff_t>(shown), " "),
        shown < array->values.size() ? " ..." : "");
  }
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
  return std::get<bool>(value) ? "true" : "false";
}

void print_capture(const sweep::Capture& capture) {
  if (capture.signal != 0) {
    fmt::print("  signal    {}\n", capture.signal);
  } else {
    fmt::print("  exit code {}\n", capture.exit_code);
  }
  fmt::print("  memory    {}\n", base::format_bytes(capture.peak_bytes));
  for (const auto& [name, text] :
       {std::pair("stdout", &capture.output), std::pair("stderr", &capture.errors)}) {
    if (!text->empty()) fmt::print("--- {}\n{}{}", name, *text, text->back() == '\n' ? "" : "\n");
  }
}

void print(const sweep::Outcome& outcome, const sweep::Origin& origin) {
  fmt::print("{} in run {} on rank {}, {} (surd {})\n", sweep::to_text(outcome.status), origin.run,
             origin.rank, origin.host, origin.program);
  fmt::print("  seconds   {:.6g}\n  attempts  {}\n", outcome.seconds, outcome.attempts);
  if (!outcome.message.empty()) fmt::print("  message   {}\n", outcome.message);
  for (const auto& field : outcome.values) fmt::print("  {} = {}\n", field.name, field_text(field.value));
  if (outcome.capture) print_capture(*outcome.capture);
}

}  // namespace

base::ExitStatus show(const Request& request) {
  const auto job = load_job(request);
  const auto& definition = *job.definition;
  const auto work = work_directory(job, request.line.work);
  const auto& text = request.line.point;
  const bool keep = job.on_version_change == VersionChange::keep;
  const bool by_values = text.find('=') != std::string::npos;
  std::uint64_t position = by_values ? find_by_values(definition, text) : 0;
  require_memo(request, work);
  const sweep::Memo memo(request.files, work.memo, definition, {keep, {}});
  if (!by_values) position = find_by_identity(definition, memo, text);
  sweep::Point point(definition);
  point.move_to(position);
  fmt::print("{}\n  identity  {}\n", point.name(), point.identity().hex());
  const auto history = memo.history(position);
  if (history.empty()) fmt::print("not computed yet\n");
  for (const auto& [outcome, origin] : history) print(outcome, origin);
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
