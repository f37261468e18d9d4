"""Kills data jobs at random moments and resumes them on other numbers of ranks: the output is byte-identical to an
undisturbed run's on one rank, nothing that was committed is done again, and what is lost was less than an epoch.

    data_kill_storm.py MPIEXEC SURD SURD_DATA [KILLS PER JOB]
"""

import json
import os
import random
import shutil
import time

import data_support as support
import harness

MIB = support.MIB
KILLS = harness.SCALE if harness.SCALE > 1 else 10
SIZE = 24 * MIB
EPOCH = MIB

JOBS = {
    "sort of records": support.record_sort(SIZE),
    "sort of a table": support.table_sort(SIZE),
    "group": support.group(SIZE, groups=300_000),
    "join": support.join(SIZE // 2),
    "join to HDF5": {**support.join(SIZE // 4), "output": "out.h5"},
}
MORE = {"memory": 8 * MIB, "epoch": EPOCH}


def output_of(folder, job):
    return (folder.path / job["output"]).read_bytes()


def undisturbed(job):
    with support.data_folder(job, **MORE) as folder:
        begin = time.monotonic()
        status, _, err = folder.run(ranks=1)
        assert status == 0, f"undisturbed run: {status}\n{err}"
        seconds = time.monotonic() - begin
        cut = json.loads((folder.path / ".surd/storm/cut.json").read_text())
        return output_of(folder, job), seconds, cut["unit_bytes"]


def survey(folder):
    """What the job's logs and spill files hold, by `surd verify`."""
    status, out, err = folder.verb("verify", "job.yaml", "--json")
    assert status == 0, f"verify: {status} {err}"
    return json.loads(out)


def lost_bytes(folder, found):
    """What each rank's spill file holds beyond the last commit: work that a kill has undone."""
    committed = {os.path.basename(spill["path"]): spill["committed_bytes"] for spill in found["spills"]}
    needless = {os.path.basename(path) for path in found["released"]}  # the kill came before they were removed
    spills = (folder.path / ".surd/storm/spill").glob("*")
    return [path.stat().st_size - committed.get(path.name, 0) for path in spills if path.name not in needless]


class Storm:
    def __init__(self, name, seed):
        self.job = JOBS[name]
        self.name = name
        self.chance = random.Random(seed)
        self.expected, self.seconds, unit_bytes = undisturbed(self.job)
        #: A commit comes with the first unit that ends an epoch; rows may take up to twice the space they had.
        self.bound = 2 * (EPOCH + unit_bytes)
        self.kills = self.advanced = self.jobs = self.lost = 0
        self.kinds = ["one rank", "process group"] + (["pid namespace"] if harness.can_unshare() else [])

    def go(self, kills):
        while self.kills < kills:
            with support.data_folder(self.job, **MORE) as folder:
                self.one_job(folder, kills)
            self.jobs += 1
        print(f"        {self.name}: {self.kills} kills in {self.jobs} jobs, {self.advanced} after new commits, "
              f"at most {self.lost / MIB:.1f} MiB of a rank's spill lost", flush=True)
        assert self.advanced > 0, "no kill came after a commit"
        assert self.lost <= self.bound, f"a kill cost {self.lost} bytes of spill, more than an epoch: {self.bound}"

    def one_job(self, folder, kills):
        committed = set()
        kind = self.chance.choice(self.kinds)
        while True:
            ranks = self.chance.randint(1, 4)
            process = folder.start(ranks=ranks, prefix=harness.prefix_of(kind))
            if self.kills < kills:
                end = time.monotonic() + self.chance.uniform(0.1, 0.3 + 1.2 * self.seconds)
                while process.poll() is None and time.monotonic() < end:
                    time.sleep(0.005)
            if self.kills >= kills or process.poll() is not None:
                _, err = process.communicate(timeout=120)
                assert process.returncode == 0, f"status {process.returncode}\n{err.decode()}"
                break
            harness.wait_gone(harness.kill(process, kind, folder.program, self.chance))
            self.kills += 1
            if kind == "pid namespace":  # as time does: from another one nobody sees that the lock's holder is dead
                (folder.path / ".surd/storm/running").unlink(missing_ok=True)
            found = survey(folder)
            now = {(unit["stage"], unit["first"]) for unit in found["units"]}
            assert found["finished"] or committed <= now, f"commits were lost: {sorted(committed - now)[:5]}"
            self.advanced += 1 if now - committed else 0
            self.lost = max(self.lost, *(lost_bytes(folder, found) or [0]), 0)
            committed = now
        assert output_of(folder, self.job) == self.expected, "the output differs from an undisturbed run's"


def test_kills_of_a_record_sort():
    Storm("sort of records", 1).go(KILLS)


def test_kills_of_a_table_sort():
    Storm("sort of a table", 2).go(KILLS)


def test_kills_of_a_group():
    Storm("group", 3).go(KILLS)


def test_kills_of_a_join():
    Storm("join", 4).go(KILLS)


def test_kills_of_a_join_to_hdf5():
    Storm("join to HDF5", 5).go(KILLS // 2)


try:
    harness.main(globals())
finally:
    shutil.rmtree(support.CACHE, ignore_errors=True)
