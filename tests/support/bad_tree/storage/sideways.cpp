#include "surd/mpi/session.hpp"
