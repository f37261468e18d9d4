"""What data jobs do to their work directory: they remove nothing of others, and go on from what they left.

    data_work.py MPIEXEC SURD SURD_DATA
"""

import json
import os
import os
import shutil
import signal
import subprocess
import time

import data_support as support
import harness

MIB = support.MIB
GOOD = "a,b\n2,y\n1,x\n"


def surd(folder, *words, timeout=120):
    """A shortcut or any other verb on one rank: (status, stdout, stderr)."""
    done = subprocess.run([harness.SURD, *map(str, words)], cwd=folder.path, capture_output=True, text=True,
                          timeout=timeout, env=folder.environment())
    return done.returncode, done.stdout, done.stderr


def names(path):
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def small_folder():
    folder = support.data_folder({"input": "in.csv", "steps": [{"sort": {"by": ["a"]}}], "output": "out.csv"})
    (folder.path / "in.csv").write_text(GOOD)
    return folder


def big_folder(**more):
    """A job that commits every MiB of its 96 MiB."""
    return support.data_folder(support.number_sort(96 * MIB), epoch=MIB, **more)


def kill_after_commit(folder, *words, ranks=1):
    """Starts the job, or a shortcut, and kills it as soon as it has stored something."""
    if words:
        process = subprocess.Popen([harness.SURD, *map(str, words)], cwd=folder.path, stderr=subprocess.PIPE,
                                   env=folder.environment())
    else:
        process = folder.start(ranks=ranks)
    end = time.monotonic() + 60
    files = (".surd/*/epochs/*.log", ".surd/*/state.json")
    while not all(list(folder.path.glob(file)) for file in files) and process.poll() is None:
        assert time.monotonic() < end, "nothing was stored within a minute"
        time.sleep(0.005)
    assert process.poll() is None, process.stderr.read().decode()
    if words:
        process.kill()
        process.wait()
    else:
        harness.wait_gone(harness.kill(process, "process group", folder.program, None))


def test_a_directory_of_the_user_keeps_its_files():
    for words in (["-k", "a"], ["-k", "nosuch"]):
        with small_folder() as folder:
            mine = folder.path / "mine"
            mine.mkdir()
            (mine / "precious.txt").write_text("precious")
            status, _, err = surd(folder, "sort", "in.csv", *words, "-o", "out.csv", "--work", "mine")
            assert status == (0 if words[1] == "a" else 64), err
            assert names(mine) == ["precious.txt"], names(mine)
            status, _, err = surd(folder, "sort", "in.csv", *words, "-o", "out.csv", "--work", ".")
            assert status == (0 if words[1] == "a" else 64), err
            assert (folder.path / "in.csv").read_text() == GOOD
            assert (folder.path / "out.csv").exists() == (words[1] == "a")


def test_files_that_a_run_would_overwrite_are_refused():
    with small_folder() as folder:
        mine = folder.path / "mine"
        mine.mkdir()
        (mine / "state.json").write_text("mine")
        status, _, err = surd(folder, "sort", "in.csv", "-k", "a", "-o", "out.csv", "--work", "mine")
        assert status == 64 and "mine/state.json" in err and "--work" in err, err
        assert names(mine) == ["state.json"] and (mine / "state.json").read_text() == "mine"


def test_a_mistake_leaves_no_directory_behind():
    with small_folder() as folder:
        for words in (["run", "job.yaml", "--set", "steps=[{sort: {by: [nosuch]}}]"],
                      ["sort", "in.csv", "-k", "nosuch", "-o", "out.csv"]):
            status, _, err = surd(folder, *words)
            assert status == 64 and "nosuch" in err, err
            assert not list(folder.path.glob(".surd/*")), names(folder.path)


def test_less_memory_neither_destroys_nor_disturbs():
    with support.data_folder(support.table_sort(96 * MIB)) as folder:
        source = json.loads((folder.path / "job.yaml").read_text())["input"]["path"]
        words = ["sort", source, "--format", "csv", "-k", "-price,product", "-o", "out.csv", "--memory"]
        process = subprocess.Popen([harness.SURD, *words, "32MiB", "--quiet"], cwd=folder.path, stderr=subprocess.PIPE,
                                   env=folder.environment())
        end = time.monotonic() + 30
        while not list(folder.path.glob(".surd/*/spill/*")) and time.monotonic() < end:
            time.sleep(0.005)
        status, _, err = surd(folder, *words, "16MiB")
        assert status == 64 and "in use by another run" in err, f"{status}\n{err}"
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err.decode()
    with big_folder() as folder:
        kill_after_commit(folder, "run", "job.yaml", "--memory", "32MiB")
        before = names(folder.path / ".surd/storm/epochs")
        status, _, err = surd(folder, "run", "job.yaml", "--memory", "16MiB")
        assert status == 64 and "--memory 33554432" in err, f"{status}\n{err}"
        assert names(folder.path / ".surd/storm/epochs") == before
        status, _, err = surd(folder, "run", "job.yaml", "--memory", "32MiB")
        assert status == 0, err


