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
JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"
SKIPPED = 77
MPICH = "hydra" in os.path.realpath(harness.MPIEXEC)
SRUN = ("srun", "--mpi=pmi2" if MPICH else "--mpi=pmix", "--kill-on-bad-exit=1")


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
    eventually(lambda: slurm("sinfo", "-h", "-N", "-p", "debug", "-t", "idle").count("\n") + 1 == len(NODES), seconds,
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
    """A job that `surd submit` gave to Slurm."""

    def __init__(self, folder, *flags, job="job.yaml"):
        self.folder = folder
        status, out, err = submit(folder, *flags, job=job)
        assert status == 0, f"submit {flags}: status {status}\n{err}"
        self.number = re.match(r"submitted job (\d+);", out).group(1)

    def facts(self, of):
        """What Slurm says of it, one value for each task of an array: facts("JobState") is ["RUNNING"]."""
        text = slurm("scontrol", "--oneliner", "show", "job", self.number)
        return re.findall(rf"\b{of}=(\S+)", text)

    def story(self):
        """For messages of failed tests."""
        logs = sorted(self.folder.path.glob(f"**/*-{self.number}*.out"))
        return "\n".join([*(path.read_text() for path in logs), slurm("scontrol", "show", "job", self.number)])

    def wait(self, seconds=60, state="COMPLETED"):
        """Until it is over, and so are all tasks of an array; fails if it ended in another state."""
        on_the_way = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"}
        eventually(lambda: not on_the_way & set(self.facts("JobState")), seconds, self.story)
        assert set(self.facts("JobState")) == {state}, self.story()
        return self

    def wait_until_at_work(self, points=1, seconds=30):
        """Until so many points were begun."""
        eventually(lambda: sum(self.folder.evaluations().values()) >= points, seconds, self.story)


def submit(folder, *flags, job="job.yaml"):
    """surd submit; returns (status, stdout, stderr)."""
    return on_login_node("env", f"SURD_TRACE={folder.trace}", folder.program, "submit", job, *flags, cwd=folder.path)


def reports(folder):
    """Of all runs that came to an end of their own, first to last."""
    return [json.loads(path.read_text()) for path in sorted(folder.path.glob(".surd/*/report-*.json"))]


def hosts(report):
    """The hosts on which a run's ranks were."""
    return {rank["host"] for rank in report["memory"]["per_rank"]}


if (pathlib.Path(DIRECTORY) / "skipped").exists():
    print((pathlib.Path(DIRECTORY) / "skipped").read_text())
    sys.exit(SKIPPED)
