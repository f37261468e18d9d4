#include "surd/mpi/detail/quick_start.hpp"

#include <dlfcn.h>
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "surd/mpi/detail/launcher.hpp"

namespace surd::mpi::detail {
namespace {

/// Whether Open MPI's mpirun said that all ranks are on one node.
bool on_one_node() noexcept {
  const auto* const here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  const auto* const all = std::getenv("OMPI_COMM_WORLD_SIZE");
  return here != nullptr && all != nullptr && std::string_view(here) == all;
}

/// Without blanks and quotes around it.
std::string_view trim(std::string_view text) {
  constexpr auto around = " \t\r\"'";
  const auto first = text.find_first_not_of(around);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(around) - first + 1);
}

bool excludes(const std::string& list) { return list.starts_with('^'); }

}  // namespace

QuickStart::QuickStart() {
  if (!launched()) {
    // A daemon beside a program without a launcher takes 0.2 s, and serves MPI_Comm_spawn alone.
    set("OMPI_MCA_ess_singleton_isolated", "1");
    // Without it all such programs of a user share a directory, which the first that ends removes.
    set("OMPI_MCA_orte_create_session_dirs", "0");
  } else if (!on_one_node()) {
    return;
  }
  // mpirun's --tune and --am: files in forms of their own.
  if (std::getenv("OMPI_MCA_mca_base_envar_file_prefix") != nullptr) return;
  if (std::getenv("OMPI_MCA_mca_base_param_file_prefix") != nullptr) return;
  // The libraries of networks take 0.2 s too: libpsm2 measures the clock of each core when it is loaded. What
  // could use them in their place opens their adapters, or warns that it does not.
  const auto files = parameter_files();
  const auto transport = parameter_in(files, "pml").value_or("^");
  if (excludes(transport) && transport.find("ob1") == transport.npos) set("OMPI_MCA_pml", "ob1");
  const auto adapters = parameter_in(files, "btl").value_or("^");
  if (excludes(adapters))
    set("OMPI_MCA_btl", adapters + (adapters == "^" ? "" : ",") + "openib,uct,usnic,ofi");
}

QuickStart::~QuickStart() {
  for (const auto* const variable : set_) ::unsetenv(variable);
}

void QuickStart::set(const char* variable, const std::string& value) {
  if (std::getenv(variable) == nullptr && ::setenv(variable, value.c_str(), 0) == 0) set_.push_back(variable);
}

std::vector<std::filesystem::path> parameter_files() {
  std::vector<std::filesystem::path> files;
  if (const auto* const named = std::getenv("OMPI_MCA_mca_base_param_files")) {
    std::string_view list = named;
    while (!list.empty()) {
      const auto end = std::min(list.find_first_of(":,"), list.size());
      if (end > 0) files.emplace_back(list.substr(0, end));
      list.remove_prefix(std::min(end + 1, list.size()));
    }
    return files;
  }
  if (const auto* const home = std::getenv("HOME")) {
    files.push_back(std::filesystem::path(home) / ".openmpi/mca-params.conf");
  }
  constexpr auto name = "openmpi-mca-params.conf";
  if (const auto* const prefix = std::getenv("OPAL_PREFIX")) {
    files.push_back(std::filesystem::path(prefix) / "etc" / name);
  }
  Dl_info library{};
  if (dladdr(reinterpret_cast<void*>(&MPI_Init), &library) != 0 && library.dli_fname != nullptr) {
    const auto folder = std::filesystem::path(library.dli_fname).parent_path();
    files.push_back(folder / "../etc" / name);
  }
  files.push_back(std::filesystem::path("/etc/openmpi") / name);  // of distributions
  return files;
}

std::optional<std::string> parameter_in(const std::vector<std::filesystem::path>& files,
                                        std::string_view parameter) {
  for (const auto& path : files) {
    std::ifstream file(path);
    std::optional<std::string> value;
    for (std::string line; std::getline(file, line);) {
      const auto text = trim(line);
      const auto equals = text.find('=');
      if (equals != text.npos && trim(text.substr(0, equals)) == parameter) {
        value = trim(text.substr(equals + 1));
      }
    }
    if (value) return value;
  }
  return std::nullopt;
}

}  // namespace surd::mpi::detail
