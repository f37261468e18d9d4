// All ranks leave with status 75, and rank 1 is late in MPI_Finalize. Argument: a file, into which rank 1
// writes how many seconds the launcher took to let it go.
#include <dlfcn.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <string>
#include <thread>

#include "surd/mpi/session.hpp"

namespace {

std::string result_path;
bool late = false;

}  // namespace

/// Open MPI 4 calls this at the end of MPI_Finalize; it finds this program's before that of the library.
extern "C" int PMIx_Finalize(const void* infos, std::size_t count) {
  using Call = int (*)(const void*, std::size_t);
  auto* const library = ::dlopen("libpmix.so.2", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return -1;
  const auto finalize = reinterpret_cast<Call>(::dlsym(library, "PMIx_Finalize"));
  if (!late) return finalize(infos, count);
  std::ofstream(result_path) << "killed";
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  const auto begin = std::chrono::steady_clock::now();
  const int result = finalize(infos, count);
  std::ofstream(result_path)
      << std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

int main(int argc, char** argv) {
  std::signal(SIGTERM, SIG_IGN);  // that is what the launcher sends to who waits
  surd::mpi::Session session(argc, argv);
  result_path = argc > 1 ? argv[1] : "";
  late = session.world().rank() == 1;
  session.set_exit_status(75);
  return 75;
}
