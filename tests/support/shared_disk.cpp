#include "support/shared_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/random.hpp"

namespace surd::test {
namespace {

using storage::Path;

[[noreturn]] void fail(const char* call, const std::string& path, int code) {
  throw base::IoError(fmt::format("{} {}: {}", call, path, std::generic_category().message(code)), code);
}

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

SharedDisk::SharedDisk(const SharedDisk& other) {
  const std::lock_guard lock(other.mutex_);
  now_ = other.now_;
  directories_ = other.directories_;
  for (const auto& [path, file] : other.names_) names_[path] = std::make_shared<File>(*file);
}

std::map<std::string, std::string> SharedDisk::content() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> content;
  for (const auto& [path, file] : names_) content[path] = file->bytes;
  return content;
}

/// Appends to the node's cache; now and then the kernel writes some of it back.
class NodeFiles::Writer final : public storage::WritableFile {
 public:
  Writer(NodeFiles& node, FilePointer file) : node_(node), file_(std::move(file)) {}
  ~Writer() override {  // the process may be gone; its node is not
    const std::lock_guard lock(node_.disk_.mutex_);
    node_.write_back(file_, std::string::npos);
  }

  void append(std::span<const std::byte> bytes) override {
    const std::lock_guard lock(node_.disk_.mutex_);
    ++node_.disk_.now_;
    auto& cached = node_.cached_[file_];
    cached += text(bytes);
    if (node_.coin() % 4 == 0) node_.write_back(file_, node_.coin() % (cached.size() + 1));
  }
  void sync() override {
    const std::lock_guard lock(node_.disk_.mutex_);
    ++node_.disk_.now_;
    node_.write_back(file_, std::string::npos);
  }
  void close() override { sync(); }

 private:
  NodeFiles& node_;
  FilePointer file_;
};

/// Believes the size that open() found, but for what this node has appended since.
class NodeFiles::Reader final : public storage::ReadableFile {
 public:
  Reader(NodeFiles& node, FilePointer file, std::string path)
      : node_(node), file_(std::move(file)), path_(std::move(path)), bytes_(file_->bytes.size()) {}

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const std::lock_guard lock(node_.disk_.mutex_);
    ++node_.disk_.now_;
    if (file_->gone && !node_.unlinked_.contains(file_)) fail("read", path_, ESTALE);
    const auto whole = content();
    if (offset >= whole.size()) return 0;
    const auto part = std::string_view(whole).substr(offset, into.size());
    std::copy(part.begin(), part.end(), reinterpret_cast<char*>(into.data()));
    return part.size();
  }
  std::uint64_t size() override {
    const std::lock_guard lock(node_.disk_.mutex_);
    return content().size();
  }

 private:
  [[nodiscard]] std::string content() const {
    const auto own = node_.cached_.find(file_);
    if (own != node_.cached_.end()) return file_->bytes + own->second;
    return file_->bytes.substr(0, bytes_);
  }

  NodeFiles& node_;
  FilePointer file_;
  std::string path_;
  std::size_t bytes_;
};

/// Keeps its writes until sync() or close().
class NodeFiles::SharedWriter final : public storage::SharedFile {
 public:
  SharedWriter(NodeFiles& node, FilePointer file) : node_(node), file_(std::move(file)) {}
  ~SharedWriter() override { sync(); }

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard lock(node_.disk_.mutex_);
    ++node_.disk_.now_;
    writes_.emplace_back(offset, text(bytes));
  }
  void sync() override {
    const std::lock_guard lock(node_.disk_.mutex_);
    ++node_.disk_.now_;
    for (const auto& [offset, bytes] : std::exchange(writes_, {})) {
      if (node_.dead_) continue;
      if (file_->bytes.size() < offset + bytes.size()) file_->bytes.resize(offset + bytes.size());
      file_->bytes.replace(offset, bytes.size(), bytes);
      file_->modified = static_cast<std::int64_t>(node_.disk_.now_);
    }
  }
  void close() override { sync(); }

 private:
  NodeFiles& node_;
  FilePointer file_;
  std::vector<std::pair<std::size_t, std::string>> writes_;
};

void NodeFiles::die() {
  const std::lock_guard lock(disk_.mutex_);
  dead_ = true;
  cached_.clear();
}

std::uint64_t NodeFiles::coin() { return base::RandomStream(options_.seed, ++tosses_).below(1U << 30); }

void NodeFiles::write_back(const FilePointer& file, std::size_t bytes) {
  const auto found = cached_.find(file);
  if (found == cached_.end()) return;
  auto& cached = found->second;
  if (!dead_) {
    file->bytes += cached.substr(0, bytes);
    file->modified = static_cast<std::int64_t>(disk_.now_);
  }
  cached.erase(0, bytes);
  if (cached.empty()) cached_.erase(found);
}

storage::FileVersion NodeFiles::version_of(const FilePointer& file) const {
  if (!file) return {};
  const auto own = cached_.find(file);
  return {file->bytes.size() + (own == cached_.end() ? 0 : own->second.size()), file->modified};
}

/// What the server says.
NodeFiles::Belief& NodeFiles::ask(const std::string& path) {
  const auto found = disk_.names_.find(path);
  know(path, found == disk_.names_.end() ? nullptr : found->second);
  return beliefs_[path];
}

