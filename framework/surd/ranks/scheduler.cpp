#include "surd/ranks/scheduler.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "surd/base/clock.hpp"
#include "surd/mpi/message.hpp"

namespace surd::ranks {
namespace {

enum Tag : int { tag_request = 1, tag_grant = 2, tag_stop = 3, tag_failure = 4 };

/// From a rank to rank 0. In native byte order: all ranks run the same program on the same kind of machine.
struct Request {
  Report report;
  std::uint32_t has_report = 0;
  std::uint32_t wants_work = 0;
  std::uint32_t stopping = 0;
  std::uint32_t reserved = 0;
};

/// From rank 0 to a rank; cut after the last run in use.
struct Grant {
  WorkSource::Answer answer = WorkSource::Answer::finished;
  std::uint32_t reserved = 0;
  sweep::Batch batch;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return offsetof(Grant, batch) + offsetof(sweep::Batch, runs) + batch.run_count * sizeof(sweep::Run);
  }
};

/// A rank whose next batch takes less than this asks for the one after it at once.
constexpr double prefetch_seconds = 15e-3;
constexpr double poll_seconds = 20e-6;
constexpr double upkeep_seconds = 1e-3;
constexpr std::size_t failure_text_bytes = 2000;

template <class T>
std::span<std::byte> bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace

/// Rank 0: answers requests and takes its own share.
class Scheduler::Root {
 public:
  Root(const mpi::Communicator& leaders, WorkSource& source, std::atomic<bool>& stopping,
       std::atomic<bool>& progressed, const std::atomic<bool>& stop)
      : leaders_(leaders),
        source_(source),
        stopping_(stopping),
        progressed_(progressed),
        stop_(stop),
        granted_(static_cast<std::size_t>(leaders.size())),
        told_(granted_.size(), false) {
    requests_.emplace(leaders, bytes_of(request_), mpi::any_source, tag_request);
    failures_.emplace(leaders, std::as_writable_bytes(std::span(failure_)), mpi::any_source, tag_failure);
  }

  void request_stop() noexcept { requested_ = true; }

  void poll() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock() && open_) serve();
  }

  std::optional<sweep::Batch> next() {
    mpi::Patience patience;
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        sweep::Batch batch;
        const auto answer = ask(0, batch);
        if (answer == WorkSource::Answer::work) return batch;
        if (answer == WorkSource::Answer::finished) return std::nullopt;
        if (serve()) patience.reset();
      }
      patience.pause();
    }
  }

  void done(const Report& report) {
    const std::lock_guard lock(mutex_);
    settle(0, report);
  }

  void point_failed(const std::string& text) {
    const std::lock_guard lock(mutex_);
    source_.point_failed(text);
  }

  void finish() {
    mpi::Patience patience;
    while (!all_finished()) patience.pause();
  }

  /// Takes what was sent before everybody finished. From here on poll() does nothing.
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    while (arrived(*requests_)) requests_->repost();  // late notices to stop
    take_failures();
    requests_.reset();
    failures_.reset();
  }

 private:
  WorkSource::Answer ask(int rank, sweep::Batch& batch) {
    const auto answer = source_.next(rank, batch);
    const auto place = static_cast<std::size_t>(rank);
    if (answer == WorkSource::Answer::work) granted_[place].push_back(batch);
    if (answer == WorkSource::Answer::finished) told_[place] = true;
    return answer;
  }

  void settle(int rank, const Report& report) {
    auto& batches = granted_[static_cast<std::size_t>(rank)];
    if (report.points > 0) progressed_ = true;
    source_.finished(rank, batches.front(), report);
    batches.pop_front();
  }

  void answer(int rank) {
    Grant grant;
    grant.answer = ask(rank, grant.batch);
    if (grant.answer == WorkSource::Answer::wait) {
      waiting_.push_back(rank);
      return;
    }
    mpi::send(leaders_, bytes_of(grant).first(grant.bytes()), rank, tag_grant);
  }

  bool all_finished() {
    const std::lock_guard lock(mutex_);
    serve();
    return std::all_of(told_.begin(), told_.end(), [](bool told) { return told; }) &&
           std::all_of(granted_.begin(), granted_.end(), [](const auto& batches) { return batches.empty(); });
  }

  /// Nothing does where there is nobody else, and to ask may cost the rest of a time slice.
  [[nodiscard]] bool arrived(mpi::PendingReceive& message) const {
    return leaders_.size() > 1 && message.arrived();
  }

  void take_failures() {
    while (arrived(*failures_)) {
      source_.point_failed(std::string(failure_.data(), failures_->size()));
      failures_->repost();
    }
  }

  /// Handles what has arrived; true if anything had.
  bool serve() {
    bool any = false;
    while (arrived(*requests_)) {
      any = true;
      const Request request = request_;
      const int rank = requests_->source();
      requests_->repost();
      if (request.has_report != 0) settle(rank, request.report);
      if (request.stopping != 0) source_.stop_requested();
      if (request.wants_work != 0) answer(rank);
    }
    const double now = base::now_seconds();
    if (now - last_upkeep_ >= upkeep_seconds) {
      last_upkeep_ = now;
      upkeep();
    }
    return any;
  }

  void upkeep() {
    take_failures();
    if (stop_.load(std::memory_order_relaxed) || requested_) source_.stop_requested();
    if (source_.upkeep() && !stopping_.exchange(true)) {
      for (int rank = 1; rank < leaders_.size(); ++rank) mpi::send(leaders_, {}, rank, tag_stop);
    }
    const auto waiting = std::exchange(waiting_, {});
    for (const int rank : waiting) answer(rank);
  }

  const mpi::Communicator& leaders_;
  WorkSource& source_;
  std::atomic<bool>& stopping_;
  std::atomic<bool>& progressed_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  std::vector<std::deque<sweep::Batch>> granted_;  ///< Per rank, oldest first: not yet reported.
  std::vector<bool> told_;                         ///< Per rank: knows that there is no more work.
  std::vector<int> waiting_;
  Request request_;
  std::array<char, failure_text_bytes> failure_{};
  std::optional<mpi::PendingReceive> requests_;
  std::optional<mpi::PendingReceive> failures_;
  double last_upkeep_ = 0;
  std::atomic<bool> requested_{false};
  bool open_ = true;
};

