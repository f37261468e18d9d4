#!/usr/bin/env python3
"""Sorts, groups, joins and reads CSV with surd and with the tools one would take instead, and compares.

Usage: data.py BIN [-w WORKLOAD]... [--scale S] [-k ROUNDS] [--directory DIR]      BIN: the folder with surd and surd_data

Every tool gets the same input, as much memory or more, and one thread. The tools take turns, the best of ROUNDS
counts: times on shared machines drift, only ratios within one run mean something. Outputs are compared before a time
is believed. The disk alone is a tool of its own: what holds no more than a part of its input must move all of it
twice. Prints one line of JSON per measurement to stderr and a table to stdout. Peers (Debian: libstxxl-dev, coreutils;
npm: @duckdb/node-api in DIR) that are not installed are left out, and said so.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_hwloc_base_binding_policy": "none", "LC_ALL": "C", "OMP_NUM_THREADS": "1",
}
MIB = 1 << 20
SURD_START_MIB = 26  # resident after MPI_Init


def call(words, **more):
    return subprocess.run([str(word) for word in words], check=True, env={**os.environ, **ENVIRONMENT}, **more)


def measure(words, directory):
    """Seconds, CPU seconds and peak resident MiB of a command and its children."""
    begin = time.monotonic()
    child = subprocess.Popen([str(word) for word in words], cwd=directory, env={**os.environ, **ENVIRONMENT},
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {child.returncode}: {errors.strip()[-300:]}")
    peak_mib = usage.ru_maxrss / 1024
    said = re.search(r"at most ([0-9.]+) MiB per rank beyond its start", errors)
    if said:  # surd starts the kernel's count of its peak anew for each phase, so that the kernel knows the last alone
        peak_mib = float(said.group(1)) + SURD_START_MIB
    return {"seconds": time.monotonic() - begin, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mib": peak_mib}


class Bench:
    """What the workloads share: where things are, and input made once."""

    def __init__(self, bin_directory, directory, scale):
        self.bin = pathlib.Path(bin_directory).resolve()
        self.directory = pathlib.Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.scale = scale
        self.has_duckdb = (self.directory / "node_modules/@duckdb/node-api").exists()

    def rows(self, count):
        return max(1000, int(count * self.scale))

    def data(self, kind, name, *flags):
        path = self.directory / name
        if not path.exists():
            call([self.bin / "surd_data", kind, "-o", path, *flags])
        return path

    def surd(self, *words):
        return [self.bin / "surd", *words]

    def job(self, name, job):
        """surd run of a job that starts from nothing."""
        shutil.rmtree(self.directory / ".surd", ignore_errors=True)
        path = self.directory / f"{name}.yaml"
        path.write_text(json.dumps({"kind": "table", "name": name, **job}))
        return self.surd("run", path)

    def stxxl(self, source, output, mebibytes, record_bytes):
        program = self.directory / "stxxl_sort"
        if not program.exists():
            call(["g++", "-O3", "-march=native", "-o", program, HERE / "stxxl_sort.cpp", "-fopenmp", "-lstxxl", "-pthread"])
        (self.directory / ".stxxl").write_text(f"disk={self.directory}/stxxl.tmp,0,syscall unlink autogrow\n")
        return [program, source, output, mebibytes, record_bytes]

    def duckdb(self, memory, *statements):
        return ["node", HERE / "duckdb.mjs", memory, self.directory / "duckdb.tmp", *statements]

    def query(self, *statements):
        words = [str(word) for word in self.duckdb("4GB", *statements)]
        found = subprocess.run(words, check=True, cwd=self.directory, capture_output=True, text=True)
        return json.loads(found.stdout)

    def parquet(self, source, name, columns):
        """The 16-byte records of `source` as a Parquet file, for DuckDB."""
        path = self.directory / name
        if not path.exists():
            text = self.directory / (name + ".csv")
            call(self.job("convert", {"input": fixed(source, columns), "output": str(text)}), cwd=self.directory)
            self.query(f"COPY (SELECT * FROM '{text}') TO '{path}' (FORMAT parquet)")
            text.unlink()
        return path


def fixed(source, columns):
    fields = [{"name": name, "type": "u64", "offset": 8 * i} for i, name in enumerate(columns)]
    return {"path": str(source), "fixed": {"record_bytes": 8 * len(columns), "columns": fields}}


def has_stxxl():
    return pathlib.Path("/usr/include/stxxl/sorter").exists()


DISK = "the disk alone"
SYNCED = "stxxl, then sync"


def synced(words, output):
    """With its output on the disk when it ends, as surd's is."""
    return ["sh", "-c", '"$@" && sync "$0"', output, *words]


