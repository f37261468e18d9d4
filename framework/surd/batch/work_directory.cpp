#include "surd/batch/work_directory.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <random>
#include <string_view>
#include <system_error>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace surd::batch {
namespace {

/// The first of `names` that is a number in the environment, else `otherwise`.
int number_in_environment(std::initializer_list<const char*> names, int otherwise) noexcept {
  for (const auto* name : names) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    const std::string_view digits(text);
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size()) return number;
  }
  return otherwise;
}

}  // namespace

WorkDirectory work_directory(const Job& job, const storage::Path& chosen) {
  WorkDirectory work;
  work.root = chosen.empty() ? storage::Path(".surd") / job.name : chosen;
  work.memo = job.memo.empty() ? work.root / "memo" : job.memo;
  work.leases = job.memo.empty() ? work.root / "leases" : job.memo / "leases";
  return work;
}

WorkDirectory work_directory(const TableJob& job, const storage::Path& chosen) {
  WorkDirectory work;
  work.root = chosen.empty() ? storage::Path(".surd") / job.name : chosen;
  return work;
}

base::Json read_json(storage::FileSystem& files, const storage::Path& path) {
  if (!files.file_size(path)) return nullptr;
  auto json = base::Json::parse(storage::read_file(files, path), nullptr, false);
  return json.is_discarded() ? base::Json(nullptr) : json;
}

std::string text_in(const base::Json& json, std::string_view key, const char* otherwise) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

double number_in(const base::Json& json, std::string_view key, double otherwise) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_number() ? found->get<double>() : otherwise;
}

std::string to_text(const base::Json& json) {
  return json.dump(2, ' ', false, base::Json::error_handler_t::replace) + "\n";
}

std::string new_run_name() {
  std::random_device random;
  return fmt::format("{:%Y%m%dT%H%M%S}-{:08x}", fmt::gmtime(std::time(nullptr)), random());
}

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

int launched_rank() noexcept {
  return number_in_environment({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}, 0);
}

int launched_ranks() noexcept {
  return number_in_environment({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"},
                               1);
}

int launched_ranks_on_node() noexcept {
  return number_in_environment({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE"}, 1);
}

storage::Path scratch_directory() {
  for (const auto* name : {"SURD_SCRATCH", "SLURM_TMPDIR", "TMPDIR"}) {
    const char* directory = std::getenv(name);
    if (directory != nullptr && *directory != '\0') return directory;
  }
  return "/tmp";
}

}  // namespace surd::batch
