// Pages of a scratch file of which the most recently used are in memory. A page has its place in the file, so
// that no index of pages is needed, however many there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "surd/memory/budget.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::external::detail {

/// Not thread-safe.
class PageCache {
 public:
  /// Bytes that `frames` pages in memory take.
  [[nodiscard]] static std::uint64_t memory_for(std::uint64_t frames, std::size_t page_bytes) noexcept {
    return frames * (page_bytes + frame_overhead);
  }
  [[nodiscard]] static std::uint64_t frames_in(std::uint64_t memory, std::size_t page_bytes) noexcept {
    return memory / (page_bytes + frame_overhead);
  }

  PageCache(memory::Budget& budget, std::uint64_t frames, std::size_t page_bytes, storage::FileSystem& files,
            storage::Path scratch);
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  /// The page, zeros if it was never changed; it stays in place until frames - 1 others have been asked for.
  [[nodiscard]] std::span<const std::byte> read(std::uint64_t page) { return frame_of(page).bytes(*this); }
  /// The same, to be changed.
  [[nodiscard]] std::span<std::byte> change(std::uint64_t page) {
    auto& frame = frame_of(page);
    frame.dirty = true;
    return frame.bytes(*this);
  }

  [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }
  [[nodiscard]] std::uint64_t hot_pages() const noexcept { return where_.size(); }
  [[nodiscard]] std::uint64_t reads() const noexcept { return reads_; }    ///< Of pages, from the file.
  [[nodiscard]] std::uint64_t writes() const noexcept { return writes_; }  ///< Of pages, to the file.

  /// Writes what is dirty and goes on with fewer frames (at least 4).
  void shrink(std::uint64_t frames);
  /// Goes on with more frames.
  void grow(std::uint64_t frames);

 private:
  static constexpr std::size_t frame_overhead = 128;  ///< Frame, node and slot of the map.
  static constexpr std::uint64_t no_page = UINT64_MAX;
  static constexpr std::uint32_t none = UINT32_MAX;

  struct Frame {
    std::uint64_t page = no_page;
    std::unique_ptr<std::byte[]> memory;
    std::uint32_t older = none;
    std::uint32_t newer = none;
    bool dirty = false;

    [[nodiscard]] std::span<std::byte> bytes(const PageCache& cache) const noexcept {
      return {memory.get(), cache.page_bytes_};
    }
  };

  Frame& frame_of(std::uint64_t page) {
    if (newest_ != none && frames_[newest_].page == page) return frames_[newest_];
    return find_or_load(page);
  }
  Frame& find_or_load(std::uint64_t page);
  std::uint32_t take_frame();
  void load(Frame& frame, std::uint64_t page);
  void clean(Frame& frame);
  void unlink(std::uint32_t number) noexcept;
  void make_newest(std::uint32_t number) noexcept;
  void open_file();

  memory::Budget& budget_;
  memory::Reservation reservation_;
  std::size_t page_bytes_;
  storage::FileSystem& files_;
  storage::Path scratch_;
  std::unique_ptr<storage::SharedFile> writer_;
  std::unique_ptr<storage::ReadableFile> reader_;
  std::uint64_t file_pages_ = 0;  ///< Pages from here on were never written.
  std::uint64_t most_frames_;
  std::vector<Frame> frames_;  ///< Those in use so far.
  std::unordered_map<std::uint64_t, std::uint32_t> where_;
  std::uint32_t newest_ = none;
  std::uint32_t oldest_ = none;
  std::uint64_t reads_ = 0;
  std::uint64_t writes_ = 0;
};

}  // namespace surd::external::detail
