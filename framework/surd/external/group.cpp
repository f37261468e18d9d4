#include "surd/external/group.hpp"

namespace surd::external {

std::string_view name(Aggregate aggregate) noexcept {
  switch (aggregate) {
    case Aggregate::count:
      return "count";
    case Aggregate::sum:
      return "sum";
    case Aggregate::min:
      return "min";
    case Aggregate::max:
      return "max";
    case Aggregate::mean:
      return "mean";
    case Aggregate::variance:
      return "variance";
    case Aggregate::stddev:
      return "stddev";
    case Aggregate::first:
      return "first";
    case Aggregate::last:
      return "last";
    case Aggregate::median:
      return "median";
    case Aggregate::list:
      return "list";
    case Aggregate::count_distinct:
      return "count_distinct";
    case Aggregate::user:
      return "user";
  }
  return "unknown";
}

ValueType AggregateSpec::result() const noexcept {
  switch (aggregate) {
    case Aggregate::count:
    case Aggregate::count_distinct:
      return ValueType::int64;
    case Aggregate::sum:
      return input == ValueType::boolean ? ValueType::int64 : input;
    case Aggregate::list:
      return ValueType::text;
    case Aggregate::min:
    case Aggregate::max:
    case Aggregate::first:
    case Aggregate::last:
      return input;
    default:
      return ValueType::float64;
  }
}

}  // namespace surd::external
