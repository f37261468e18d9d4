#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/ranks/detail/result_rows.hpp"

namespace surd::ranks::detail {
namespace {

constexpr std::uint64_t no_block = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t read_bytes = 256 * 1024;

/// In front of each spilled block; the blocks of a slab are a chain, so that memory holds only its end.
struct BlockHead {
  std::uint64_t previous;
  std::uint64_t bytes;
};

RowHead head_of(const std::byte* row) {
  RowHead head;
  std::memcpy(&head, row, sizeof head);
  return head;
}

bool fits(std::uint64_t points, std::uint64_t memory_bytes, const ResultSchema& schema) {
  return points <= memory_bytes / Slab::point_bytes(schema);
}

}  // namespace

Slab::Slab(const ResultSchema& schema) : schema_(&schema), cells_(schema.fields().size()) {}

std::size_t Slab::point_bytes(const ResultSchema& schema) noexcept {
  return schema.cell_bytes() + sizeof(PointState) + sizeof(std::uint32_t);
}

void Slab::reset(sweep::Run run) {
  run_ = run;
  untouched_ = true;
  states_.assign(run.count, PointState::missing);
  segments_.assign(run.count, 0);
  for (std::size_t f = 0; f < cells_.size(); ++f) {
    cells_[f].resize(run.count * schema_->fields()[f].bytes);
    schema_->fields()[f].fill_missing(cells_[f]);
  }
}

void Slab::put(const std::byte* row) {
  const auto head = head_of(row);
  const auto i = head.index - run_.first;
  untouched_ = false;
  const bool better = states_[i] == PointState::missing || head.state < states_[i] ||
                      (head.state == states_[i] && head.segment < segments_[i]);
  if (!better) return;
  states_[i] = head.state;
  segments_[i] = head.segment;
  if (head.state != PointState::done) return;
  for (std::size_t f = 0; f < cells_.size(); ++f) {
    const auto& field = schema_->fields()[f];
    if (field.bytes > 0) std::memcpy(&cells_[f][i * field.bytes], row + field.offset, field.bytes);
  }
}

/// A file that has no name any more, so that it goes with the process.
class RowStore::Spill {
 public:
  Spill(const SpillPlace& place, int number) {
    place.files->make_directories(place.directory);
    const auto path = place.directory / fmt::format("results-{}-{}-{}.spill", getpid(), place.rank, number);
    writer_ = place.files->create(path);
    reader_ = place.files->open(path);
    place.files->remove(path);
  }

  /// Returns where the block begins.
  std::uint64_t append(std::uint64_t previous, std::span<const std::byte> rows) {
    const BlockHead head{previous, rows.size()};
    const auto at = size_;
    writer_->append(std::as_bytes(std::span(&head, 1)));
    writer_->append(rows);
    size_ += sizeof head + rows.size();
    return at;
  }

  void read(std::uint64_t at, std::span<std::byte> into) {
    if (reader_->read_at(at, into) != into.size()) throw base::IoError("a spill file ends too soon", 0);
  }

 private:
  std::unique_ptr<storage::WritableFile> writer_;
  std::unique_ptr<storage::ReadableFile> reader_;
  std::uint64_t size_ = 0;
};

RowStore::RowStore(const ResultSchema& schema, sweep::Run owned, std::uint64_t memory_bytes, SpillPlace place)
    : schema_(&schema), owned_(owned), place_(std::move(place)), slab_points_(owned.count), slab_(schema) {
  const auto half = memory_bytes / 2;
  if (owned.count == 0 || fits(owned.count, half, schema)) {
    slab_.reset(owned);
    return;
  }
  slab_points_ = std::max<std::uint64_t>(half / Slab::point_bytes(schema), 1);
  const auto slabs = (owned.count + slab_points_ - 1) / slab_points_;
  buffer_bytes_ = half / slabs / schema.row_bytes() * schema.row_bytes();
  buffers_.resize(slabs);
  last_.assign(slabs, no_block);
}

RowStore::RowStore(RowStore&&) noexcept = default;
RowStore::~RowStore() = default;

void RowStore::put(std::span<const std::byte> rows) {
  for (std::size_t at = 0; at < rows.size(); at += schema_->row_bytes()) put_row(rows.data() + at);
}

void RowStore::put_row(const std::byte* row) {
  if (buffers_.empty()) return slab_.put(row);
  static int spills = 0;  // of this process, to tell their files apart
  if (!spill_) spill_ = std::make_unique<Spill>(place_, ++spills);
  const auto slab = (head_of(row).index - owned_.first) / slab_points_;
  auto& buffer = buffers_[slab];
  buffer.insert(buffer.end(), row, row + schema_->row_bytes());
  if (buffer.size() < buffer_bytes_) {
    if (buffer.size() == schema_->row_bytes()) buffer.reserve(buffer_bytes_);
    return;
  }
  last_[slab] = spill_->append(last_[slab], buffer);
  spilled_bytes_ += buffer.size();
  buffer.clear();
  if (buffer_bytes_ < schema_->row_bytes()) buffer.shrink_to_fit();  // rows larger than a slab's share
}

void RowStore::drain(const std::function<void(Slab&)>& visit) {
  if (buffers_.empty()) {
    if (owned_.count > 0) visit(slab_);
    slab_ = Slab(*schema_);
    return;
  }
  // Buffers give way to the slab: what they hold is spilled too.
  for (std::size_t s = 0; s < buffers_.size(); ++s) {
    if (!buffers_[s].empty()) last_[s] = spill_->append(last_[s], buffers_[s]);
    spilled_bytes_ += buffers_[s].size();
    std::vector<std::byte>().swap(buffers_[s]);
  }
  std::vector<std::byte> rows;
  for (std::size_t s = 0; s < buffers_.size(); ++s) {
    const auto first = owned_.first + s * slab_points_;
    slab_.reset({first, std::min(slab_points_, owned_.end() - first)});
    for (auto at = last_[s]; at != no_block;) {
      BlockHead head{};
      spill_->read(at, std::as_writable_bytes(std::span(&head, 1)));
      const auto piece = std::max(read_bytes / schema_->row_bytes(), std::size_t{1}) * schema_->row_bytes();
      for (std::uint64_t done = 0; done < head.bytes; done += rows.size()) {
        rows.resize(std::min<std::uint64_t>(piece, head.bytes - done));
        spill_->read(at + sizeof head + done, rows);
        for (std::size_t row = 0; row < rows.size(); row += schema_->row_bytes())
          slab_.put(rows.data() + row);
      }
      at = head.previous;
    }
    visit(slab_);
  }
  slab_ = Slab(*schema_);
}

}  // namespace surd::ranks::detail
