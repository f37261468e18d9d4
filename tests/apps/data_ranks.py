"""Sorts, groups, distincts and joins of every hostile input are right, and the same byte for byte on 1, 2, 3 and 7
ranks, with little memory and with much.

    data_ranks.py MPIEXEC SURD SURD_DATA
"""

import collections
import csv
import itertools
import shutil
import statistics
import struct
import subprocess

import data_support as support
import harness

MIB = support.MIB
RANKS = (1, 2, 3, 7)
DISTRIBUTIONS = ("uniform", "gauss", "zipf", "zipf-light", "zipf-heavy", "equal", "two", "sorted", "reverse", "noisy",
                 "staggered", "duplicates", "extremes")


def outputs(job, memories=(8 * MIB,), ranks=RANKS):
    """The output on every number of ranks and with every memory; they must be equal. Returns it."""
    first = None
    for memory, count in itertools.product(memories, ranks):
        with support.data_folder(job, memory=memory) as folder:
            status, _, err = folder.run(ranks=count)
            assert status == 0, f"{count} ranks, {memory}: status {status}\n{err}"
            found = folder.output(job["output"])
            if first is None:
                first = found
            assert found == first, f"the output on {count} ranks with {memory} bytes differs from that on one"
    return first


def check_sorted(job, found, record_bytes, key):
    path = support.CACHE / "found.bin"
    path.write_bytes(found)
    words = [support.SURD_DATA, "check", "sorted", path, job["input"]["path"], "--record", record_bytes, "--key", key]
    subprocess.run([str(word) for word in words] + (["--number"] if record_bytes == 8 else []), check=True)


def test_sorts_of_every_distribution():
    for keys in DISTRIBUTIONS:
        job = support.number_sort(3 * MIB, keys)
        check_sorted(job, outputs(job, ranks=(1, 3)), 8, "0:8")


def test_sorts_of_records_on_all_ranks_with_little_and_much_memory():
    for keys in ("uniform", "equal", "zipf"):
        job = support.record_sort(12 * MIB, keys)
        check_sorted(job, outputs(job, memories=(4 * MIB, 64 * MIB)), 100, "0:10")


def test_sorts_of_hardly_any_records():
    for rows in (0, 1, 6):
        source = support.data("numbers", "--rows", rows) if rows else support.CACHE / "empty"
        source.touch()
        job = {"input": {"path": str(source), "fixed": {"record_bytes": 8}}, "output": "out.bin"}
        assert len(outputs(job)) == 8 * rows


def rows_of(job):
    path = job["input"]["path"] if isinstance(job["input"], dict) else job["input"]
    with open(path, "rb") as file:
        return list(struct.iter_unpack("<QQ", file.read()))


def read_csv(text):
    rows = list(csv.reader(text.decode().splitlines()))
    return rows[0], rows[1:]


def test_sort_by_long_keys_that_are_equal_or_nearly():
    job = support.long_equal_keys(24 * MIB)
    with open(job["input"]["path"], newline="") as file:
        head, *rows = csv.reader(file)
    rows.sort(key=lambda row: row[0])
    assert read_csv(outputs(job)) == (head, rows)


def test_sort_of_a_table_is_stable_on_all_ranks():
    job = support.table_sort(3 * MIB)
    with open(job["input"]["path"], newline="") as file:
        head, *rows = csv.reader(file)
    price, product = head.index("price"), head.index("product")
    rows.sort(key=lambda row: row[product])
    rows.sort(key=lambda row: -float(row[price]) if row[price] else float("inf"))
    found = list(csv.reader(outputs(job).decode().splitlines(keepends=True)))
    for row in itertools.chain(rows, found[1:]):
        row[price] = float(row[price]) if row[price] else None  # written in its shortest form
    assert found[1:] == rows


