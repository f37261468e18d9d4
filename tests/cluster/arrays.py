"""Two tasks of a Slurm array that share one memo share the work; both have the whole result."""

import cluster
from cluster import Folder, Job

SWEEP = """kind: sweep
name: storm-{task}
function: tally
params: {{milliseconds: 100}}
axes: {{x: {{range: [0, 40]}}, y: [a, b, c, d]}}
memo: memo
lease: 3s
output: out-{task}.h5
"""


def rows_of(folder, task):
    """What the output holds, without the job's name."""
    status, out, err = folder.verb("inspect", f"out-{task}.h5")
    assert status == 0 and (folder.path / f"out-{task}.h5").stat().st_size > 0, out + err
    status, _, err = folder.verb("export", f"job-{task}.yaml", "-o", f"{task}.csv")
    assert status == 0, err
    return folder.output(f"{task}.csv")


def test_two_tasks_share_one_memo():
    with Folder("") as folder:
        for task in range(2):
            (folder.path / f"job-{task}.yaml").write_text(SWEEP.format(task=task))

        job = Job(folder, "--array=0-1", "--nodes=1", "--ntasks-per-node=2", "--exclusive", "--time=5",
                  job="job-$SLURM_ARRAY_TASK_ID.yaml").wait(90)

        evaluations = folder.evaluations()
        assert len(evaluations) == 160, len(evaluations)
        twice = sum(evaluations.values()) - len(evaluations)
        assert twice <= len(evaluations) // 20, f"{twice} points computed twice: the tasks do not share the work"
        reports = cluster.reports(folder)
        computed = [report["points"]["computed"] for report in reports]
        assert len(computed) == 2 and min(computed) > 0, computed
        assert {*cluster.hosts(reports[0]), *cluster.hosts(reports[1])} == set(cluster.NODES), job.story()
        print(f"        computed {computed}, {twice} twice")
        assert rows_of(folder, 0) == rows_of(folder, 1), job.story()


cluster.main(globals())
