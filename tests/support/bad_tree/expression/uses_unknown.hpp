#pragma once

#include "surd/nothing/thing.hpp"
