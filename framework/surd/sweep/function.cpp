#include "surd/sweep/function.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

[[noreturn]] void refuse(std::string_view name, const Value& value, const char* wanted) {
  throw base::UsageError(fmt::format("'{}' is {} here, and not {}", name, to_text(value), wanted));
}

class FunctionEvaluator final : public Evaluator {
 public:
  FunctionEvaluator(Body body, std::uint32_t retries) : body_(std::move(body)), retries_(retries) {}

  Outcome evaluate(const Point& point, Context& context) override {
    Outcome outcome;
    for (outcome.attempts = 1;; ++outcome.attempts) {
      context.begin(point, outcome.attempts);
      // The item boundary: what a user's function throws is the outcome of its point.
      try {
        outcome.values = body_(point, context);
        outcome.status = Status::ok;
        outcome.message.clear();
        return outcome;
      } catch (const std::exception& e) {
        outcome.message = e.what();
      } catch (const Abandoned&) {
        throw;
      } catch (...) {
        outcome.message = "an exception that is no std::exception";
      }
      outcome.status = Status::failed;
      if (outcome.attempts > retries_ || context.stop_requested()) return outcome;
    }
  }

 private:
  Body body_;
  std::uint32_t retries_;
};

}  // namespace

Point::Point(const Definition& definition)
    : definition_(&definition), identities_(definition), coordinates_(definition.grid.dimensions().size()) {}

void Point::move_to(std::uint64_t position) {
  position_ = position;
  definition_->grid.coordinates(position, coordinates_);
}

Value Point::value(std::string_view name) const {
  const auto& axes = definition_->grid.axes();
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis] == name) return definition_->grid.value(axis, coordinates_);
  }
  const auto& params = definition_->subject.params;
  const auto param = params.find(std::string(name));
  if (param != params.end()) return param->second;
  std::string known;
  for (const auto& [key, ignored] : values()) known += (known.empty() ? "" : ", ") + key;
  throw base::UsageError(fmt::format("there is no axis or parameter '{}'; the job has {}", name, known));
}

double Point::f64(std::string_view name) const {
  const auto found = value(name);
  if (const auto* number = std::get_if<double>(&found)) return *number;
  if (const auto* whole = std::get_if<std::int64_t>(&found)) return static_cast<double>(*whole);
  refuse(name, found, "a number");
}

std::int64_t Point::i64(std::string_view name) const {
  const auto found = value(name);
  const auto whole = canonical(found);
  if (const auto* number = std::get_if<std::int64_t>(&whole)) return *number;
  refuse(name, found, "an integer");
}

bool Point::boolean(std::string_view name) const {
  const auto found = value(name);
  if (const auto* yes = std::get_if<bool>(&found)) return *yes;
  refuse(name, found, "true or false");
}

std::string Point::text(std::string_view name) const { return to_text(value(name)); }

bool Point::has(std::string_view name) const {
  for (const auto& axis : definition_->grid.axes()) {
    if (axis == name) return true;
  }
  return definition_->subject.params.contains(std::string(name));
}

std::vector<std::pair<std::string, Value>> Point::values() const {
  std::vector<std::pair<std::string, Value>> all;
  const auto& axes = definition_->grid.axes();
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    all.emplace_back(axes[axis], definition_->grid.value(axis, coordinates_));
  }
  all.insert(all.end(), definition_->subject.params.begin(), definition_->subject.params.end());
  return all;
}

std::string Point::name() const {
  std::string name;
  const auto& axes = definition_->grid.axes();
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axis > 0) name += ' ';
    name += axes[axis] + '=' + to_text(definition_->grid.value(axis, coordinates_));
  }
  return name.empty() ? "the only point" : name;
}

base::Hash128 Point::identity() const { return identities_.at(coordinates_); }

Context::Context(const mpi::Communicator& ranks, const std::atomic<bool>& stop,
                 std::filesystem::path scratch_root)
    : ranks_(ranks), stop_(stop), scratch_root_(std::move(scratch_root)) {}

Context::~Context() { clear_scratch(); }

void Context::clear_scratch() noexcept {
  if (scratch_.empty()) return;
  std::error_code ignored;  // scratch that cannot be removed costs space, not results
  std::filesystem::remove_all(scratch_, ignored);
  scratch_.clear();
}

void Context::begin(const Point& point, std::uint32_t attempt) {
  clear_scratch();
  point_ = &point;
  attempt_ = attempt;
}

void Context::finish() noexcept { clear_scratch(); }

base::RandomStream Context::random() const {
  return random_of(point_->definition().subject, point_->identity());
}

const std::filesystem::path& Context::scratch() {
  if (!scratch_.empty()) return scratch_;
  std::filesystem::create_directories(scratch_root_);
  auto name = (scratch_root_ / "point-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    const int code = errno;
    throw base::IoError(fmt::format("mkdtemp {}: {}", name, std::strerror(code)), code);
  }
  scratch_ = name;
  return scratch_;
}

std::unique_ptr<Evaluator> evaluate_function(Body body, std::uint32_t retries) {
  return std::make_unique<FunctionEvaluator>(std::move(body), retries);
}

}  // namespace surd::sweep
