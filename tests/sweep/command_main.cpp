// main() of the tests that run commands: also their guardian, and the victim that the guardian's tests kill.
#include <cstring>

#include <gtest/gtest.h>

#include "command_victim.hpp"
#include "surd/sweep/command.hpp"

int main(int argc, char** argv) {
  if (const int status = surd::sweep::guardian_main(argc, argv); status >= 0) return status;
  if (argc == 4 && std::strcmp(argv[1], "--victim") == 0) return run_victim(argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
