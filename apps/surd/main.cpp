// The surd command. Besides commands it knows the showcase function of jobs/ising; users register their own
// functions in programs of their own (apps/ising shows how).
#include "surd/batch/main.hpp"
#include "function.hpp"

int main(int argc, char** argv) { return surd::batch::main(argc, argv, {ising::function()}); }
