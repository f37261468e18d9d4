#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "surd/sweep/detail/form.hpp"

namespace surd::sweep::detail {
namespace {

using base::Json;
using base::Spec;

/// Values one by one, and their order for find().
class List final : public Axis {
 public:
  explicit List(std::vector<Value> values) : Axis(values.size()), values_(std::move(values)) {
    canonical_.reserve(values_.size());
    for (const auto& value : values_) canonical_.push_back(canonical(value));
    order_.resize(values_.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::stable_sort(order_.begin(), order_.end(),
                     [this](auto a, auto b) { return canonical_[a] < canonical_[b]; });
    const auto twin = std::adjacent_find(order_.begin(), order_.end(),
                                         [this](auto a, auto b) { return canonical_[a] == canonical_[b]; });
    distinct_ = twin == order_.end();
  }

  [[nodiscard]] Value value(std::uint64_t index) const override { return values_[index]; }

  [[nodiscard]] std::optional<std::uint64_t> find(const Value& value) const override {
    const auto wanted = canonical(value);
    const auto it = std::lower_bound(order_.begin(), order_.end(), wanted,
                                     [this](auto i, const Value& v) { return canonical_[i] < v; });
    if (it == order_.end() || canonical_[*it] != wanted) return std::nullopt;
    return *it;
  }

  [[nodiscard]] Json describe() const override {
    auto list = Json::array();
    for (const auto& value : values_) list.push_back(to_json(value));
    return list;
  }

  [[nodiscard]] bool distinct() const noexcept override { return distinct_; }

 private:
  std::vector<Value> values_;
  std::vector<Value> canonical_;
  std::vector<std::uint32_t> order_;
  bool distinct_ = true;
};

/// Numbers, texts and booleans must not mix: an axis is a coordinate of one type in the output.
const char* kind(const Value& value) {
  if (std::holds_alternative<bool>(value)) return "true or false";
  return std::holds_alternative<std::string>(value) ? "a text" : "a number";
}

}  // namespace

std::unique_ptr<Axis> parse_list(const Spec& spec) {
  if (spec.is_map()) spec.allow_only({"list"});
  const auto place = spec.is_map() ? spec.at("list") : spec;
  const auto items = place.items();
  if (items.empty()) place.fail("must have at least one value");
  std::vector<Value> values;
  values.reserve(items.size());
  for (const auto& item : items) {
    values.push_back(to_value(item));
    if (std::string_view(kind(values.back())) != kind(values.front())) {
      item.fail(fmt::format("is {}, but the first value of this axis is {}", kind(values.back()),
                            kind(values.front())));
    }
  }
  return std::make_unique<List>(std::move(values));
}

}  // namespace surd::sweep::detail
