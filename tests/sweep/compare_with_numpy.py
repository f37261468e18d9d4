"""Compares axes with numpy's linspace, arange and logspace, bit for bit. Usage: compare_with_numpy.py AXIS_VALUES"""

import decimal
import json
import random
import subprocess
import sys

import numpy

decimal.getcontext().prec = 60
random.seed(20)


def number():
    kind = random.randrange(4)
    if kind == 0:
        return float(random.randint(-100, 100))
    if kind == 1:
        return round(random.uniform(-10, 10), random.randint(0, 6))
    if kind == 2:
        return random.uniform(-1, 1) * 10 ** random.randint(-300, 300)
    return random.uniform(-1000, 1000)


def cases():
    for _ in range(3000):
        first, last, count = number(), number(), random.randint(1, 60)
        yield {"linspace": [first, last, count]}, numpy.linspace(first, last, count)
    for _ in range(1000):
        first, step = round(random.uniform(-50, 50), random.randint(0, 4)), random.choice([0.1, 0.25, 0.3, -0.7, 1e-3, 2.5])
        end = first + step * random.uniform(0.1, 60)
        yield {"range": [first, end, step]}, numpy.arange(first, end, step)
    for _ in range(500):
        first, step = random.randint(-1000, 1000), random.choice([1, 2, 7, -1, -3])
        end = first + step * random.randint(1, 40) + random.choice([0, 1 if step > 0 else -1])
        yield {"range": [first, end, step]}, numpy.arange(first, end, step)
    for _ in range(300):
        first, last, count = random.uniform(-20, 20), random.uniform(-20, 20), random.randint(1, 20)
        base = random.choice([10.0, 2.0, 0.5, 3.7])
        spec = {"logspace": [first, last, count], "base": base}
        exponents = numpy.linspace(first, last, count)
        exact = [float(decimal.Decimal(base) ** decimal.Decimal(float(e))) for e in exponents]
        near = numpy.logspace(first, last, count, base=base)
        assert numpy.all(numpy.abs(near - exact) <= numpy.spacing(exact)), spec
        yield spec, numpy.array(exact)


def parse(text):
    return int(text) if "x" not in text else float.fromhex(text)


def main():
    wanted = list(cases())
    lines = "\n".join(json.dumps(spec) for spec, _ in wanted) + "\n"
    answer = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True, timeout=50)
    given = answer.stdout.splitlines()
    assert len(given) == len(wanted)
    compared = 0
    for (spec, values), line in zip(wanted, given):
        if line.startswith("error"):  # Values that floats cannot tell apart, or too large.
            assert len(set(values.tolist())) < len(values) or not numpy.all(numpy.isfinite(values)), (spec, line)
            continue
        found = [parse(text) for text in line.split()]
        assert [type(v) for v in found] == [type(v) for v in values.tolist()], spec
        assert numpy.array(found, values.dtype).tobytes() == values.tobytes(), (spec, found, values.tolist())
        compared += len(found)
    print(f"{compared} values of {len(wanted)} axes agree")
    assert compared > 50000


main()
