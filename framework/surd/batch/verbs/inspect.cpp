// surd inspect: says what a file holds, and verifies it.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "surd/base/bytes.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/storage/hdf5.hpp"
#include "surd/storage/log.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::batch::verbs {
namespace {

using base::Json;

Json describe_damage(const std::vector<storage::LogDamage>& damage) {
  auto list = Json::array();
  for (const auto& d : damage) {
    list.push_back({{"offset", d.offset}, {"bytes", d.bytes}, {"torn_tail", d.tail}, {"reason", d.reason}});
  }
  return list;
}

bool only_tails(const std::vector<storage::LogDamage>& damage) {
  for (const auto& d : damage) {
    if (!d.tail) return false;
  }
  return true;
}

Json inspect_segment(storage::FileSystem& files, const storage::Path& path) {
  for (const auto& segment : sweep::verify_memo(files, path.has_parent_path() ? path.parent_path() : ".")) {
    if (segment.path.filename() != path.filename()) continue;
    return {{"holds", "segment of a memo"},
            {"records", segment.records},
            {"points", segment.points},
            {"bytes", segment.bytes},
            {"damage", describe_damage(segment.damage)},
            {"sound", only_tails(segment.damage)}};
  }
  throw base::FormatError(path.string() + " is no segment of a memo");
}

/// Any log of storage/log.hpp, such as a checkpoint.
Json inspect_log(storage::FileSystem& files, const storage::Path& path) {
  storage::LogReader log(files, path);
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  while (const auto record = log.next()) {
    ++records;
    bytes += record->payload.size();
  }
  return {{"holds", "log of checksummed records"},
          {"records", records},
          {"payload_bytes", bytes},
          {"damage", describe_damage(log.damage())},
          {"sound", log.damage().empty()}};
}

/// The format of numpy.lib.format, versions 1 to 3.
Json inspect_npy(storage::FileSystem& files, const storage::Path& path) {
  const auto file = files.open(path);
  std::vector<std::byte> head(12);
  head.resize(file->read_at(0, head));
  base::ByteReader reader(head);
  (void)reader.take(6);
  const auto major = reader.get<std::uint8_t>();
  (void)reader.get<std::uint8_t>();
  const std::uint64_t length = major == 1 ? reader.get<std::uint16_t>() : reader.get<std::uint32_t>();
  const std::uint64_t start = (major == 1 ? 10 : 12) + length;
  if (start > file->size()) throw base::FormatError(path.string() + ": the header is cut short");
  std::vector<std::byte> header(length);
  header.resize(file->read_at(start - length, header));
  std::string text(reinterpret_cast<const char*>(header.data()), header.size());
  text.erase(text.find_last_not_of(" \n") + 1);
  return {
      {"holds", "array of numpy"}, {"header", text}, {"data_bytes", file->size() - start}, {"sound", true}};
}

Json inspect_json(storage::FileSystem& files, const storage::Path& path) {
  const auto document = Json::parse(storage::read_file(files, path), nullptr, false);
  if (document.is_discarded()) throw base::FormatError(path.string() + " holds no whole JSON document");
  const auto name = path.filename().string();
  const char* holds = name.ends_with(".lease")      ? "lease of a running job"
                      : name == "state.json"        ? "state of a job"
                      : name.starts_with("report-") ? "report of a run"
                                                    : "JSON";
  return {{"holds", holds}, {"content", document}, {"sound", true}};
}

/// One JSON document per line.
Json inspect_json_lines(const storage::Path& path) {
  std::ifstream in(path, std::ios::binary);
  std::uint64_t rows = 0;
  Json bad = nullptr;
  std::uint64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    ++rows;
    if (bad.is_null() && !Json::accept(line)) bad = number;
  }
  Json found = {{"holds", "table (JSON lines)"}, {"rows", rows}, {"sound", bad.is_null()}};
  if (!bad.is_null()) found["first_bad_line"] = bad;
  return found;
}

/// Counts records and their columns as RFC 4180 cuts them.
Json inspect_csv(const storage::Path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string header;
  std::uint64_t rows = 0;
  std::uint64_t columns = 1;
  std::uint64_t header_columns = 0;
  std::uint64_t uneven = 0;
  bool quoted = false;
  bool any = false;
  const auto end_row = [&] {
    if (header_columns == 0) {
      header_columns = columns;
    } else {
      ++rows;
      if (columns != header_columns) ++uneven;
    }
    columns = 1;
    any = false;
  };
  for (int c = in.get(); c != std::char_traits<char>::eof(); c = in.get()) {
    if (header_columns == 0 && header.size() < 1000 && (quoted || (c != '\n' && c != '\r'))) {
      header += static_cast<char>(c);
    }
    if (c == '"') quoted = !quoted;
    if (c == '\n' && !quoted) {
      end_row();
      continue;
    }
    any = true;
    if (c == ',' && !quoted) ++columns;
  }
  if (any) end_row();
  return {{"holds", "table (CSV)"},
          {"columns", header},
          {"rows", rows},
          {"rows_of_another_width", uneven},
          {"sound", uneven == 0 && !quoted}};
}

Json inspect_file(storage::FileSystem& files, const storage::Path& path) {
  if (!files.file_size(path)) {
    throw base::UsageError(path.string() + (std::filesystem::is_directory(path)
                                                ? ": is a directory; name a file"
                                                : ": there is no such file"));
  }
  const auto file = files.open(path);
  std::vector<std::byte> magic(8);
  magic.resize(file->read_at(0, magic));
  const std::string_view start(reinterpret_cast<const char*>(magic.data()), magic.size());
  if (start.starts_with("SRDR")) {
    return path.extension() == ".log" ? inspect_segment(files, path) : inspect_log(files, path);
  }
  if (start.starts_with("\x89HDF\r\n\x1a\n")) {
    auto described = storage::describe_hdf5(path);
    return {{"holds", "results (HDF5)"}, {"content", described}, {"sound", true}};
  }
  if (start.starts_with("\x93NUMPY")) return inspect_npy(files, path);
  if (path.extension() == ".csv") return inspect_csv(path);
  if (path.extension() == ".jsonl" || path.extension() == ".ndjson") return inspect_json_lines(path);
  if (start.starts_with("{") || start.starts_with("[")) return inspect_json(files, path);
  throw base::UsageError(
      path.string() +
      " is of no kind that surd knows (segments, checkpoints, leases, reports, .h5, .npy, .csv, .jsonl)");
}

}  // namespace

base::ExitStatus inspect(const Request& request) {
  const auto& path = request.line.file;
  const auto found = inspect_file(request.files, path);
  const bool sound = found.value("sound", true);
  if (request.line.json) {
    std::fputs(batch::to_text(found).c_str(), stdout);
  } else {
    fmt::print("{}: {}, {}\n", path.string(), found["holds"].get<std::string>(), sound ? "sound" : "DAMAGED");
    for (const auto& [key, value] : found.items()) {
      if (key == "holds" || key == "sound") continue;
      fmt::print("  {}: {}\n", key,
                 value.is_string()
                     ? value.get<std::string>()
                     : value.dump(value.is_object() ? 2 : -1, ' ', false, Json::error_handler_t::replace));
    }
  }
  return sound ? base::ExitStatus::done : base::ExitStatus::fatal;
}

}  // namespace surd::batch::verbs
