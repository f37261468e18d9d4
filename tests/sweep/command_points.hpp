// Points to evaluate commands at.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/mpi/communicator.hpp"
#include "surd/sweep/command.hpp"
#include "surd/sweep/function.hpp"

/// A definition with the axes and parameters of a job; `job` is JSON text.
inline surd::sweep::Definition definition_of(const surd::base::Json& job) {
  surd::sweep::Definition definition{{}, surd::sweep::Grid::parse(surd::base::Spec(job))};
  definition.subject.kind = "command";
  definition.subject.name = job["command"].dump();
  definition.subject.version = "1";
  definition.subject.seed = 7;
  if (!job.contains("params")) return definition;
  for (const auto& [name, value] : job["params"].items()) {
    definition.subject.params.emplace(name, surd::sweep::to_value(surd::base::Spec(value)));
  }
  return definition;
}

/// A job with a command, and what is needed to evaluate its points.
class CommandJob {
 public:
  /// `text`: JSON of command, parse, axes ...; axes default to {x: [1.5, 2]}.
  explicit CommandJob(const std::string& text, std::string scratch_root = "/tmp")
      : job_(parse(text)),
        definition_(definition_of(job_)),
        point_(definition_),
        context_(ranks_, stop, scratch_root) {
    evaluator_ = surd::sweep::evaluate_command(spec());
  }

  [[nodiscard]] surd::sweep::CommandSpec spec() const {
    auto names = definition_.grid.axes();
    for (const auto& [name, value] : definition_.subject.params) names.push_back(name);
    return surd::sweep::CommandSpec::read(surd::base::Spec(job_), names);
  }

  surd::sweep::Outcome run(std::uint64_t position = 0) {
    point_.move_to(position);
    return evaluator_->evaluate(point_, context_);
  }

  [[nodiscard]] const surd::sweep::Point& point() const { return point_; }
  [[nodiscard]] surd::sweep::Context& context() { return context_; }

  std::atomic<bool> stop{false};

 private:
  static surd::base::Json parse(const std::string& text) {
    auto job = surd::base::Json::parse(text);
    if (!job.contains("axes")) job["axes"] = {{"x", {1.5, 2}}};
    return job;
  }

  surd::base::Json job_;
  surd::sweep::Definition definition_;
  surd::mpi::Communicator ranks_;
  surd::sweep::Point point_;
  surd::sweep::Context context_;
  std::unique_ptr<surd::sweep::Evaluator> evaluator_;
};
