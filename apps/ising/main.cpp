// A surd of one's own:  mpirun -n 4 ising run jobs/ising/job.yaml
#include "surd/batch/main.hpp"
#include "function.hpp"

int main(int argc, char** argv) { return surd::batch::main(argc, argv, {ising::function()}); }
