// A memo's results of one definition, read twice: once for their schema, once for their rows.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "surd/mpi/communicator.hpp"
#include "surd/ranks/detail/result_reader.hpp"
#include "surd/ranks/detail/result_schema.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::ranks::detail {

class ResultSource {
 public:
  /// Collective if `ranks` is given. Scans the memo. `definition` must outlive it.
  /// @throws UsageError  on all ranks, if the results do not fit into one table (schema().conflict()).
  ResultSource(const mpi::Communicator* ranks, storage::FileSystem& files, const storage::Path& memo,
               const sweep::Definition& definition, bool keep_other_versions);
  ResultSource(const ResultSource&) = delete;
  ResultSource& operator=(const ResultSource&) = delete;

  [[nodiscard]] const ResultSchema& schema() const noexcept { return schema_; }
  [[nodiscard]] const sweep::PointSet& excluded() const noexcept { return excluded_; }

  /// Gives `sink` the rows of this rank's share: every segment of the memo is read by one rank.
  void read(const RowMaker::Sink& sink) const;

 private:
  using Writer = std::pair<std::string, int>;  ///< Run and rank of an origin; they sort as segments do.

  void look(const sweep::Block& block);
  void see_all_segments();
  void share();

  const mpi::Communicator* ranks_;
  const sweep::Definition* definition_;
  ResultSchema schema_;
  sweep::PointSet excluded_;
  std::set<Writer> writers_;
  sweep::Memo memo_;
};

}  // namespace surd::ranks::detail
