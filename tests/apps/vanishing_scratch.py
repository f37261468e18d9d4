"""Node-local scratch that vanishes between runs: a job is killed, its scratch removed, and goes on with scratch
elsewhere, that is not even there yet. The output is byte-identical to an undisturbed run's.

    vanishing_scratch.py MPIEXEC SURD SURD_DATA
"""

import random
import shutil
import time

import data_support as support
import harness
from harness import Folder

SWEEP = """
kind: sweep
name: storm
command: ["sh", "-c", "echo {x} > {scratch}/in; sleep 0.02; echo y=$(($(cat {scratch}/in) * 2))"]
parse: {regex: 'y=(?<y>\\d+)'}
axes: {x: {range: 60}}
output: out.csv
"""


def sweep():
    return Folder(SWEEP, program=harness.SURD)


def join():
    return support.data_folder(support.join(24 * support.MIB), memory=8 * support.MIB, epoch=support.MIB)


def run_undisturbed(make, output):
    with make() as folder:
        begin = time.monotonic()
        status, _, err = folder.run(ranks=2)
        assert status == 0, f"{status}\n{err}"
        return folder.output(output), time.monotonic() - begin


def survive(make, output="out.csv", kills=4):
    expected, seconds = run_undisturbed(make, output)
    chance = random.Random(1)
    with make() as folder:
        killed = 0
        for turn in range(kills):
            scratch = folder.path / f"node-{turn}" / "scratch"
            process = folder.start(ranks=turn % 3 + 1, environment=folder.environment(SURD_SCRATCH=str(scratch)))
            time.sleep(chance.uniform(0.3, 0.8) * seconds)
            killed += process.poll() is None
            harness.wait_gone(harness.kill(process, "process group", folder.program, chance))
            shutil.rmtree(scratch.parent, ignore_errors=True)
        assert killed > 0, "no run was killed before its end"
        last = folder.environment(SURD_SCRATCH=str(folder.path / "node-last" / "scratch"))
        status, _, err = folder.run(ranks=3, environment=last)
        assert status == 0, f"{status}\n{err}"
        assert folder.output(output) == expected, "the output differs from an undisturbed run's"


def test_a_join_goes_on_without_its_scratch():
    survive(join)


def test_a_sweep_of_commands_goes_on_without_its_scratch():
    survive(sweep)


harness.main(globals())
