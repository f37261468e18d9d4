#include "surd/external/detail/run_regions.hpp"

#include <algorithm>

#include "surd/base/error.hpp"
#include "surd/external/detail/run_index.hpp"

namespace surd::external::detail {
namespace {

/// Samples of one stretch at most: after narrowing by so many, little is left of it.
constexpr std::uint64_t most_samples = 32;

}  // namespace

void RecordTable::assign(const Bracket& bracket, std::span<const std::byte> bytes) {
  bytes_ = bytes;
  first_ = bracket.begin_record;
  first_byte_ = bracket.begin_byte;
  const auto records = bracket.high - bracket.begin_record;
  if (order_.fixed()) {
    base::expect(bytes.size() == records * order_.format().record_bytes, "a bracket has a wrong end");
    return;
  }
  offsets_.clear();
  offsets_.reserve(records + 1);
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < records; ++i) {
    offsets_.push_back(static_cast<std::uint32_t>(at));
    const auto rest = bytes.size() - at;
    if (rest < variable_header_bytes || order_.size(bytes.data() + at) > rest) break;
    at += order_.size(bytes.data() + at);
  }
  offsets_.push_back(static_cast<std::uint32_t>(at));
  if (offsets_.size() != records + 1 || at != bytes.size()) {
    throw base::FormatError("a run's index does not fit its records: its spill file is damaged");
  }
}

std::uint64_t RunRegions::bytes(const std::vector<Bracket>& brackets) noexcept {
  std::uint64_t bytes = 0;
  for (const auto& bracket : brackets) {
    if (bracket.low < bracket.high) bytes += bracket.end_byte - bracket.begin_byte;
  }
  return bytes;
}

std::span<std::byte> RunRegions::read(std::size_t run, const Bracket& bracket, std::span<std::byte> into) {
  const auto part = into.first(bracket.end_byte - bracket.begin_byte);
  read_exactly(file_of(files_, runs_[run]), runs_[run].offset + bracket.begin_byte, part);
  return part;
}

void RunRegions::load(const std::vector<Bracket>& brackets) {
  bytes_.resize(std::max<std::size_t>(bytes_.size(), bytes(brackets)));
  std::span<std::byte> left(bytes_);
  for (std::size_t run = 0; run < brackets.size(); ++run) {
    const auto& bracket = brackets[run];
    if (bracket.low == bracket.high) continue;
    const auto part = read(run, bracket, left);
    tables_[run].assign(bracket, part);
    left = left.subspan(part.size());
  }
}

std::vector<Bracket> RunRegions::narrow(const std::vector<Bracket>& brackets, std::uint64_t cut,
                                        std::uint64_t memory_bytes) {
  KeySamples samples(brackets.size(), brackets.size() * most_samples, key_words(order_.format()));
  for (std::size_t run = 0; run < brackets.size(); ++run) {
    const auto& bracket = brackets[run];
    if (bracket.low < bracket.high) {
      bytes_.resize(std::max<std::size_t>(bytes_.size(), bracket.end_byte - bracket.begin_byte));
      spare_.assign(bracket, read(run, bracket, bytes_));
      sample(bracket, memory_bytes / brackets.size(), samples);
    }
    samples.end_run();
  }
  return samples.brackets({cut}, brackets)[0];
}

void RunRegions::sample(const Bracket& bracket, std::uint64_t most_bytes, KeySamples& into) {
  const auto records = bracket.high - bracket.low;
  const auto step = std::max<std::uint64_t>(1, records / most_samples);
  // The middle one is taken in any case; those around it as long as their keys fit.
  const auto count = (records - step / 2 + step - 1) / step;
  const auto* const middle = spare_.record(bracket.low + step / 2 + count / 2 * step);
  const auto likely = 8 + order_.key_size(middle);
  const auto fitting = std::clamp<std::uint64_t>(most_bytes / likely, 1, count);
  for (std::uint64_t i = 0; i < fitting; ++i) {
    const auto number = bracket.low + step / 2 + (2 * i + 1) * count / (2 * fitting) * step;
    const auto* const record = spare_.record(number);
    const auto key_bytes = order_.key_size(record);
    key_.clear();
    for (std::size_t depth = 0; depth < key_bytes; depth += 8) key_.push_back(order_.word(record, depth));
    into.add(number, spare_.byte_of(number), key_bytes, key_bytes, key_);
  }
}

}  // namespace surd::external::detail
