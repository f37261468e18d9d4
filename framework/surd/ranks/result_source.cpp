#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/ranks/detail/result_source.hpp"

namespace surd::ranks::detail {
namespace {

/// NFS clients may see a new file of another node as late as this.
constexpr std::chrono::seconds directory_delay{90};

}  // namespace

ResultSource::ResultSource(const mpi::Communicator* ranks, storage::FileSystem& files,
                           const storage::Path& memo, const sweep::Definition& definition,
                           bool keep_other_versions)
    : ranks_(ranks),
      definition_(&definition),
      excluded_(definition.grid.excluded()),
      memo_(files, memo, definition,
            {.keep_other_versions = keep_other_versions, .visit = [this](const sweep::Block& block) {
               schema_.add(block, definition_->grid, excluded_);
             }}) {
  if (ranks_ != nullptr) see_all_segments();
  segments_ = memo_.statistics().segments;
  if (ranks_ != nullptr) share_schema();
  schema_.finish();
  schema_.check_names(definition.grid);
}

void ResultSource::see_all_segments() {
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    const auto mine = memo_.statistics().segments;
    const auto most = ranks_->max(mine);
    const bool late = std::chrono::steady_clock::now() - start > directory_delay;
    if (ranks_->min(mine) == most) return;
    if (ranks_->broadcast_value(late)) {
      ranks_->agree(mine == most
                        ? std::string{}
                        : fmt::format("sees {} of the memo's {} segments: do all nodes mount the same file "
                                      "system?",
                                      mine, most));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    if (mine < most) memo_.refresh();
  }
}

void ResultSource::share_schema() {
  // In order of rank, so that all ranks report the same conflict.
  const auto texts = ranks_->gather_text(schema_.to_json().dump());
  ResultSchema all;
  for (const auto& text : texts) all.merge(base::Json::parse(text));
  const auto agreed = ranks_->broadcast_text(all.to_json().dump());
  schema_ = ResultSchema();
  schema_.merge(base::Json::parse(agreed));
}

void ResultSource::read(const RowMaker::Sink& sink) const {
  RowMaker maker(definition_->grid, schema_, excluded_);
  const auto ranks = ranks_ == nullptr ? 1 : ranks_->size();
  const auto segments = static_cast<int>(segments_);
  for (int segment = ranks_ == nullptr ? 0 : ranks_->rank(); segment < segments; segment += ranks) {
    // One segment at a time, to know which of several results comes first.
    memo_.read(
        [&](const sweep::Block& block) { maker.make(block, static_cast<std::uint32_t>(segment), sink); },
        segment, segments);
  }
}

}  // namespace surd::ranks::detail
