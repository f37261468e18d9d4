#include "surd/sweep/subject.hpp"

#include <algorithm>

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
PointIdentities::PointIdentities(const Definition& definition) : definition_(&definition) {
  const auto& subject = definition.subject;
  start_.put_text(subject.kind);
  start_.put_text(subject.name);
  start_.put_text(subject.version);
  start_.put(subject.seed);
  const auto& axes = definition.grid.axes();
  for (std::size_t axis = 0; axis < axes.size(); ++axis) parts_.push_back({axes[axis], axis, {}});
  for (const auto& [name, value] : subject.params) parts_.push_back({name, axes.size(), to_key(value)});
  std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.name < b.name; });
}

base::Hash128 PointIdentities::at(std::span<const std::uint64_t> coordinates) const {
  const auto& grid = definition_->grid;
  auto bytes = start_;
  for (const auto& [name, axis, key] : parts_) {
    bytes.put_text(name);
    bytes.put_text(axis < grid.axes().size() ? to_key(grid.value(axis, coordinates)) : key);
  }
  return base::hash128({reinterpret_cast<const char*>(bytes.bytes().data()), bytes.size()});
}

base::RandomStream random_of(const Subject& subject, const base::Hash128& identity) {
  return {subject.seed ^ identity.high, identity.low};
}

}  // namespace surd::sweep
