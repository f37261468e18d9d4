"""Data jobs keep their promise about memory: a rank grows by at most 1.25 times what it was given, from 8 MiB up, and
the whole job runs inside a memory cgroup of ranks x (memory + 64 MiB), page cache included.

    data_memory.py MPIEXEC SURD SURD_DATA [MEBIBYTES OF DATA]
"""

import re
import shutil

import data_support as support
import harness

MIB = support.MIB
SIZE = (harness.SCALE if harness.SCALE > 1 else 96) * MIB

JOBS = {
    "records": lambda: support.record_sort(SIZE),
    "numbers": lambda: support.number_sort(SIZE),
    "table sort": lambda: support.table_sort(SIZE),
    "long rows": lambda: support.long_rows(SIZE // 2),
    "derived texts": lambda: support.derived_texts(SIZE),
    "long equal keys": lambda: support.long_equal_keys(SIZE),
    "csv": lambda: support.csv_copy(SIZE),
    "group": lambda: support.group(SIZE),
    "often saved group": lambda: support.often_saved_group(SIZE),
    "text group": lambda: support.text_group(SIZE),
    "distinct": lambda: support.distinct(SIZE),
    "join": lambda: support.join(SIZE // 2),
}


# MPICH sets up its buffers when the first messages go, after surd has measured what it starts with.
UCX_BUFFERS = 3 * MIB


def growth_of(job, memory, ranks):
    """Largest growth of a rank in bytes."""
    with support.data_folder(job, memory=memory) as folder:
        status, _, err = folder.run(ranks=ranks, timeout=600)
        assert status == 0, f"status {status}\n{err}"
        report, = support.reports(folder)
        growth = max(rank["peak_bytes"] - rank["baseline_bytes"] for rank in report["memory"]["per_rank"])
        return growth - (0 if ranks == 1 or report["program"]["mpi"].startswith("Open MPI") else UCX_BUFFERS)


def test_ranks_grow_by_what_they_were_given():
    worst = []
    for name, make in JOBS.items():
        for memory, ranks in ((8 * MIB, 1), (8 * MIB, 2), (8 * MIB, 3), (32 * MIB, 1)):
            growth = growth_of(make(), memory, ranks)
            print(f"        {name}: {growth / MIB:.1f} MiB of {memory / MIB:.0f} on {ranks} ranks", flush=True)
            if growth > 1.25 * memory:
                worst.append(f"{name} grew by {growth / MIB:.1f} MiB, was given {memory / MIB:.0f}")
    assert not worst, worst


def least_memory_of(job):
    """What the refusals of a job with too little memory name in the end: input and output are looked at in turn."""
    memory, refusals = 4 * MIB, 0
    while True:
        with support.data_folder(job, memory=memory) as folder:
            status, _, err = folder.run(ranks=2, timeout=600)
        if status == 0:
            assert refusals in (1, 2), refusals
            return memory
        named = re.search(r"give at least --memory (\d+)MiB, not ", err)
        assert status == 64 and named, f"status {status}\n{err}"
        memory, refusals = int(named[1]) * MIB, refusals + 1


def test_wide_tables_name_what_they_need_and_keep_to_it():
    sort = [{"sort": {"by": ["c1"]}}]
    for columns, output, steps in ((2_500, "out.csv", sort), (20_000, "out.csv", []), (20_000, "out.jsonl", sort),
                                   (20_000, "out.csv", [{"distinct": ["c1"]}]), (2_000, "out.h5", [])):
        job = support.wide_table(columns, output, steps)
        memory = least_memory_of(job)
        growth = growth_of(job, memory, 2)
        print(f"        {columns} columns: {growth / MIB:.1f} MiB of {memory / MIB:.0f}", flush=True)
        assert growth <= 1.25 * memory, (columns, output, growth, memory)


def test_jobs_fit_a_memory_cgroup():
    for ranks in (1, 2):
        memory = 16 * MIB
        cgroup = support.Cgroup.make(ranks * (memory + 64 * MIB))
        if cgroup is None:
            print("        skipped: this machine allows no memory cgroup")
            return
        try:
            for name, make in JOBS.items():
                with support.data_folder(make(), memory=memory) as folder:
                    folder.rank_prefix = cgroup.prefix()
                    status, _, err = folder.run(ranks=ranks, timeout=600)
                    assert status == 0, f"{name} on {ranks} ranks: status {status}\n{err}"
        finally:
            cgroup.remove()


try:
    harness.main(globals())
finally:
    shutil.rmtree(support.CACHE, ignore_errors=True)
