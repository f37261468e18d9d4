#!/usr/bin/env python3
"""Compares results/logistic.h5 with what is known of the logistic map; exit status 1 if anything is off.

Usage: check.py [LOGISTIC.h5]      Needs python3-xarray and python3-h5netcdf; the job itself needs no Python.
"""
import math
import sys

import numpy as np
import xarray as xr


def exact_exponent(rate):
    """Lyapunov exponent where it is known in closed form, else NaN."""
    if 1 < rate < 3:
        return math.log(abs(2 - rate))
    if 3 < rate < 1 + math.sqrt(6):
        return math.log(abs(4 + 2 * rate - rate**2)) / 2
    return math.log(2) if rate == 4 else math.nan


def exact_period(rate):
    """Period of the attracting orbit where it is known in closed form, else -1."""
    if 1 < rate < 3:
        return 1
    if 3 < rate < 1 + math.sqrt(6):
        return 2
    if 1 + math.sqrt(8) < rate < 3.8415:
        return 3
    return -1


def main():
    data = xr.open_dataset(sys.argv[1] if len(sys.argv) > 1 else "results/logistic.h5", engine="h5netcdf")
    bad = int((data.status != 1).sum())
    print(f"points without a result: {bad}")
    # Next to a bifurcation an orbit takes for ever to settle.
    bifurcations = (3, 1 + math.sqrt(6), 1 + math.sqrt(8), 3.8415)
    calm = np.array([min(abs(rate - b) for b in bifurcations) > 0.004 for rate in data.r.values])

    exact = np.array([exact_exponent(rate) for rate in data.r.values])
    difference = np.abs(data.lyapunov.values - exact)
    worst = np.nanmax(difference[calm])
    print(f"Lyapunov exponent: largest difference {worst:.1e} over {np.isfinite(exact[calm]).sum()} known values")
    bad += not worst < 2e-3

    periods = np.array([exact_period(rate) for rate in data.r.values])
    known = calm & (periods > 0)
    wrong = int((data.period.values[known] != periods[known]).sum())
    print(f"period: {wrong} of {known.sum()} known values differ")
    bad += wrong

    chaotic = (data.lyapunov.values > 0.01) & (data.period.values > 0)
    print(f"orbits both chaotic and periodic: {int(chaotic.sum())}")
    bad += int(chaotic.sum())
    print("all right" if not bad else "OFF: see above")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