def test_a_cut_lasts_as_long_as_what_was_done_by_it():
    with small_folder() as folder:
        cut = folder.path / ".surd/storm/cut.json"
        assert surd(folder, "run", "job.yaml", "--memory", "64MiB")[0] == 0
        status, _, err = surd(folder, "run", "job.yaml", "--memory", "8MiB")
        assert status == 0 and "complete already" in err and "wrote" not in err, err
        (folder.path / "in.csv").write_text(GOOD + "3,z\n")
        status, _, err = surd(folder, "run", "job.yaml", "--memory", "8MiB")
        assert status == 0, err
        assert json.loads(cut.read_text())["memory_bytes"] == 8 * MIB
        (folder.path / "out.csv").unlink()
        assert surd(folder, "run", "job.yaml", "--memory", "64MiB")[0] == 0
        assert json.loads(cut.read_text())["memory_bytes"] == 64 * MIB
        for damaged in ("{", "[]", '{"unit_bytes": 0, "memory_bytes": 0, "partitions": 0}'):
            cut.write_text(damaged)
            (folder.path / "out.csv").unlink()
            status, _, err = surd(folder, "run", "job.yaml")
            assert status == 0, f"{damaged}: {status}\n{err}"
            assert (folder.path / "out.csv").read_text() == "a,b\n1,x\n2,y\n3,z\n"


def test_a_damaged_cut_of_unfinished_work_is_named():
    with big_folder(memory=8 * MIB) as folder:
        kill_after_commit(folder)
        (folder.path / ".surd/storm/cut.json").write_text('{"unit_bytes": 0, "memory_bytes": 8, "partitions": 1}')
        status, _, err = folder.run()
        assert status == 64 and "cut.json" in err and ".surd/storm" in err, f"{status}\n{err}"


def test_default_memory_is_that_of_the_beginning():
    with big_folder() as folder:
        kill_after_commit(folder)
        begun = json.loads((folder.path / ".surd/storm/cut.json").read_text())["memory_bytes"]
        for ranks in (3, 1):
            status, _, err = folder.run(ranks=ranks, timeout=120)
            assert status == 0, err
        assert support.reports(folder)[0]["memory"]["budget_bytes"] == begun


def test_what_changed_is_said():
    with big_folder(memory=8 * MIB) as folder:
        job = json.loads((folder.path / "job.yaml").read_text())
        shutil.copy(job["input"]["path"], folder.path / "in.bin")
        job["input"]["path"] = "in.bin"
        (folder.path / "job.yaml").write_text(json.dumps(job, indent=1))
        kill_after_commit(folder)
        job["input"]["fixed"]["key"]["type"] = "i64"
        (folder.path / "job.yaml").write_text(json.dumps(job, indent=1))
        status, _, err = folder.run(ranks=2)
        assert status == 64 and '"type": "u64"' in err and '"type": "i64"' in err, f"{status}\n{err}"
        assert err.count("surd: error") == 1, err
        job["input"]["fixed"]["key"]["type"] = "u64"
        (folder.path / "job.yaml").write_text(json.dumps(job, indent=1))
        with open(folder.path / "in.bin", "ab") as file:
            file.write(bytes(8))
        status, _, err = folder.run(ranks=2)
        assert status == 64 and "in.bin was changed" in err, f"{status}\n{err}"


def test_an_output_that_cannot_be_written_is_found_at_once():
    with small_folder() as folder:
        (folder.path / "dir.csv").mkdir()
        for output, word in (("dir.csv", "directory"), ("/proc/out.csv", "/proc/out.csv"), ("in.csv/out.csv", "in.csv")):
            status, _, err = surd(folder, "sort", "in.csv", "-k", "a", "-o", output)
            assert status == 64 and word in err, f"{status}\n{err}"
            assert not list(folder.path.glob(".surd/*")), names(folder.path)


