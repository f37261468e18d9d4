"""surd doctor on 1, 2 and 3 ranks of one node, and on two nodes: namespaces with names of their own, which mpirun's
daemon is started in as if by ssh. And processes that do not know of each other: surd refuses to run.
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

MPIEXEC, SURD = sys.argv[1:3]


def run(*command, status=0, **environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **environment})
    assert done.returncode == status, f"status {done.returncode} of {command}: {done.stdout}{done.stderr}"
    return done


def doctor(*launcher):
    return json.loads(run(*launcher, SURD, "doctor", "--json", "--work", "work").stdout)


def check_one_node():
    for ranks in (1, 2, 3):
        report = doctor(MPIEXEC, "-n", str(ranks))
        assert [seen["rank"] for seen in report["ranks"]] == list(range(ranks))
        assert report["mpi"]["ranks"] == ranks and report["launch"]["mistake"] == ""
        assert len(report["links"]) == (ranks > 1)
        for link in report["links"]:
            assert 0 < link["latency_seconds"] < 1 and link["bytes_per_second"] > 1e6
            assert abs(link["clock_offset_seconds"]) < 0.5  # one clock
        node = report["ranks"][0]
        for place in ("scratch", "work"):
            assert "error" not in node[place] and node[place]["synced_bytes_per_second"] > 0, node[place]
        assert any(" ranks share " in warning for warning in report["warnings"]) == (ranks > len(node["cores"]))
    assert os.listdir("work") == [], "doctor leaves files behind"


def check_singletons():
    alone = {"PMI_SIZE": "4", "SLURM_STEP_ID": "0"}
    first = run(SURD, "sort", "none", "--format", "fixed:8", "--key", "0:8", "-o", "out", status=64, **alone)
    assert "4 processes were started (PMI_SIZE)" in first.stderr and "srun --mpi=pmi" in first.stderr
    assert run(SURD, "doctor", **alone).stdout.count("warning: 4 processes were started") == 1
    other = run(SURD, "sort", "none", "--format", "fixed:8", "--key", "0:8", "-o", "out", status=64, PMI_RANK="1", **alone)
    assert other.stderr == other.stdout == "" == run(SURD, "doctor", PMI_RANK="1", **alone).stdout


def check_directories_that_cannot_be_used():
    for options, variables, why in ((["--work", "new/deep"], {}, "No such file or directory"),
                                    (["--work", "/dev/null"], {}, "work /dev/null"),
                                    ([], {"SURD_SCRATCH": "typo"}, "scratch typo")):
        done = run(SURD, "doctor", *options, status=70, **variables)
        assert "cannot be used: " in done.stdout and why in done.stdout and done.stderr == "", done
        assert os.listdir() == ["work"], os.listdir()


def check_names_that_are_no_text():
    os.mkdir(b"odd \xff")
    os.environb[b"OMPI_MCA_btl_surd"] = b"\xff"
    command = [MPIEXEC, "-n", "2", SURD, "doctor", "--work", b"odd \xff"]
    assert json.loads(run(*command, "--json").stdout)["ranks"][0]["work"]["path"] == "odd \ufffd"
    assert "odd \ufffd" in run(*command).stdout
    del os.environb[b"OMPI_MCA_btl_surd"]


def write_agent(path, more=""):
    """What mpirun calls instead of ssh: AGENT [-x] HOST COMMAND..."""
    path.write_text(f'#!/bin/sh\n[ "$1" != -x ] || shift\nhost=$1; shift\nexec unshare -u -m sh -c "hostname $host; mount -t tmpfs tmpfs '
                    f'/dev/shm; {more} $*"\n')
    path.chmod(0o755)
    return path


def on_two_nodes(agent):
    """mpiexec with a rank here and two on surd-n2."""
    hosts = f"{socket.gethostname()}:1,surd-n2:2"
    if "hydra" in os.path.realpath(MPIEXEC):
        return [MPIEXEC, "-launcher", "ssh", "-launcher-exec", str(agent), "-iface", "lo", "-hosts", hosts, "-n", "3"]
    return [MPIEXEC, "--mca", "btl_tcp_if_include", "lo", "--mca", "oob_tcp_if_include", "lo", "--host", hosts, "-n", "3",
            "--mca", "plm_rsh_agent", str(agent)]


def check_two_nodes(directory):
    if subprocess.run(["unshare", "-u", "-m", "true"], capture_output=True).returncode != 0:
        print("no namespaces for this user: two nodes not tested")
        return
    agent = write_agent(directory / "agent")
    nodes = on_two_nodes(agent)
    report = doctor(*nodes)
    assert [(seen["host"], seen["ranks_on_node"]) for seen in report["ranks"]] == [
        (socket.gethostname(), 1), ("surd-n2", 2), ("surd-n2", 2)]
    assert [link["to"] for link in report["links"]] == ["surd-n2"]
    assert report["ranks"][1]["work"]["seen_after_seconds"] < 5
    write_agent(agent, f"mount -t tmpfs tmpfs {directory}/work;")  # a work directory of its own
    warnings = doctor(*nodes)["warnings"]
    assert any(warning.startswith("surd-n2: does not see what rank 0 writes") for warning in warnings), warnings


def main():
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.mkdir("work")
        check_one_node()
        check_singletons()
        check_directories_that_cannot_be_used()
        check_names_that_are_no_text()
        check_two_nodes(pathlib.Path(name))


main()
