#include <surd/batch/main.hpp>

surd::sweep::Values square(const surd::sweep::Point& point, surd::sweep::Context&) {
  const double x = point.f64("x");
  return {{"square", x * x}};
}

int main(int argc, char** argv) {
  return surd::batch::main(argc, argv, {surd::sweep::function("square", square)});
}
