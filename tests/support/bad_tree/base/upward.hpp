#pragma once

#include "surd/ranks/sweep.hpp"
