"""What the end-to-end tests share: jobs in fresh folders, runs that can be killed in four ways, traces of evaluations.

Every test is a script: harness.main(globals()) runs its functions called test_* and leaves with status 1 if one fails.
"""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

MPIEXEC, SURD, PROBE = (os.path.abspath(path) for path in sys.argv[1:4])
SCALE = int(sys.argv[4]) if len(sys.argv) > 4 else 1

KILLED = (137, 9)  # what Open MPI's and MPICH's launchers say of a rank that was killed
KINDS = ("one rank", "pid namespace", "process group", "rank of a command")


class Folder:
    """An empty directory in which one job lives."""

    def __init__(self, job, program=PROBE, name="storm"):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="surd-test-"))
        self.program = program
        self.name = name
        self.trace = self.path / "trace"
        self.rank_prefix = ()  # what starts each rank
        (self.path / "job.yaml").write_text(job)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0] is None:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            print(f"left behind: {self.path}", file=sys.stderr)

    def environment(self, **more):
        return dict(os.environ, SURD_TRACE=str(self.trace), **more)

    def start(self, *arguments, ranks=1, prefix=(), environment=None, stderr=subprocess.PIPE):
        """Starts `surd run job.yaml ...` under mpiexec in a process group of its own."""
        command = [*prefix, MPIEXEC, "-n", str(ranks), *self.rank_prefix, self.program, "run", "job.yaml", *arguments]
        return subprocess.Popen(command, cwd=self.path, env=environment or self.environment(), start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)

    def run(self, *arguments, ranks=1, timeout=60, environment=None):
        """Runs to the end; returns (status, stdout, stderr)."""
        process = self.start(*arguments, ranks=ranks, environment=environment)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"hangs: {arguments} on {ranks} ranks\n{err.decode()}") from None
        return process.returncode, out.decode(), err.decode()

    def verb(self, *arguments, timeout=60, **environment):
        """Runs a verb without mpiexec; returns (status, stdout, stderr)."""
        done = subprocess.run([self.program, *arguments], cwd=self.path, env=self.environment(**environment), timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def stored(self):
        """The points stored as done, as the trace names them."""
        status, _, err = self.verb("export", "job.yaml", "-o", "stored.jsonl")
        assert status in (0, 3, 75), f"export: {status} {err}"
        rows = [json.loads(line) for line in (self.path / "stored.jsonl").read_text().splitlines()]
        return {name_of(row) for row in rows}

    def evaluations(self):
        """How often each point was begun."""
        if not self.trace.exists():
            return collections.Counter()
        return collections.Counter(line.rsplit(" ", 1)[0] for line in self.trace.read_text().splitlines() if line)

    def output(self, name="out.h5"):
        return (self.path / name).read_bytes()


def name_of(row):
    """A point as probe's trace and the command's trace write it."""
    return f"x={row['x']} y={row['y']}"


def children(pid):
    """All descendants of a process, nearest first."""
    found, frontier = [], [pid]
    while frontier:
        parent = frontier.pop(0)
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
        except OSError:  # it has ended meanwhile
            continue
        for task in tasks:
            try:
                kids = [int(kid) for kid in pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text().split()]
            except OSError:
                continue
            found += kids
            frontier += kids
    return found


def ranks_of(process, program):
    """The rank processes under an mpiexec."""
    wanted = os.path.realpath(program)
    ranks = []
    for pid in children(process.pid):
        try:
            if os.readlink(f"/proc/{pid}/exe") != wanted:
                continue
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if re.search(rb"\b(OMPI_COMM_WORLD|PMI)_RANK=", environment) and b"guardian" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            ranks.append(pid)
    # A rank's child looks like the rank until it becomes the command that it is to be.
    return [pid for pid in ranks if parent(pid) not in ranks]


def have_joined(ranks):
    """Whether Open MPI's launcher knows all ranks: they choose how to send messages, the component pml, after that.

    PMIx 4.2.2 releases its record of a rank twice if the rank dies during their first exchange, and mpiexec then hangs in
    PMIx_server_finalize(), whatever the program.
    """
    try:
        for pid in ranks:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            if b"\0PMIX_VERSION=4.2.2" not in environment:
                return True
            size = re.search(rb"\0OMPI_COMM_WORLD_SIZE=(\d+)", environment)
            if len(ranks) < int(size[1]) or "/mca_pml_" not in pathlib.Path(f"/proc/{pid}/maps").read_text():
                return False
    except OSError:  # it has ended meanwhile
        return False
    return bool(ranks)


def parent(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def kill(process, kind, program, chance):
    """SIGKILL of the given kind; returns once everything of that run is gone, as it must be by itself."""
    family = children(process.pid)
    if kind in ("one rank", "rank of a command"):
        victims = ranks_of(process, program)
        if have_joined(victims):
            send(chance.choice(victims), signal.SIGKILL)
        else:
            send(process.pid, signal.SIGKILL)
    elif kind == "pid namespace":
        for pid in children(process.pid)[:1]:  # unshare's child is process 1 of the namespace: all die with it
            send(pid, signal.SIGKILL)
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"mpiexec still runs 30 s after {kind} was killed") from None
    return family


def wait_gone(family, seconds=10):
    """Fails if a process of a killed run is still there after a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        alive = [pid for pid in family if os.path.exists(f"/proc/{pid}") and not is_zombie(pid)]
        if not alive:
            return
        time.sleep(0.02)
    raise AssertionError(f"orphans after {seconds} s: {alive}")


def is_zombie(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def can_unshare():
    return subprocess.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "true"],
                          capture_output=True).returncode == 0


def prefix_of(kind):
    return ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc") if kind == "pid namespace" else ()


def main(tests):
    failed = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_"):
            continue
        start = time.monotonic()
        try:
            test()
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)
