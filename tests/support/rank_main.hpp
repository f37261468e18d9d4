// What tests/support/rank_main.cpp offers to multi-rank tests.
#pragma once

#include "surd/mpi/session.hpp"

/// The session of this test program; set before the first test.
extern const surd::mpi::Session* surd_test_session;
