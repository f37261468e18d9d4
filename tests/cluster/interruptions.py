"""Jobs on the private Slurm that are cut short (by the time limit, by scancel, by a node's death) end as undisturbed ones.

Points that were begun are finished before the program leaves; only a node's death may compute a point twice.
"""

import cluster
from cluster import Folder, Job, eventually

SWEEP = """kind: sweep
name: storm
function: tally
params: {milliseconds: 200}
axes: {x: {range: [0, 20]}, y: [a, b, c, d]}
output: out.h5
"""
POINTS = 80
TWO_NODES = ("--nodes", 2, "--tasks-per-node", 2)

SORT = """kind: table
name: sales
input: sales.csv
steps:
  - sort: {by: [-price, product]}
output: sorted.csv
memory: 16MiB
epoch: 8MiB
"""


def check_result(folder, sweep=SWEEP, points=POINTS, again=0):
    """The undisturbed result, and no point was computed again, but for `again`."""
    evaluations = folder.evaluations()
    assert len(evaluations) == points, len(evaluations)
    assert sum(evaluations.values()) <= points + again, f"{sum(evaluations.values()) - points} points again"
    with Folder(sweep) as undisturbed:
        status, _, err = undisturbed.run(ranks=2, environment=undisturbed.environment(SURD_HURRY="1"))
        assert status == 0, err
        assert folder.output() == undisturbed.output(), "another result"


def test_a_time_limit_requeues_the_job_until_it_is_done():
    sweep = SWEEP.replace("[0, 20]", "[0, 200]") + "memory_per_point: 64MiB\n"  # takes 40 s
    with Folder(sweep) as with_srun, Folder(sweep) as with_mpirun:
        # Side by side. Slurm looks at limits now and then only: the signal may come up to 30 s earlier than asked for.
        folders = {"srun": with_srun, "mpirun": with_mpirun}
        jobs = {name: Job(folder, *TWO_NODES, "--time", 1, "--launcher", name, "--", "--signal=B:USR1@25")
                for name, folder in folders.items()}
        for name, folder in folders.items():
            jobs[name].wait(200)
            statuses = [report["exit_status"] for report in cluster.reports(folder)]
            assert len(statuses) > 1 and statuses == [75] * (len(statuses) - 1) + [0], jobs[name].story()
            print(f"        {len(statuses)} starts with {name}")
            check_result(folder, sweep, 10 * POINTS)


def test_a_cancelled_job_stays_so_and_can_be_submitted_again():
    with Folder(SWEEP) as folder:
        job = Job(folder, *TWO_NODES, "--time", 5)
        job.wait_until_at_work(points=8)
        cluster.slurm("scancel", job.number)
        job.wait(30, "CANCELLED")
        begun = sum(folder.evaluations().values())
        assert begun < POINTS, begun

        Job(folder, *TWO_NODES, "--time", 5).wait(90)

        check_result(folder, again=4)


def lose_node(folder, node, left, ready, launcher="srun"):
    """The job has two nodes, loses one once it is `ready`, and ends on the other, with half the ranks."""
    job = Job(folder, "--nodes", "1-2", "--tasks-per-node", 2, "--time", 5, "--launcher", launcher)
    eventually(ready, 60, job.story)
    cluster.set_power(node, on=False)
    try:
        job.wait(120)
    finally:
        cluster.set_power(node, on=True)
    report = cluster.reports(folder)[-1]
    assert report["slurm"]["restart_count"] == "1", report["slurm"]
    assert report["ranks"] == 2 and cluster.hosts(report) == {left}, job.story()
    return report


def test_a_sweep_goes_on_without_the_node_that_died():
    for launcher in ("srun", "mpirun"):
        with Folder(SWEEP) as folder:
            lose_node(folder, "n2", "n1", lambda: sum(folder.evaluations().values()) >= 30, launcher)
            check_result(folder, again=4)


def test_a_sort_goes_on_without_the_node_of_rank_0():
    """That held the lock of the work directory; the job's next start knows that its holder is dead."""
    with Folder(SORT, program=cluster.SURD) as folder:
        cluster.generate(folder, "sales", "128MiB", "sales.csv")
        epochs = folder.path / ".surd/sales/epochs"
        report = lose_node(folder, "n1", left="n2", ready=lambda: any(epochs.glob("*")))
        assert report["data"]["units_resumed"] > 0, report["data"]
        status, _, err = folder.run("--set", "output=here.csv", "--work", "here", ranks=2)
        assert status == 0, err
        assert folder.output("sorted.csv") == folder.output("here.csv"), "another result"


cluster.main(globals())