def test_a_disk_that_is_clearly_too_small_is_refused():
    with support.data_folder({"input": {"path": "in.bin", "fixed": {"record_bytes": 8, "key": {"offset": 0, "type": "u64"}}},
                              "output": "out.bin"}) as folder:
        with open(folder.path / "in.bin", "wb") as file:
            file.truncate(1 << 43)
        for verb in ("plan", "run"):
            status, _, err = surd(folder, verb, "job.yaml")
            assert status == 64 and "at least 8.00 TiB" in err and "free" in err, f"{status}\n{err}"
        assert not list(folder.path.glob(".surd/*"))


def test_default_memory_keeps_to_the_limit_of_the_group():
    group = support.Cgroup.make(128 * MIB)
    if group is None:
        print("        skipped: no right to make a memory cgroup")
        return
    try:
        with support.data_folder({"input": {"path": "in.bin", "fixed": {"record_bytes": 8, "key": {"offset": 0, "type": "u64"}}},
                                  "output": "out.bin"}) as folder:
            with open(folder.path / "in.bin", "wb") as file:
                file.truncate(1 << 43)
            done = subprocess.run([*group.prefix(), harness.SURD, "plan", "job.yaml", "--json"], cwd=folder.path,
                                  capture_output=True, text=True)
            memory = json.loads(done.stdout)["memory"]
            assert memory["limit_bytes"] == 128 * MIB, memory
            assert 8 * MIB <= memory["budget_bytes"] <= 64 * MIB, memory
    finally:
        group.remove()


def test_status_sees_at_once_that_a_run_was_killed():
    with big_folder(memory=8 * MIB) as folder:
        kill_after_commit(folder)
        status, out, _ = surd(folder, "status", "job.yaml")
        assert status == 75 and "killed" in out and "running" not in out, out


def test_a_shortcut_says_what_it_leaves():
    with support.data_folder(support.table_sort(96 * MIB)) as folder:
        source = json.loads((folder.path / "job.yaml").read_text())["input"]["path"]
        words = ["sort", source, "--format", "csv", "-k", "-price,product", "-o", "out.csv", "--memory", "8MiB"]
        process = subprocess.Popen([harness.SURD, *words], cwd=folder.path, stderr=subprocess.PIPE, env=folder.environment())
        end = time.monotonic() + 30
        while not list(folder.path.glob(".surd/*/spill/*")) and time.monotonic() < end:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 75 and b"or remove .surd/sort-out.csv-" in err, err.decode()
        status, _, err = surd(folder, *words)
        assert status == 0 and not list(folder.path.glob(".surd/*")), err


def test_what_is_no_file_is_no_input():
    with small_folder() as folder:
        (folder.path / "dir.csv").mkdir()
        os.mkfifo(folder.path / "fifo.csv")
        for name, word in (("dir.csv", "is a directory"), ("fifo.csv", "no regular file"), ("none.csv", "no such file")):
            status, _, err = surd(folder, "sort", name, "-k", "a", "-o", "out.csv")
            assert status == 64 and name in err and word in err, f"{status}\n{err}"


def test_flags_are_read_as_they_are_meant():
    with small_folder() as folder:
        status, _, err = surd(folder, "sort", "in.csv", "-k", "a", "--take", "0", "-o", "out.csv")
        assert status == 0 and (folder.path / "out.csv").read_text() == "a,b\n", err
        for words, phrase in ((["sort", "in.csv", "-k", "a", "--take", "-1"], "'-1' is no number of rows"),
                              (["group", "in.csv", "--by", "a", "--agg", "n=count", "--agg", "n=sum(a)"], "'n' is taken"),
                              (["group", "in.csv", "--by", "a", "--agg", "n=nonsense(a)"], "surd group: "),
                              (["sort", b"\xff.csv".decode(errors="surrogateescape"), "-k", "a"], "UTF-8")):
            status, _, err = surd(folder, *words, "-o", "out.csv")
            assert status == 64 and phrase in err and "surd group:1" not in err, f"{status}\n{err}"


def test_inspect_knows_what_surd_writes():
    with small_folder() as folder:
        assert surd(folder, "sort", "in.csv", "-k", "a", "-o", "out.jsonl")[0] == 0
        status, out, err = surd(folder, "inspect", "out.jsonl")
        assert status == 0 and "rows: 2" in out, f"{status}\n{out}{err}"
        with open(folder.path / "out.jsonl", "a") as file:
            file.write("{\n")
        status, out, _ = surd(folder, "inspect", "out.jsonl")
        assert status == 70 and "first_bad_line: 3" in out, out
        for name in ("none.csv", "none.jsonl", "."):
            status, _, err = surd(folder, "inspect", name)
            assert status == 64, f"{status}\n{err}"


try:
    harness.main(globals())
finally:
    shutil.rmtree(support.CACHE, ignore_errors=True)
