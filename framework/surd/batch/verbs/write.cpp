// surd export: writes what is stored so far.
#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/memory_plan.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/batch/verbs/write_output.hpp"

namespace surd::batch::verbs {

base::ExitStatus write(const Request& request, const mpi::Session& session) {
  const auto any = load_job_together(request, session.world());
  if (!any) return base::ExitStatus::usage;
  const auto* job = std::get_if<Job>(&*any);
  if (job == nullptr) {
    throw base::UsageError("surd export is for jobs of kind: sweep; a table job's output is written by run");
  }
  const auto work = work_directory(*job, request.line.work);
  const auto& output = request.line.output;
  const auto& world = session.world();
  const auto memory = memory_plan(*job, 0, {world.size(), world.node().size()});
  const auto bytes = write_output(request.files, work, *job, output, world.min(memory.budget_bytes),
                                  request.line.with_failed, world);
  if (output != "-") base::log_info(fmt::format("wrote {} ({})", output.string(), base::format_bytes(bytes)));
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
