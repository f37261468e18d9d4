// main() of every surd program.
//
//   int main(int argc, char** argv) {
//     return surd::batch::main(argc, argv, {surd::sweep::function("ising", ising)});
//   }
#pragma once

#include <vector>

#include "surd/sweep/function.hpp"

namespace surd::batch {

/// Parses the command line, starts MPI where the verb needs it, does what the verb says. Returns the exit
/// status (base::ExitStatus). Errors end the process inside, with one line on stderr.
[[nodiscard]] int main(int argc, char** argv, std::vector<sweep::Function> functions = {});

}  // namespace surd::batch
