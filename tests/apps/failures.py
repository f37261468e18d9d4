"""Signals, broken disks and dying ranks: one clear line, the right exit status, and never a hang.

    failures.py MPIEXEC SURD PROBE 1 MAKE_NEWER
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import harness
from harness import KILLED, Folder

MAKE_NEWER = sys.argv[5]


def job(function="tally", milliseconds=5, points=400, extra=""):
    return f"""kind: sweep
name: job
function: {function}
params: {{milliseconds: {milliseconds}, megabytes: 1}}
axes: {{x: {{range: {points}}}, y: [a]}}
output: out.h5
{extra}
"""


def wait_for_points(folder, count, seconds=20):
    end = time.monotonic() + seconds
    while len(folder.evaluations()) < count:
        assert time.monotonic() < end, "the job does not start"
        time.sleep(0.01)


def lines_with(text, err):
    return [line for line in err.splitlines() if text in line]


def stop_and_resume(number, to_ranks):
    with Folder(job(milliseconds=20)) as folder:
        process = folder.start(ranks=3)
        wait_for_points(folder, 30)
        ranks = harness.ranks_of(process, folder.program)
        start = time.monotonic()
        for pid in ranks if to_ranks else [process.pid]:
            harness.send(pid, number)
        harness.wait_gone(ranks)
        seconds = time.monotonic() - start
        _, err = process.communicate(timeout=20)
        begun = folder.evaluations()
        assert process.returncode == 75, f"status {process.returncode}\n{err.decode()}"
        assert seconds < 1 + 0.02 + 0.2, f"the ranks took {seconds:.2f} s to stop, and their points 0.02 s"
        assert lines_with("run the same command again", err.decode()), err.decode()
        assert folder.stored() == set(begun), "a point that was begun was not stored"
        status, _, err = folder.run(ranks=2)
        assert status == 0, err
        assert set(folder.evaluations().values()) == {1}, "a point was computed twice"


def test_sigterm_to_all_ranks_stops_and_resumes():
    stop_and_resume(signal.SIGTERM, to_ranks=True)


def test_sigusr1_to_mpiexec_stops_and_resumes():
    stop_and_resume(signal.SIGUSR1, to_ranks=False)


def test_sigusr1_to_all_ranks_stops_and_resumes():
    stop_and_resume(signal.SIGUSR1, to_ranks=True)


def test_sigint_to_one_rank_stops_all():
    with Folder(job(milliseconds=20)) as folder:
        process = folder.start(ranks=3)
        wait_for_points(folder, 30)
        harness.send(harness.ranks_of(process, folder.program)[-1], signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 75, f"status {process.returncode}\n{err.decode()}"


def test_a_point_that_does_not_end_is_given_up_after_the_grace():
    with Folder(job("stubborn", points=4)) as folder:
        process = folder.start("--grace", "1s", ranks=2)
        wait_for_points(folder, 2)
        start = time.monotonic()
        for pid in harness.ranks_of(process, folder.program):
            harness.send(pid, signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 75, f"status {process.returncode}\n{err.decode()}"
        assert 0.9 < time.monotonic() - start < 5
        assert lines_with("did not end within 1 s", err.decode())


def test_two_interruptions_without_progress_end_with_76():
    with Folder(job("stubborn", points=4)) as folder:
        statuses = []
        for _ in range(2):
            begun = len(folder.trace.read_text().splitlines()) if folder.trace.exists() else 0
            process = folder.start("--grace", "0.2s", ranks=1)
            end = time.monotonic() + 20
            while not folder.trace.exists() or len(folder.trace.read_text().splitlines()) == begun:
                assert time.monotonic() < end
                time.sleep(0.02)
            for pid in harness.ranks_of(process, folder.program):
                harness.send(pid, signal.SIGTERM)
            process.communicate(timeout=20)
            statuses.append(process.returncode)
        assert statuses == [75, 76], statuses


def test_failed_points_end_with_3_and_are_retried_on_request():
    with Folder(job("picky", milliseconds=0, points=20)) as folder:
        status, _, err = folder.run(ranks=2)
        assert status == 3, f"{status}\n{err}"
        assert len(folder.stored()) == 10
        begun = sum(folder.evaluations().values())
        status, _, _ = folder.run(ranks=2)
        assert status == 3
        assert sum(folder.evaluations().values()) == begun, "nothing is tried again unasked"
        status, _, _ = folder.run("--retry-failed", ranks=1)
        assert status == 3


def test_too_many_failures_end_the_job():
    with Folder(job("picky", milliseconds=1, points=5000, extra="max_failures: 3")) as folder:
        status, _, err = folder.run(ranks=2)
        assert status == 70, f"{status}\n{err}"
        assert lines_with("max_failures", err), err


def faulty(fault, expected, text, ranks=3):
    with Folder(job(points=200)) as folder:
        status, _, err = folder.run(ranks=ranks, environment=folder.environment(SURD_FAULT=fault))
        assert status in expected, f"{fault}: status {status}\n{err}"
        if text:
            assert len(lines_with("fatal:", err)) == 1, err
            assert lines_with(text, err), err
        before = folder.evaluations()
        stored = folder.stored()
        status, _, err = folder.run(ranks=2)
        assert status == 0, err
        after = folder.evaluations()
        assert not [point for point in stored if after[point] > before[point]], "a stored point was computed again"


def test_one_rank_whose_disk_breaks_ends_the_job():
    faulty("eio@12:.log#1", (70,), "Input/output error")


def test_one_rank_whose_disk_is_full_ends_the_job():
    faulty("enospc@12:.log#2", (70,), "No space left on device")


def test_rank_zero_whose_disk_is_full_ends_the_job():
    faulty("enospc@3:.log#0", (70,), "No space left on device")


def test_one_killed_rank_ends_the_job():
    faulty("kill@12:.log#1", KILLED, "")


def test_a_write_torn_by_a_kill_is_recovered():
    faulty("torn@12:.log#1", KILLED, "")


def test_a_kill_at_every_kth_write_of_a_small_job():
    with Folder(job(milliseconds=0, points=12)) as folder:
        status, _, err = folder.verb("run", "job.yaml")
        assert status == 0, err
        expected = folder.output()
    for kth in range(1, 300):
        what = ("kill", "torn", "after")[kth % 3]
        with Folder(job(milliseconds=0, points=12)) as folder:
            status = folder.verb("run", "job.yaml", SURD_FAULT=f"{what}@{kth}")[0]
            again, _, err = folder.verb("run", "job.yaml")
            assert again == 0, f"{what}@{kth}: {again}\n{err}"
            assert folder.output() == expected, f"{what}@{kth}"
        if status == 0:
            print(f"        each of {kth - 1} operations")
            return
    raise AssertionError("the fault never fell behind the last write")


def test_a_full_disk_is_one_clear_line():
    with Folder(job(milliseconds=0, points=200000, extra="chunk: 100")) as folder:
        mount = folder.path / "small"
        mount.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)]).returncode != 0:
            raise AssertionError("this test needs the right to mount a tmpfs")
        try:
            environment = folder.environment()
            environment.pop("SURD_TRACE")
            status, _, err = folder.run("--work", str(mount / "work"), ranks=3, environment=environment)
            assert status == 70, f"{status}\n{err}"
            assert lines_with("No space left on device", err), err  # from every rank that noticed
            subprocess.run(["mount", "-o", "remount,size=200m", str(mount)], check=True)
            status, _, err = folder.run("--work", str(mount / "work"), ranks=2, environment=environment)
            assert status == 0, err
        finally:
            subprocess.run(["umount", "-l", str(mount)], check=True)


def test_an_unwritable_output_is_refused_before_the_work():
    with Folder(job(milliseconds=0, points=20).replace("out.h5", "/proc/nowhere/out.h5")) as folder:
        status, _, err = folder.run(ranks=2)
        assert status in (64, 70), f"{status}\n{err}"
        assert lines_with("/proc/nowhere", err), err
        assert not folder.evaluations(), "work was done that has nowhere to go"


def test_a_memo_of_a_newer_surd_is_refused():
    with Folder(job(milliseconds=0, points=20)) as folder:
        status, _, _ = folder.run(ranks=1)
        assert status == 0
        (segment,) = (folder.path / ".surd/job/memo").glob("*.log")
        subprocess.run([folder.program, "inspect", str(segment)], cwd=folder.path, check=True, capture_output=True)
        subprocess.run([MAKE_NEWER, str(segment)], check=True)
        (folder.path / "job.yaml").write_text(job(milliseconds=0, points=21))
        status, _, err = folder.run(ranks=2)
        assert status == 70, f"{status}\n{err}"
        assert lines_with("newer", err) and lines_with(segment.name, err), err


def test_another_version_is_never_mixed_in_silently():
    command = """kind: sweep
