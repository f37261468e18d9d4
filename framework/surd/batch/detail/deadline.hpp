// Ends the job if a step hangs: a file system that does not answer, a network that swallows messages.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace surd::batch::detail {

/// Holds for its scope. After `most` the job ends everywhere with "<what> takes more than ... s" and the
/// host.
class Deadline {
 public:
  Deadline(std::string what, std::chrono::seconds most);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread watch_;
};

}  // namespace surd::batch::detail
