#include "surd/mpi/fatal.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include <mpi.h>

#include "surd/base/error.hpp"
#include "surd/mpi/communicator.hpp"
#include "surd/mpi/detail/first_word.hpp"
#include "surd/mpi/detail/launcher.hpp"

namespace surd::mpi {
namespace {

std::string remark;

bool mpi_running() noexcept {
  int started = 0;
  int finished = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&finished);
  return started != 0 && finished == 0;
}

/// A program that was started by hand just ends: MPI_Abort() would bury its message under many lines of
/// MPI's.
bool alone() noexcept {
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return ranks == 1 && !detail::launched();
}

/// A launcher that is told to end the job may forget what it has not read of a pipe yet (MPICH's does).
void wait_until_read(int fd) noexcept {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return;
  for (int tries = 0; tries < 500; ++tries) {  // a second: nobody may be reading
    int unread = 0;
    if (::ioctl(fd, FIONREAD, &unread) != 0 || unread == 0) return;
    ::usleep(2000);
  }
}

[[noreturn]] void on_terminate() noexcept {
  try {
    if (const auto current = std::current_exception()) std::rethrow_exception(current);
    end_job("std::terminate without an exception");
  } catch (const base::UsageError& e) {
    end_job(e.what(), static_cast<int>(base::ExitStatus::usage));
  } catch (const std::exception& e) {
    end_job(e.what());
  } catch (...) {
    end_job("exception of unknown type");
  }
}

}  // namespace

void install_fatal_handler() noexcept { std::set_terminate(on_terminate); }

void set_fatal_remark(std::string text) { remark = std::move(text); }

void end_job(std::string_view what, int status) noexcept {
  if (!detail::FirstWord::take()) {
    sleep(2);  // the rank that speaks ends the job meanwhile
    leave_job(status);
  }
  const auto length = static_cast<int>(what.size());
  if (status == static_cast<int>(base::ExitStatus::usage)) {
    std::fprintf(stderr, "surd: error: %.*s\n", length, what.data());
  } else {
    int rank = 0;
    if (mpi_running()) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    std::fprintf(stderr, "[rank %d, %s] fatal: %.*s\n", rank, host_name().c_str(), length, what.data());
  }
  if (!remark.empty()) std::fprintf(stderr, "surd: %s\n", remark.c_str());
  leave_job(status);
}

void leave_job(int status) noexcept {
  std::fflush(nullptr);
  wait_until_read(STDERR_FILENO);
  if (mpi_running() && !alone()) MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace surd::mpi
