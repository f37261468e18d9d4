"""What the tests on the private Slurm share: jobs submitted from its login node, followed until they end.

    SCRIPT MPIEXEC SURD PROBE SCALE TEST_CLUSTER DIRECTORY SURD_DATA ISING
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "apps"))
import harness  # noqa: E402
from harness import Folder  # noqa: E402,F401

TEST_CLUSTER, DIRECTORY, SURD_DATA, ISING = (os.path.abspath(path) for path in sys.argv[5:9])
SURD = harness.SURD
NODES = ("n1", "n2")
SKIPPED = 77

# {launch} starts the ranks. A trap interrupts `wait`, so it is called until the program is gone. A job that scancel
# ends leaves with status 75 as well: asking to be requeued would bring it back to life.
SCRIPT = """#!/bin/bash
{launch} {program} run {job} &
pid=$!
trap 'kill -USR1 $pid' USR1
trap 'kill -TERM $pid' TERM
wait $pid; status=$?
while kill -0 $pid 2>/dev/null; do wait $pid; status=$?; done
echo "attempt ${{SLURM_RESTART_COUNT:-0}} on $SLURM_JOB_NODELIST: status $status"
if [ $status -eq 75 ] && [ ${{SLURM_RESTART_COUNT:-0}} -lt 9 ] && [ "$(squeue -h -j $SLURM_JOB_ID -o %T)" = RUNNING ]; then
  scontrol requeue $SLURM_JOB_ID
fi
exit $status
"""
SRUN = "srun --mpi=pmix --kill-on-bad-exit=1"
MPIRUN = "mpirun"


def on_login_node(*command, cwd=None, timeout=60):
    """Runs a command on the login node; returns (status, stdout, stderr)."""
    done = subprocess.run([TEST_CLUSTER, "run", DIRECTORY, *map(str, command)], cwd=cwd, timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def slurm(*command, cwd=None):
    """A Slurm command that must succeed; returns what it prints."""
    status, out, err = on_login_node(*command, cwd=cwd)
    assert status == 0, f"{command}: status {status}\n{err}"
    return out.strip()


def set_power(node, on):
    subprocess.run([TEST_CLUSTER, "start" if on else "kill", DIRECTORY, node], check=True, timeout=30)


def eventually(condition, seconds, what):
    """Waits until `condition()` is true and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"{seconds} s passed, but {what() if callable(what) else what}")


def wait_for_idle_nodes(seconds=60):
    eventually(lambda: slurm("sinfo", "-h", "-N", "-t", "idle").count("\n") + 1 == len(NODES), seconds,
               lambda: f"not all nodes are idle:\n{slurm('sinfo', '-N', '-l')}\n{slurm('squeue')}")


def main(tests):
    """As harness.main, with a cluster that is idle before each test whatever the one before left."""
    def on_an_idle_cluster(test):
        def run():
            slurm("scancel", "--user=root")
            wait_for_idle_nodes()
            test()
        return run
    harness.main({name: on_an_idle_cluster(test) for name, test in tests.items() if name.startswith("test_")})


def generate(folder, kind, size, name):
    """Input for a data job."""
    subprocess.run([SURD_DATA, kind, "--bytes", size, "-o", folder.path / name], check=True)


class Job:
    """A job in Slurm. Its log is job-<number>.out in the folder, of all tasks if it is an array."""

    def __init__(self, folder, *flags, launch=SRUN, program=None, job="job.yaml"):
        self.folder = folder
        script = SCRIPT.format(launch=launch, program=program or folder.program, job=job)
        (folder.path / "job.sbatch").write_text(script)
        printed = slurm("sbatch", "--parsable", "--requeue", "--open-mode=append", "--output=job-%A.out",
                        f"--export=ALL,SURD_TRACE={folder.trace}", *flags, "job.sbatch", cwd=folder.path)
        self.number = printed.split(";")[0]

    def facts(self):
        """What Slurm knows of it: {"JobState": "RUNNING", ...}."""
        text = slurm("scontrol", "--oneliner", "show", "job", self.number)
        return dict(re.findall(r"(\S+?)=(\S*)", text.splitlines()[0]))

    def log(self):
        path = self.folder.path / f"job-{self.number}.out"
        return path.read_text() if path.exists() else ""

    def story(self):
        return f"job {self.number}:\n{self.log()}\n{slurm('scontrol', 'show', 'job', self.number)}"

    def wait(self, seconds=60, state="COMPLETED"):
        """Until it is over, and so are all tasks of an array; fails if it ended in another state."""
        def states():
            text = slurm("scontrol", "--oneliner", "show", "job", self.number)
            return set(re.findall(r"JobState=(\S+)", text))
        eventually(lambda: not states() & {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"},
                   seconds, self.story)
        assert states() == {state}, self.story()
        return self

    def wait_until_at_work(self, points=1, seconds=30):
        """Until so many points were begun."""
        eventually(lambda: sum(self.folder.evaluations().values()) >= points, seconds, self.story)

    def attempts(self):
        """One per start that got as far as the program's end: (restarts, nodes, status)."""
        pattern = r"^attempt (\d+) on (\S+): status (\d+)$"
        return [(int(r), n, int(s)) for r, n, s in re.findall(pattern, self.log(), re.MULTILINE)]


def reports(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.path.glob(".surd/*/report-*.json"))]


def hosts(report):
    """The hosts on which a run's ranks were."""
    return {rank["host"] for rank in report["memory"]["per_rank"]}


if (pathlib.Path(DIRECTORY) / "skipped").exists():
    print((pathlib.Path(DIRECTORY) / "skipped").read_text())
    sys.exit(SKIPPED)
