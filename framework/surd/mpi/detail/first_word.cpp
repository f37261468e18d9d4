#include "surd/mpi/detail/first_word.hpp"

#include <atomic>

namespace surd::mpi::detail {
namespace {

std::atomic<int*> shared_word{nullptr};

}  // namespace

void FirstWord::share(const Communicator& node) {
  if (node.size() == 1) return;
  const auto bytes = static_cast<MPI_Aint>(node.is_root() ? sizeof(int) : 0);
  int* word = nullptr;
  const auto made = MPI_Win_allocate_shared(bytes, sizeof(int), MPI_INFO_NULL, node.native(),
                                            static_cast<void*>(&word), &window_);
  if (made != MPI_SUCCESS) window_ = MPI_WIN_NULL;
  const bool all_have_it =
      node.max(std::uint64_t{made != MPI_SUCCESS}) == 0;  // else nobody waits for the rest
  if (!all_have_it) return;
  MPI_Aint size = 0;
  int unit = 0;
  check(MPI_Win_shared_query(window_, 0, &size, &unit, static_cast<void*>(&word)), "MPI_Win_shared_query");
  if (node.is_root()) std::atomic_ref<int>(*word).store(0);
  node.barrier();
  shared_word = word;
}

void FirstWord::forget() noexcept {
  if (shared_word.exchange(nullptr) != nullptr) MPI_Win_free(&window_);
}

bool FirstWord::take() noexcept {
  auto* const word = shared_word.load();
  return word == nullptr || std::atomic_ref<int>(*word).exchange(1) == 0;
}

}  // namespace surd::mpi::detail
