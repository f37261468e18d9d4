#include "surd/batch/detail/deadline.hpp"

#include <utility>

#include <fmt/format.h>

#include "surd/mpi/fatal.hpp"

namespace surd::batch::detail {

Deadline::Deadline(std::string what, std::chrono::seconds most)
    : watch_([this, what = std::move(what), most] {
        std::unique_lock lock(mutex_);
        if (ended_.wait_for(lock, most, [this] { return over_; })) return;
        mpi::end_job(fmt::format("{} takes more than {} s", what, most.count()));
      }) {}

Deadline::~Deadline() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
  watch_.join();
}

}  // namespace surd::batch::detail
