"""Two tasks of a Slurm array that share one memo share the work."""

import cluster
from cluster import Folder, Job

SWEEP = """kind: sweep
name: storm
function: tally
params: {milliseconds: 100}
axes: {x: {range: [0, 40]}, y: [a, b, c, d]}
lease: 3s
output: out.h5
"""


def test_two_tasks_share_one_memo():
    with Folder(SWEEP) as folder:
        flags = ("--array", 2, "--tasks-per-node", 2, "--time", 5, "--", "--exclusive")  # on a node each

        job = Job(folder, *flags).wait(90)

        evaluations = folder.evaluations()
        assert len(evaluations) == 160, len(evaluations)
        twice = sum(evaluations.values()) - len(evaluations)
        assert twice <= len(evaluations) // 20, f"{twice} points computed twice: the tasks do not share the work"
        reports = cluster.reports(folder)
        computed = [report["points"]["computed"] for report in reports]
        assert len(computed) == 2 and min(computed) > 0, computed
        assert {*cluster.hosts(reports[0]), *cluster.hosts(reports[1])} == set(cluster.NODES), job.story()
        print(f"        computed {computed}, {twice} twice")
        with Folder(SWEEP) as undisturbed:
            status, _, err = undisturbed.run(ranks=2, environment=undisturbed.environment(SURD_HURRY="1"))
            assert status == 0, err
            assert folder.output() == undisturbed.output(), "another result"


cluster.main(globals())
