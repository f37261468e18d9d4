// A process that runs a command until it is killed.
#pragma once

#include <string>

/// Evaluates one point whose command is `line` for the shell, in a scratch directory below `directory`.
/// Writes its guardian's process id to `directory`/guardian before.
int run_victim(const std::string& directory, const std::string& line);
