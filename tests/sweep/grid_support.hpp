// Grids and definitions from text, for tests.
#pragma once

#include <random>
#include <string>

#include "surd/sweep/subject.hpp"

namespace surd::sweep {

inline Grid parse_grid(const std::string& job) {
  const auto json = base::Json::parse(job);
  return Grid::parse(base::Spec(json));
}

inline Definition make_definition(const std::string& job, std::map<std::string, Value> params = {}) {
  return {{"function", "f", "1", 7, std::move(params)}, parse_grid(job)};
}

/// 1 to 4 axes a, b, ... of 1 to `longest` integers, in chunks of any shape.
inline std::string random_job(std::mt19937& random, unsigned longest) {
  std::string axes;
  std::string chunk;
  for (unsigned d = 0, n = 1 + static_cast<unsigned>(random() % 4); d < n; ++d) {
    const auto name = std::string(d == 0 ? "" : ",") + "\"" + static_cast<char>('a' + d) + "\":";
    axes += name + "{\"range\":" + std::to_string(1 + random() % longest) + "}";
    chunk += name + std::to_string(1 + random() % longest);
  }
  return "{\"axes\":{" + axes + "},\"chunk\":{" + chunk + "}}";
}

}  // namespace surd::sweep
