#include "surd/batch/shortcut.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"
#include "surd/base/json.hpp"
#include "surd/batch/detail/yaml_scalar.hpp"

namespace surd::batch {
namespace {

using base::Json;
using base::UsageError;

std::vector<std::string> split(const std::string& list, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const auto end = list.find(separator, begin);
    parts.push_back(list.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

/// "a,b" and repeated flags both give lists.
std::vector<std::string> flatten(const std::vector<std::string>& values) {
  std::vector<std::string> all;
  for (const auto& value : values) {
    for (auto& part : split(value, ',')) all.push_back(std::move(part));
  }
  return all;
}

std::uint64_t number(const std::string& text, const std::string& flag) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    throw UsageError(fmt::format("{}: '{}' is no number of bytes", flag, text));
  }
  return value;
}

/// "0:10" (offset and length in bytes) or "0:u64" (offset and type), with a '-' before it for descending.
Json record_key(std::string text, bool descending) {
  const auto flag = "--key " + text;
  if (text.starts_with('-')) {
    descending = true;
    text.erase(0, 1);
  }
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    throw UsageError(flag + ": keys of records are OFFSET:BYTES or OFFSET:TYPE, as in 0:10 or 0:u64");
  }
  Json key = {{"offset", number(text.substr(0, colon), flag)}};
  const auto what = text.substr(colon + 1);
  if (!what.empty() && what[0] >= '0' && what[0] <= '9') {
    key["bytes"] = number(what, flag);
  } else {
    key["type"] = what;
  }
  if (descending) key["descending"] = true;
  return key;
}

Json input_of(const std::vector<std::string>& paths, const ShortcutFlags& flags) {
  Json input = {{"path", paths.size() == 1 ? Json(paths.front()) : Json(paths)}};
  if (flags.format.starts_with("fixed:")) {
    if (!flags.on_bad_row.empty()) {
      throw UsageError("--on-bad-row: records of --format fixed are sorted as they stand, none is bad");
    }
    input["fixed"] = {{"record_bytes", number(flags.format.substr(6), "--format " + flags.format)}};
  } else if (!flags.format.empty()) {
    constexpr std::array<std::string_view, 4> formats{"csv", "jsonl", "npy", "hdf5"};
    if (std::ranges::find(formats, flags.format) == formats.end()) {
      throw UsageError(fmt::format(
          "--format {}: formats are csv, jsonl, npy, hdf5 and fixed:BYTES, as in fixed:100", flags.format));
    }
    input["format"] = flags.format;
  }
  if (!flags.on_bad_row.empty()) input["on_bad_row"] = flags.on_bad_row;
  return input;
}

/// "revenue=sum(price)" or "orders=count".
void add_aggregate(const std::string& text, Json& group) {
  const auto equals = text.find('=');
  const auto open = text.find('(', equals == std::string::npos ? 0 : equals);
  if (equals == std::string::npos || equals == 0 || (open != std::string::npos && text.back() != ')')) {
    throw UsageError(
        fmt::format("--agg {}: expected NAME=AGGREGATE(COLUMN), as in revenue=sum(price) or n=count", text));
  }
  const auto name = text.substr(0, equals);
  if (name == "by" || name == "order") {
    throw UsageError(fmt::format(
        "--agg {}: '{}' has a meaning of its own in a group; give the result another name", text, name));
  }
  if (group.contains(name)) {
    throw UsageError(
        fmt::format("--agg {}: the name '{}' is taken already; give each result its own", text, name));
  }
  if (open == std::string::npos) {
    group[name] = text.substr(equals + 1);
    return;
  }
  const auto column = text.substr(open + 1, text.size() - open - 2);
  const auto aggregate = text.substr(equals + 1, open - equals - 1);
  group[name] = column.empty() ? Json(aggregate) : Json{{aggregate, column}};
}

void add_sort(const ShortcutFlags& flags, Json& job) {
  if (job["input"].contains("fixed")) {
    Json keys = Json::array();
    for (const auto& key : flatten(flags.keys)) keys.push_back(record_key(key, flags.descending));
    if (!keys.empty()) job["input"]["fixed"]["key"] = std::move(keys);
    return;
  }
  if (flags.keys.empty()) throw UsageError("sort: say the columns to sort by: --key price or --key a,-b");
  Json by = Json::array();
  for (const auto& key : flatten(flags.keys)) by.push_back(key);
  Json sort = {{"by", std::move(by)}};
  if (flags.descending) sort["descending"] = true;
  job["steps"].push_back({{"sort", std::move(sort)}});
}

void add_group(const ShortcutFlags& flags, Json& job) {
  Json group = {{"by", flatten(flags.by)}};
  for (const auto& aggregate : flags.aggregates) add_aggregate(aggregate, group);
  job["steps"].push_back({{"group", std::move(group)}});
}

void add_join(const ShortcutFlags& flags, Json& job) {
  Json on = Json::object();
  for (const auto& key : flatten(flags.keys)) {
    const auto equals = key.find('=');
    const auto left = key.substr(0, equals);
    if (on.contains(left)) {
      throw UsageError(
          fmt::format("--on {}: the column '{}' is matched already; derive another one of it", key, left));
    }
    on[left] = equals == std::string::npos ? key : key.substr(equals + 1);
  }
  Json join = {{"input", input_of({flags.inputs[1]}, flags)}, {"on", std::move(on)}, {"kind", flags.join}};
  job["steps"].push_back({{"join", std::move(join)}});
}

/// Job files are text, so what goes into them must be.
void require_text(const Json& job) {
  const auto flat = job.flatten();
  for (const auto& [place, value] : flat.items()) {
    for (const auto& text : {place, value.is_string() ? value.get<std::string>() : std::string()}) {
      if (detail::first_bad_byte(text) == std::string::npos) continue;
      const auto shown = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
      throw UsageError(fmt::format(
          "{} holds bytes that are no UTF-8, or control characters, which no job can name: rename it",
          shown));
    }
  }
}

}  // namespace

std::string shortcut_job(const std::string& verb, const ShortcutFlags& flags) {
  if (verb == "join" && flags.inputs.size() != 2) {
    throw UsageError(fmt::format("join: expected two inputs, LEFT and RIGHT, found {}", flags.inputs.size()));
  }
  const std::vector<std::string> inputs(flags.inputs.begin(),
                                        verb == "join" ? flags.inputs.begin() + 1 : flags.inputs.end());
  Json job = {{"kind", "table"}, {"name", ""}, {"input", input_of(inputs, flags)}, {"steps", Json::array()}};
  for (const auto& condition : flags.where) job["steps"].push_back({{"filter", condition}});
  if (verb == "sort") add_sort(flags, job);
  if (verb == "group") add_group(flags, job);
  if (verb == "join") add_join(flags, job);
  if (flags.take) job["steps"].push_back({{"take", *flags.take}});
  if (job["steps"].empty()) job.erase("steps");
  job["output"] = flags.output;
  require_text(job);
  auto stem = std::filesystem::path(flags.output).filename().string();
  for (auto& c : stem) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (!plain) c = '_';
  }
  job["name"] = fmt::format("{}-{}-{:08x}", verb, stem.substr(0, 60),
                            static_cast<std::uint32_t>(base::hash64(job.dump())));
  return job.dump(2) + "\n";
}

}  // namespace surd::batch
