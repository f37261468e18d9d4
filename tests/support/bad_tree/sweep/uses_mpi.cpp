#include <mpi.h>

#include "surd/base/error.hpp"
