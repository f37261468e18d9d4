# The logistic map x -> r x (1 - x), as any external program a sweep may run.
#   awk -v r=3.2 -v steps=20000 -f logistic.awk
# Prints one line of JSON: the Lyapunov exponent, the period of the orbit (0: none up to 64), and where the orbit
# goes once it has settled.
BEGIN {
  x = 0.3
  for (i = 0; i < steps; ++i) x = r * x * (1 - x)  # settle

  sum = 0
  for (i = 0; i < steps; ++i) {
    slope = r * (1 - 2 * x)
    if (slope < 0) slope = -slope
    sum += log(slope > 1e-300 ? slope : 1e-300)
    x = r * x * (1 - x)
  }

  start = x
  period = 0
  for (i = 1; i <= 64; ++i) {
    x = r * x * (1 - x)
    orbit[i] = x
    distance = x - start
    if (period == 0 && distance < 1e-9 && distance > -1e-9) period = i
  }

  printf "{\"lyapunov\": %.17g, \"period\": %d, \"orbit\": [", sum / steps, period
  for (i = 1; i <= 64; ++i) printf "%s%.17g", (i > 1 ? ", " : ""), orbit[i]
  print "]}"
}
