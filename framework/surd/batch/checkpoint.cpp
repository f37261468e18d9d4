// Bytes of a checkpoint file <name>.<step>.ckpt: one record of storage/log.hpp of kind 1, whose payload is
// u64 version (1), u64 step, u64 total, then the state as Boost.Serialization wrote it.
#include "surd/batch/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/base/log.hpp"
#include "surd/batch/signals.hpp"
#include "surd/storage/log.hpp"

namespace surd::batch {
namespace {

constexpr std::uint64_t format_version = 1;
constexpr std::uint8_t record_kind = 1;

struct Saved {
  std::uint64_t step;
  std::uint64_t total;
  std::string state;
};

/// What the file holds, nullopt if it is damaged.
std::optional<Saved> read_checkpoint(const storage::Path& path) {
  storage::LogReader log(storage::local_file_system(), path);
  const auto record = log.next();
  if (!record || record->kind != record_kind) return std::nullopt;
  base::ByteReader reader(record->payload);
  const auto version = reader.get<std::uint64_t>();
  if (version != format_version) {
    throw base::FormatError(
        fmt::format("{}: checkpoint version {}, this surd reads version {}; use the newer surd",
                    path.string(), version, format_version));
  }
  Saved saved{reader.get<std::uint64_t>(), reader.get<std::uint64_t>(), {}};
  const auto rest = reader.take(reader.remaining());
  saved.state.assign(reinterpret_cast<const char*>(rest.data()), rest.size());
  return saved;
}

}  // namespace

struct CheckpointLoop::State {
  CheckpointOptions options;
  std::uint64_t total;
  std::function<std::string()> save_state;
  std::uint64_t step = 0;
  std::uint64_t saved_step = 0;
  std::chrono::steady_clock::time_point saved_at = std::chrono::steady_clock::now();
  bool stopped = false;

  storage::Path path_of(std::uint64_t at) const {
    return options.directory / fmt::format("{}.{}.ckpt", options.name, at);
  }

  /// Steps of the checkpoint files there are, newest first.
  std::vector<std::uint64_t> existing() const {
    std::vector<std::uint64_t> steps;
    const auto prefix = options.name + ".";
    constexpr std::string_view suffix = ".ckpt";
    for (const auto& file : storage::local_file_system().list(options.directory)) {
      if (!file.starts_with(prefix) || !file.ends_with(suffix)) continue;
      const auto* first = file.data() + prefix.size();
      const auto* last = file.data() + file.size() - suffix.size();
      std::uint64_t at = 0;
      const auto [end, error] = std::from_chars(first, last, at);
      if (error == std::errc{} && end == last) steps.push_back(at);
    }
    std::sort(steps.rbegin(), steps.rend());
    return steps;
  }

  void save() {
    auto& files = storage::local_file_system();
    base::ByteWriter payload;
    payload.put(format_version);
    payload.put(step);
    payload.put(total);
    const auto state = save_state();
    payload.append(state.data(), state.size());
    const auto part = options.directory / (options.name + ".ckpt.part");
    files.remove(part);  // a crash may have left one, and a log appends
    storage::LogWriter log(files, part);
    log.append(record_kind, payload.bytes());
    log.sync();
    log.close();
    files.rename(part, path_of(step));
    files.sync_directory(options.directory);
    auto steps = existing();
    for (const auto at : steps) {
      if (at > step) files.remove(path_of(at));  // passed over as damaged when this loop resumed
    }
    std::erase_if(steps, [&](std::uint64_t at) { return at > step; });
    for (std::size_t i = std::max<std::size_t>(1, options.keep); i < steps.size(); ++i)
      files.remove(path_of(steps[i]));
    saved_step = step;
    saved_at = std::chrono::steady_clock::now();
  }

  bool due() const {
    if (step - saved_step >= options.every) return true;
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - saved_at;
    return options.seconds > 0 && waited.count() >= options.seconds;
  }
};

CheckpointLoop::CheckpointLoop(CheckpointOptions options, std::uint64_t total,
                               std::function<std::string()> save,
                               const std::function<void(const std::string&)>& load)
    : state_(std::make_unique<State>()) {
  install_stop_signals();
  state_->options = std::move(options);
  state_->total = total;
  state_->save_state = std::move(save);
  if (state_->options.every == 0) {
    state_->options.every = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(std::sqrt(static_cast<double>(total)))));
  }
  storage::local_file_system().make_directories(state_->options.directory);
  for (const auto step : state_->existing()) {
    const auto path = state_->path_of(step);
    const auto saved = read_checkpoint(path);
    if (!saved) {
      base::log_warning(fmt::format("{} is damaged; resuming from the checkpoint before it", path.string()));
      continue;
    }
    if (saved->total != total) {
      throw base::UsageError(
          fmt::format("{} belongs to a loop of {} steps, this one has {}; choose another directory or "
                      "remove it to start anew",
                      path.string(), saved->total, total));
    }
    load(saved->state);
    state_->step = state_->saved_step = saved->step;
    break;
  }
}

CheckpointLoop::CheckpointLoop(CheckpointLoop&&) noexcept = default;
CheckpointLoop::~CheckpointLoop() = default;

std::uint64_t CheckpointLoop::step() const noexcept { return state_->step; }

void CheckpointLoop::advance() {
  ++state_->step;
  state_->stopped = stop_flag();
  if (state_->stopped || state_->step == state_->total || state_->due()) state_->save();
}

bool CheckpointLoop::over() const noexcept { return state_->stopped || state_->step >= state_->total; }

bool interrupted() noexcept { return stop_flag(); }

}  // namespace surd::batch
