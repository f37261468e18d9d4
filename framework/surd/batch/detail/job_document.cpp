#include "surd/batch/detail/job_document.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "surd/batch/job.hpp"

namespace surd::batch::detail {
namespace {

using base::Json;

/// Line number `line`, counted from 1, without its end.
std::string_view line_of(std::string_view text, std::size_t line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// The line and a caret below column `column`; long lines are cut around it.
std::string excerpt(std::string_view text, Place place) {
  auto line = line_of(text, place.line);
  auto at = std::min(place.column == 0 ? 0 : place.column - 1, line.size());
  if (at > 100) {
    line.remove_prefix(at - 60);
    at = 60;
  }
  while (!line.empty() && (static_cast<unsigned char>(line[0]) & 0xC0U) == 0x80U) {
    line.remove_prefix(1);  // never begin inside a character
    if (at > 0) --at;
  }
  std::string shown(line.substr(0, 120));
  std::replace(shown.begin(), shown.end(), '\t', ' ');
  return fmt::format("    {}\n    {}^", shown, std::string(at, ' '));
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts{""};
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// The index into `list` that `part` names, nullopt if there is no such item.
std::optional<std::size_t> index_in(const Json& list, const std::string& part) {
  if (part.empty() || part.size() > 9 || part.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const std::size_t index = std::stoul(part);
  return index < list.size() ? std::optional(index) : std::nullopt;
}

/// The place that `path` names in `root`; maps get keys that are missing. nullptr if there is no such place.
Json* place_for(Json& root, const std::string& path) {
  auto* node = &root;
  for (const auto& part : split_path(path)) {
    if (node->is_null()) *node = Json::object();
    if (node->is_array()) {
      const auto index = index_in(*node, part);
      node = index ? &(*node)[*index] : nullptr;
    } else {
      node = node->is_object() && !part.empty() ? &(*node)[part] : nullptr;
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

bool holds(const Json& root, const std::string& path) {
  const auto* node = &root;
  for (const auto& part : split_path(path)) {
    if (node->is_array()) {
      const auto index = index_in(*node, part);
      if (!index) return false;
      node = &(*node)[*index];
    } else {
      if (!node->is_object() || !node->contains(part)) return false;
      node = &(*node)[part];
    }
  }
  return true;
}

bool is_inside(std::string_view path, std::string_view whole) {
  return path.starts_with(whole) && (path.size() == whole.size() || path[whole.size()] == '.');
}

}  // namespace

JobDocument::JobDocument(const std::string& text, const storage::Path& file,
                         std::span<const std::string> settings)
    : text_(text), file_(file) {
  try {
    root_ = parse_yaml(text);
  } catch (const YamlError& e) {
    fail_at(e.place(), e.what());
  }
  for (const auto& setting : settings) apply(setting);
}

void JobDocument::apply(const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw JobError(fmt::format("--set {}: expected key.path=value", setting));
  }
  const auto path = setting.substr(0, equals);
  std::optional<Json> value;
  try {
    const auto text = setting.substr(equals + 1);
    value = text.empty() ? Json(nullptr) : parse_yaml(text);
  } catch (const YamlError& e) {
    throw JobError(fmt::format("--set {}: column {} of the value: {}", setting, e.place().column, e.what()));
  }
  auto* place = place_for(root_, path);
  if (place == nullptr) {
    throw JobError(fmt::format("--set {}: there is no '{}' in {} to set", setting, path, file_.string()));
  }
  *place = std::move(*value);
  settings_.push_back({setting, path});
}

std::string JobDocument::annotated_text() const {
  auto all = text_;
  if (!settings_.empty() && !all.empty() && all.back() != '\n') all += '\n';
  for (const auto& setting : settings_) {
    auto line = setting.text;
    std::replace(line.begin(), line.end(), '\n', ' ');
    all += fmt::format("# --set {}\n", line);
  }
  return all;
}

const JobDocument::Setting* JobDocument::setting_behind(const std::string& path) const {
  const auto wrote = [&](const Setting& s) { return is_inside(path, s.path); };
  const auto it = std::find_if(settings_.rbegin(), settings_.rend(), wrote);
  if (it != settings_.rend()) return &*it;
  if (path.empty() || settings_.empty() || holds(parse_yaml(text_), path)) return nullptr;
  const auto created = [&](const Setting& s) { return is_inside(s.path, path); };
  const auto above = std::find_if(settings_.begin(), settings_.end(), created);
  return above == settings_.end() ? nullptr : &*above;
}

void JobDocument::fail(const base::SpecError& error) const {
  if (const auto* setting = setting_behind(error.path())) {
    throw JobError(fmt::format("--set {}: {}", setting->text, error.what()));
  }
  const bool of_key = error.message().starts_with("unknown key");
  fail_at(locate_yaml(text_, error.path(), of_key), error.what());
}

void JobDocument::fail_at(Place place, const std::string& message) const {
  if (file_.empty()) throw JobError(message);
  if (place.line == 0) throw JobError(fmt::format("{}: {}", file_.string(), message));
  throw JobError(fmt::format("{}:{}: {}\n{}", file_.string(), place.line, message, excerpt(text_, place)));
}

}  // namespace surd::batch::detail
