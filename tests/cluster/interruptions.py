"""Jobs on the private Slurm that are cut short (by the time limit, by scancel, by a node's death) end as undisturbed ones.

Points that were begun are finished before the program leaves; only a node's death may compute a point twice.
"""

import cluster
from cluster import Folder, Job

POINTS = 120

SWEEP = """kind: sweep
name: storm
function: tally
params: {milliseconds: 1000}
axes: {x: {range: [0, 30]}, y: [a, b, c, d]}
output: out.h5
"""


def undisturbed():
    """The result, from many ranks here: they only sleep."""
    with Folder(SWEEP) as folder:
        status, _, err = folder.run(ranks=12, timeout=120)
        assert status == 0, err
        return folder.output()


EXPECTED = undisturbed()


def check_result(folder, again=0):
    """The undisturbed result, and no point was computed again, but for `again`."""
    evaluations = folder.evaluations()
    assert len(evaluations) == POINTS, len(evaluations)
    assert sum(evaluations.values()) <= POINTS + again, f"{sum(evaluations.values()) - POINTS} points again"
    assert folder.output() == EXPECTED, "another result"


def test_a_time_limit_requeues_the_job_until_it_is_done():
    with Folder(SWEEP) as folder:
        # Slurm looks at limits now and then only: the signal may come up to 30 s earlier than asked for.
        job = Job(folder, "--nodes=2", "--ntasks-per-node=2", "--time=1", "--signal=B:USR1@25").wait(200)
        statuses = [status for _, _, status in job.attempts()]
        assert len(statuses) > 1 and statuses == [75] * (len(statuses) - 1) + [0], job.story()
        print(f"        {len(statuses)} attempts")
        check_result(folder)


def test_a_cancelled_job_can_be_submitted_again():
    with Folder(SWEEP) as folder:
        flags = ("--nodes=2", "--ntasks-per-node=2", "--time=5")
        job = Job(folder, *flags)
        job.wait_until_at_work(points=8)
        cluster.slurm("scancel", job.number)
        job.wait(30, "CANCELLED")
        begun = sum(folder.evaluations().values())
        assert begun < POINTS, begun

        Job(folder, *flags).wait(90)

        check_result(folder, again=4)


def lose_node(node, left):
    """The job has two nodes, loses one, and is requeued on the other, with half the ranks.

    Whole nodes, for then Slurm keeps no number of tasks that the node that is left could not hold.
    """
    with Folder(SWEEP) as folder:
        launch = f"{cluster.SRUN} --ntasks-per-node=2"
        job = Job(folder, "--nodes=1-2", "--exclusive", "--time=5", launch=launch)
        job.wait_until_at_work(points=40)
        cluster.set_power(node, on=False)
        try:
            job.wait(150)
        finally:
            cluster.set_power(node, on=True)
        assert job.attempts()[-1] == (1, left, 0), job.story()
        assert cluster.reports(folder, "storm")[-1]["ranks"] == 2
        check_result(folder, again=4)


def test_a_dead_node_leaves_its_job_to_the_other():
    lose_node("n2", left="n1")


def test_so_does_the_node_of_rank_0_and_its_lease():
    lose_node("n1", left="n2")


cluster.main(globals())
