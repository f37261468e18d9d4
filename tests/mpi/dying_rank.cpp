// Rank 1 throws while the other ranks wait for it in a barrier, and while an object lives whose destructor
// communicates. Argument: what to throw; "all": all ranks throw the same.
#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

#include "surd/base/error.hpp"
#include "surd/mpi/fatal.hpp"
#include "surd/mpi/session.hpp"

namespace {

/// If it were ever destroyed by rank 1 alone, the job would hang.
class MeetsInDestructor {
 public:
  explicit MeetsInDestructor(const surd::mpi::Communicator& comm) : comm_(comm.duplicate()) {}
  MeetsInDestructor(const MeetsInDestructor&) = delete;
  MeetsInDestructor& operator=(const MeetsInDestructor&) = delete;
  ~MeetsInDestructor() { comm_.barrier(); }

 private:
  surd::mpi::Communicator comm_;
};

void fail(std::string_view how) {
  if (how == "usage") throw surd::base::UsageError("the grid is empty");
  if (how == "logic") surd::base::expect(false, "one is two");
  if (how == "foreign") throw 7;
  throw surd::base::IoError("disk full on spill", ENOSPC);
}

}  // namespace

int main(int argc, char** argv) {
  surd::mpi::install_fatal_handler();
  const surd::mpi::Session session(argc, argv);
  const std::string how = argc > 1 ? argv[1] : "fatal";
  const MeetsInDestructor meets(session.world());
  session.world().barrier();
  if (how == "all") fail("usage");
  if (session.world().rank() == 1) fail(how);
  const auto inner = session.world().split(0);
  session.world().barrier();
  return 0;
}
