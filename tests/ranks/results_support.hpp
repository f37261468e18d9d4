// Memos filled with known results, and readers of the files made of them.
#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "surd/mpi/communicator.hpp"
#include "surd/storage/hdf5.hpp"
#include "surd/sweep/memo.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {

using Coordinates = std::vector<std::uint64_t>;
using Evaluate = std::function<sweep::Outcome(const Coordinates&)>;

/// Stores an outcome of every point that `evaluate` gives an outcome with attempts > 0 of, in stretches that
/// go to `writers` segments by turns.
inline void fill(const storage::Path& memo, const sweep::Definition& definition, int writers,
                 const Evaluate& evaluate, const std::string& run = "20260101T000000-0000000a") {
  auto& files = storage::local_file_system();
  files.make_directories(memo);
  for (int w = 0; w < writers; ++w) {
    sweep::MemoWriter writer(files, memo, definition, origin(run, w));
    Coordinates coordinates(definition.grid.dimensions().size());
    for (std::uint64_t p = 0; p < definition.grid.size(); ++p) {
      if ((p / 5) % static_cast<std::uint64_t>(writers) != static_cast<std::uint64_t>(w)) continue;
      definition.grid.coordinates(p, coordinates);
      const auto outcome = evaluate(coordinates);
      if (outcome.attempts > 0) writer.add(p, outcome);
    }
    writer.close();
  }
}

inline sweep::Outcome nothing() {
  sweep::Outcome outcome;
  outcome.attempts = 0;
  return outcome;
}

inline std::string content(const storage::Path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All values of a dataset of numbers or flags.
template <class T>
std::vector<T> values(const storage::Path& path, const std::string& name) {
  const auto file = storage::H5File::open(path);
  const auto data = file.dataset(name);
  std::uint64_t count = 1;
  for (const auto extent : data.shape()) count *= extent;
  std::vector<T> all(count);
  data.read(0, std::as_writable_bytes(std::span(all)));
  return all;
}

/// All values of a dataset of texts.
inline std::vector<std::string> texts(const storage::Path& path, const std::string& name) {
  const auto file = storage::H5File::open(path);
  const auto data = file.dataset(name);
  std::uint64_t count = 1;
  for (const auto extent : data.shape()) count *= extent;
  std::string all(count * data.type().bytes(), '\0');
  data.read(0, std::as_writable_bytes(std::span(all)));
  std::vector<std::string> each;
  for (std::uint64_t i = 0; i < count; ++i)
    each.emplace_back(all.substr(i * data.type().bytes(), data.type().bytes()).c_str());
  return each;
}

/// One new directory for all ranks; removed by the rank that made it.
class SharedDirectory {
 public:
  explicit SharedDirectory(const mpi::Communicator& ranks) : ranks_(&ranks) {
    auto name = std::filesystem::temp_directory_path() / "surd-results-XXXXXX";
    std::string text = name.native();
    if (ranks.is_root() && mkdtemp(text.data()) == nullptr) text.clear();
    path_ = ranks.broadcast_text(text);
  }
  SharedDirectory(const SharedDirectory&) = delete;
  SharedDirectory& operator=(const SharedDirectory&) = delete;
  ~SharedDirectory() {
    std::error_code ignored;
    if (ranks_->is_root()) std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] storage::Path operator/(const std::string& name) const { return path_ / name; }

 private:
  const mpi::Communicator* ranks_;
  storage::Path path_;
};

}  // namespace surd::test
