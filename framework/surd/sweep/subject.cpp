#include "surd/sweep/subject.hpp"

#include <algorithm>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

using base::Json;
using base::Spec;

Subject read_subject(const Spec& spec) {
  spec.allow_only({"kind", "name", "version", "seed", "params"});
  Subject subject;
  subject.kind = spec.at("kind").text();
  if (subject.kind != "function" && subject.kind != "command")
    spec.at("kind").fail_expected("function or command");
  subject.name = spec.at("name").text();
  subject.version = spec.at("version").text();
  const auto seed = spec.at("seed");
  if (!seed.json().is_number_unsigned()) seed.fail_expected("a number that is not negative");
  subject.seed = seed.json().get<std::uint64_t>();
  const auto params = spec.at("params");
  for (const auto& name : params.keys()) subject.params[name] = to_value(params.at(name));
  return subject;
}

}  // namespace

Json Subject::describe() const {
  Json values = Json::object();
  for (const auto& [param, value] : params) values[param] = to_json(value);
  return {
      {"kind", kind}, {"name", name}, {"version", version}, {"seed", seed}, {"params", std::move(values)}};
}

Subject Subject::parse(const Json& json) {
  try {
    return read_subject(Spec(json, "subject"));
  } catch (const base::SpecError& e) {
    throw base::FormatError(e.what());
  }
}

std::string Definition::text() const {
  const auto described = grid.describe();
  // What is left out of a grid does not change what its positions mean.
  const Json json{
      {"subject", subject.describe()}, {"axes", described.at("axes")}, {"chunk", described.at("chunk")}};
  return json.dump();
}

Definition Definition::parse(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw base::FormatError("a definition is not JSON");
  try {
    const Spec spec(json, "definition");
    spec.allow_only({"subject", "axes", "chunk"});
    return {read_subject(spec.at("subject")), Grid::parse(spec)};
  } catch (const base::SpecError& e) {
    throw base::FormatError(e.what());
  }
}

// The bytes hashed, never to change: kind, name and version as texts with their length (a varint), the seed
// (8 bytes), then name and to_key(value) of axes and parameters together as such texts, in ascending order of
// names.
base::Hash128 point_identity(const Definition& definition, std::span<const std::uint64_t> coordinates) {
  const auto& subject = definition.subject;
  const auto& axes = definition.grid.axes();
  std::vector<std::pair<std::string_view, std::string>> values;
  values.reserve(axes.size() + subject.params.size());
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    values.emplace_back(axes[axis], to_key(definition.grid.value(axis, coordinates)));
  }
  for (const auto& [name, value] : subject.params) values.emplace_back(name, to_key(value));
  std::sort(values.begin(), values.end());
  base::ByteWriter bytes;
  bytes.put_text(subject.kind);
  bytes.put_text(subject.name);
  bytes.put_text(subject.version);
  bytes.put(subject.seed);
  for (const auto& [name, key] : values) {
    bytes.put_text(name);
    bytes.put_text(key);
  }
  return base::hash128({reinterpret_cast<const char*>(bytes.bytes().data()), bytes.size()});
}

}  // namespace surd::sweep
