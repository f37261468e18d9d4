#include "surd/external/detail/page_cache.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

namespace surd::external::detail {

PageCache::PageCache(memory::Budget& budget, std::uint64_t frames, std::size_t page_bytes,
                     storage::FileSystem& files, storage::Path scratch)
    : budget_(budget), page_bytes_(page_bytes), files_(files), scratch_(std::move(scratch)), most_frames_(0) {
  grow(frames);
}

void PageCache::grow(std::uint64_t frames) {
  const auto bytes = memory_for(frames, page_bytes_);
  reservation_ = {};
  reservation_ = budget_.reserve(bytes, bytes, "a container that spills");
  most_frames_ = frames;
  frames_.reserve(static_cast<std::size_t>(frames));
  where_.reserve(static_cast<std::size_t>(frames));
}

void PageCache::shrink(std::uint64_t frames) {
  for (auto& frame : frames_) clean(frame);
  frames_ = std::vector<Frame>();
  where_ = {};
  newest_ = oldest_ = none;
  grow(std::max<std::uint64_t>(frames, 4));
}

PageCache::Frame& PageCache::find_or_load(std::uint64_t page) {
  if (const auto found = where_.find(page); found != where_.end()) {
    unlink(found->second);
    make_newest(found->second);
    return frames_[found->second];
  }
  const auto number = take_frame();
  load(frames_[number], page);
  where_.emplace(page, number);
  make_newest(number);
  return frames_[number];
}

/// A frame that is in no list: a new one while there may be more, else that of the page not used for longest.
std::uint32_t PageCache::take_frame() {
  if (frames_.size() < most_frames_) {
    frames_.emplace_back().memory = std::make_unique<std::byte[]>(page_bytes_);
    return static_cast<std::uint32_t>(frames_.size() - 1);
  }
  const auto number = oldest_;
  clean(frames_[number]);
  unlink(number);
  where_.erase(std::exchange(frames_[number].page, no_page));
  return number;
}

void PageCache::load(Frame& frame, std::uint64_t page) {
  std::size_t got = 0;
  if (page < file_pages_) {
    got = reader_->read_at(page * page_bytes_, frame.bytes(*this));
    ++reads_;
  }
  std::ranges::fill(frame.bytes(*this).subspan(got), std::byte{0});
  frame.page = page;
}

void PageCache::clean(Frame& frame) {
  if (!frame.dirty) return;
  open_file();
  writer_->write_at(frame.page * page_bytes_, frame.bytes(*this));
  file_pages_ = std::max(file_pages_, frame.page + 1);
  frame.dirty = false;
  ++writes_;
}

/// A file that is removed as soon as it is open: it goes with this process.
void PageCache::open_file() {
  if (writer_) return;
  static std::atomic<std::uint64_t> number{0};
  const auto path = storage::part_path(scratch_ / fmt::format("pages.{}", ++number));
  writer_ = files_.open_shared(path);
  reader_ = files_.open(path);
  files_.remove(path);
}

void PageCache::unlink(std::uint32_t number) noexcept {
  const auto& frame = frames_[number];
  (frame.older == none ? oldest_ : frames_[frame.older].newer) = frame.newer;
  (frame.newer == none ? newest_ : frames_[frame.newer].older) = frame.older;
}

void PageCache::make_newest(std::uint32_t number) noexcept {
  frames_[number].older = newest_;
  frames_[number].newer = none;
  (newest_ == none ? oldest_ : frames_[newest_].newer) = number;
  newest_ = number;
}

}  // namespace surd::external::detail
