// Prints the values of axes, to compare them with numpy's: reads one axis as JSON per line, writes for each
// its values as hexadecimal floats on one line.
#include <cstdio>
#include <iostream>

#include "surd/base/error.hpp"
#include "surd/sweep/dimension.hpp"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto json = surd::base::Json::parse(line);
    try {
      const auto axis = surd::sweep::Dimension::parse("axis", surd::base::Spec(json));
      for (std::uint64_t i = 0; i < axis.size(); ++i) {
        const auto value = axis.value(0, i);
        const auto* integer = std::get_if<std::int64_t>(&value);
        if (integer != nullptr) {
          std::printf("%lld ", static_cast<long long>(*integer));
        } else {
          std::printf("%a ", std::get<double>(value));
        }
      }
    } catch (const surd::base::UsageError& e) {
      std::printf("error: %s", e.what());
    }
    std::printf("\n");
  }
}
