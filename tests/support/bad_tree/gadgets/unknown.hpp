#pragma once

#include "surd/base/error.hpp"
