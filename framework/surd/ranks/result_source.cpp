#include <chrono>
#include <iterator>
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
            {.keep_other_versions = keep_other_versions,
             .visit = [this](const sweep::Block& block) { look(block); }}) {
  if (ranks_ != nullptr) {
    see_all_segments();
    share();
  }
  schema_.finish();
  schema_.check_names(definition.grid);
}

void ResultSource::look(const sweep::Block& block) {
  writers_.emplace(block.origin().run, block.origin().rank);
  schema_.add(block, definition_->grid, excluded_);
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

void ResultSource::share() {
  // In order of rank, so that all ranks report the same conflict.
  const auto texts =
      ranks_->gather_text(base::Json{{"schema", schema_.to_json()}, {"writers", writers_}}.dump());
  ResultSchema schema;
  std::set<Writer> writers;
  for (const auto& text : texts) {
    const auto one = base::Json::parse(text);
    schema.merge(one.at("schema"));
    writers.merge(one.at("writers").get<std::set<Writer>>());
  }
  const auto all = base::Json::parse(
      ranks_->broadcast_text(base::Json{{"schema", schema.to_json()}, {"writers", writers}}.dump()));
  schema_ = ResultSchema();
  schema_.merge(all.at("schema"));
  writers_ = all.at("writers").get<std::set<Writer>>();
}

void ResultSource::read(const RowMaker::Sink& sink) const {
  RowMaker maker(definition_->grid, schema_, excluded_);
  const auto visit = [&](const sweep::Block& block) {
    // Where two ranks find a result of one point, the first in the memo counts, whoever reads it.
    const auto writer = writers_.find({block.origin().run, block.origin().rank});
    if (writer == writers_.end()) return;  // it appeared after the scan
    maker.make(block, static_cast<std::uint32_t>(std::distance(writers_.begin(), writer)), sink);
  };
  memo_.read(visit, ranks_ == nullptr ? 0 : ranks_->rank(), ranks_ == nullptr ? 1 : ranks_->size());
}

}  // namespace surd::ranks::detail
