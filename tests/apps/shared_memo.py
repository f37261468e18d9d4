"""Four jobs at once on one memo, two on the same grid and two on overlapping ones, killed and started again.

Nothing is lost, all outputs are right, and the jobs share the work.

    shared_memo.py MPIEXEC SURD PROBE [KILLS]
"""

import random
import subprocess
import time

import harness
from harness import Folder

KILLS = int(harness.SCALE) if harness.SCALE > 1 else 50


def job(name, x, lease="1s"):
    return f"""kind: sweep
name: {name}
function: tally
params: {{milliseconds: 5}}
axes: {{x: {{range: {x}}}, y: [a, b, c, d]}}
memo: memo
lease: {lease}
output: {name}.h5
"""


JOBS = {"first": [0, 60], "second": [0, 60], "third": [30, 90], "fourth": [10, 40]}


def start(folder, name, ranks):
    command = [harness.MPIEXEC, "-n", str(ranks), folder.program, "run", f"{name}.yaml"]
    return subprocess.Popen(command, cwd=folder.path, env=folder.environment(), start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def expected_outputs():
    outputs = {}
    for name, x in JOBS.items():
        with Folder(job(name, x)) as folder:
            status, _, err = folder.run(ranks=2)
            assert status == 0, err
            outputs[name] = folder.output(f"{name}.h5")
    return outputs


def test_four_jobs_share_the_work():
    with Folder("") as folder:
        for name in JOBS:
            (folder.path / f"{name}.yaml").write_text(job(name, JOBS[name], "30s"))
        running = {name: start(folder, name, 1) for name in JOBS}
        for name, process in running.items():
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, f"{name}: {err.decode()}"
        evaluations = folder.evaluations()
        assert len(evaluations) == 90 * 4
        twice = sum(evaluations.values()) - len(evaluations)
        print(f"        {len(evaluations)} points, {twice} computed twice")
        assert twice <= len(evaluations) // 20, "the jobs do not share the work"


def test_four_jobs_under_kills():
    outputs = expected_outputs()
    chance = random.Random(9)
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        with Folder("") as folder:
            for name in JOBS:
                (folder.path / f"{name}.yaml").write_text(job(name, JOBS[name]))
            running = {name: start(folder, name, chance.randint(1, 2)) for name in JOBS}
            finished = set()
            while len(finished) < len(JOBS):
                time.sleep(chance.uniform(0.02, 0.3))
                if kills < KILLS:
                    name = chance.choice([name for name in JOBS if name not in finished])
                    if running[name].poll() is None:
                        harness.wait_gone(harness.kill(running[name], chance.choice(["one rank", "process group"]),
                                                       folder.program, chance))
                        kills += 1
                        running[name] = start(folder, name, chance.randint(1, 2))
                for name, process in running.items():
                    if name not in finished and process.poll() is not None:
                        err = process.stderr.read().decode()
                        assert process.returncode == 0, f"{name}: status {process.returncode}\n{err}"
                        finished.add(name)
            for name in JOBS:
                assert folder.output(f"{name}.h5") == outputs[name], f"{name}: wrong output"
    print(f"        {kills} kills in {rounds} rounds")


harness.main(globals())
