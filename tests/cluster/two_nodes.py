"""Sweeps and data jobs over the two nodes of the private Slurm, with srun and with mpirun, end as they do on one machine."""

import subprocess

import cluster
from cluster import NODES, Folder, Job

ISING = """kind: sweep
name: ising
function: ising
params: {sweeps: 300}
axes:
  T: {linspace: [1.5, 3.5, 9]}
  L: [8, 16]
  seed: {range: [0, 3]}
output: ising.h5
"""

SORT = """kind: table
name: records
input: {path: records.bin, fixed: {record_bytes: 100, key: [0, 10]}}
output: sorted.bin
memory: 8MiB
"""

GROUP = """kind: table
name: sales
input: sales.csv
steps:
  - derive: {revenue: "price * quantity"}
  - group: {by: [product], revenue: sum, orders: count}
  - sort: {by: [revenue, product]}
output: top.csv
memory: 16MiB
"""


def run_on_both(folder, launcher):
    """Runs the job on two ranks of each node, and returns its report."""
    Job(folder, "--nodes", 2, "--tasks-per-node", 2, "--time", 5, "--launcher", launcher).wait(90)
    report = cluster.reports(folder)[-1]
    assert report["ranks"] == 4, report
    assert cluster.hosts(report) == set(NODES), cluster.hosts(report)
    return report


def ising_here():
    with Folder(ISING, program=cluster.ISING) as folder:
        status, _, err = folder.run(ranks=2)
        assert status == 0, err
        return folder.output("ising.h5")


def test_a_sweep_with_srun_and_with_mpirun():
    expected = ising_here()
    for launcher in ("srun", "mpirun"):
        with Folder(ISING, program=cluster.ISING) as folder:
            report = run_on_both(folder, launcher)
            assert report["points"]["computed"] == 54, report["points"]
            assert report["slurm"]["nodes"] == "n[1-2]", report["slurm"]
            assert folder.output("ising.h5") == expected, f"{launcher}: another result"


def test_a_sort_with_srun_and_with_mpirun():
    for launcher in ("srun", "mpirun"):
        with Folder(SORT, program=cluster.SURD) as folder:
            cluster.generate(folder, "records", "96MiB", "records.bin")
            run_on_both(folder, launcher)
            subprocess.run([cluster.SURD_DATA, "check", "sorted", "--record", "100", "--key", "0:10", "sorted.bin",
                            "records.bin"], cwd=folder.path, check=True, stdout=subprocess.DEVNULL)


def test_groups():
    with Folder(GROUP, program=cluster.SURD) as folder:
        cluster.generate(folder, "sales", "32MiB", "sales.csv")
        status, _, err = folder.run("--set", "output=here.csv", "--work", "here")
        assert status == 0, err
        run_on_both(folder, "srun")
        assert folder.output("top.csv") == folder.output("here.csv")


cluster.main(globals())