def test_groups_against_a_dictionary():
    for groups, zipf in ((50_000, 0), (1, 0), (200_000, 1.2)):
        job = support.group(2 * MIB, groups, zipf)
        head, found = read_csv(outputs(job, memories=(8 * MIB, 64 * MIB), ranks=(1, 3)))
        expected = collections.defaultdict(list)
        for key, value in rows_of(job):
            expected[key].append(value)
        assert head == ["k", "total", "n", "mean"]
        assert [int(row[0]) for row in found] == sorted(expected)
        for key, total, count, mean in found:
            values = expected[int(key)]
            assert (int(total), int(count)) == (sum(values), len(values))
            assert abs(float(mean) - statistics.fmean(values)) < 1e-9


def test_groups_of_texts_with_lists_and_medians():
    job = support.text_group(2 * MIB)
    aggregates = {"n": "count", "median": {"median": "price"}, "notes": {"list": "quantity"}, "last": {"last": "order"}}
    job["steps"] = [{"group": {"by": ["store", "status"], **aggregates}}]
    _, found = read_csv(outputs(job))
    expected = collections.defaultdict(list)
    with open(job["input"]["path"], newline="") as file:
        for row in csv.DictReader(file):
            expected[row["store"], row["status"]].append(row)
    assert [(row[0], row[1]) for row in found] == sorted(expected)
    for store, status, count, median, quantities, last in found:
        rows = expected[store, status]
        prices = [float(row["price"]) for row in rows if row["price"]]
        assert int(count) == len(rows) and last == rows[-1]["order"]
        assert abs(float(median) - statistics.median(prices)) < 1e-9
        assert quantities == "[" + ", ".join(row["quantity"] for row in rows) + "]"


def test_distinct_keeps_each_key_once():
    job = support.distinct(2 * MIB, 30_000)
    _, found = read_csv(outputs(job, memories=(8 * MIB, 64 * MIB), ranks=(1, 2, 7)))
    first = {}
    for key, value in rows_of(job):
        first.setdefault(key, value)
    assert {int(key): int(value) for key, value in found} == first


def test_hdf5_has_the_same_bytes_on_any_ranks_with_any_memory():
    sales = support.table_sort(6 * MIB)["input"]
    rare = support.csv_job("rare", "k,t,i", (f"{i % 1000},{'ab' * (i * 7919 % 31)}{i},{'' if i > 70_000 else i}"
                                             for i in range(80_000)), [])["input"]
    names = support.csv_job("names", "k,w", (f"{i},w{i}" for i in range(1000)), [])["input"]
    for source, steps in ((rare, [{"join": {"input": names, "on": ["k"]}}]), (rare, [{"filter": "k % 5 == 0"}]),
                          (sales, [{"sort": {"by": ["product"]}}])):
        job = {"input": source, "steps": steps, "output": "out.h5"}
        assert len(outputs(job, memories=(8 * MIB, 64 * MIB))) > 100_000
        chosen = {"input": source, "steps": steps, "output": "out.h5"}
        assert outputs(chosen, memories=("sqrt",), ranks=(1, 3)) == outputs(job, ranks=(1,))


def test_joins_against_nested_loops():
    for kind, zipf in itertools.product(("inner", "left", "semi", "anti"), (0, 1.1)):
        job = support.join(MIB // 2, kind, zipf)
        job["input"]["path"] = str(support.data("pairs", "--rows", 20_000, "--groups", 30_000, "--zipf", zipf))
        right = job["steps"][0]["join"]["input"]
        right["path"] = str(support.data("pairs", "--rows", 15_000, "--groups", 30_000, "--seed", 1))
        _, found = read_csv(outputs(job, ranks=(1, 3)))
        matches = collections.defaultdict(list)
        for key, value in rows_of({"input": right}):
            matches[key].append(value)
        expected = collections.Counter()
        for key, value in rows_of(job):
            values = matches.get(key, [])
            if kind in ("inner", "left"):
                expected.update((str(key), str(value), str(w)) for w in values)
            if kind == "left" and not values:
                expected[str(key), str(value), ""] += 1
            if (kind == "semi" and values) or (kind == "anti" and not values):
                expected[str(key), str(value)] += 1
        assert collections.Counter(map(tuple, found)) == expected, f"{kind} {zipf}"


try:
    harness.main(globals())
finally:
    shutil.rmtree(support.CACHE, ignore_errors=True)
