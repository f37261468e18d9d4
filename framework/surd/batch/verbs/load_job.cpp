#include <cstdio>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/batch/yaml.hpp"

namespace surd::batch::verbs {
namespace {

std::string read_text(const Request& request) {
  if (request.line.is_shortcut()) return shortcut_job(request.line.verb, request.line.shortcut);
  const auto& path = request.line.file;
  if (!request.files.file_size(path)) throw JobError(fmt::format("{}: there is no such file", path.string()));
  return storage::read_file(request.files, path, yaml_text_limit_bytes);
}

Job parse_sweep(const Request& request, const std::string& text) {
  const auto& line = request.line;
  auto job = parse_job(text, line.file, line.settings, request.functions);
  if (line.memory_bytes) {
    if (*line.memory_bytes != 0 && *line.memory_bytes < least_memory_bytes) {
      throw base::UsageError(fmt::format("--memory {}: a rank of a sweep needs at least {}",
                                         base::format_bytes(*line.memory_bytes),
                                         base::format_bytes(least_memory_bytes)));
    }
    job.memory_bytes = *line.memory_bytes;
  }
  if (line.ranks_per_point) job.ranks_per_point = *line.ranks_per_point;
  if (line.on_version_change) job.on_version_change = *line.on_version_change;
  return job;
}

TableJob parse_shortcut(const CommandLine& line, const std::string& text) {
  const auto command = "surd " + line.verb;
  try {
    auto job = parse_table_job(text, {}, {});
    job.file = command;
    job.is_shortcut = true;
    return job;
  } catch (const JobError& e) {
    throw JobError(fmt::format("{}: {}", command, e.what()));
  }
}

AnyJob parse(const Request& request, const std::string& text) {
  const auto& line = request.line;
  if (!line.is_shortcut() && job_kind(text, line.file, line.settings) == JobKind::sweep) {
    return parse_sweep(request, text);
  }
  if (line.ranks_per_point)
    throw base::UsageError("--ranks-per-point is for sweeps: all ranks of a data job work together");
  auto job =
      line.is_shortcut() ? parse_shortcut(line, text) : parse_table_job(text, line.file, line.settings);
  if (line.memory_bytes) job.memory_bytes = *line.memory_bytes;
  return job;
}

}  // namespace

AnyJob load_any_job(const Request& request) { return parse(request, read_text(request)); }

Job load_job(const Request& request) {
  auto job = load_any_job(request);
  if (auto* sweep = std::get_if<Job>(&job)) return std::move(*sweep);
  throw base::UsageError(fmt::format("{}: surd {} is for jobs of kind: sweep; this one is of kind: table",
                                     request.line.file.string(), request.line.verb));
}

std::optional<AnyJob> load_job_together(const Request& request, const mpi::Communicator& ranks) {
  std::string text;
  std::string error;
  if (ranks.is_root()) {
    try {  // rank-local, before any collective: the others learn of it by the broadcast
      text = read_text(request);
    } catch (const base::Error& e) {
      error = e.what();
    }
  }
  error = ranks.broadcast_text(std::move(error));
  text = ranks.broadcast_text(std::move(text));
  if (error.empty()) {
    try {  // rank-local: the same text gives the same error on all ranks
      return parse(request, text);
    } catch (const base::UsageError& e) {
      error = e.what();
    }
  }
  if (ranks.is_root()) base::log_error(error);
  return std::nullopt;
}

void require_memo(const Request& request, const WorkDirectory& work) {
  if (!request.files.list(work.memo).empty()) return;
  throw base::UsageError(fmt::format("nothing is stored in {} yet: run the job first", work.memo.string()));
}

}  // namespace surd::batch::verbs
