#include "support/disk_replay.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace surd::test {
namespace {

using Kind = Operation::Kind;

bool changes_names(Kind kind) {
  return kind == Kind::create || kind == Kind::rename || kind == Kind::link || kind == Kind::remove;
}
bool changes_bytes(Kind kind) {
  return kind == Kind::truncate || kind == Kind::append || kind == Kind::write_at;
}

void write_at(std::string& file, std::uint64_t offset, std::string_view bytes) {
  const auto at = static_cast<std::size_t>(offset);
  file.resize(std::max(file.size(), at + bytes.size()));
  file.replace(at, bytes.size(), bytes);
}

/// The directory whose sync makes the operation durable.
std::string_view directory_of(const Operation& operation) {
  const std::string_view path = operation.to.empty() ? operation.path : operation.to;
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return path.substr(0, std::max<std::size_t>(slash, 1));
}

/// Keeps a prefix of `bytes`, of which the end or a stretch inside may have become zeros.
void lose_bytes(std::string& bytes, base::RandomStream& choice) {
  if (bytes.empty()) return;
  const auto size = bytes.size();
  const auto kept = [&] { return static_cast<std::size_t>(choice.below(size + 1)); };
  switch (choice.below(5)) {
    case 0:
      bytes.clear();
      return;
    case 1:
      return;
    case 2:
      bytes.resize(kept());
      return;
    case 3: {  // the new size reached the disk before the bytes did
      bytes.resize(kept());
      const auto zeros = static_cast<std::size_t>(choice.below(bytes.size() + 1));
      std::fill(bytes.end() - static_cast<std::ptrdiff_t>(zeros), bytes.end(), '\0');
      return;
    }
    default: {  // a page in the middle was not written yet
      const auto [from, to] = std::minmax({kept(), kept()});
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                bytes.begin() + static_cast<std::ptrdiff_t>(to), '\0');
    }
  }
}

/// Carries out the operations on bytes, then takes back what was not synced.
void replay_bytes(std::span<const Operation> done, base::RandomStream& choice, DiskContent& disk) {
  struct Pending {
    std::string bytes;
    bool truncated = false;
    std::vector<const Operation*> writes;  // at offsets; no file has these and appends
  };
  std::unordered_map<std::size_t, Pending> pending;
  const auto settle = [&](std::size_t file, const Pending& loss) {
    if (loss.truncated) disk.files.at(file).clear();
    disk.files.at(file) += loss.bytes;
    for (const auto* write : loss.writes) write_at(disk.files.at(file), write->offset, write->bytes);
  };
  const auto settle_some = [&](std::size_t file, Pending loss) {
    for (const auto* write : std::exchange(loss.writes, {})) {
      const auto kept = static_cast<std::size_t>(choice.below(write->bytes.size() + 1));
      const auto bytes =
          std::string_view(write->bytes).substr(0, choice.below(2) == 0 ? kept : std::string::npos);
      if (choice.below(3) > 0) write_at(disk.files.at(file), write->offset, bytes);
    }
    lose_bytes(loss.bytes, choice);
    settle(file, loss);
  };
  for (const auto& operation : done) {
    if (operation.kind == Kind::create) disk.files.resize(std::max(disk.files.size(), operation.file + 1));
    if (changes_bytes(operation.kind)) {
      auto& file = pending[operation.file];
      if (operation.kind == Kind::truncate) file = {{}, true, {}};
      if (operation.kind == Kind::append) file.bytes += operation.bytes;
      if (operation.kind == Kind::write_at) file.writes.push_back(&operation);
    }
    if (operation.kind == Kind::sync) {
      if (const auto found = pending.find(operation.file); found != pending.end()) {
        settle(found->first, found->second);
        pending.erase(found);
      }
    }
  }
  // In order of the files, so that the same choices give the same disk on every platform.
  for (std::size_t file = 0; file < disk.files.size(); ++file) {
    const auto found = pending.find(file);
    if (found == pending.end()) continue;
    auto& loss = found->second;
    if (loss.truncated && choice.below(2) == 0) continue;
    settle_some(file, std::move(loss));
  }
}

/// Carries out the operations on names that were made durable, and some of the others.
void replay_names(std::span<const Operation> done, base::RandomStream& choice, DiskContent& disk) {
  std::unordered_map<std::string_view, std::size_t> synced;  // directory to number of its last sync
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (done[i].kind == Kind::sync_directory) synced[done[i].path] = i + 1;
  }
  const auto keep_of_four = choice.below(5);
  std::unordered_set<std::string_view> dropped;  // names whose later operations wait for a lost one
  for (std::size_t i = 0; i < done.size(); ++i) {
    const auto& operation = done[i];
    if (operation.kind == Kind::make_directory) apply(operation, disk);
    if (!changes_names(operation.kind)) continue;
    const auto sync = synced.find(directory_of(operation));
    const bool durable = sync != synced.end() && i < sync->second;
    const bool waits = dropped.contains(operation.path) || dropped.contains(operation.to);
    if (durable || (!waits && choice.below(4) < keep_of_four)) {
      apply(operation, disk);
    } else {
      if (operation.kind != Kind::link) dropped.insert(operation.path);
      if (!operation.to.empty()) dropped.insert(operation.to);
    }
  }
}

}  // namespace

void apply(const Operation& operation, DiskContent& disk) {
  switch (operation.kind) {
    case Kind::make_directory:
      disk.directories.insert(operation.path);
      return;
    case Kind::create:
      disk.files.resize(std::max(disk.files.size(), operation.file + 1));
      disk.names[operation.path] = operation.file;
      return;
    case Kind::truncate:
      disk.files.at(operation.file).clear();
      return;
    case Kind::append:
      disk.files.at(operation.file) += operation.bytes;
      return;
    case Kind::write_at:
      write_at(disk.files.at(operation.file), operation.offset, operation.bytes);
      return;
    case Kind::rename:
      disk.names.erase(operation.path);
      disk.names[operation.to] = operation.file;
      return;
    case Kind::link:
      disk.names[operation.to] = operation.file;
      return;
    case Kind::remove:
      disk.names.erase(operation.path);
      return;
    case Kind::sync:
    case Kind::sync_directory:
      return;
  }
}

DiskContent lose_power(const DiskContent& first, std::span<const Operation> done,
                       base::RandomStream& choice) {
  auto disk = first;
  replay_bytes(done, choice, disk);
  replay_names(done, choice, disk);
  return disk;
}

}  // namespace surd::test
