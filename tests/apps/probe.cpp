// A user's program for the end-to-end tests: its functions leave traces of every evaluation.
//
// Each evaluation appends the line "<point> <process>" to the file named by SURD_TRACE before it does
// anything else. With SURD_HURRY set, evaluations do not sleep.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "surd/batch/main.hpp"

namespace {

using surd::sweep::Context;
using surd::sweep::Point;
using surd::sweep::Values;

void trace(const Point& point) {
  const char* path = std::getenv("SURD_TRACE");
  if (path == nullptr) return;
  const int file = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) throw std::runtime_error("cannot open the trace");
  const std::string line = point.name() + " " + std::to_string(::getpid()) + "\n";
  if (::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("cannot write the trace");
  }
  ::close(file);
}

/// Takes `milliseconds` (a parameter) and returns numbers that depend on the point alone, its random stream
/// included.
Values tally(const Point& point, Context& context) {
  trace(point);
  if (std::getenv("SURD_HURRY") == nullptr) {
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(point.f64("milliseconds")));
  }
  auto random = context.random();
  const double x = point.f64("x");
  return {{"square", x * x},
          {"uniform", random.uniform()},
          {"label", "x is " + point.text("x")},
          {"powers", std::vector<double>{x, x * x, x * x * x}}};
}

/// Fails where x is odd.
Values picky(const Point& point, Context& context) {
  if (point.i64("x") % 2 == 1) throw std::runtime_error("x is odd");
  return tally(point, context);
}

/// Never ends and never asks whether it should.
Values stubborn(const Point& point, Context&) {
  trace(point);
  while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
}

/// Holds `megabytes` (a parameter) of memory while it works.
Values hungry(const Point& point, Context& context) {
  std::string memory(static_cast<std::size_t>(point.i64("megabytes")) << 20, 'x');
  auto values = tally(point, context);
  values.emplace_back("kept", memory[memory.size() / 2] == 'x');
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  return surd::batch::main(
      argc, argv,
      {surd::sweep::function("tally", tally), surd::sweep::function("picky", picky),
       surd::sweep::function("stubborn", stubborn), surd::sweep::function("hungry", hungry)});
}
