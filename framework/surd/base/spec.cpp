#include "surd/base/spec.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/units.hpp"

namespace surd::base {
namespace {

/// A value as an error message shows it: short, and saying its type where the text does not.
std::string shown(const Json& node) {
  if (node.is_object()) return fmt::format("a map of {} keys", node.size());
  if (node.is_array()) return fmt::format("a list of {} items", node.size());
  if (node.is_null()) return "nothing";
  auto text = node.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  if (node.is_string()) return "the text " + text;
  return text;
}

std::string join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

/// Optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

SpecError::SpecError(std::string path, const std::string& message)
    : UsageError(path.empty() ? message : path + ": " + message), path_(std::move(path)), message_(message) {}

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > 64) return {};
  std::string best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto candidate : candidates) {
    const auto d = distance(word, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

Spec Spec::at(std::string_view key) const {
  auto found = find(key);
  if (!found) fail(fmt::format("the key '{}' is missing", key));
  return *found;
}

std::optional<Spec> Spec::find(std::string_view key) const {
  if (!is_map()) fail_expected("a map");
  const auto it = node_->find(std::string(key));
  if (it == node_->end()) return std::nullopt;
  return Spec(*it, join(path_, key));
}

std::vector<Spec> Spec::items() const {
  if (!is_list()) fail_expected("a list");
  std::vector<Spec> items;
  for (std::size_t i = 0; i < node_->size(); ++i)
    items.emplace_back((*node_)[i], join(path_, std::to_string(i)));
  return items;
}

std::vector<std::string> Spec::keys() const {
  if (!is_map()) fail_expected("a map");
  std::vector<std::string> keys;
  for (const auto& item : node_->items()) keys.push_back(item.key());
  return keys;
}

void Spec::allow_only(std::span<const std::string_view> valid) const {
  for (const auto& key : keys()) {
    if (std::find(valid.begin(), valid.end(), key) != valid.end()) continue;
    const auto guess = nearest(key, valid);
    const auto hint = guess.empty() ? fmt::format("valid keys are {}", fmt::join(valid, ", "))
                                    : fmt::format("did you mean '{}'?", guess);
    throw SpecError(join(path_, key), fmt::format("unknown key '{}'; {}", key, hint));
  }
}

std::int64_t Spec::integer() const {
  if (node_->is_number_unsigned() && node_->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    fail(fmt::format("the integer {} is beyond 64 bits", node_->dump()));
  }
  if (!node_->is_number_integer()) fail_expected("an integer");
  return node_->get<std::int64_t>();
}

double Spec::number() const {
  if (!node_->is_number()) fail_expected("a number");
  const auto value = node_->get<double>();
  if (!std::isfinite(value)) fail("must be a finite number");
  return value;
}

bool Spec::boolean() const {
  if (!node_->is_boolean()) fail_expected("true or false");
  return node_->get<bool>();
}

std::string Spec::text() const {
  if (!node_->is_string()) fail_expected("a text");
  return node_->get<std::string>();
}

std::uint64_t Spec::bytes() const {
  if (node_->is_number_integer()) {
    const auto value = integer();
    if (value < 0) fail("a size must not be negative");
    return static_cast<std::uint64_t>(value);
  }
  if (!node_->is_string()) fail_expected("a size such as 512MiB");
  try {
    return parse_bytes(text());
  } catch (const UsageError& e) {
    fail(e.what());
  }
}

double Spec::seconds() const {
  if (node_->is_number()) {
    const auto value = number();
    if (value < 0) fail("a duration must not be negative");
    return value;
  }
  if (!node_->is_string()) fail_expected("a duration such as 90s");
  try {
    return parse_seconds(text());
  } catch (const UsageError& e) {
    fail(e.what());
  }
}

std::int64_t Spec::get(std::string_view key, std::int64_t otherwise) const {
  const auto found = find(key);
  return found ? found->integer() : otherwise;
}

double Spec::get(std::string_view key, double otherwise) const {
  const auto found = find(key);
  return found ? found->number() : otherwise;
}

bool Spec::get(std::string_view key, bool otherwise) const {
  const auto found = find(key);
  return found ? found->boolean() : otherwise;
}

std::string Spec::get(std::string_view key, const char* otherwise) const {
  const auto found = find(key);
  return found ? found->text() : otherwise;
}

void Spec::fail(const std::string& message) const { throw SpecError(path_, message); }

void Spec::fail_expected(std::string_view what) const {
  fail(fmt::format("expected {}, found {}", what, shown(*node_)));
}

}  // namespace surd::base