/// Any other rank.
class Scheduler::Client {
 public:
  Client(const mpi::Communicator& leaders, std::atomic<bool>& stopping, const std::atomic<bool>& stop)
      : leaders_(leaders), stopping_(stopping), stop_(stop) {}

  std::optional<sweep::Batch> next() {
    if (finished_) return std::nullopt;
    if (!grants_) request(true);
    mpi::Patience patience;
    while (!grants_->arrived()) {
      poll();
      patience.pause();
      if (report_ && patience.long_wait()) request(false);  // no next request will carry it soon
    }
    grants_.reset();
    if (grant_.answer == WorkSource::Answer::finished) {
      finished_ = true;
      return std::nullopt;
    }
    const auto batch = grant_.batch;
    const double expected = seconds_per_point_ * static_cast<double>(batch.points());
    if (seconds_per_point_ >= 0 && expected < prefetch_seconds) request(true);
    return batch;
  }

  void done(const Report& report) {
    if (report_) request(false);
    report_ = report;
    if (report.points > 0) seconds_per_point_ = report.seconds / static_cast<double>(report.points);
  }

  void point_failed(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text)).first(std::min(text.size(), failure_text_bytes));
    mpi::send(leaders_, bytes, 0, tag_failure);
  }

  void request_stop() noexcept { requested_ = true; }

  void poll() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || !open_) return;
    if (mpi::take_signal(leaders_, 0, tag_stop)) {
      stopping_ = true;
      told_root_ = true;
    }
    if ((stop_.load(std::memory_order_relaxed) || requested_) && !told_root_) {
      told_root_ = true;
      Request notice;
      notice.stopping = 1;
      mpi::send(leaders_, bytes_of(notice), 0, tag_request);
      stopping_ = true;  // only now: the notice must be under way before this rank gives points up
    }
  }

  /// Sends what is left to say. From here on this rank is silent.
  void finish() {
    if (report_) request(false);
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

  /// Takes what rank 0 sent before it closed.
  void close() {
    while (mpi::take_signal(leaders_, 0, tag_stop)) continue;
  }

 private:
  void request(bool wants_work) {
    Request request;
    request.wants_work = wants_work ? 1 : 0;
    if (report_) {
      request.report = *report_;
      request.has_report = 1;
      report_.reset();
    }
    if (wants_work) grants_.emplace(leaders_, bytes_of(grant_), 0, tag_grant);
    mpi::send(leaders_, bytes_of(request), 0, tag_request);
  }

  const mpi::Communicator& leaders_;
  std::atomic<bool>& stopping_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  Grant grant_;
  std::optional<mpi::PendingReceive> grants_;  ///< Posted while a request is unanswered.
  std::optional<Report> report_;               ///< Not yet sent.
  double seconds_per_point_ = -1;
  bool finished_ = false;
  bool told_root_ = false;
  std::atomic<bool> requested_{false};
  bool open_ = true;
};

Scheduler::Scheduler(const mpi::Communicator& leaders, WorkSource* source, const std::atomic<bool>& stop)
    : leaders_(leaders) {
  if (leaders.is_root()) {
    root_ = std::make_unique<Root>(leaders, *source, stopping_, progressed_, stop);
  } else {
    client_ = std::make_unique<Client>(leaders, stopping_, stop);
  }
}

Scheduler::~Scheduler() = default;

std::optional<sweep::Batch> Scheduler::next() { return root_ ? root_->next() : client_->next(); }

void Scheduler::done(const Report& report) { root_ ? root_->done(report) : client_->done(report); }

void Scheduler::point_failed(const std::string& text) {
  root_ ? root_->point_failed(text) : client_->point_failed(text);
}

void Scheduler::request_stop() noexcept { root_ ? root_->request_stop() : client_->request_stop(); }

void Scheduler::between_points(double now) {
  if (now - last_poll_ < poll_seconds) return;
  last_poll_ = now;
  poll();
}

void Scheduler::poll() { root_ ? root_->poll() : client_->poll(); }

void Scheduler::finish() {
  root_ ? root_->finish() : client_->finish();
  leaders_.barrier();
  if (root_) root_->close();
  leaders_.barrier();
  if (client_) client_->close();
}

}  // namespace surd::ranks
