#!/usr/bin/env python3
"""Compares results/ising.h5 with exact results; exit status 1 if anything is off.

1. Every energy with Kaufman's exact solution of the finite L x L torus (Phys. Rev. 76, 1232, 1949).
2. Energies of the largest lattice, away from T_c, with Onsager's solution of the infinite one.
3. The temperature where the Binder cumulants of two sizes cross with T_c = 2 / ln(1 + sqrt 2).

Usage: check.py [ISING.h5]      Needs python3-xarray and python3-h5netcdf; the job itself needs no Python.
"""
import math
import os
import sys

import numpy as np
import xarray as xr

T_C = 2 / math.log(1 + math.sqrt(2))


def onsager_energy(temperature):
    """Energy per spin of the infinite lattice, in units of J; K(k) by the arithmetic-geometric mean."""
    tanh = math.tanh(2 / temperature)
    slope = 2 * tanh**2 - 1
    a, g = 1.0, abs(slope)
    while abs(a - g) > 1e-15 * a:
        a, g = (a + g) / 2, math.sqrt(a * g)
    return -1 / tanh * (1 + 2 / math.pi * slope * math.pi / (2 * a))


def log_partition(beta, length):
    """ln Z / N of the L x L torus."""
    k = np.arange(2 * length)
    c = np.cosh(2 * beta) / np.tanh(2 * beta) - np.cos(np.pi * k / length)
    gamma = np.arccosh(np.maximum(c, 1.0))
    gamma[0] = 2 * beta + math.log(math.tanh(beta))  # its sign changes at T_c
    half = length * gamma / 2
    log_cosh = np.logaddexp(half, -half)
    with np.errstate(divide="ignore"):
        log_sinh = np.log(np.abs(2 * np.sinh(half)))
    even, odd = k % 2 == 0, k % 2 == 1
    terms = [log_cosh[odd].sum(), log_sinh[odd].sum(), log_cosh[even].sum(), log_sinh[even].sum()]
    signs = [1, 1, 1, math.copysign(1, gamma[0])]
    top = max(terms)
    total = sum(s * math.exp(t - top) for s, t in zip(signs, terms))
    return (top + math.log(total / 2)) / length**2 + math.log(2 * math.sinh(2 * beta)) / 2


def kaufman_energy(temperature, length):
    """Energy per spin of the torus: -d(ln Z / N) / d(beta)."""
    beta, step = 1 / temperature, 1e-5
    return -(log_partition(beta + step, length) - log_partition(beta - step, length)) / (2 * step)


def crossing(temperatures, difference):
    """Where the difference becomes negative for good, by a straight line between the two temperatures."""
    last = int(np.flatnonzero(difference > 0)[-1])
    low, high = difference[last], difference[last + 1]
    return temperatures[last] + (temperatures[last + 1] - temperatures[last]) * low / (low - high)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "results/ising.h5"
    if not os.path.exists(path):
        print(f"{path}: no such file; run the job first: mpirun -n 4 ising run jobs/ising/job.yaml")
        return 1
    data = xr.open_dataset(path, engine="h5netcdf")
    bad = int((data.status != 1).sum())
    print(f"points without a result: {bad}")
    sizes, temperatures = data.L.values, data.T.values

    energy = data.energy.mean("seed")
    error = data.energy.std("seed", ddof=1) / math.sqrt(data.sizes["seed"])
    exact = xr.DataArray([[kaufman_energy(t, int(n)) for n in sizes] for t in temperatures], dims=("T", "L"))
    # Four repetitions give a rough error each: pool it over neighbouring temperatures.
    pooled = np.sqrt((error**2).rolling(T=9, center=True, min_periods=4).mean())
    deviation = (energy.transpose("T", "L") - exact) / pooled.transpose("T", "L")
    chi2 = float((deviation**2).mean())
    worst = float(abs(deviation).max())
    print(f"energy against Kaufman:  mean square deviation {chi2:.2f} (expected 1), largest {worst:.1f} sigma")
    bad += chi2 > 2 or worst > 6

    largest = energy.sel(L=sizes.max())
    away = [t for t in temperatures if abs(t - T_C) > 0.3]
    gap = max(abs(float(largest.sel(T=t)) - onsager_energy(t)) for t in away)
    print(f"energy against Onsager:  largest difference {gap:.4f} J at L = {sizes.max()}, |T - T_c| > 0.3")
    bad += gap > 0.01

    binder = data.binder.mean("seed").transpose("T", "L")
    for small, large in zip(sizes, sizes[1:]):
        near = (temperatures > 2) & (temperatures < 3)  # in deep disorder both vanish and differ by noise
        at = crossing(temperatures[near], (binder.sel(L=large) - binder.sel(L=small)).values[near])
        print(f"Binder crossing of L = {small} and {large}:  T = {at:.3f}  (T_c = {T_C:.3f})")
        bad += abs(at - T_C) > 0.03
    print("all right" if not bad else "OFF: see above")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
