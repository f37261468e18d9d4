"""surd doctor under srun on both nodes of the private Slurm: what it says of them, and what it warns of."""

import json
import os

import cluster
from cluster import NODES, Folder

ALLOCATION = ("--nodes", 2, "--ntasks-per-node", 2, "--mem-per-cpu", 300, "--time", 5)
FILE_SYSTEMS = ("ext4", "xfs", "btrfs", "zfs", "overlayfs", "tmpfs")


def doctor(folder, *variables, words=("--json",)):
    return cluster.slurm(*cluster.SRUN, *ALLOCATION, "env", *variables, cluster.SURD, "doctor", *words, cwd=folder.path)


def test_it_knows_the_nodes_and_the_job():
    with Folder("") as folder:
        report = json.loads(doctor(folder))
        assert [(seen["host"], seen["ranks_on_node"]) for seen in report["ranks"]] == [
            (node, 2) for node in NODES for _ in range(2)]
        assert report["mpi"]["library"].startswith("MPICH " if cluster.MPICH else "Open MPI ")
        assert report["launch"]["mistake"] == ""
        assert report["slurm"]["nodes"] == "n[1-2]" and 0 < report["slurm"]["seconds_left"] <= 300, report["slurm"]
        link, = report["links"]
        assert (link["from"], link["to"]) == NODES and link["bytes_per_second"] > 1e6, link
        assert abs(link["clock_offset_seconds"]) < 0.5, "both nodes have this machine's clock"
        for seen in report["ranks"][::2]:
            work = seen["work"]
            assert work["file_system"] in FILE_SYSTEMS and work["synced_bytes_per_second"] > 0, work
            assert work["seen_after_seconds"] < 5 and not seen["scratch"]["shared"], seen
        for node in NODES:  # whose scratch is a tmpfs of its own
            assert any(text.startswith(f"{node}: scratch ") and "counts as memory" in text
                       for text in report["warnings"]), report["warnings"]
        assert any(text.startswith("this Slurm job ends in ") for text in report["warnings"])
        assert os.listdir(folder.path) == ["job.yaml"], "doctor leaves files behind"


def test_it_warns_of_shared_scratch_and_an_unknown_end():
    with Folder("") as folder:
        text = doctor(folder, "PATH=/none", f"SURD_SCRATCH={folder.path}", words=())
        warnings = [line for line in text.splitlines() if line.startswith("warning: ")]
        assert any(f"n2: scratch {folder.path} is shared with rank 0's node" in line for line in warnings), text
        assert any("Slurm does not say when this job ends" in line for line in warnings), text
        assert "unknown time left" in text and "n1 to n2: " in text and ", clock " in text, text


cluster.main(globals())
