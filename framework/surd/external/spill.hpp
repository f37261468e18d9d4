// Where operations put what does not fit in memory: files that are appended to in large blocks, written
// behind, read ahead, and never kept in the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "surd/storage/async_io.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::external {

/// A stretch of a spill file.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// One growing file with one writer. Bytes may be read as soon as flush(), or a wait for them, returned.
/// After the last flush() it may outlive the AsyncIo; else it waits for its appends when destroyed.
class SpillFile {
 public:
  /// Without a name: gone with this process.
  static SpillFile scratch(storage::FileSystem& files, const storage::Path& directory);
  /// With a name, for what must survive. Created at the first append. All bytes go through `wrap`, if there
  /// is one, in the thread that writes them.
  using Wrap = std::function<std::unique_ptr<storage::WritableFile>(std::unique_ptr<storage::WritableFile>)>;
  static SpillFile named(storage::FileSystem& files, storage::Path path,
                         storage::Access access = storage::Access::pieces, Wrap wrap = {});

  SpillFile(SpillFile&&) noexcept;
  SpillFile& operator=(SpillFile&&) noexcept;
  ~SpillFile();

  /// Hands `bytes` to the writing thread; they must stay in place until wait(ticket). Returns the offset.
  struct Pending {
    std::uint64_t offset;
    storage::AsyncIo::Ticket ticket;
  };
  [[nodiscard]] Pending append(storage::AsyncIo& io, std::span<const std::byte> bytes);
  /// The same for pieces, one after the other, which list must stay in place as well.
  [[nodiscard]] Pending append(storage::AsyncIo& io, std::span<const std::span<const std::byte>> pieces);
  /// Appends and waits. For small things. Returns the offset.
  std::uint64_t append_now(storage::AsyncIo& io, std::span<const std::byte> bytes);

  /// Appends zeros up to a multiple of 4096. What begins there passes the page cache by, if it lies at such a
  /// multiple in memory, too, and is large.
  void align(storage::AsyncIo& io);

  /// Waits until everything appended is with the kernel, and makes it durable if `durable`.
  void flush(storage::AsyncIo& io, bool durable = false);

  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] const storage::Path& path() const noexcept;  ///< Empty for scratch.
  /// For reading. Valid as long as this.
  [[nodiscard]] storage::ReadableFile& reader();

 private:
  struct State;
  explicit SpillFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace surd::external