def copied_twice(source, output):
    """What any sort must move that does not hold its input, as fast as the disk does it: the bound of two passes."""
    copy = f"dd if={source} of={output} bs=4M iflag=direct oflag=direct status=none"
    return ["sh", "-c", f"{copy} && {copy}"]


def check_sorted(bench, source, record_bytes, key):
    def check(output):
        words = ["check", "sorted", output, source, "--record", record_bytes, "--key", key]
        call([bench.bin / "surd_data", *words, *(["--number"] if record_bytes == 8 else [])])
    return check


def sort_u64(bench, memory):
    """With little memory, surd takes turns with itself with more, too: the disk's speed changes within minutes."""
    source = bench.data("numbers", "numbers.bin", "--rows", bench.rows(1 << 27))
    out = bench.directory / "out"
    for given in dict.fromkeys((memory, 64)):
        tool = "surd" if given == memory else f"surd, {given} MiB"
        yield tool, lambda given=given: bench.surd("sort", source, "--format", "fixed:8", "--key", "0:u64", "--memory",
                                                   f"{given}MiB", "-o", f"{out}.bin"), f"{out}.bin", given
    if has_stxxl():
        yield "stxxl", lambda: bench.stxxl(source, f"{out}.stxxl", memory, 8), f"{out}.stxxl", memory
        yield SYNCED, lambda: synced(bench.stxxl(source, f"{out}.stxxl", memory, 8), f"{out}.stxxl"), f"{out}.stxxl", memory
    yield DISK, lambda: copied_twice(source, f"{out}.copy"), f"{out}.copy", memory
    yield check_sorted(bench, source, 8, "0:8")


def sort_records(bench):
    source = bench.data("records", "records.bin", "--rows", bench.rows(20_000_000))
    out = bench.directory / "out"
    yield "surd", lambda: bench.surd("sort", source, "--format", "fixed:100", "--key", "0:10", "--memory", "64MiB",
                                     "-o", f"{out}.bin"), f"{out}.bin", 64
    if has_stxxl():
        yield "stxxl", lambda: bench.stxxl(source, f"{out}.stxxl", 64, 100), f"{out}.stxxl", 64
        yield SYNCED, lambda: synced(bench.stxxl(source, f"{out}.stxxl", 64, 100), f"{out}.stxxl"), f"{out}.stxxl", 64
    yield "sort -S64M", lambda: ["sort", "-S64M", "--parallel=1", "-T", bench.directory, "-o", f"{out}.gnu", source], \
        f"{out}.gnu", 64
    yield DISK, lambda: copied_twice(source, f"{out}.copy"), f"{out}.copy", 64
    yield check_sorted(bench, source, 100, "0:10")


def two_ranks(bench):
    source = bench.data("numbers", "numbers.bin", "--rows", bench.rows(1 << 27))
    out = bench.directory / "out"
    flags = ["sort", source, "--format", "fixed:8", "--key", "0:u64", "--memory", "64MiB"]
    yield "surd, 2 ranks", lambda: ["mpirun", "-n", "2", *bench.surd(*flags, "-o", f"{out}2.bin")], f"{out}2.bin", 64
    yield "surd, 1 rank", lambda: ["mpirun", "-n", "1", *bench.surd(*flags, "-o", f"{out}1.bin")], f"{out}1.bin", 64
    yield DISK, lambda: copied_twice(source, f"{out}.copy"), f"{out}.copy", 64
    yield check_sorted(bench, source, 8, "0:8")


def skew(bench):
    """Ratios are to uniform keys; none should be above 2."""
    sources = {}
    for keys in ("uniform", "zipf-heavy", "equal", "two", "sorted", "reverse", "noisy", "staggered", "duplicates", "extremes"):
        output = bench.directory / f"out.{keys}"
        sources[output] = bench.data("numbers", f"{keys}.bin", "--rows", bench.rows(1 << 25), "--keys", keys)
        words = bench.surd("sort", sources[output], "--format", "fixed:8", "--key", "0:u64", "--memory", "16MiB", "-o", output)
        yield f"surd, {keys} keys", lambda words=words: words, output, 16
    yield lambda output: check_sorted(bench, sources[output], 8, "0:8")(output)


