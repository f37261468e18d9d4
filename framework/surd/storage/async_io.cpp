#include "surd/storage/async_io.hpp"

#include <pthread.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <semaphore>
#include <thread>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::storage {
namespace {

/// What to do; exactly one of the files is set.
struct Request {
  ReadableFile* source = nullptr;
  WritableFile* appended = nullptr;
  SharedFile* shared = nullptr;
  std::uint64_t offset = 0;
  std::byte* into = nullptr;
  const std::byte* from = nullptr;
  std::size_t bytes = 0;
  std::span<const std::span<const std::byte>> pieces{};  ///< To append, if there are any, else `from`.
};

void serve(const Request& request) {
  if (!request.pieces.empty()) {
    request.appended->append_all(request.pieces);
  } else if (request.appended != nullptr) {
    request.appended->append({request.from, request.bytes});
  } else if (request.shared != nullptr) {
    request.shared->write_at(request.offset, {request.from, request.bytes});
  } else {
    const auto got = request.source->read_at(request.offset, {request.into, request.bytes});
    if (got != request.bytes) {
      throw base::IoError(fmt::format("read: the file ends at byte {}, where {} more were expected",
                                      request.offset + got, request.bytes - got),
                          EIO);
    }
  }
}

/// Some threads and the requests they serve, in a ring, numbered from 1. They allocate nothing, so that they
/// get no heaps of their own from malloc.
class Lane {
 public:
  explicit Lane(std::size_t threads) : thread_count_(threads) {
    for (std::size_t i = 0; i < threads; ++i) {
      auto& server = servers_.at(i);
      server.thread = std::thread([this, &server] { run(server); });
    }
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      while (idle_ > 0) sleeping_.at(--idle_)->wake.release();
    }
    for (auto& server : servers_) {
      if (server.thread.joinable()) server.thread.join();
    }
  }

  std::uint64_t push(const Request& request) {
    std::unique_lock lock(mutex_);
    served_.wait(lock, [&] { return pushed_ - done_.load() < ring_.size(); });
    place(++pushed_) = {request, false};
    const auto number = pushed_;
    waiting_bytes_ += request.bytes;
    auto* const another = is_another_worth_waking() ? sleeping_.at(--idle_) : nullptr;
    lock.unlock();
    if (another != nullptr) another->wake.release();
    return number;
  }

  [[nodiscard]] bool is_done(std::uint64_t number) const noexcept { return done_.load() >= number; }

  void wait(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    awaited_ = number;
    served_.wait(lock, [&] { return is_done(number); });
    if (failed_ <= number) std::rethrow_exception(error_);
  }

 private:
  struct Place {
    Request request;
    bool served = false;
  };
  struct Server {
    std::thread thread;
    std::binary_semaphore wake{0};
  };
  /// To wake a thread takes as long as to read this much from the page cache: of small requests one is left
  /// to a thread that is awake and will sleep only when none is left.
  static constexpr std::uint64_t large_bytes = 128 << 10;

  [[nodiscard]] bool is_another_worth_waking() const noexcept {
    if (idle_ == 0) return false;
    const auto awake = thread_count_ - idle_;
    return awake == 0 || waiting_bytes_ > awake * large_bytes || pushed_ - taken_ > 2 * awake;
  }

  [[nodiscard]] Place& place(std::uint64_t number) noexcept {
    return ring_[static_cast<std::size_t>((number - 1) % ring_.size())];
  }

  void run(Server& self) {
    sigset_t all;
    sigfillset(&all);  // signals are for the threads that know what to do with them
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::unique_lock lock(mutex_);
    while (true) {
      while (pushed_ == taken_) {
        if (stopped_) return;
        sleep(self, lock);
      }
      const auto number = ++taken_;
      waiting_bytes_ -= place(number).request.bytes;
      if (failed_ > number) attempt(number, lock);
      place(number).served = true;
      while (done_.load() < taken_ && place(done_.load() + 1).served) ++done_;
      // The owner waits for `awaited_`, or, when that is long done, for a place in the ring.
      if (done_.load() >= awaited_) served_.notify_one();
    }
  }

