#include "surd/external/detail/extent_cursor.hpp"

#include <algorithm>

namespace surd::external::detail {

SideSize size_of(const JoinSide& side) noexcept {
  SideSize size;
  for (const auto& part : side.parts) {
    size.records += part.records;
    for (const auto& extent : part.extents) size.bytes += extent.bytes;
  }
  return size;
}

std::uint64_t largest_extent(const JoinSide& side) noexcept {
  return PartitionReader::least_memory(side.parts) / 2;
}

ExtentCursor::ExtentCursor(const JoinSide& side, std::uint64_t position) noexcept : side_(&side) {
  skip(position);
}

void ExtentCursor::skip(std::uint64_t bytes) noexcept {
  for (; part_ < side_->parts.size(); ++part_, extent_ = 0) {
    const auto& extents = side_->parts[part_].extents;
    for (; extent_ < extents.size(); ++extent_, offset_ = 0) {
      const auto left = extents[extent_].bytes - offset_;
      if (bytes < left) {
        offset_ += bytes;
        return;
      }
      bytes -= left;
    }
  }
}

ExtentCursor::Requested ExtentCursor::read(std::span<std::byte> into, storage::AsyncIo& io) {
  Requested requested;
  while (requested.bytes < into.size() && part_ < side_->parts.size()) {
    const auto& part = side_->parts[part_];
    if (extent_ == part.extents.size()) {  // a part without extents
      skip(0);
      continue;
    }
    const auto& extent = part.extents[extent_];
    const auto bytes = static_cast<std::size_t>(
        std::min<std::uint64_t>(extent.bytes - offset_, into.size() - requested.bytes));
    if (bytes > 0) {
      requested.last = io.read(*side_->files[static_cast<std::size_t>(part.file)], extent.offset + offset_,
                               into.subspan(requested.bytes, bytes));
      requested.bytes += bytes;
    }
    skip(bytes);
  }
  return requested;
}

}  // namespace surd::external::detail
