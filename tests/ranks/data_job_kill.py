"""Data jobs that are killed at any write, on any rank, and go on with another number of ranks.

    data_job_kill.py MPIEXEC PROBE
"""

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

MPIEXEC, PROBE = sys.argv[1:3]
ALL_UNITS = 200 + 2 * 100
EPOCH_BYTES = 20_000


def start(directory, run, ranks, pace=1, **environment):
    command = [MPIEXEC, "-n", str(ranks), PROBE, str(directory), run, str(EPOCH_BYTES), str(pace)]
    return subprocess.Popen(command, env=dict(os.environ, **environment), start_new_session=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, seconds=60):
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, out, err


def resume(directory, run, ranks):
    status, out, err = finish(start(directory, run, ranks))
    assert status == 0 and "right" in out, f"status {status}\n{out}\n{err}"
    assert not os.listdir(directory / "work" / "spill"), "spill files were left behind"
    return [int(number) for number in re.findall(r"\d+", out)]


def kills_at_every_write(directory):
    """SIGKILL of one rank at, before or in the middle of its k-th write; mpiexec takes the others down."""
    choice = random.Random(1)
    resumed_any = 0
    for index in range(5):
        work = directory / f"kill{index}"
        work.mkdir()
        for life in range(choice.randint(1, 3)):
            ranks = choice.randint(1, 4)
            fault = f"{choice.choice(['kill', 'after', 'torn'])}@{choice.randint(1, 60)}#{choice.randrange(ranks)}"
            status, out, err = finish(start(work, f"life{life}", ranks, SURD_FAULT=fault))
            assert status != 0 or "right" in out, f"{fault}: {err}"
        ranks = choice.randint(1, 4)
        units, resumed = resume(work, "last", ranks)
        assert units + resumed == ALL_UNITS or units == 0, f"{units} + {resumed}: units were done in vain"
        resumed_any += resumed
    assert resumed_any > ALL_UNITS / 4, f"{resumed_any} units resumed: nearly nothing was kept"


def stops_within_a_moment(directory):
    for index, ranks in enumerate((1, 2, 3)):
        work = directory / f"stop{index}"
        work.mkdir()
        process = start(work, "first", ranks, pace=10)
        while not list(work.glob("work/spill/*")):
            time.sleep(0.01)
        time.sleep(0.05)
        begin = time.monotonic()
        process.send_signal(signal.SIGUSR1)  # mpiexec passes it on
        status, out, err = finish(process)
        assert time.monotonic() - begin < 5, "the ranks do not stop"
        units, resumed = resume(work, "second", 4 - ranks)
        assert units + resumed == ALL_UNITS, f"{units} + {resumed} of {ALL_UNITS}; first: {status} {out} {err}"


def full_disk_is_one_line(directory):
    work = directory / "full"
    work.mkdir()
    status, _, err = finish(start(work, "first", 3, SURD_FAULT="enospc@9:spill"))
    assert status == 70, f"status {status}\n{err}"
    lines = [line for line in err.splitlines() if "fatal" in line]
    assert lines and "No space left on device" in lines[0] and "spill" in lines[0], err
    resume(work, "second", 2)


def second_run_is_refused(directory):
    work = directory / "twice"
    work.mkdir()
    first = start(work, "first", 2, pace=50)
    while not list(work.glob("work/running")):
        time.sleep(0.01)
    status, _, err = finish(start(work, "second", 2))
    assert status == 64 and "is in use by another run: process" in err, f"status {status}\n{err}"
    assert first.poll() is None
    first.send_signal(signal.SIGUSR1)
    finish(first)
    resume(work, "third", 1)


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="surd-test-"))
    for test in (kills_at_every_write, stops_within_a_moment, full_disk_is_one_line, second_run_is_refused):
        begin = time.monotonic()
        test(directory)
        print(f"{test.__name__}: {time.monotonic() - begin:.1f} s")
    shutil.rmtree(directory)


main()
