"""A newcomer's three commands on the private Slurm, and what mistakes in them are answered with."""

import shutil

import cluster
from cluster import Folder, Job, on_login_node, submit


def repository_folder():
    """An empty folder with the job of the README."""
    folder = Folder("", program=cluster.SURD)
    (folder.path / "jobs").mkdir()
    shutil.copytree(cluster.JOBS / "ising", folder.path / "jobs/ising")
    return folder


def surd(folder, *arguments):
    status, out, err = on_login_node(cluster.SURD, *arguments, cwd=folder.path)
    assert status == 0, f"surd {arguments}: status {status}\n{out}{err}"
    return out


def test_the_three_commands_of_the_readme():
    job_file = "jobs/ising/job.yaml"
    with repository_folder() as folder:
        job = Job(folder, "--nodes", 2, job=job_file)
        _, waiting, _ = on_login_node(cluster.SURD, "status", job_file, cwd=folder.path)
        assert f"Slurm job     {job.number}: " in waiting, waiting
        job.wait(150)

        assert "492 of 492 points done" in surd(folder, "status", job_file)
        surd(folder, "report", job_file, "-o", "ising.html")

        report = cluster.reports(folder)[-1]
        assert report["ranks"] == 8 and cluster.hosts(report) == set(cluster.NODES), report["slurm"]
        assert folder.output("results/ising.h5")[:4] == b"\x89HDF"
        assert folder.output("ising.html")


def test_what_slurm_cannot_give_is_said_at_once():
    refusals = {
        ("--partition", "nosuch"): "invalid partition specified: nosuch",
        ("--", "--mem=1000G"): "Memory specification can not be satisfied",
        ("--", "--account"): "requires an argument",
    }
    with repository_folder() as folder:
        for flags, reason in refusals.items():
            status, _, err = submit(folder, *flags, job="jobs/ising/job.yaml")
            assert status == 64 and reason in err.strip().splitlines()[-1], f"{flags}: status {status}: {err}"
        assert cluster.slurm("squeue", "-h") == ""


cluster.main(globals())