name: job
version: "%s"
command: [echo, '{"y": {x}}']
parse: json
axes: {x: {range: 5}}
output: out.h5
"""
    command = command.replace("'{\"y\": {x}}'", "'{{\"y\": {x}}}'")
    with Folder(command % "1") as folder:
        assert folder.run()[0] == 0
        (folder.path / "job.yaml").write_text(command % "2")
        status, _, err = folder.run()
        assert status == 64 and "version" in err, f"{status}\n{err}"
        (folder.path / "job.yaml").write_text(command % "2" + "on_version_change: keep\n")
        status, out, err = folder.run()
        assert status == 0, err
        (folder.path / "job.yaml").write_text(command % "2" + "on_version_change: new\n")
        status, out, err = folder.run()
        assert status == 0, err


def test_a_point_that_uses_memory_is_learned():
    with Folder(job("hungry", milliseconds=5, points=30).replace("megabytes: 1", "megabytes: 200")) as folder:
        status, _, err = folder.run(ranks=2)
        assert status == 0, f"{status}\n{err}"


def test_a_run_leaves_few_files_whatever_the_points():
    with Folder(job(milliseconds=0, points=20000)) as folder:
        for run in (1, 2):
            status, _, err = folder.run(ranks=3)
            assert status == 0, err
        files = [path for path in folder.path.rglob("*") if path.is_file()]
        files = [path for path in files if path not in (folder.trace, folder.path / "job.yaml")]
        assert len(files) <= 3 + 6, [str(path) for path in files]


def networks_loaded(folder):
    """Of the processes started with watched(folder) that loaded MPI."""
    traces = [path.read_text() for path in folder.path.glob("libraries.*")]
    found = [re.findall(r"\S*(?:mca_mtl_|mca_btl_openib|mca_btl_ofi|libpsm)\S*", trace) for trace in traces if "libmpi.so" in trace]
    assert found, "no process loaded MPI"
    return sorted({name for names in found for name in names})


def watched(folder):
    environment = folder.environment(LD_DEBUG="files", LD_DEBUG_OUTPUT=str(folder.path / "libraries"))
    return {name: value for name, value in environment.items()
            if name not in ("OMPI_MCA_pml", "OMPI_MCA_btl")}  # what the user asks for is loaded


def test_a_run_without_launcher_is_one_process_that_knows_no_network():
    with Folder(job(milliseconds=20)) as folder:
        temporary = folder.path / "temporary"
        temporary.mkdir()
        environment = {**watched(folder), "TMPDIR": str(temporary)}
        process = subprocess.Popen([folder.program, "run", "job.yaml"], cwd=folder.path, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for_points(folder, 5)
        beside = harness.children(process.pid)
        shared = list(temporary.glob("ompi*"))
        harness.send(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 75, err.decode()
        assert not beside, "MPI started a daemon"
        assert not shared, f"{shared}: other runs use it too, and the first that ends removes it"
        assert not networks_loaded(folder), networks_loaded(folder)


def test_ranks_on_one_node_load_no_network():
    with Folder(job(milliseconds=1, points=4)) as folder:
        status, _, err = folder.run(ranks=2, environment=watched(folder))
        assert status == 0, err
        assert not networks_loaded(folder), networks_loaded(folder)


def test_what_a_site_tells_mpi_is_heard_on_one_node():
    with Folder(job(milliseconds=1, points=4)) as folder:
        settings = folder.path / ".openmpi" / "mca-params.conf"
        settings.parent.mkdir()
        for text, vader in (("btl = self,tcp", False), ("btl = ^vader", False), ("btl = ^usnic", True)):
            settings.write_text(f"# of this site\n#btl = none\n{text}\nbtl_base_verbose = 30\n")
            shutil.rmtree(folder.path / ".surd", ignore_errors=True)
            status, _, err = folder.run(ranks=2, environment={**watched(folder), "HOME": str(folder.path)})
            assert status == 0, err
            assert ("init of component vader" in err) == vader and "init of component tcp" in err, f"{text}\n{err}"
            assert not networks_loaded(folder), networks_loaded(folder)
        settings.unlink()
        other = folder.path / "other.conf"
        for text, more in (("btl = self,tcp\nbtl_base_verbose = 30\n", {"OMPI_MCA_mca_base_param_files": f"{other}"}),
                           ("-mca btl self,tcp -mca btl_base_verbose 30\n", {"OMPI_MCA_mca_base_envar_file_prefix": f"{other}"})):
            other.write_text(text)
            shutil.rmtree(folder.path / ".surd", ignore_errors=True)
            status, _, err = folder.run(ranks=2, environment={**watched(folder), **more})
            assert status == 0, err
            assert "init of component vader" not in err and "init of component tcp" in err, f"{text}\n{err}"


def test_a_grid_of_a_thousand_million_points_starts_in_little_memory():
    with Folder(job(milliseconds=0, points=1_000_000_000)) as folder:
        environment = folder.environment()
        environment.pop("SURD_TRACE")
        process = folder.start(ranks=2, environment=environment)
        time.sleep(2)
        for pid in harness.ranks_of(process, folder.program):
            harness.send(pid, signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 75, f"{process.returncode}\n{err.decode()}"
        (report,) = (folder.path / ".surd/job").glob("report-*.json")
        report = json.loads(report.read_text())
        assert report["points"]["computed"] > 10_000
        growth = max(rank["peak_bytes"] - rank["baseline_bytes"] for rank in report["memory"]["per_rank"])
        print(f"        {report['points']['computed']} of 10^9 points, {growth / 2**20:.1f} MiB beyond the start")
        assert growth < 20 * 2**20, f"{growth} bytes"


harness.main(globals())
