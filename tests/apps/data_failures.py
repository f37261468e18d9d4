"""Data jobs meet bad input, broken disks, signals and wrong use: one clear line, the right status, nothing left behind.

    data_failures.py MPIEXEC SURD SURD_DATA
"""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import time

import data_support as support
import harness

MIB = support.MIB
GOOD = "a,b\n1,x\n2,y\n"


def csv_job(folder_input="in.csv", steps=None, **more):
    return {"input": folder_input, "steps": steps or [{"sort": {"by": ["a"]}}], "output": "out.csv", **more}


def run_csv(content, ranks=2, **job):
    """Runs a job over in.csv; (status, what it printed, what it wrote)."""
    with support.data_folder(csv_job(**job), memory=8 * MIB) as folder:
        (folder.path / "in.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        status, _, err = folder.run(ranks=ranks)
        written = {path.name: path.read_bytes().decode(errors="replace")
                   for path in folder.path.iterdir() if path.is_file() and path.name not in ("in.csv", "job.yaml")}
        return status, err, written


def error_line(err):
    """The one line that says what is wrong."""
    lines = [line for line in err.splitlines() if "error" in line or "fatal" in line]
    lines = [line for line in lines if not any(word in line for word in ("MPI_ABORT", "errorcode", "mpirun"))]
    assert lines, err
    return lines[0]


def assert_promise_kept(err):
    grown, promised = (float(size) for size in re.search(r"at most ([\d.]+) MiB .* ([\d.]+) MiB promised", err).groups())
    assert grown <= promised, err


def test_a_bad_value_ends_the_job_with_its_place():
    for ranks in (1, 3):
        status, err, written = run_csv("a,b\n" + "".join(f"{i},x\n" for i in range(2000)) + "12x,y\n", ranks)
        line = error_line(err)
        assert status in (64, 70), f"{status}\n{err}"
        assert "in.csv:2002" in line and "column a" in line and "12x" in line, line
        assert "out.csv" not in written, written


def test_bad_rows_can_be_skipped_or_kept_aside():
    content = "a,b\n" + "".join(f"{i},x\n" for i in range(1500)) + "oops,y\n7,x,extra\n8,\xff\n"
    for policy in ("skip", "quarantine"):
        source = {"path": "in.csv", "on_bad_row": policy}
        status, err, written = run_csv(content.encode("latin-1"), folder_input=source)
        assert status == 0, f"{status}\n{err}"
        assert written["out.csv"].count("\n") == 1501, written["out.csv"][-100:]
        assert "3 rows" in err, err
        bad = written.get("out.csv.bad.csv", "")
        assert (policy == "quarantine") == bool(bad), written.keys()
        if bad:
            assert "oops" in bad and "extra" in bad and "in.csv" in bad, bad


def test_mixed_line_ends_quotes_and_a_mark_at_the_start_are_read():
    content = "\ufeffa,b\r\n3,\"x\ny\"\n1,\"say \"\"hi\"\"\"\r\n2,z".encode()
    status, err, written = run_csv(content)
    assert status == 0, err
    assert written["out.csv"] == "a,b\n1,\"say \"\"hi\"\"\"\n2,z\n3,\"x\ny\"\n", written["out.csv"]


def test_a_truncated_gzip_is_named():
    whole = gzip.compress(("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(50_000))).encode())
    with support.data_folder(csv_job("in.csv.gz"), memory=8 * MIB) as folder:
        (folder.path / "in.csv.gz").write_bytes(whole[:len(whole) // 2])
        status, _, err = folder.run(ranks=2)
        assert status in (64, 70) and "in.csv.gz" in error_line(err), f"{status}\n{err}"
        assert not (folder.path / "out.csv").exists()
        (folder.path / "in.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n3,4,5\n"))  # as a flipped bit may leave it
        status, _, err = folder.verb("run", "job.yaml")
        assert status == 64 and "in.csv.gz:3" in error_line(err) and "gzip -t" in error_line(err), f"{status}\n{err}"


def test_a_field_larger_than_memory_is_an_error_not_a_death():
    size = 64 * MIB
    status, err, _ = run_csv(b"a,b\n1,x\n2," + b"y" * size + b"\n3,z\n", ranks=1)
    assert status in (64, 70), f"{status}\n{err[-500:]}"
    assert "in.csv" in error_line(err), err[-500:]


def test_errors_at_run_time_name_the_step_and_the_row():
    rows = "".join(f"{i},x\n" for i in range(3000))
    steps = [{"filter": "a % 2 == 1"}, {"derive": {"c": "a * 9223372036854775807"}}]
    for ranks in (1, 3):
        status, err, _ = run_csv("a,b\n0,x\n1,y\n" + rows.replace("1,x", "1,z"), ranks, steps=steps)
        line = error_line(err)
        assert status == 64 and err.count("beyond 64 bits") == 1, err
        assert "in.csv, row 6:" in line and "derive c" in line, line  # 0, 1, 0, 1, 2, 3
    longer = "a,b\n" + "".join(f"{i if i != 1500 else 2**62},{'y' * 2000}\n" for i in range(3000))
    steps = [{"derive": {name: "b" for name in "cdefgh"}}, {"derive": {"i": "a * 4"}}]  # goes in pieces
    for ranks in (1, 3):
        status, err, _ = run_csv(longer, ranks, steps=steps)
        assert status == 64 and "in.csv, row 1501:" in error_line(err), err
    status, err, _ = run_csv("a,b\n" + f"{2**62},x y\n" * 3, steps=[{"group": {"by": ["b"], "s": {"sum": "a"}}}])
    assert status == 64 and "group by b" in error_line(err) and "b = 'x y'" in error_line(err), err
    long = "a,b\n" + f"1,{'y' * 100_000}\n" * 30
    status, err, _ = run_csv(long, steps=[{"group": {"by": ["a"], "all": {"list": "b"}}}])
    assert status == 64 and "a = 1" in error_line(err) and "give at least --memory" in error_line(err), err


def test_many_small_joins_are_done_or_name_what_they_need():
    content = "a,b\n" + "".join(f"{i},x\n" for i in range(100))
    for joins, refused in ((8, False), (30, True)):
        steps = [{"join": {"input": "in.csv", "on": ["a"], "kind": "semi"}}] * joins
        status, err, _ = run_csv(content, steps=steps)
        assert status == (64 if refused else 0), err
        assert not refused or "take at least --memory" in error_line(err), err


def test_joined_rows_that_are_too_large_name_what_they_need():
    steps = []
    for name in "cdefg":
        right = {"input": "in.csv", "on": ["a"], "steps": [{"derive": {name: "b"}}, {"select": ["a", name]}]}
        steps.append({"join": right})
    with support.data_folder(csv_job(steps=steps), memory=8 * MIB) as folder:
        (folder.path / "in.csv").write_text("a,b\n" + "".join(f"{i},{chr(97 + i) * 200_000}\n" for i in range(8)))
        needed, status, err = None, 64, ""
        while status == 64:  # each join makes the rows longer
            status, _, err = folder.run(*(["--memory", needed] if needed else []), ranks=2)
            if status == 64:
                assert "a joined row has " in error_line(err), err
                needed = re.search(r"give at least --memory (\d+MiB), not ", err).group(1)
        assert status == 0 and needed, err
        assert_promise_kept(err)


def test_groups_whose_rows_are_too_large_name_more_memory_than_they_had():
    steps = [{"derive": {"c": "b"}}, {"group": {"by": ["b", "c"], "x": {"last": "b"}, "y": {"first": "c"}}}]
    with support.data_folder(csv_job(steps=steps), memory=8 * MIB) as folder:
        (folder.path / "in.csv").write_text("a,b\n" + "".join(f"{i},{chr(97 + i) * 150_000}\n" for i in range(8)))
        had, status = 8, 64
        while status == 64:
            status, _, err = folder.run("--memory", f"{had}MiB", ranks=2)
            if status == 64:
                needed = int(re.search(r"give at least --memory (\d+)MiB, not ", error_line(err)).group(1))
                assert needed > had, err
                had = needed
        assert status == 0 and had > 8, err
        assert_promise_kept(err)


def test_rows_to_sort_or_group_longer_than_a_16th_of_the_memory_name_what_they_need():
    group = {"by": ["b"], "x": {"last": "b"}, "y": {"first": "c"}}
    for step, complaint in (({"sort": "b"}, "the row and its key 586 KiB"), ({"group": group}, "a row to group has 586 KiB")):
        with support.data_folder(csv_job(steps=[{"derive": {"c": "b"}}, step]), memory=8 * MIB) as folder:
            (folder.path / "in.csv").write_text("a,b\n" + "".join(f"{i},{chr(97 + i) * 200_000}\n" for i in range(8)))
            status, _, err = folder.run(ranks=2)
            assert status == 64 and complaint in error_line(err), err
            needed = 8
            while status == 64:  # groups are sorted, which may need more
                had, needed = needed, int(re.search(r"give at least --memory (\d+)MiB, not ", error_line(err)).group(1))
                assert needed > had, err
                status, _, err = folder.run("--memory", f"{needed}MiB", ranks=2)
            assert status == 0, err
            assert_promise_kept(err)


def test_rows_of_which_too_much_is_derived_name_what_they_need():
    steps = [{"derive": {name: "b" for name in "cdef"}}]
    with support.data_folder(csv_job(steps=steps), memory=8 * MIB) as folder:
        (folder.path / "in.csv").write_text("a,b\n" + "".join(f"{i},{chr(97 + i) * 150_000}\n" for i in range(8)))
        status, _, err = folder.run(ranks=2)
        line = error_line(err)
        assert status == 64 and "what is derived of a row has " in line, err
        needed = re.search(r"give at least --memory (\d+MiB), not ", line).group(1)
        status, _, err = folder.run("--memory", needed, ranks=2)
        assert status == 0, err
        assert_promise_kept(err)


def test_lines_that_end_in_returns_alone_are_refused():
    status, err, _ = run_csv("a,b\r1,x\r2,y\r")
    assert status == 64 and "carriage return" in error_line(err) and "in.csv" in error_line(err), err


def test_missing_input_columns_and_keys_are_named():
    for job, word in ((csv_job("nothing-*.csv"), "nothing-*.csv"),
                      (csv_job(steps=[{"sort": {"by": ["c"]}}]), "'c'"),
                      (csv_job(steps=[{"filter": "a > 'x'"}]), "a > 'x'"),
                      (csv_job(steps=[{"group": {"by": ["b"], "n": {"sum": "b"}}}]), "sum")):
        with support.data_folder(job) as folder:
            (folder.path / "in.csv").write_text(GOOD)
            status, _, err = folder.run(ranks=2)
            assert status == 64, f"{status}\n{err}"
            assert word in err, err


def test_a_step_that_is_wrong_is_shown_with_its_line():
    text = ("kind: table\nname: storm\ninput: in.csv\nsteps:\n- derive: {d: a + 1, e: a + 2}\n- join:\n    input: in.csv\n"
            "    on: [a]\n    steps:\n    - derive: {c: a + 1, f: a + 2}\n    - filter: q > 1\n- filter: a > 0\noutput: out.csv\n")
    for verb in (["run"], ["plan"], ["submit", "--dry-run"]):
        with harness.Folder(text, program=harness.SURD) as folder:
            (folder.path / "in.csv").write_text(GOOD)
            status, _, err = folder.verb(*verb, "job.yaml")
            assert status == 64 and "job.yaml:11: " in err and "'q'" in err and "    - filter: q > 1\n" in err, err
            status, _, err = folder.verb(*verb, "job.yaml", "--set", "steps.0.derive.e=zz")
            assert status == 64 and "--set steps.0.derive.e=zz: " in err and "'zz'" in err, err


def test_a_job_may_not_read_what_it_writes():
    copy = [{"filter": "a > 0"}]
    for job, word in ((csv_job(output="in.csv", steps=copy), "in.csv"), (csv_job("*.csv", steps=copy), "*.csv"),
                      (csv_job(output="link.csv", steps=copy), "link.csv"),
                      (csv_job(steps=[{"join": {"input": "out*", "on": ["a"]}}]), "out*"),
                      (csv_job({"path": "*.csv", "on_bad_row": "quarantine"}, steps=copy, output="o.jsonl"), "o.jsonl.bad.csv"),
                      ({"input": {"path": "?.bin", "fixed": {"record_bytes": 8}}, "output": "b.bin"}, "b.bin")):
        with support.data_folder(job) as folder:
            (folder.path / "in.csv").write_text(GOOD)
            (folder.path / "output.csv").write_text(GOOD)
            (folder.path / "a.bin").write_bytes(bytes(80))
            (folder.path / "link.csv").symlink_to("in.csv")
            for verb in ("plan", "run"):
                status, _, err = folder.verb(verb, "job.yaml")
                assert status == 64 and word in error_line(err) and "another name" in err, f"{status}\n{err}"
            assert (folder.path / "in.csv").read_text() == GOOD


def test_an_output_beside_the_input_is_written_again_and_again():
    copy = [{"filter": "a > 0"}]
    with support.data_folder(csv_job("in/*.csv", copy, output="in/deeper/out.csv")) as folder:
        (folder.path / "in" / "deeper").mkdir(parents=True)
        (folder.path / "in" / "in.csv").write_text(GOOD)
        (folder.path / "link[1]").symlink_to("in")
        for settings in ((), ("--set", "output=out.csv"), ("--set", "output=in/out.tsv"),
                         ("--set", "input=in/../in/*.csv"), ("--set", "input=link[1]/in.csv")):
            for _ in range(2):
                status, _, err = folder.verb("run", "job.yaml", "--quiet", *settings)
                assert status == 0, f"{settings}\n{err}"
            shutil.rmtree(folder.path / ".surd")
        for setting in ("output=link[1]/o.csv", "input='*/*/*.csv'"):
            status, _, err = folder.verb("run", "job.yaml", "--set", setting)
            assert status == 64 and "another name" in err, f"{setting}\n{err}"


def test_too_little_memory_is_refused_with_the_number():
    with support.data_folder(csv_job(), memory=MIB) as folder:
        (folder.path / "in.csv").write_text(GOOD)
        status, _, err = folder.run()
        assert status == 64 and "MiB" in error_line(err), f"{status}\n{err}"


def test_input_that_changes_between_runs_is_not_mixed():
    with support.data_folder(support.table_sort(24 * MIB), memory=8 * MIB, epoch=MIB) as folder:
        job = json.loads((folder.path / "job.yaml").read_text())
        shutil.copy(job["input"]["path"], folder.path / "in.csv")
        job["input"]["path"] = "in.csv"
        (folder.path / "job.yaml").write_text(json.dumps(job))
        process = folder.start(ranks=2)
        end = time.monotonic() + 30
        while not list((folder.path / ".surd/storm").glob("epochs/*")) and time.monotonic() < end:
            time.sleep(0.01)
        harness.wait_gone(harness.kill(process, "process group", folder.program, None))
        with open(folder.path / "in.csv", "a") as file:
            file.write("999999999,2026-01-01T00:00:00,Oslo,product-0001,pending,1.00,1,\n")
        status, _, err = folder.run(ranks=2)
        assert status == 64, f"{status}\n{err}"
        assert "in.csv" in err or "another input" in err, err


def tmpfs(path, size):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], capture_output=True).returncode == 0


def test_a_full_disk_in_every_phase():
    for job, name in ((support.record_sort(24 * MIB), "records"), (support.table_sort(24 * MIB), "table"),
                      (support.group(24 * MIB, groups=1_000_000), "group"), (support.join(12 * MIB), "join")):
        for share in (0.3, 0.9, 1.3, 1.9):
            with support.data_folder(job, memory=8 * MIB) as folder:
                disk = folder.path / "disk"
                disk.mkdir()
                if not tmpfs(disk, int(24 * MIB * share)):
                    print("        skipped: no right to mount a tmpfs")
                    return
                try:
                    text = json.loads((folder.path / "job.yaml").read_text())
                    text["output"] = "disk/" + text["output"]
                    (folder.path / "job.yaml").write_text(json.dumps(text))
                    status, _, err = folder.run("--work", "disk/work", ranks=2)
                    assert status in (0, 64, 70), f"{name} at {share}: {status}\n{err}"
                    if status == 64:  # seen at once
                        assert name == "records" and "free in disk/work" in err, f"{name} at {share}\n{err}"
                    if status == 70:
                        assert "No space left" in err and "disk/" in err, f"{name} at {share}\n{err}"
                        assert "what is done stays in disk/work" in err, f"{name} at {share}\n{err}"
                finally:
                    subprocess.run(["umount", "-l", disk], check=True)


def test_signals_stop_and_the_same_command_resumes():
    job = support.table_sort(48 * MIB)
    with support.data_folder(job, memory=8 * MIB) as folder:
        status, _, err = folder.run(ranks=1, timeout=120)
        assert status == 0, err
        expected = folder.output("out.csv")
    for number in (signal.SIGTERM, signal.SIGUSR1):
        with support.data_folder(job, memory=8 * MIB) as folder:
            process = folder.start(ranks=2)
            end = time.monotonic() + 30
            while not list((folder.path / ".surd/storm").glob("spill/*")) and time.monotonic() < end:
                time.sleep(0.01)
            begin = time.monotonic()
            for pid in harness.ranks_of(process, folder.program):
                harness.send(pid, number)
            _, err = process.communicate(timeout=30)
            assert time.monotonic() - begin < 10, "took more than 10 s to stop"
            assert process.returncode == 75, f"{process.returncode}\n{err.decode()}"
            status, out, _ = folder.verb("status", "job.yaml")
            assert status == 75, out
            status, _, err = folder.run(ranks=3, timeout=120)
            assert status == 0, err
            assert folder.output("out.csv") == expected


def undisturbed(job):
    with support.data_folder(job, memory=8 * MIB) as folder:
        status, _, err = folder.run(ranks=1, timeout=120)
        assert status == 0, err
        return folder.output("out.csv")


def test_a_lost_or_cut_output_is_made_anew():
    job = support.table_sort(12 * MIB)
    expected = undisturbed(job)
    for at in (5, 6, 7):  # of what is done to the output under its temporary name; the first three try it out
        for ranks, share in ((1, 0), (2, 0), (2, 0.5)):
            with support.data_folder(job, memory=8 * MIB, epoch=MIB) as folder:
                folder.run(ranks=ranks, timeout=120, environment=folder.environment(SURD_FAULT=f"kill@{at}:out.csv"))
                for part in folder.path.glob("out.csv.*.part"):
                    if share == 0:
                        part.unlink()
                    else:
                        os.truncate(part, int(part.stat().st_size * share))
                status, _, err = folder.run(ranks=ranks, timeout=120)
                assert status == 0, err
                assert folder.output("out.csv") == expected, f"{ranks} ranks killed at {at}, {share} of the part left"


def test_a_flipped_bit_in_a_spill_file_is_found_and_repaired():
    job = support.table_sort(24 * MIB)
    with support.data_folder(job, memory=8 * MIB, epoch=MIB) as folder:
        folder.run(ranks=1, timeout=120, environment=folder.environment(SURD_FAULT="kill@4:out.csv"))
        spills = json.loads(folder.verb("verify", "job.yaml", "--json")[1])["spills"]
        assert spills, "the job was over before it was killed"
        with open(folder.path / spills[-1]["path"], "r+b") as file:
            file.seek(spills[-1]["committed_bytes"] // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 4]))
        status, out, _ = folder.verb("verify", "job.yaml")
        assert status == 70 and spills[-1]["path"] in out and "--repair" in out, f"{status}\n{out}"
        status, out, _ = folder.verb("verify", "job.yaml", "--repair")
        assert status == 0 and "dropped" in out, f"{status}\n{out}"
        assert folder.verb("verify", "job.yaml")[0] == 0
        status, _, err = folder.run(ranks=2, timeout=120)
        assert status == 0, err
        assert folder.output("out.csv") == undisturbed(job)


def test_shortcuts_leave_nothing_but_their_output():
    with support.data_folder(csv_job()) as folder:
        (folder.path / "in.csv").write_text(GOOD)
        for words in (["sort", "in.csv", "--key", "-a"], ["group", "in.csv", "--by", "b", "--agg", "n=count"],
                      ["join", "in.csv", "in.csv", "--on", "a"]):
            done = subprocess.run([harness.SURD, *words, "-o", "short.csv", "--quiet"], cwd=folder.path,
                                  capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert not list(folder.path.glob(".surd/*")), list(folder.path.glob(".surd/*"))
        assert (folder.path / "short.csv").read_text() == "a,b,b_right\n1,x,x\n2,y,y\n"


try:
    harness.main(globals())
finally:
    shutil.rmtree(support.CACHE, ignore_errors=True)
