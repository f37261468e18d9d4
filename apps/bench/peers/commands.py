#!/usr/bin/env python3
"""Runs N trivial commands through surd and through the tools one would take instead, and compares the rates.

Usage: commands.py SURD [-n N] [-j JOBS] [-k ROUNDS]      SURD is the path of the program, or - for the peers alone.

Every tool runs `true i` for i in 0..N-1, JOBS at a time, and is timed from its start to its end. The tools take
turns, the best of ROUNDS counts: times on shared machines drift, only ratios within one run mean something. Before
that, each has to show that it runs every command, by files that the commands make. Prints one line of JSON per
measurement to stderr and a table to stdout. Peers (Debian: parallel, findutils, xjobs, python3-joblib) that are not
installed are left out, and said so.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

JOBLIB = """
import subprocess, sys
from joblib import Memory, Parallel, delayed
directory, jobs, count, *command = sys.argv[1:]
memory = Memory(directory, verbose=0)
@memory.cache
def run(i):
    return subprocess.run([word.replace("{i}", str(i)) for word in command]).returncode
sys.exit(max(Parallel(n_jobs=int(jobs))(delayed(run)(i) for i in range(int(count)))))
"""

FLOOR = """
import os, sys
jobs, count, path, *command = sys.argv[1:]
def work(first):
    for i in range(first, int(count), int(jobs)):
        words = [word.replace("{i}", str(i)) for word in command]
        status = os.waitpid(os.posix_spawn(path, words, os.environ), 0)[1]
        if status: os._exit(1)
    os._exit(0)
children = [os.fork() or work(job) for job in range(int(jobs))]
sys.exit(max(os.waitpid(child, 0)[1] for child in children) and 1)
"""

SURD_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}


def filled(command, placeholder):
    return [word.replace("{i}", placeholder) for word in command]


def numbers(count):
    return "".join(f"{i}\n" for i in range(count))


class Tool:
    """A way to run `command` (with {i}) for i in range(count) in an empty directory; raises if it fails."""

    def __init__(self, name, run, needs):
        self.name, self.run, self.needs = name, run, needs

    def missing(self):
        """Why it cannot be used, or None."""
        if self.needs == "joblib":
            found = subprocess.run(["/usr/bin/python3", "-c", "import joblib"], capture_output=True).returncode == 0
        else:
            found = shutil.which(self.needs) is not None
        return None if found else f"{self.needs} is not installed"


def check(words, **more):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)


def surd_tool(name, surd, jobs, keys):
    def run(command, count, directory):
        job = directory / "job.yaml"
        job.write_text(
            f"kind: sweep\nname: peers\ncommand: {json.dumps(command)}\nparse: none\n{keys}"
            f"axes: {{i: {{range: {count}}}}}\noutput: {directory}/results.h5\n")
        check(["mpirun", "-n", str(jobs), surd, "run", str(job), "--work", str(directory / "work"), "--quiet"],
              env={**os.environ, **SURD_ENVIRONMENT})
        if not (directory / "results.h5").exists():
            raise RuntimeError("surd wrote no results")

    return Tool(name, run, surd)


def parallel_tool(jobs):
    def run(command, count, directory):
        log = directory / "joblog"
        check(["parallel", "-j", str(jobs), "--joblog", str(log), *filled(command, "{}")], input=numbers(count), text=True)
        lines = len(log.read_text().splitlines()) - 1
        if lines != count:
            raise RuntimeError(f"the joblog of parallel has {lines} lines for {count} commands")

    return Tool("parallel --joblog", run, "parallel")


def xargs_tool(jobs):
    def run(command, count, _):
        check(["xargs", "-P", str(jobs), "-I{}", *filled(command, "{}")], input=numbers(count), text=True)

    return Tool("xargs -P", run, "xargs")


def xjobs_tool(jobs):
    def run(command, count, directory):
        script = directory / "script"
        script.write_text("".join(" ".join(filled(command, str(i))) + "\n" for i in range(count)))
        check(["xjobs", "-j", str(jobs), "-v0", "-s", str(script)], stderr=subprocess.DEVNULL)

    return Tool("xjobs", run, "xjobs")


def python_tool(name, script, needs, arguments):
    def run(command, count, directory):
        check(["/usr/bin/python3", "-c", script, *arguments(command, count, directory), *command])

    return Tool(name, run, needs)


def all_tools(surd, jobs):
    tools = []
    if surd != "-":
        tools = [surd_tool("surd", surd, jobs, "capture: 0\n"), surd_tool("surd, output kept", surd, jobs, "")]
    return tools + [
        python_tool("bare posix_spawn", FLOOR, "python3",
                    lambda command, count, _: [str(jobs), str(count), shutil.which(command[0])]),
        parallel_tool(jobs),
        xargs_tool(jobs),
        xjobs_tool(jobs),
        python_tool("joblib.Memory", JOBLIB, "joblib",
                    lambda _, count, directory: [str(directory / "cache"), str(jobs), str(count)]),
    ]


def verify(tool, count):
    """Raises unless the tool runs all of `count` commands."""
    with tempfile.TemporaryDirectory() as directory:
        made = pathlib.Path(directory, "made")
        made.mkdir()
        tool.run(["touch", f"{made}/{{i}}"], count, pathlib.Path(directory))
        found = len(list(made.iterdir()))
        if found != count:
            raise RuntimeError(f"{tool.name} ran {found} of {count} commands")


def measure(tool, count, jobs, turn):
    with tempfile.TemporaryDirectory() as directory:
        begin = time.monotonic()
        tool.run(["true", "{i}"], count, pathlib.Path(directory))
        seconds = time.monotonic() - begin
    line = {"workload": "commands", "tool": tool.name, "n": count, "jobs": jobs, "round": turn,
            "seconds": round(seconds, 4), "per_second": round(count / seconds, 1), "load": os.getloadavg()[0]}
    print(json.dumps(line), file=sys.stderr, flush=True)
    return count / seconds


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("surd")
    options.add_argument("-n", type=int, default=2000)
    options.add_argument("-j", type=int, default=2)
    options.add_argument("-k", type=int, default=3)
    given = options.parse_args()
    surd = given.surd if given.surd == "-" else str(pathlib.Path(given.surd).resolve())

    tools = []
    for tool in all_tools(surd, given.j):
        if reason := tool.missing():
            print(f"left out: {tool.name}: {reason}")
            continue
        verify(tool, 100)
        tools.append(tool)
    best = {tool.name: 0.0 for tool in tools}
    for turn in range(given.k):
        for tool in tools:
            best[tool.name] = max(best[tool.name], measure(tool, given.n, given.j, turn))

    reference = best.get("surd")
    print(f"{given.n} commands, {given.j} at a time, best of {given.k}, load {os.getloadavg()[0]:.1f}")
    print(f"{'tool':<20}{'commands/s':>12}{'surd is':>12}")
    for name, rate in sorted(best.items(), key=lambda item: -item[1]):
        print(f"{name:<20}{rate:>12.0f}" + (f"{reference / rate:>11.2f}x" if reference else f"{'-':>12}"))


if __name__ == "__main__":
    main()
