#include <mpi.h>

#include "surd/mpi/session.hpp"
#include "surd/ranks/sweep.hpp"
#include "surd/sweep/grid.hpp"
