#include "surd/ranks/detail/spill_files.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::ranks::detail {
namespace {

constexpr unsigned rank_bits = 24;
constexpr unsigned stage_bits = 8;
/// Left for the input, the output, MPI's sockets and what the user's program opens.
constexpr std::size_t reserved_files = 128;

std::size_t default_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
  const auto all = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  return std::max<std::size_t>(16, all - std::min(all, reserved_files));
}

/// The stage in the name of a spill file; nullopt if it is none.
std::optional<std::size_t> stage_of(std::string_view name) {
  std::size_t stage = 0;
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data(), name.data() + dash, stage);
  if (error != std::errc{} || end != name.data() + dash) return std::nullopt;
  return stage;
}

class DigestingFile final : public storage::WritableFile {
 public:
  DigestingFile(std::unique_ptr<storage::WritableFile> file, base::Digest& digest)
      : file_(std::move(file)), digest_(digest) {}

  void append(std::span<const std::byte> bytes) override {
    file_->append(bytes);
    digest_.add(bytes);
  }
  void append_all(std::span<const std::span<const std::byte>> pieces) override {
    file_->append_all(pieces);
    for (const auto piece : pieces) digest_.add(piece);
  }
  void sync() override { file_->sync(); }
  void close() override { file_->close(); }

 private:
  std::unique_ptr<storage::WritableFile> file_;
  base::Digest& digest_;
};

}  // namespace

std::uint64_t spill_number(std::uint32_t run, std::size_t stage, int rank) {
  if (stage >> stage_bits != 0 || rank < 0 || rank >> rank_bits != 0) {
    throw base::UsageError(
        fmt::format("a data job has at most {} stages and {} ranks", 1U << stage_bits, 1U << rank_bits));
  }
  return std::uint64_t{run} << 32 | std::uint64_t{stage} << rank_bits | static_cast<std::uint64_t>(rank);
}

std::size_t spill_stage(std::uint64_t number) noexcept {
  return static_cast<std::size_t>(number >> rank_bits & ((1U << stage_bits) - 1));
}

storage::Path spill_directory(const storage::Path& work) { return work / "spill"; }

storage::Path spill_path(const storage::Path& work, const RunNames& runs, std::uint64_t number) {
  const auto run = runs.find(static_cast<std::uint32_t>(number >> 32));
  if (run == runs.end()) {
    throw base::FormatError(fmt::format("{}: no run wrote a spill file {}", work.native(), number));
  }
  const auto rank = number & ((1U << rank_bits) - 1);
  return spill_directory(work) / fmt::format("{}-{}-{}", spill_stage(number), run->second, rank);
}

std::vector<storage::Path> list_spills(storage::FileSystem& files, const storage::Path& work) {
  const auto directory = spill_directory(work);
  std::vector<storage::Path> spills;
  for (const auto& name : files.list(directory)) {
    if (stage_of(name)) spills.push_back(directory / name);
  }
  return spills;
}

std::size_t remove_spills(storage::FileSystem& files, const storage::Path& work,
                          const std::function<bool(const storage::Path&, std::size_t)>& keep) {
  std::size_t removed = 0;
  for (const auto& path : list_spills(files, work)) {
    if (keep && keep(path, stage_of(path.filename().native()).value())) continue;
    files.remove(path);
    ++removed;
  }
  return removed;
}

std::string name_spills(const std::string& error, const std::string& stage,
                        const std::vector<storage::Path>& read) {
  constexpr std::size_t most_named = 3;
  if (read.empty()) return error;
  auto text = fmt::format("{}: {}. It reads", stage, error);
  for (std::size_t i = 0; i < std::min(read.size(), most_named); ++i) {
    text += fmt::format("{} {}", i == 0 ? "" : ",", read[i].native());
  }
  if (read.size() > most_named) text += fmt::format(" and {} more", read.size() - most_named);
  return text +
         ": `surd verify JOB.yaml --repair` finds what is damaged and drops it, and `surd run` makes it "
         "anew";
}

class SpillFiles::File final : public storage::ReadableFile {
 public:
  File(SpillFiles& owner, storage::Path file_path) : path(std::move(file_path)), owner_(owner) {}

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const auto got = owner_.use(*this)->read_at(offset, into);
    if (got == into.size()) return got;
    throw base::FormatError(fmt::format("{} ends at byte {}, where {} more were expected", path.native(),
                                        offset + got, into.size() - got));
  }
  std::uint64_t size() override { return owner_.use(*this)->size(); }

  storage::Path path;
  std::shared_ptr<storage::ReadableFile> handle;  ///< Null while it is closed.
  std::list<File*>::iterator place;               ///< In open_, while it is open.

 private:
  SpillFiles& owner_;
};

SpillFiles::SpillFiles(storage::FileSystem& files, storage::Path work, const RunNames& runs,
                       std::uint32_t run, int rank, std::size_t open_limit)
    : files_(files),
      work_(std::move(work)),
      runs_(runs),
      run_(run),
      rank_(rank),
      limit_(open_limit > 0 ? open_limit : default_limit()) {}

SpillFiles::~SpillFiles() = default;

void SpillFiles::begin_stage(std::size_t stage) {
  const std::lock_guard lock(mutex_);
  open_.clear();
  known_.clear();
  stage_ = stage;
}

external::SpillFile& SpillFiles::own(std::size_t stage) {
  if (own_.size() <= stage) own_.resize(stage + 1);
  auto& own = own_[stage];
  if (!own) {
    auto digest = std::make_unique<base::Digest>();
    const auto wrap = [&into = *digest](std::unique_ptr<storage::WritableFile> file) {
      return std::make_unique<DigestingFile>(std::move(file), into);
    };
    own = {std::move(digest),
           external::SpillFile::named(files_, spill_path(work_, runs_, own_number(stage)), access_, wrap)};
  }
  return own->file;
}

storage::ReadableFile& SpillFiles::open(std::uint64_t number) {
  File* file = nullptr;
  {
    const std::lock_guard lock(mutex_);
    auto& known = known_[number];
    if (!known) known = std::make_unique<File>(*this, spill_path(work_, runs_, number));
    file = known.get();
  }
  (void)use(*file);  // a file that is missing is missed here
  return *file;
}

bool SpillFiles::link(std::uint64_t number, const storage::Path& second) {
  return files_.link(spill_path(work_, runs_, number), second);
}

std::size_t SpillFiles::open_files() {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::vector<storage::Path> SpillFiles::read_last() {
  const std::lock_guard lock(mutex_);
  std::vector<storage::Path> paths;
  for (const auto* file : open_) paths.push_back(file->path);
  return paths;
}

std::shared_ptr<storage::ReadableFile> SpillFiles::use(File& file) {
  const std::lock_guard lock(mutex_);
  if (file.handle) {
    open_.splice(open_.begin(), open_, file.place);
    return file.handle;
  }
  if (open_.size() >= limit_) {
    open_.back()->handle.reset();
    open_.pop_back();
  }
  file.handle = files_.open(file.path, access_);
  open_.push_front(&file);
  file.place = open_.begin();
  return file.handle;
}

}  // namespace surd::ranks::detail
