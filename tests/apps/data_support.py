"""What the end-to-end tests of data jobs share: input made once, jobs of every kind, runs in a memory cgroup.

    SCRIPT MPIEXEC SURD SURD_DATA [SCALE]
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import harness
from harness import Folder

SURD_DATA = os.path.abspath(sys.argv[3])
CACHE = pathlib.Path(tempfile.mkdtemp(prefix="surd-data-"))
MIB = 1 << 20


def data(kind, *flags):
    """A generated file, the same for the same flags."""
    path = CACHE / "-".join([kind, *(str(flag).strip("-") for flag in flags)])
    if not path.exists():
        subprocess.run([SURD_DATA, kind, "-o", path, *map(str, flags)], check=True)
    return path


def record_sort(size, keys="uniform"):
    source = data("records", "--bytes", size, "--keys", keys)
    return {"input": {"path": str(source), "fixed": {"record_bytes": 100, "key": [0, 10]}}, "output": "out.bin"}


def number_sort(size, keys="uniform"):
    source = data("numbers", "--bytes", size, "--keys", keys)
    key = {"offset": 0, "type": "u64"}
    return {"input": {"path": str(source), "fixed": {"record_bytes": 8, "key": key}}, "output": "out.bin"}


def pairs(size, groups, zipf=0, seed=0):
    source = data("pairs", "--bytes", size, "--groups", groups, "--zipf", zipf, "--seed", seed)
    columns = [{"name": "k", "type": "u64", "offset": 0}, {"name": "v", "type": "u64", "offset": 8}]
    return {"path": str(source), "fixed": {"record_bytes": 16, "columns": columns}}


def table_sort(size):
    steps = [{"sort": {"by": ["-price", "product"]}}]
    return {"input": {"path": str(data("sales", "--bytes", size)), "format": "csv"}, "steps": steps, "output": "out.csv"}


def csv_job(name, columns, rows, steps, output="out.csv"):
    """A job over a CSV file, which is written once. `rows`: lines of fields, made only then."""
    path = CACHE / f"{name}.csv"
    if not path.exists():
        with open(path, "w", encoding="ascii") as file:
            file.write(columns + "\n")
            file.writelines(row + "\n" for row in rows)
    return {"input": {"path": str(path), "format": "csv"}, "steps": list(steps), "output": output}


def long_rows(size):
    """Half of the rows have 150 KB, in no order of their keys."""
    count = size // 75_000
    rows = (f"{i * 7919 % count},{chr(97 + i % 26) * (150_000 if i % 2 else 10)}" for i in range(count))
    return csv_job(f"long-{size}", "k,t", rows, [{"group": {"by": ["k"], "t": "last", "all": {"list": "t"}}}])


def derived_texts(size):
    """Rows that become twenty times as long."""
    rows = (f"{i * 7919 % 10_007},{chr(97 + i % 26) * (i % 2000)}" for i in range(size // 20_000))
    steps = [{"derive": {f"t{i}": "t" for i in range(19)}}, {"sort": {"by": ["k"]}}]
    return csv_job(f"derived-{size}", "k,t", rows, steps)


def long_equal_keys(size):
    """Rows that are nothing but keys of 20 KB, most of them equal: no index tells anything about them."""
    rows = (f"{'k' * 19_990}{i * 7919 % 11 if i % 5 == 0 else ''},{i}" for i in range(size // 20_000))
    return csv_job(f"equal-{size}", "t,i", rows, [{"sort": {"by": ["t"]}}])


def wide_table(columns, output="out.csv", steps=()):
    """About 2 million integers in so many columns."""
    rows = (",".join(str((row * 7919 + i * 104729) % 100_003) for i in range(columns))
            for row in range(2_000_000 // columns))
    return csv_job(f"wide-{columns}", ",".join(f"c{i}" for i in range(columns)), rows, steps, output)


def csv_copy(size):
    """CSV in and out: every row once, nothing held."""
    steps = [{"derive": {"revenue": "price * quantity"}}]
    return {"input": {"path": str(data("sales", "--bytes", size)), "format": "csv"}, "steps": steps, "output": "out.csv"}


def group(size, groups=2_000_000, zipf=0):
    steps = [{"group": {"by": ["k"], "total": {"sum": "v"}, "n": "count", "mean": {"mean": "v"}}}]
    return {"input": pairs(size, groups, zipf), "steps": steps, "output": "out.csv"}


def often_saved_group(size):
    """Of many keys, with a commit, and so a piece of each partition, for every few MiB."""
    steps = [{"group": {"by": ["k"], "n": "count", "order": "any"}}]
    return {"input": pairs(size, size // 24), "steps": steps, "epoch": MIB, "output": "out.csv"}


def text_group(size):
    aggregates = {"revenue": "sum", "first": {"first": "time"}, "stores": {"count_distinct": "store"}}
    steps = [{"derive": {"revenue": "price * quantity"}}, {"group": {"by": ["product", "store"], **aggregates}}]
    return {"input": {"path": str(data("sales", "--bytes", size)), "format": "csv"}, "steps": steps, "output": "out.csv"}


def distinct(size, groups=1_000_000):
    return {"input": pairs(size, groups), "steps": [{"distinct": ["k"]}], "output": "out.csv"}


def join(size, kind="inner", zipf=0):
    right = pairs(size // 4, 1_000_000, 0, 1)
    right["fixed"]["columns"][1]["name"] = "w"
    steps = [{"join": {"input": right, "on": ["k"], "kind": kind}}]
    return {"input": pairs(size, 1_000_000, zipf), "steps": steps, "output": "out.csv"}


def job_text(job, **more):
    return json.dumps({"kind": "table", "name": "storm", **job, **more})


def data_folder(job, **more):
    return Folder(job_text(job, **more), program=harness.SURD)


def reports(folder):
    return [json.loads(path.read_text()) for path in sorted((folder.path / ".surd/storm").glob("report-*.json"))]


class Cgroup:
    """A memory cgroup (version 1 or 2) below this process's own; None if the machine allows none."""

    def __init__(self, path, limit):
        self.path, self.limit = path, limit

    @staticmethod
    def make(limit):
        roots = [(pathlib.Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
                 (pathlib.Path("/sys/fs/cgroup"), "memory.max")]
        for root, name in roots:
            path = root / f"surd-test-{os.getpid()}"
            try:
                path.mkdir()
            except OSError:
                continue
            try:
                (path / name).write_text(str(limit))
                return Cgroup(path, limit)
            except OSError:
                path.rmdir()
        return None

    def prefix(self):
        return ["sh", "-c", f"echo $$ > {self.path}/cgroup.procs && exec \"$@\"", "sh"]

    def remove(self):
        self.path.rmdir()
