#include "surd/ranks/results.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/ranks/detail/result_exchange.hpp"
#include "surd/ranks/detail/result_file.hpp"
#include "surd/ranks/detail/result_rows.hpp"
#include "surd/ranks/detail/result_source.hpp"

namespace surd::ranks {
namespace {

using detail::ResultDatasets;
using detail::ResultSchema;
using detail::ResultSource;
using detail::RowStore;
using detail::Slab;
using storage::H5File;

/// The message of what `work` throws, empty if it throws nothing. For work of this rank alone: what failed is
/// told to the other ranks by agree().
std::string attempt(const std::function<void()>& work) {
  try {
    work();
  } catch (const base::Error& error) {
    return error.what();
  }
  return {};
}

/// What goes by while slabs are written.
struct Tally {
  explicit Tally(const ResultSchema& schema) : points_without(schema.fields().size()) {}

  void add(const ResultSchema& schema, Slab& slab) {
    for (const auto state : slab.states()) ++states[static_cast<std::size_t>(state)];
    for (std::size_t f = 0; f < points_without.size(); ++f) {
      const auto& field = schema.fields()[f];
      if (field.type.kind != storage::H5Kind::i8 && field.type.kind != storage::H5Kind::i64) continue;
      std::array<std::byte, 8> missing{};
      field.fill_missing(std::span(missing).first(field.bytes));
      const auto cells = slab.cells(f);
      for (std::size_t at = 0; at < cells.size(); at += field.bytes) {
        if (std::memcmp(&cells[at], missing.data(), field.bytes) == 0) ++points_without[f];
      }
    }
  }

  void sum_over(const mpi::Communicator& ranks) {
    for (auto& count : states) count = ranks.sum(count);
    for (auto& count : points_without) count = ranks.sum(count);
  }

  [[nodiscard]] ResultsSummary summary() const { return {states[1], states[2], states[0], states[3], 0}; }

  std::array<std::uint64_t, 4> states{};
  std::vector<std::uint64_t> points_without;  ///< Of integer and bool fields.
};

/// Writes one file of results: the same bytes whichever of its two ways is taken by however many ranks.
class ResultsWriter {
 public:
  ResultsWriter(const mpi::Communicator& ranks, storage::FileSystem& files,
                const sweep::Definition& definition, const ResultsOptions& options)
      : ranks_(&ranks),
        files_(&files),
        definition_(&definition),
        options_(&options),
        filter_(storage::parse_filter(options.compression)),
        part_(ranks.broadcast_text(storage::part_path(options.output).string())) {}

  /// Shows, before any work, that the output can be written.
  void claim() {
    ranks_->agree(attempt([&] {
      if (!ranks_->is_root()) return;
      if (options_->output.has_parent_path()) files_->make_directories(options_->output.parent_path());
      files_->create(part_)->close();
    }));
  }

  ResultsSummary write(const storage::Path& memo) {
    auto source =
        std::make_unique<ResultSource>(ranks_, *files_, memo, *definition_, options_->keep_other_versions);
    const ResultSchema schema = source->schema();
    if (!schema.conflict().empty()) {
      remove_part();
      throw base::UsageError(schema.conflict());
    }
    const auto points = definition_->grid.size();
    const bool shared =
        points * (schema.cell_bytes() + 1) >= options_->parallel_bytes && !options_->compression_asked;
    const auto owners = shared ? detail::Owners::shared(points, ranks_->size())
                               : detail::Owners::first_rank(points, ranks_->size());
    RowStore store(schema, owners.run(ranks_->rank()), options_->memory_bytes * 3 / 4,
                   {files_, options_->scratch, ranks_->rank()});
    {
      detail::RowExchange exchange(*ranks_, owners, schema.row_bytes(), options_->memory_bytes / 4, store);
      source->read([&](std::span<const std::byte> row) { exchange.add(row); });
      exchange.finish();
    }
    const sweep::PointSet excluded = source->excluded();
    source.reset();  // the memo's sets of points give way to the slabs
    Tally tally(schema);
    const Emit emit = [&](ResultDatasets& datasets) {
      store.drain([&](Slab& slab) {
        mark_excluded(definition_->grid, excluded, slab.run(), slab.states());
        datasets.write(slab);
        tally.add(schema, slab);
      });
    };
    shared ? write_together(schema, emit, tally) : write_alone(schema, emit, tally);
    return publish(tally);
  }

 private:
  using Emit = std::function<void(ResultDatasets&)>;

  /// Rank 0 writes everything, compressed.
  void write_alone(const ResultSchema& schema, const Emit& emit, Tally& tally) {
    settle(attempt([&] {
      if (!ranks_->is_root()) return;
      auto file = H5File::create(part_);
      auto datasets = ResultDatasets::create(file, definition_->grid, schema, *options_, filter_);
      emit(datasets);
      detail::describe_missing(file, schema, tally.points_without);
      file.close();
    }));
    tally.sum_over(*ranks_);
  }

  /// Rank 0 writes what describes the results, all ranks write their stretches of values into it.
  void write_together(const ResultSchema& schema, const Emit& emit, Tally& tally) {
    settle(attempt([&] {
      if (!ranks_->is_root()) return;
      auto file = H5File::create(part_);
      (void)ResultDatasets::create(file, definition_->grid, schema, *options_, storage::H5Filter::none);
      file.close();
    }));
    auto file = H5File::open_parallel(part_, ranks_->native());
    const auto error = attempt([&] {
      auto datasets = ResultDatasets::open(file, schema);
      emit(datasets);
    });
    const auto closing = attempt([&] { file.close(); });  // by all ranks, failed or not
    settle(error.empty() ? closing : error);
    tally.sum_over(*ranks_);
    settle(attempt([&] {
      if (!ranks_->is_root()) return;
      auto whole = H5File::open(part_, true);
      detail::describe_missing(whole, schema, tally.points_without);
      whole.close();
    }));
  }

  ResultsSummary publish(const Tally& tally) {
    auto summary = tally.summary();
    settle(attempt([&] {
      if (!ranks_->is_root()) return;
      storage::sync_file(part_);
      files_->rename(part_, options_->output);
      files_->sync_directory(options_->output.has_parent_path() ? options_->output.parent_path() : ".");
      summary.bytes = files_->file_size(options_->output).value_or(0);
    }));
    return ranks_->broadcast_value(summary);
  }

  /// Collective. @throws CollectiveError  on all ranks if one has an error; the unfinished file is removed.
  void settle(const std::string& error) {
    if (ranks_->max(std::uint64_t{error.empty() ? 0U : 1U}) == 0) return;
    remove_part();
    ranks_->agree(error);
  }

  void remove_part() {
    if (ranks_->is_root()) (void)attempt([&] { files_->remove(part_); });
  }

  const mpi::Communicator* ranks_;
  storage::FileSystem* files_;
  const sweep::Definition* definition_;
  const ResultsOptions* options_;
  storage::H5Filter filter_;
  storage::Path part_;
};

}  // namespace

ResultsSummary write_results(const mpi::Communicator& ranks, storage::FileSystem& files,
                             const storage::Path& memo, const sweep::Definition& definition,
                             const ResultsOptions& options) {
  ResultsWriter writer(ranks, files, definition, options);
  writer.claim();
  return writer.write(memo);
}

std::string result_name_conflict(const sweep::Definition& definition, const std::string& name) {
  return detail::name_conflict(definition.grid, name);
}

}  // namespace surd::ranks
