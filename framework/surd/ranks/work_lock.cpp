#include "surd/ranks/work_lock.hpp"

#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/log.hpp"
#include "surd/sweep/detail/lease_file.hpp"

namespace surd::ranks {
namespace {

using sweep::detail::LeaseFile;
using sweep::detail::Process;

/// Of the time after which a run counts as dead: between two looks at its file, between two of its beats, and
/// how long a file may be without content (its maker is about to write it, or died doing so).
constexpr double look_share = 1.0 / 150;
constexpr double beat_share = 1.0 / 6;
constexpr double empty_share = 1.0 / 30;

std::string content(const std::string& run, std::uint64_t beat) {
  LeaseFile file;
  file.run = run;
  file.process = sweep::detail::this_process();
  file.beat = beat;
  return file.text();
}

/// What the file says now; nullopt if it is gone. Nothing if it cannot be read just now: on NFS that is so
/// when a living holder has replaced it meanwhile.
std::optional<std::string> read(storage::FileSystem& files, const storage::Path& path) {
  try {  // it may vanish between any two calls
    if (!files.file_size(path)) return std::nullopt;
    return storage::read_file(files, path);
  } catch (const base::IoError& e) {
    return e.code() == ENOENT ? std::nullopt : std::optional<std::string>(std::in_place);
  }
}

bool same_machine(const Process& a, const Process& b) {
  return !a.boot.empty() && a.host == b.host && a.boot == b.boot && a.pid_namespace == b.pid_namespace;
}

[[noreturn]] void refuse(const storage::Path& path, const Process& holder) {
  throw base::UsageError(
      fmt::format("{} is in use by another run: process {} on {}. Wait for its end, or give this job a work "
                  "directory of its own with --work",
                  path.parent_path().native(), holder.pid, holder.host));
}

}  // namespace

WorkLock::WorkLock(storage::FileSystem& files, const storage::Path& work, const std::string& run,
                   double stale_seconds)
    : files_(files), path_(work / "running"), run_(run) {
  take(stale_seconds);
  thread_ = std::thread([this, stale_seconds] { beat(stale_seconds * beat_share); });
}

WorkLock::~WorkLock() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  thread_.join();
  try {  // what stays behind is seen to be stale
    files_.remove(path_);
  } catch (const base::IoError& e) {
    base::log_warning(e.what());
  }
}

void WorkLock::take(double stale_seconds) {
  while (!create()) {
    if (const auto text = wait_for_end(stale_seconds)) remove_stale(*text);
  }
}

/// Two runs may find the same stale file: whoever renames it has it, and the other may get the first one's
/// new file, which goes back.
void WorkLock::remove_stale(const std::string& text) {
  const auto aside = storage::Path(path_.native() + "." + run_);
  try {
    files_.rename(path_, aside);
  } catch (const base::IoError&) {  // the other was faster
    return;
  }
  if (read(files_, aside).value_or("") == text) {
    files_.remove(aside);
  } else {
    files_.rename(aside, path_);
  }
}

bool WorkLock::create() {
  const auto file = files_.create_new(path_);
  if (!file) return false;
  const auto text = content(run_, 0);
  file->append(std::as_bytes(std::span(text)));
  file->close();
  return true;
}

/// What the file of a run says that is gone; nullopt if the file is.
std::optional<std::string> WorkLock::wait_for_end(double stale_seconds) const {
  const auto self = sweep::detail::this_process();
  const auto first = read(files_, path_);
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    auto text = read(files_, path_);
    if (!text) return std::nullopt;
    const auto holder = LeaseFile::parse(*text);
    if (holder) {
      // A run of this very process that ended without a word: only tests do that.
      if (holder->process == self || sweep::detail::known_dead(holder->process, self)) return text;
      if (same_machine(holder->process, self) || text != first) refuse(path_, holder->process);
    }
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (waited.count() > stale_seconds * (holder ? 1 : empty_share)) return text;
    std::this_thread::sleep_for(std::chrono::duration<double>(stale_seconds * look_share));
  }
}

/// A run that was taken for dead, since it stood still for too long, must not go on: what it throws ends the
/// job.
void WorkLock::beat(double period_seconds) {
  std::unique_lock lock(mutex_);
  for (std::uint64_t count = 1; !over_; ++count) {
    if (wake_.wait_for(lock, std::chrono::duration<double>(period_seconds), [this] { return over_; })) return;
    if (const auto text = read(files_, path_)) {
      const auto holder = LeaseFile::parse(*text);
      if (holder && holder->process != sweep::detail::this_process()) refuse(path_, holder->process);
    }
    try {  // a beat lost is no harm
      storage::write_atomically(files_, path_, content(run_, count), false);
    } catch (const base::IoError& e) {
      base::log_warning(e.what());
    }
  }
}

Holder work_holder(storage::FileSystem& files, const storage::Path& work) {
  const auto text = read(files, work / "running");
  if (!text) return Holder::none;
  const auto holder = LeaseFile::parse(*text);
  if (!holder) return Holder::unknown;
  const auto self = sweep::detail::this_process();
  if (sweep::detail::known_dead(holder->process, self)) return Holder::dead;
  return same_machine(holder->process, self) ? Holder::alive : Holder::unknown;
}

}  // namespace surd::ranks
