// The JSON document type, and the JSON that surd writes: keys in the order they were set.
#pragma once

#include <nlohmann/json.hpp>

namespace surd::base {

using Json = nlohmann::ordered_json;

}  // namespace surd::base
