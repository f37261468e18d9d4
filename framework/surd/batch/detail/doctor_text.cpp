#include "surd/batch/detail/doctor_text.hpp"

#include <cstdint>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::batch::detail {
namespace {

using base::Json;

std::string text_of(const Json& json, const char* key) { return json[key].get<std::string>(); }

std::string bytes_of(const Json& json, const char* key) {
  return base::format_bytes(static_cast<std::uint64_t>(json.value(key, 0.0)));
}

/// "0-3,8": runs of core numbers.
std::string core_ranges(const Json& cores) {
  std::string text;
  for (std::size_t i = 0; i < cores.size();) {
    const auto first = cores[i].get<int>();
    auto last = first;
    while (++i < cores.size() && cores[i].get<int>() == last + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", first);
    if (last > first) text += fmt::format("-{}", last);
  }
  return text;
}

std::string limit_text(const Json& limit, bool bytes) {
  if (limit.is_null()) return "unlimited";
  const auto number = limit.get<std::uint64_t>();
  return bytes ? base::format_bytes(number) : fmt::format("{}", number);
}

std::string interconnect_text(const Json& interconnect) {
  std::string text;
  const auto add = [&](const std::string& item) { text += (text.empty() ? "" : ", ") + item; };
  for (const auto& fabric : interconnect["fabrics"])
    add(text_of(fabric, "kind") + " " + text_of(fabric, "device"));
  for (const auto& network : interconnect["networks"]) {
    const auto speed = network.value("bits_per_second", 0.0);
    add(text_of(network, "device") + (speed > 0 ? fmt::format(" {:g} Gbit/s", speed / 1e9) : ""));
  }
  if (interconnect["fabrics"].empty()) add("no fast fabric: TCP between nodes");
  for (const auto& [name, value] : interconnect["environment"].items())
    add(name + "=" + value.get<std::string>());
  return text;
}

void add_directory(std::string& text, const char* place, const Json& directory) {
  fmt::format_to(std::back_inserter(text), "  {:9}{} on {}, ", place, text_of(directory, "path"),
                 text_of(directory, "file_system"));
  if (directory.contains("error")) {
    text += "cannot be used\n";
    return;
  }
  fmt::format_to(
      std::back_inserter(text), "{} free, {}/s written and synced, {}/s read back, {:.2g} ms per sync\n",
      bytes_of(directory, "free_bytes"), bytes_of(directory, "synced_bytes_per_second"),
      bytes_of(directory, "read_back_bytes_per_second"), directory["sync_seconds"].get<double>() * 1e3);
}

void add_node(std::string& text, const Json& seen) {
  auto out = std::back_inserter(text);
  const auto& memory = seen["memory"];
  const auto& limits = seen["limits"];
  const auto ranks = seen["ranks_on_node"].get<int>();
  fmt::format_to(out, "{}: {} {}, cores {}, SIMD {}\n", text_of(seen, "host"), ranks,
                 ranks == 1 ? "rank" : "ranks", core_ranges(seen["cores"]), text_of(seen, "simd"));
  fmt::format_to(out, "  memory   {} for {} ({})\n", bytes_of(memory, "bytes"),
                 memory["per_process"].get<bool>() ? "each rank" : "the node", text_of(memory, "source"));
  fmt::format_to(out, "  limits   {} open files, {} processes, {} locked, {} of addresses\n",
                 limit_text(limits["open_files"], false), limit_text(limits["processes"], false),
                 limit_text(limits["locked_memory"], true), limit_text(limits["address_space"], true));
  fmt::format_to(out, "  network  {}\n", interconnect_text(seen["interconnect"]));
  add_directory(text, "scratch", seen["scratch"]);
  add_directory(text, "work", seen["work"]);
}

void add_links(std::string& text, const Json& links) {
  for (const auto& link : links) {
    fmt::format_to(std::back_inserter(text), "{} to {}: {:.1f} us, {}/s", text_of(link, "from"),
                   text_of(link, "to"), link["latency_seconds"].get<double>() * 1e6,
                   bytes_of(link, "bytes_per_second"));
    if (link["from"] != link["to"]) {
      fmt::format_to(std::back_inserter(text), ", clock {:+.3f} ms",
                     link["clock_offset_seconds"].get<double>() * 1e3);
    }
    text += "\n";
  }
}

}  // namespace

std::string doctor_text(const Json& report) {
  std::string text;
  auto out = std::back_inserter(text);
  const auto& mpi = report["mpi"];
  fmt::format_to(out, "surd {} ({})\n", text_of(report, "surd"), text_of(report, "revision"));
  fmt::format_to(out, "MPI      {}, standard {}, {}, {} {}\n", text_of(mpi, "library"),
                 text_of(mpi, "standard"), text_of(mpi, "thread_level"), mpi["ranks"].get<int>(),
                 mpi["ranks"] == 1 ? "rank" : "ranks");
  fmt::format_to(out, "HDF5     {}, parallel\nKokkos   {}\n", text_of(report, "hdf5"),
                 text_of(report, "kokkos"));
  if (const auto& slurm = report["slurm"]; slurm.contains("job")) {
    fmt::format_to(out, "Slurm    job {} on {}, {} left\n", text_of(slurm, "job"),
                   slurm.value("nodes", "unknown nodes"),
                   slurm.contains("seconds_left") ? base::format_seconds(slurm["seconds_left"].get<double>())
                                                  : "unknown time");
  }
  for (const auto& seen : report["ranks"]) {
    if (seen.contains("work")) add_node(text, seen);
  }
  add_links(text, report["links"]);
  for (const auto& warning : report["warnings"]) text += "warning: " + warning.get<std::string>() + "\n";
  if (report["warnings"].empty()) text += "nothing that will hurt\n";
  return text;
}

}  // namespace surd::batch::detail