  /// Until it is chosen. One that is chosen counts as awake from then on, so none is forgotten: a condition
  /// variable that several threads wait for loses wake-ups now and then (glibc before 2.41, bug 25847).
  void sleep(Server& self, std::unique_lock<std::mutex>& lock) {
    sleeping_.at(idle_++) = &self;
    lock.unlock();
    self.wake.acquire();
    lock.lock();
  }

  /// Without the lock meanwhile.
  void attempt(std::uint64_t number, std::unique_lock<std::mutex>& lock) noexcept {
    const auto request = place(number).request;
    std::exception_ptr error;
    lock.unlock();
    try {
      serve(request);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (!error || failed_ <= number) return;
    error_ = std::move(error);
    failed_ = number;
  }

  std::array<Place, 256> ring_{};
  std::mutex mutex_;
  std::condition_variable served_;  ///< Only the owner waits for it.
  std::uint64_t pushed_ = 0;
  std::uint64_t taken_ = 0;
  std::atomic<std::uint64_t> done_{0};  ///< All up to this one are.
  std::uint64_t awaited_ = 0;
  std::uint64_t waiting_bytes_ = 0;  ///< Of requests that no thread has taken.
  std::size_t thread_count_;
  std::array<Server*, 4> sleeping_{};
  std::size_t idle_ = 0;  ///< Of them.
  bool stopped_ = false;
  std::exception_ptr error_;  ///< Of the first request that failed.
  std::uint64_t failed_ = UINT64_MAX;
  std::array<Server, 4> servers_;
};

/// Disks and file systems on the network serve some reads at once faster than one after the other.
constexpr std::size_t reading_threads = 4;

}  // namespace

struct AsyncIo::State {
  std::array<Lane, 2> lanes{Lane(reading_threads), Lane(1)};  ///< A ticket is 2 * number + lane.
  double waited_seconds = 0;

  template <class Call>
  auto timed(Call call) {
    struct Clock {
      double& total;
      std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      ~Clock() { total += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
    } const clock{waited_seconds};
    return call();
  }

  Ticket push(std::size_t lane, const Request& request) { return 2 * lanes[lane].push(request) + lane; }
};

AsyncIo::AsyncIo() : state_(std::make_unique<State>()) {}
AsyncIo::~AsyncIo() = default;

AsyncIo::Ticket AsyncIo::read(ReadableFile& file, std::uint64_t offset, std::span<std::byte> into) {
  return state_->push(0, {.source = &file, .offset = offset, .into = into.data(), .bytes = into.size()});
}

AsyncIo::Ticket AsyncIo::append(WritableFile& file, std::span<const std::byte> bytes) {
  return state_->push(1, {.appended = &file, .from = bytes.data(), .bytes = bytes.size()});
}

AsyncIo::Ticket AsyncIo::append(WritableFile& file, std::span<const std::span<const std::byte>> pieces) {
  std::size_t bytes = 0;
  for (const auto piece : pieces) bytes += piece.size();
  return state_->push(1, {.appended = &file, .bytes = bytes, .pieces = pieces});
}

AsyncIo::Ticket AsyncIo::write(SharedFile& file, std::uint64_t offset, std::span<const std::byte> bytes) {
  return state_->push(1, {.shared = &file, .offset = offset, .from = bytes.data(), .bytes = bytes.size()});
}

void AsyncIo::wait(Ticket ticket) {
  if (ticket == 0) return;
  auto& lane = state_->lanes[static_cast<std::size_t>(ticket % 2)];
  if (lane.is_done(ticket / 2)) return lane.wait(ticket / 2);
  state_->timed([&] { lane.wait(ticket / 2); });
}

double AsyncIo::waited_seconds() const noexcept { return state_->waited_seconds; }

}  // namespace surd::storage