/// What this node thinks without asking, if it has asked not long ago.
NodeFiles::Belief& NodeFiles::believe(const std::string& path) {
  const auto known = beliefs_.find(path);
  if (known == beliefs_.end() || disk_.now_ > known->second.since + options_.lag) return ask(path);
  if (cached_.contains(known->second.file)) known->second.version = version_of(known->second.file);
  return known->second;
}

void NodeFiles::know(const std::string& path, const FilePointer& file) {
  beliefs_[path] = {disk_.now_, file, version_of(file)};
}

void NodeFiles::unlink(const std::string& path) {
  const auto found = disk_.names_.find(path);
  if (found == disk_.names_.end()) return;
  found->second->gone = true;
  unlinked_.insert(found->second);
  disk_.names_.erase(found);
}

void NodeFiles::require_parent(const char* call, const std::string& path) const {
  const auto parent = Path(path).parent_path().native();
  if (!parent.empty() && !disk_.directories_.contains(parent)) fail(call, path, ENOENT);
}

std::unique_ptr<storage::WritableFile> NodeFiles::create_file(const std::string& path) {
  require_parent("create", path);
  auto& file = disk_.names_[path];
  if (!file) file = std::make_shared<SharedDisk::File>();
  file->bytes.clear();
  file->modified = static_cast<std::int64_t>(disk_.now_);
  know(path, file);
  listings_[Path(path).parent_path()].names.insert(Path(path).filename());
  return std::make_unique<Writer>(*this, file);
}

std::unique_ptr<storage::WritableFile> NodeFiles::create(const Path& path, storage::Access) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  return create_file(text_of(path));
}

std::unique_ptr<storage::WritableFile> NodeFiles::create_new(const Path& path) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  if (!disk_.names_.contains(text_of(path))) return create_file(text_of(path));
  ask(text_of(path));  // it was told that the file exists
  return nullptr;
}

std::unique_ptr<storage::ReadableFile> NodeFiles::open(const Path& path, storage::Access) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  const auto name = text_of(path);
  const auto file = believe(name).file;
  if (!file) fail("open", name, ENOENT);
  if (file->gone) {
    beliefs_.erase(name);
    fail("open", name, ESTALE);
  }
  know(name, file);
  return std::make_unique<Reader>(*this, file, name);
}

std::unique_ptr<storage::SharedFile> NodeFiles::open_shared(const Path& path) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  const auto name = text_of(path);
  require_parent("open", name);
  auto& file = disk_.names_[name];
  if (!file) file = std::make_shared<SharedDisk::File>();
  know(name, file);
  return std::make_unique<SharedWriter>(*this, file);
}

std::pair<std::unique_ptr<storage::WritableFile>, std::unique_ptr<storage::ReadableFile>>
NodeFiles::create_scratch(const Path& directory) {
  local_.make_directories(directory);
  return local_.create_scratch(directory);
}

std::optional<std::uint64_t> NodeFiles::file_size(const Path& path) {
  const auto version = file_version(path);
  return version ? std::optional(version->bytes) : std::nullopt;
}

std::optional<storage::FileVersion> NodeFiles::file_version(const Path& path) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  const auto& belief = believe(text_of(path));
  return belief.file ? std::optional(belief.version) : std::nullopt;
}

std::vector<std::string> NodeFiles::list(const Path& directory) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  auto& listing = listings_[text_of(directory)];
  if (listing.since == 0 || disk_.now_ > listing.since + options_.lag) {
    const bool first = listing.since == 0;
    const auto old = std::exchange(listing.names, {});
    std::set<std::string> present;
    for (const auto& [path, file] : disk_.names_) {
      if (Path(path).parent_path() == text_of(directory)) present.insert(Path(path).filename());
    }
    auto all = present;
    all.insert(old.begin(), old.end());
    for (const auto& name : all) {  // some pieces are those of the last time
      const bool young = first || beliefs_.contains(text_of(directory / name)) || coin() % 2 == 0;
      if ((young ? present : old).contains(name)) listing.names.insert(name);
    }
    listing.since = disk_.now_;
  }
  return {listing.names.begin(), listing.names.end()};
}

void NodeFiles::rename(const Path& from, const Path& to) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  const auto file = disk_.names_.find(text_of(from));
  if (file == disk_.names_.end()) fail("rename", from, ENOENT);
  require_parent("rename", text_of(to));
  const auto kept = file->second;
  disk_.names_.erase(file);
  unlink(text_of(to));
  disk_.names_[text_of(to)] = kept;
  know(text_of(from), nullptr);
  know(text_of(to), kept);
  listings_[from.parent_path().lexically_normal()].names.erase(from.filename());
  listings_[to.parent_path().lexically_normal()].names.insert(to.filename());
}

void NodeFiles::remove(const Path& path) {
  const std::lock_guard lock(disk_.mutex_);
  ++disk_.now_;
  unlink(text_of(path));
  know(text_of(path), nullptr);
  listings_[path.parent_path().lexically_normal()].names.erase(path.filename());
}

void NodeFiles::make_directories(const Path& directory) {
  const std::lock_guard lock(disk_.mutex_);
  for (auto path = directory.lexically_normal(); !path.empty() && path != path.root_path();
       path = path.parent_path())
    disk_.directories_.insert(path);
}

}  // namespace surd::test