def epochs(bench):
    """What it costs to be killed at any time: commits as they come by default, and none."""
    source = bench.data("numbers", "numbers.bin", "--rows", bench.rows(1 << 27))
    for tool, more in (("surd", {}), ("surd, no epochs", {"epoch": "1TiB"})):
        output = bench.directory / f"out.{len(more)}.bin"
        job = {"input": {"path": str(source), "fixed": {"record_bytes": 8, "key": [{"offset": 0, "type": "u64"}]}},
               "memory": "64MiB", "output": str(output), **more}
        yield tool, lambda job=job: bench.job("epochs", job), output, 64
    yield check_sorted(bench, source, 8, "0:8")


def digest(bench, output, by, columns):
    """Rows, and sums that depend on every value, of 8-byte columns or of a Parquet file."""
    if str(output).endswith(".parquet"):
        sums = ", ".join(f"sum(({by}::HUGEINT * 31 % 1000003 + 1) * {column})::VARCHAR" for column in columns)
        return [str(value) for value in bench.query(f"SELECT count(*), {sums} FROM '{output}'")[0]]
    program = """
import sys, numpy
rows = numpy.fromfile(sys.argv[1], "<u8").reshape(-1, int(sys.argv[2]))
weight = rows[:, 0] % 1000003 * 31 % 1000003 + 1
sums = []
for column in range(1, rows.shape[1]):
    total = 0
    for first in range(0, len(rows), 1 << 12):
        part = slice(first, first + (1 << 12))
        total += int((weight[part] * rows[part, column]).sum())
    sums.append(str(total))
print(len(rows), *sums)
"""
    words = ["/usr/bin/python3", "-c", program, str(output), str(len(columns) + 1)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


def group(bench, exponent):
    name = "zipf" if exponent else "pairs"
    source = bench.data("pairs", f"{name}.bin", "--rows", bench.rows(100_000_000), "--groups", bench.rows(25_000_000),
                        "--zipf", exponent)
    output = bench.directory / "groups.bin"
    columns = [{"name": name, "type": "u64", "offset": 8 * i} for i, name in enumerate(["k", "total", "n"])]
    step = {"group": {"by": ["k"], "total": {"sum": "v"}, "n": "count", "order": "any"}}
    job = {"input": fixed(source, ["k", "v"]), "steps": [step], "memory": "64MiB",
           "output": {"path": str(output), "fixed": {"record_bytes": 24, "columns": columns}}}
    yield "surd", lambda: bench.job("group", job), output, 64
    if bench.has_duckdb:
        table = bench.parquet(source, f"{name}.parquet", ["k", "v"])
        result = bench.directory / "groups.parquet"
        sql = f"COPY (SELECT k, sum(v)::BIGINT AS total, count(*) AS n FROM '{table}' GROUP BY k) TO '{result}'"
        yield "duckdb", lambda: bench.duckdb("128MB", sql), result, 128
    first = []

    def check(found):
        first.append(digest(bench, found, "k", ["total", "n"]))
        assert first[-1] == first[0], f"groups differ: {first[0]} and {first[-1]}"
    yield check


def join(bench):
    left = bench.data("pairs", "left.bin", "--rows", bench.rows(100_000_000), "--groups", bench.rows(21_800_000))
    right = bench.data("pairs", "right.bin", "--rows", bench.rows(15_800_000), "--groups", bench.rows(21_800_000),
                       "--seed", 1)
    output = bench.directory / "joined.bin"
    columns = [{"name": name, "type": "u64", "offset": 8 * i} for i, name in enumerate(["rows", "total"])]
    steps = [{"join": {"input": fixed(right, ["k", "w"]), "on": ["k"], "kind": "inner"}},
             {"derive": {"product": "v * w"}}, {"derive": {"all": "0"}},
             {"group": {"by": ["all"], "rows": "count", "total": {"sum": "product"}}}, {"select": ["rows", "total"]}]
    job = {"input": fixed(left, ["k", "v"]), "steps": steps, "memory": "64MiB",
           "output": {"path": str(output), "fixed": {"record_bytes": 16, "columns": columns}}}
    yield "surd", lambda: bench.job("join", job), output, 64
    if bench.has_duckdb:
        tables = [bench.parquet(left, "left.parquet", ["k", "v"]), bench.parquet(right, "right.parquet", ["k", "w"])]
        result = bench.directory / "joined.parquet"
        sql = f"COPY (SELECT count(*) AS rows, sum(v * w)::BIGINT AS total FROM '{tables[0]}' JOIN '{tables[1]}' USING (k)) " \
              f"TO '{result}'"
        yield "duckdb", lambda: bench.duckdb("128MB", sql), result, 128
    first = []

    def check(found):
        first.append(digest(bench, found, "rows", ["total"]))
        assert first[-1] == first[0], f"joins differ: {first[0]} and {first[-1]}"
    yield check


def csv(bench):
    source = bench.data("sales", "sales.csv", "--bytes", bench.rows(1 << 30))
    output = bench.directory / "products.csv"
    steps = [{"filter": "status == 'completed' and price is not null"}, {"derive": {"revenue": "price * quantity"}},
             {"group": {"by": ["product"], "revenue": "sum", "n": "count"}}]
    job = {"input": str(source), "steps": steps, "output": str(output), "memory": "64MiB"}
    yield "surd", lambda: bench.job("csv", job), output, 64
    if bench.has_duckdb:
        result = bench.directory / "products.duckdb.csv"
        sql = f"COPY (SELECT product, sum(price * quantity) AS revenue, count(*) AS n FROM read_csv('{source}') " \
              f"WHERE status = 'completed' AND price IS NOT NULL GROUP BY product ORDER BY product) TO '{result}'"
        yield "duckdb", lambda: bench.duckdb("128MB", sql), result, 128

    def check(found):
        if str(found) != str(output):
            call([bench.bin / "surd_data", "check", "equal", found, output])
    yield check


WORKLOADS = {
    "sort-u64": ("1 GiB of u64 at 64 MiB", lambda bench: sort_u64(bench, 64)),
    "sort-u64-8": ("1 GiB of u64 at 8 MiB", lambda bench: sort_u64(bench, 8)),
    "sort-records": ("2 GB of 100-byte records at 64 MiB", sort_records),
    "two-ranks": ("1 GiB of u64, 64 MiB per rank", two_ranks),
    "skew": ("256 MiB of u64 at 16 MiB", skew),
    "epochs": ("1 GiB of u64 in epochs", epochs),
    "group": ("sum by 25 M even keys of 100 M rows", lambda bench: group(bench, 0)),
    "group-zipf": ("sum by Zipf keys of 100 M rows", lambda bench: group(bench, 1)),
    "join": ("100 M rows with 15.8 M rows", join),
    "csv": ("filter and group of 1 GiB of CSV", csv),
}


def run(bench, name, rounds):
    what, make = WORKLOADS[name]
    *tools, check = make(bench)
    best = {}
    for turn in range(rounds):
        for tool, command, output, memory in tools:
            pathlib.Path(output).unlink(missing_ok=True)
            figures = measure(command(), bench.directory)
            if turn == 0 and tool != DISK:
                check(output)
            print(json.dumps({"workload": name, "tool": tool, "memory_mib": memory, **figures}), file=sys.stderr)
            if tool not in best or figures["seconds"] < best[tool]["seconds"]:
                best[tool] = {**figures, "memory_mib": memory}
    own = next(iter(best.values()))["seconds"]
    for tool, figures in best.items():
        print(f"| {what} | {tool} | {figures['memory_mib']} MiB | {figures['seconds']:.2f} s | "
              f"{figures['cpu_seconds']:.2f} s | {figures['peak_mib']:.0f} MiB | {figures['seconds'] / own:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("-w", "--workload", action="append", choices=WORKLOADS)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("-k", "--rounds", type=int, default=2)
    parser.add_argument("--directory", help="kept; default a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(arguments.bin, arguments.directory or temporary, arguments.scale)
        for found, peer in ((has_stxxl(), "libstxxl-dev"), (bench.has_duckdb, "@duckdb/node-api")):
            if not found:
                print(f"{peer} is not installed: left out", file=sys.stderr)
        print("| work | tool | memory given | time | CPU time | peak resident | times surd |\n|---|---|---|---|---|---|---|")
        for name in arguments.workload or WORKLOADS:
            run(bench, name, arguments.rounds)


if __name__ == "__main__":
    main()
