"""The scripts of slurm/, with the few edits that a user makes, given to sbatch on the private Slurm: all at once."""

import contextlib
import os
import re
import shutil

import cluster
from cluster import Folder, Job, on_login_node

TEMPLATES = cluster.JOBS.parent / "slurm"

ISING = """kind: sweep
name: ising
function: ising
params: {sweeps: 100}
axes: {T: {linspace: [1.5, 3.5, 9]}, L: [8, 16], seed: {range: [0, 3]}}
output: out.h5
"""

SALES = """kind: table
name: sales
input: sales.csv
steps:
  - group: {by: [product], quantity: sum, orders: count}
  - sort: {by: [quantity, product]}
output: out.h5
"""

FIELD = """kind: sweep
name: field
function: tally
params: {milliseconds: 20}
axes: {x: {range: [0, 10]}, y: [a, b, c, d]}
output: out.h5
"""

# What a user of this small cluster changes.
EDITS = {r"(--ntasks-per-node)=\d+": r"\1=2", r"(--mem)=\w+": r"\1=600M", "--time=04:00": "--time=00:05",
         "--array=0-3": "--array=0-1", "--ranks-per-point 8": "--ranks-per-point 2",
         "--memory 256MiB": "--memory 16MiB", r"(--cpus-per-task)=\d+": r"\1=1", r"(--gpus-per-node)=\d+": r"\1=2"}
if cluster.MPICH:
    EDITS["source slurm"] = f"launch=({' '.join(cluster.SRUN)})\nsource slurm"


class Template(Job):
    """A job that sbatch was given by hand."""

    def __init__(self, folder, name, edits, *variables):
        self.folder = folder
        shutil.copytree(TEMPLATES, folder.path / "slurm")
        script = folder.path / "slurm" / name
        text = script.read_text()
        for pattern, replacement in edits.items():
            text = re.sub(pattern, replacement, text)
        script.write_text(text)
        path = f"PATH={os.path.dirname(cluster.SURD)}:{os.environ['PATH']}"
        status, out, err = on_login_node("env", path, *variables, "sbatch", "--parsable", f"slurm/{name}", cwd=folder.path)
        assert status == 0, f"{name}: status {status}\n{err}"
        self.number = out.strip()


def folder_of(stack, job, job_file, program=cluster.SURD):
    """A folder as the template expects it."""
    folder = stack.enter_context(Folder(job, program=program))
    (folder.path / job_file).parent.mkdir(parents=True, exist_ok=True)
    (folder.path / job_file).write_text(job)
    if program == cluster.harness.PROBE:
        (folder.path / "field").symlink_to(program)
    if job == SALES:
        cluster.generate(folder, "sales", "4MiB", "sales.csv")
    return folder


def expected(job, program):
    """The output of the same job here."""
    with contextlib.ExitStack() as stack:
        folder = folder_of(stack, job, "job.yaml", program)
        status, _, err = folder.run(ranks=2)
        assert status == 0, err
        return folder.output()


def test_every_template_ends_with_the_right_result():
    probe = cluster.harness.PROBE
    cases = {"sweep": (ISING, "jobs/ising/job.yaml", cluster.SURD, 4),
             "array": (ISING, "jobs/ising/job.yaml", cluster.SURD, 2),
             "table": (SALES, "jobs/sales/job.yaml", cluster.SURD, 4), "teams": (FIELD, "field.yaml", probe, 4),
             "gpu": (FIELD, "field.yaml", probe, 4)}
    assert {f"{name}.sbatch" for name in cases} == {path.name for path in TEMPLATES.glob("*.sbatch")}
    with contextlib.ExitStack() as stack:
        jobs = {name: Template(folder_of(stack, *case[:3]), f"{name}.sbatch", EDITS) for name, case in cases.items()}
        for name, (job, _, program, ranks) in cases.items():
            jobs[name].wait(100)
            report = cluster.reports(jobs[name].folder)[-1]
            assert report["exit_status"] == 0 and report["ranks"] == ranks, f"{name}: {report}"
            assert jobs[name].folder.output() == expected(job, program), f"{name}: another result"
        assert len(cluster.reports(jobs["array"].folder)) == 2, jobs["array"].story()
        assert jobs["gpu"].facts("TresPerNode") == ["gres:gpu:2"] and jobs["gpu"].facts("Partition") == ["gpu"]


def test_a_task_that_gets_nowhere_is_put_back_alone_and_not_for_ever():
    """The last task's number is that of the whole array; and what was put back before does not count."""
    body = ("run=(bash -c 'echo $SLURM_RESTART_COUNT >>starts-$SLURM_ARRAY_TASK_ID; [ $SLURM_ARRAY_TASK_ID = 0 ] || exit 75; "
            "sleep 4; exit 1') max_restarts=1")
    edits = {**EDITS, r"\d+M": "100M", r"run=\(.*\)": body, r"(--ntasks-per-node)=\d+": r"\1=1"}
    with Folder(ISING) as folder:
        job = Template(folder, "array.sbatch", edits, "SLURM_RESTART_COUNT=20")
        job.wait(80, "FAILED")
        assert sorted(job.facts("ExitCode")) == ["1:0", "75:0"] and sorted(job.facts("Restarts")) == ["0", "1"], job.story()
        assert (folder.path / "starts-0").read_text().split() == ["0"], job.story()
        assert (folder.path / "starts-1").read_text().split() == ["0", "1"], job.story()
        assert "the job was put back 1 times: submit it again to go on" in job.story(), job.story()


cluster.main(globals())
