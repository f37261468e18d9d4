"""Kills sweeps at random moments in four ways and resumes them on other numbers of ranks.

Shown for every kill: nothing stored is lost, nothing stored is computed again, nothing runs on beside its second copy,
and what is done twice was in flight. Shown for every job: its output is byte-identical to an undisturbed run's.

    kill_storm.py MPIEXEC SURD PROBE [KILLS PER KIND]
"""

import random
import time

import harness
from harness import Folder

KILLS = int(harness.SCALE) if harness.SCALE > 1 else 16
AXES = """
axes:
  x: {range: [0, 40]}
  y: [a, b, c, d]
lease: 1s
output: out.h5
"""
FUNCTION = "kind: sweep\nname: storm\nfunction: tally\nparams: {milliseconds: 5}\nchunk: 8\n" + AXES
COMMAND = """kind: sweep
name: storm
version: "1"
shell: true
command: 'echo "x={x} y={y} $$" >> "$SURD_TRACE"; sleep 0.004 & wait; echo "{{\\"double\\": $(({x} * 2))}}"'
parse: json
""" + AXES
POINTS = 160
#: A rank has one point under way, and its last ones may wait 2 ms to be written: at most one more of 4 ms or longer.
IN_FLIGHT_PER_RANK = 2


def undisturbed(job):
    with Folder(job) as folder:
        status, _, err = folder.run(ranks=2)
        assert status == 0, f"undisturbed run: {status}\n{err}"
        assert len(folder.evaluations()) == POINTS
        assert set(folder.evaluations().values()) == {1}
        return folder.output()


class Storm:
    """One kind of kill on one kind of sweep, job after job until there were enough kills."""

    def __init__(self, kind, job, seed):
        self.kind, self.job = kind, job
        self.chance = random.Random(seed)
        self.expected = undisturbed(job)
        self.kills = self.jobs = self.redone = 0

    def go(self, kills):
        while self.kills < kills:
            with Folder(self.job) as folder:
                self.one_job(folder, kills)
            self.jobs += 1
        print(f"        {self.kind}: {self.kills} kills in {self.jobs} jobs, {self.redone} points in flight done twice")

    def one_job(self, folder, kills):
        allowed = 0
        stored = set()
        while True:
            before = folder.evaluations()
            ranks = self.chance.randint(1, 4)
            killed, status, err = self.one_run(folder, ranks, self.kills < kills)
            after = folder.evaluations()
            again = [point for point in stored if after[point] > before[point]]
            assert not again, f"stored, yet computed again: {again}"
            before_run, stored = stored, folder.stored()
            assert before_run <= stored, "stored points were lost"
            if not killed:
                assert status == 0, f"status {status}\n{err}"
                break
            self.kills += 1
            allowed += ranks * IN_FLIGHT_PER_RANK
            redone = sum(folder.evaluations().values()) - len(folder.evaluations())
            assert redone <= allowed, f"{redone} points done twice, {allowed} can have been in flight"
        assert folder.output() == self.expected, "the output differs from an undisturbed run's"
        self.redone += sum(folder.evaluations().values()) - POINTS

    def one_run(self, folder, ranks, may_kill):
        process = folder.start(ranks=ranks, prefix=harness.prefix_of(self.kind))
        if may_kill:
            end = time.monotonic() + self.chance.uniform(0.05, 0.9)
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
        if may_kill and process.poll() is None:
            family = harness.kill(process, self.kind, folder.program, self.chance)
            harness.wait_gone(family)
            return True, None, ""
        _, err = process.communicate(timeout=60)
        return False, process.returncode, err.decode()


def test_kill_one_rank_of_a_function_sweep():
    Storm("one rank", FUNCTION, 1).go(KILLS)


def test_kill_the_whole_tree_of_a_function_sweep():
    assert harness.can_unshare(), "this test needs the right to make PID namespaces"
    Storm("pid namespace", FUNCTION, 2).go(KILLS // 2)


def test_kill_the_whole_tree_of_a_command_sweep():
    Storm("pid namespace", COMMAND, 3).go(KILLS - KILLS // 2)


def test_kill_the_process_group_of_a_function_sweep():
    Storm("process group", FUNCTION, 4).go(KILLS // 2)


def test_kill_the_process_group_of_a_command_sweep():
    Storm("process group", COMMAND, 5).go(KILLS - KILLS // 2)


def test_kill_a_rank_that_runs_a_command():
    Storm("rank of a command", COMMAND, 6).go(KILLS)


harness.main(globals())
