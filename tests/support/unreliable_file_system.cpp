#include "support/unreliable_file_system.hpp"

#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::test {

using storage::Path;

class FailingFileSystem::Writer final : public storage::WritableFile {
 public:
  Writer(FailingFileSystem& owner, std::unique_ptr<storage::WritableFile> file, Path path)
      : owner_(owner), file_(std::move(file)), path_(std::move(path)) {}

  void append(std::span<const std::byte> bytes) override {
    owner_.count("write", path_, [&] { file_->append(bytes.first(bytes.size() / 2)); });
    file_->append(bytes);
  }
  void sync() override {
    owner_.count("sync", path_);
    file_->sync();
  }
  void close() override {
    owner_.count("close", path_);
    file_->close();
  }

 private:
  FailingFileSystem& owner_;
  std::unique_ptr<storage::WritableFile> file_;
  Path path_;
};

class FailingFileSystem::SharedWriter final : public storage::SharedFile {
 public:
  SharedWriter(FailingFileSystem& owner, std::unique_ptr<storage::SharedFile> file, Path path)
      : owner_(owner), file_(std::move(file)), path_(std::move(path)) {}

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    owner_.count("write", path_, [&] { file_->write_at(offset, bytes.first(bytes.size() / 2)); });
    file_->write_at(offset, bytes);
  }
  void sync() override {
    owner_.count("sync", path_);
    file_->sync();
  }
  void close() override {
    owner_.count("close", path_);
    file_->close();
  }

 private:
  FailingFileSystem& owner_;
  std::unique_ptr<storage::SharedFile> file_;
  Path path_;
};

void FailingFileSystem::count(const char* call, const Path& path, const std::function<void()>& partly) {
  const auto number = ++operations_;
  if (failure_.delay.count() > 0) std::this_thread::sleep_for(failure_.delay);
  if (failure_.lasting ? number < failure_.at : number != failure_.at) return;
  if (partly && failure_.torn && number == failure_.at) partly();
  throw base::IoError(
      fmt::format("{} {}: {}", call, path.native(), std::generic_category().message(failure_.code)),
      failure_.code);
}

std::unique_ptr<storage::WritableFile> FailingFileSystem::wrap(std::unique_ptr<storage::WritableFile> file,
                                                               const Path& path) {
  if (!file) return nullptr;
  return std::make_unique<Writer>(*this, std::move(file), path);
}

std::unique_ptr<storage::WritableFile> FailingFileSystem::create(const Path& path, storage::Access access) {
  count("create", path);
  return wrap(files_.create(path, access), path);
}

std::unique_ptr<storage::SharedFile> FailingFileSystem::open_shared(const Path& path) {
  count("create", path);
  return std::make_unique<SharedWriter>(*this, files_.open_shared(path), path);
}

std::pair<std::unique_ptr<storage::WritableFile>, std::unique_ptr<storage::ReadableFile>>
FailingFileSystem::create_scratch(const Path& directory) {
  count("create", directory / "(scratch)");
  auto [writer, reader] = files_.create_scratch(directory);
  return {wrap(std::move(writer), directory / "(scratch)"), std::move(reader)};
}

std::unique_ptr<storage::WritableFile> FailingFileSystem::create_new(const Path& path) {
  count("create", path);
  return wrap(files_.create_new(path), path);
}

void FailingFileSystem::rename(const Path& from, const Path& to) {
  count("rename", from);
  files_.rename(from, to);
}

bool FailingFileSystem::link(const Path& file, const Path& second) {
  count("link", file);
  return files_.link(file, second);
}

void FailingFileSystem::remove(const Path& path) {
  count("remove", path);
  files_.remove(path);
}

void FailingFileSystem::make_directories(const Path& directory) {
  count("create", directory);
  files_.make_directories(directory);
}

void FailingFileSystem::sync_directory(const Path& directory) {
  count("sync", directory);
  files_.sync_directory(directory);
}

}  // namespace surd::test
