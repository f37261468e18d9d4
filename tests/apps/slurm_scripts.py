"""What `surd submit` and the templates in slurm/ do in a batch job, with a Slurm of a few lines in place of the real one.

    slurm_scripts.py MPIEXEC SURD PROBE SCALE MAKE_NEWER SLURM_FOLDER
"""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import harness
from harness import Folder

TEMPLATES = pathlib.Path(sys.argv[6])

JOB = """kind: sweep
name: storm
function: tally
params: {milliseconds: 20}
axes: {x: {range: 100}}
output: out.h5
"""

TABLE = """kind: table
name: small
input: {path: in.csv, types: {a: int}}
steps: [{sort: {by: [a]}}]
output: out.csv
memory: 16MiB
"""

FAKES = {
    "sbatch": """
        case "$*" in *--parsable*) ;; *) exit 2 ;; esac
        if grep -q 'partition=wrong' "${!#}"; then
          echo 'sbatch: error: invalid partition specified: wrong' >&2; exit 1
        fi
        echo '4242;cluster'""",
    "squeue": """
        case "$*" in
          *RestartCnt*)
            touch "$FAKE/asked"
            [ -f "$FAKE/busy" ] && rm "$FAKE/busy" && exit 1
            sed "s/END/$(date -d '+1 hour' +%FT%T)/" "$FAKE/job" ;;
          *'%T|'*) cat "$FAKE/queue" ;;
          *%T*) cat "$FAKE/state" ;;
        esac""",
    "scontrol": 'echo "$*" >>"$FAKE/requeues"',
    "sinfo": """
        case "$*" in
          *%T*) cat "$FAKE/nodes" ;;
          *) echo 'debug*|1|2|2000|infinite'; echo 'short|1|2|2000|15:00' ;;
        esac""",
    # Without bash between it and mpiexec, for the script signals srun alone.
    "srun": """
        while [[ $1 == --* ]]; do shift; done
        [ -z "$FAKE_RANKS" ] || exec "$MPIEXEC" -n "$FAKE_RANKS" "$@"
        exec "$@" """,
}


class Cluster(Folder):
    """A folder with awkward characters in its path, in which jobs are submitted, and a Slurm that runs nothing by itself."""

    def __init__(self, job=JOB):
        super().__init__(job)
        inner = self.path / "it's a folder"
        inner.mkdir()
        (self.path / "job.yaml").rename(inner / "job.yaml")
        self.outer, self.path = self.path, inner
        for name in ("fake", "slurm"):
            (self.path / name).mkdir()
        for name, body in FAKES.items():
            self.script(f"fake/{name}", body)
        self.put("state", "RUNNING")
        self.put("job", "4242  4242  N/A  0  END")
        self.put("nodes", "mixed")
        self.put("queue", "RUNNING|None|n1|59:00")
        shutil.copy(TEMPLATES / "supervise.sh", self.path / "slurm")

    def __exit__(self, *error):
        self.path = self.outer
        super().__exit__(*error)

    def script(self, name, body):
        path = self.path / name
        path.write_text("#!/bin/bash\n" + body + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def put(self, name, text):
        (self.path / "fake" / name).write_text(text + "\n")

    def environment(self, **more):
        fake = self.path / "fake"
        known = {"FAKE": str(fake), "PATH": f"{fake}:{os.environ['PATH']}", "MPIEXEC": harness.MPIEXEC}
        return super().environment(**{**known, **more})

    def start_script(self, script, restarts=None, ranks="", **more):
        """Starts a script as slurmd would."""
        if restarts:
            self.put("job", f"4242  4242  N/A  {restarts}  END")
            more["SLURM_RESTART_COUNT"] = str(restarts)
        environment = self.environment(SLURM_JOB_ID="4242", SLURM_JOB_NODELIST="n[1-2]", SLURM_JOB_PARTITION="debug",
                                       FAKE_RANKS=ranks, **more)
        return subprocess.Popen(["bash", script], cwd=self.path, env=environment, start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def supervise(self, body, settings="", signals=(), **more):
        """Runs supervise.sh around a program of bash; returns (status, stderr, whether the job was requeued)."""
        process = self.begin(body, settings, **more)
        for number in signals:
            wait_for(self.path / "started")
            process.send_signal(number)
        _, err = process.communicate(timeout=60)
        return process.returncode, err.decode(), self.requeued()

    def begin(self, body, settings="", **more):
        """Starts supervise.sh around a program of bash."""
        self.script("program", body if "touch started" in body else f"touch started\n{body}")
        (self.path / "batch.sh").write_text(f"run=(./program)\nstart_seconds=0 retry_seconds=0\n{settings}\nsource slurm/supervise.sh\n")
        for name in ("started", "fake/asked", "fake/requeues"):
            (self.path / name).unlink(missing_ok=True)
        return self.start_script("batch.sh", **more)

    def requeued(self, job="4242"):
        path = self.path / "fake/requeues"
        if not path.exists():
            return False
        assert path.read_text() == f"requeue {job}\n", path.read_text()
        return True


def wait_for(path, seconds=20):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} does not appear"
        time.sleep(0.005)


def test_final_statuses_are_passed_on():
    with Cluster() as cluster:
        for status in (0, 3, 64, 70, 76, 1, 137):
            assert cluster.supervise(f"exit {status}")[::2] == (status, False), status
        assert "no progress" in cluster.supervise("exit 76")[1]


def test_interrupted_jobs_are_requeued_until_the_limit():
    with Cluster() as cluster:
        for restarts in range(3):
            status, err, requeued = cluster.supervise("exit 75", "max_restarts=2", restarts=restarts)
            assert (status, requeued) == (75, restarts < 2), err
        assert "submit it again" in err


def test_scratch_that_does_not_exist_is_named():
    with Cluster() as cluster:
        (cluster.path / "tmp").mkdir()
        body = 'exec [ "$SURD_SCRATCH" = "$TMPDIR" ]'
        scratch = {"TMPDIR": str(cluster.path / "tmp"), "SLURM_TMPDIR": ""}
        status, err, _ = cluster.supervise(body, SURD_SCRATCH="/nowhere/at all", **scratch)
        assert status == 0 and f"SURD_SCRATCH=/nowhere/at all does not exist on {os.uname().nodename}: " in err, err
        status, err, _ = cluster.supervise(body, **scratch)
        assert (status, err) == (0, ""), err


def test_restarts_of_another_job_do_not_count():
    with Cluster() as cluster:
        told = '[ "$SLURM_RESTART_COUNT" = 0 ] && exit 75'
        assert cluster.supervise(told, SLURM_RESTART_COUNT="20")[::2] == (75, True)
        cluster.script("fake/squeue", "exit 1")
        assert cluster.supervise("exit 75", SLURM_RESTART_COUNT="20")[::2] == (75, False), "nothing better is known"


def test_a_task_of_an_array_puts_back_itself_only():
    """The last task's number is that of the whole array."""
    with Cluster() as cluster:
        cluster.put("job", "4242  4242  3  1  END\n4240  4242  1  20  2026-01-01T00:00:00\n4239  4242  [4-9%2]  0  N/A")
        process = cluster.begin('[ -n "$SLURM_JOB_END_TIME" ] && [ "$SLURM_RESTART_COUNT" = 1 ] && exit 75')
        _, err = process.communicate(timeout=20)
        assert process.returncode == 75 and cluster.requeued("4242_3"), err.decode()


def test_what_surd_recorded_counts_more_than_what_the_launcher_says():
    with Cluster() as cluster:
        record = 'echo {} >"$SURD_STATUS_FILE"; exit 143'
        assert cluster.supervise(record.format(75))[::2] == (75, True)
        assert cluster.supervise(record.format(0))[::2] == (0, False)
        assert cluster.supervise("kill -KILL $$")[::2] == (137, False)


def test_a_lost_node_is_no_failure_of_the_job():
    with Cluster() as cluster:
        for states in ("mixed*", "allocated\ndown*"):
            cluster.put("nodes", states)
            assert cluster.supervise("exit 137")[::2] == (75, True), states
            assert cluster.supervise('echo 70 >"$SURD_STATUS_FILE"; exit 137')[::2] == (70, False), states


def test_scripts_may_be_strict():
    with Cluster() as cluster:
        assert cluster.supervise("exit 75", "set -euo pipefail")[::2] == (75, True)
        cluster.put("nodes", "down*\n" + "mixed\n" * 100000)  # so many that the pipe breaks
        assert cluster.supervise("exit 137", "set -euo pipefail")[::2] == (75, True)


def test_the_end_time_is_asked_for():
    with Cluster() as cluster:
        cluster.put("busy", "")
        status, err, _ = cluster.supervise('left=$((SLURM_JOB_END_TIME - $(date +%s))); [ $left -gt 3590 ] && [ $left -le 3600 ]',
                                           SLURM_JOB_END_TIME="1")
        assert status == 0, err
        cluster.put("job", "4242  4242  N/A  0  N/A")
        assert cluster.supervise('[ -z "${SLURM_JOB_END_TIME+set}" ]', SLURM_JOB_END_TIME="1")[0] == 0


def test_usr1_stops_the_program_and_requeues_whenever_it_comes():
    chance = random.Random(1)
    with Cluster() as cluster:
        for _ in range(30):
            wait = f"trap 'exit 75' USR1; touch ready; for i in {{1..{chance.randint(1, 40)}}}; do sleep 0.002; done; exit 75"
            status, err, requeued = cluster.supervise(wait, signals=[signal.SIGUSR1])
            assert (status, requeued) == (75, True), f"{status} {err}"


def test_a_launcher_that_dies_of_the_signal_with_status_0_has_not_finished():
    """As MPICH's does where it comes before the ranks have started."""
    with Cluster() as cluster:
        dies = "trap 'exit 0' USR1; touch started; for i in {1..1500}; do sleep 0.01; done"
        assert cluster.supervise(dies, signals=[signal.SIGUSR1])[::2] == (75, True)
        finished = f"trap 'echo 0 >\"$SURD_STATUS_FILE\"; exit 0' USR1; {dies[dies.index('touch'):]}"
        assert cluster.supervise(finished, signals=[signal.SIGUSR1])[::2] == (0, False)


def test_usr1_is_kept_back_while_the_ranks_are_started():
    """MPICH's mpiexec may hang else."""
    wait = "for i in {1..%d}; do sleep 0.01; done"
    starts = f"trap 'exit 70' USR1; touch started; {wait % 100}; trap 'exit 75' USR1; {wait % 1500}"
    with Cluster() as cluster:
        assert cluster.supervise(starts, "start_seconds=4", signals=[signal.SIGUSR1])[::2] == (75, True)


def test_usr1_is_repeated_until_the_ranks_hear_it():
    """Launchers forget a signal that comes while they start the ranks."""
    with Cluster() as cluster:
        deaf = "n=0; trap '[ $((n += 1)) -lt 2 ] || exit 75' USR1; touch started; for i in {1..1500}; do sleep 0.01; done"
        status, err, requeued = cluster.supervise(deaf, signals=[signal.SIGUSR1])  # from its start on
        assert (status, requeued) == (75, True) and err.count("told to stop") == 1, err
    for delay in (0.05, 0.15, 0.4):
        with Cluster(JOB.replace("20}", "300}")) as cluster:
            settings = f"launch=({harness.MPIEXEC} -n 2) run=({harness.PROBE} run job.yaml) start_seconds=5"
            process = cluster.begin("", settings)
            wait_for(cluster.path / "fake/asked")  # the script hears signals now
            time.sleep(delay)
            process.send_signal(signal.SIGUSR1)
            _, err = process.communicate(timeout=30)
            assert process.returncode == 75 and cluster.requeued(), f"status {process.returncode}\n{err.decode()}"


def test_term_requeues_only_what_goes_on_running():
    with Cluster() as cluster:
        wait = "trap 'exit 75' USR1; touch started; while true; do sleep 0.01; done"
        assert cluster.supervise(wait, signals=[signal.SIGTERM])[::2] == (75, True), "pre-empted, with grace"
        cluster.put("state", "COMPLETING")
        status, err, requeued = cluster.supervise(wait, signals=[signal.SIGTERM])
        assert (status, requeued) == (75, False) and "ended by Slurm" in err, err


def submit(cluster, *options):
    status, out, err = cluster.verb("submit", "job.yaml", "--nodes", "2", *options)
    assert status == 0, err
    return out


def test_a_submitted_sweep_is_stopped_and_resumed_on_fewer_ranks():
    slow = JOB.replace("20}", "200}")
    with Cluster(slow) as undisturbed:
        assert undisturbed.verb("run", "job.yaml", SURD_HURRY="1")[0] == 0
        expected = undisturbed.output()
    with Cluster(slow) as cluster:
        assert "submitted job 4242; watch it with: surd status job.yaml\n" == submit(cluster)
        text = (cluster.path / ".surd/storm/submit.sbatch").read_text()
        assert "--ntasks-per-node=2\n" in text and "--mem=1900M\n" in text and os.path.realpath(harness.PROBE) in text
        cluster.put("queue", "PENDING|Priority||1:00:00")
        assert "Slurm job     4242: pending (Priority)\n" in cluster.verb("status", "job.yaml")[1]

        process = cluster.start_script(".surd/storm/submit.sbatch", ranks="3", start_seconds="0")
        wait_for(cluster.trace)  # the ranks have started
        time.sleep(0.3)
        status, out, _ = cluster.verb("status", "job.yaml")
        assert re.search(r"Slurm job     4242: running on n\[1-2\], (59 min \d\d s|1 h 00 min) left\n", out), out
        process.send_signal(signal.SIGUSR1)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 75 and cluster.requeued(), f"status {process.returncode}\n{err.decode()}"
        assert "--time" not in text and "#SBATCH --time=00:11:00" in submit(cluster, "--dry-run"), "20 s of work, and 10 min"

        process = cluster.start_script(".surd/storm/submit.sbatch", restarts=1, ranks="1", SURD_HURRY="1")
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
        assert cluster.output() == expected
        assert set(cluster.evaluations().values()) == {1}, "a point was computed twice"
        cluster.put("queue", "")
        facts = json.loads(cluster.verb("status", "job.yaml", "--json")[1])["slurm"]
        assert facts["job_id"] == "4242" and facts["restart_count"] == 1 and facts["nodes"], facts


def tell_of_another_host(cluster, seconds_ago):
    """As if what wrote the leases and the state had been on a node that is not seen from here."""
    work = cluster.path / ".surd/storm"
    written = time.time() - seconds_ago
    for path in (work / "state.json", *work.glob("leases/*.lease")):
        path.write_text(path.read_text().replace(f'"{socket.gethostname()}"', '"far"'))
        os.utime(path, (written, written))


def test_a_run_that_died_on_another_node_is_not_running():
    with Cluster() as cluster:
        submit(cluster)
        process = cluster.start_script(".surd/storm/submit.sbatch")
        wait_for(cluster.trace)
        wait_for(cluster.path / ".surd/storm/state.json")
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        cluster.script("fake/squeue", 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1')

        tell_of_another_host(cluster, seconds_ago=0)
        out = cluster.verb("status", "job.yaml")[1]
        assert "jobs at work  1\n" in out and "on far: running" in out and "Slurm job     4242: running" in out, out
        tell_of_another_host(cluster, seconds_ago=60)
        out = cluster.verb("status", "job.yaml")[1]
        assert "jobs at work  0\n" in out and "on far: killed, last seen" in out and "4242: not in the queue" in out, out
        cluster.script("fake/squeue", "echo 'RUNNING|None|n1|59:00'")
        out = cluster.verb("status", "job.yaml")[1]
        assert "on far: silent since" in out and "4242: running on n1" in out, out


def test_status_does_not_wait_long_for_a_queue_that_hangs():
    for job, first in ((JOB, "storm: 0 of 100 points"), (TABLE, "small: never run")):
        with Cluster(job) as cluster:
            (cluster.path / "in.csv").write_text("a\n")
            submit(cluster)
            cluster.script("fake/squeue", "exec sleep 60")
            begin = time.monotonic()
            process = subprocess.Popen([cluster.program, "status", "job.yaml"], cwd=cluster.path, stdout=subprocess.PIPE,
                                       env=cluster.environment(), text=True)
            assert process.stdout.readline().startswith(first)
            assert time.monotonic() - begin < 4, "what is known from files comes first"
            assert "4242: squeue does not answer here" in process.communicate()[0]
            assert time.monotonic() - begin < 20


def test_reports_of_data_jobs_name_hosts_job_and_restarts():
    with Cluster(TABLE) as cluster:
        (cluster.path / "in.csv").write_text("a\n3\n1\n2\n")
        submit(cluster, "--time", "90")
        assert "work directory of Slurm job 4242" in cluster.verb("submit", "job.yaml")[2]
        process = cluster.start_script(".surd/small/submit.sbatch", restarts=4, ranks="2")
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
        report = json.loads(next((cluster.path / ".surd/small").glob("report-*.json")).read_text())
        assert report["slurm"]["job_id"] == "4242" and report["slurm"]["restart_count"] == "4", report["slurm"]
        assert len(report["memory"]["per_rank"]) == 2 and report["memory"]["per_rank"][1]["host"]
        cluster.put("queue", "")
        assert "Slurm job 4242: not in the queue, last on n[1-2], restart 4" in cluster.verb("status", "job.yaml")[1]
        assert cluster.verb("submit", "job.yaml", "--array", "2", "--dry-run")[0] == 64


def test_the_time_of_a_data_job_is_estimated():
    with Cluster(TABLE) as cluster:
        with open(cluster.path / "in.csv", "w") as file:
            file.write("a\n" + "1\n" * (1 << 20))
            file.truncate(6 << 30)  # a hole
        text = submit(cluster, "--dry-run")
        # Read and written, and three times spilled and read, as the plan has it at most; on four ranks.
        assert "# Time: 48.0 GiB to read and write, at 200 MiB/s (assumed" in text, text
        assert "#SBATCH --time=00:17:00\n" in text, "one and a half times 246 s, and 10 minutes"
        text = submit(cluster, "--dry-run", "--partition", "short")
        assert "#SBATCH --time=00:15:00\n" in text and "the partition allows less at a time" in text, text
        assert "# Time" not in submit(cluster, "--dry-run", "--time", "90")
        assert "time     16 min 23 s: 48.0 GiB" in cluster.verb("plan", "job.yaml")[1], "on one rank"
        assert json.loads(cluster.verb("plan", "job.yaml", "--json")[1])["time"]["bytes_to_move"] == 48 << 30


def test_refusals_are_sbatchs_words():
    with Cluster() as cluster:
        status, out, err = cluster.verb("submit", "job.yaml", "--partition", "wrong")
        assert status == 64 and "invalid partition specified: wrong" in err and not out, err
        assert not (cluster.path / ".surd/storm/submit.json").exists()
        (cluster.path / "fake/sbatch").unlink()
        status, _, err = cluster.verb("submit", "job.yaml", PATH=str(cluster.path / "fake"))
        assert status == 70 and "no sbatch on PATH" in err, err


def test_what_run_would_refuse_is_refused_at_once():
    def refused(cluster, *options, nodes="2"):
        status, out, err = cluster.verb("submit", "job.yaml", "--dry-run", "--nodes", nodes, *options)
        assert status == 64 and not out, (options, out)
        return err

    with Cluster() as cluster:
        assert "may have only 4 ranks" in refused(cluster, "--ranks-per-point", "5")
        assert "may have only 2 ranks" in refused(cluster, "--ranks-per-point", "3", nodes="1-2")
        submit(cluster, "--ranks-per-point", "4", "--dry-run")
        assert "2147483647 ranks" in refused(cluster, "--tasks-per-node", "1000000", nodes="1000000")
        status, out, err = cluster.verb("submit", "job.yaml", "--work", "/proc/nope")
        assert status == 64 and "create /proc/nope" in err and "with --work" in err and not out, err
        assert "--max-restarts 0" in refused(cluster, "--", "--no-requeue")
        assert "its messages" not in cluster.verb("submit", "job.yaml", "--", "--output=mine")[2]
    with Cluster(JOB.replace("function: tally", "command: [./absent, '{x}']\nparse: none")) as cluster:
        assert "'./absent' is no executable file" in refused(cluster)
    with Cluster(TABLE) as cluster:
        assert "--ranks-per-point is for sweeps" in refused(cluster, "--ranks-per-point", "2")
        assert cluster.verb("run", "job.yaml", "--ranks-per-point", "2")[0] == 64


def test_a_dry_run_writes_nothing_and_is_valid():
    with Cluster() as cluster:
        before = sorted(cluster.path.rglob("*"))
        for options in ([], ["--array", "4"], ["--launcher", "mpirun", "--cpus-per-task", "2"],
                        ["--gpus-per-node", "4", "--set", "params.milliseconds=$(reboot) 'x'", "--", "--exclusive"]):
            text = submit(cluster, "--dry-run", *options)
            subprocess.run(["bash", "-n"], input=text.encode(), check=True)
        assert sorted(cluster.path.rglob("*")) == before


def test_templates_run_what_they_say():
    needed = ("--requeue", "--open-mode=append", "--signal=B:USR1@", "--time=", "--nodes=", "--ntasks-per-node=", "--mem=")
    scripts = sorted(TEMPLATES.glob("*.sbatch"))
    assert len(scripts) == 5
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-x", *(f"slurm/{script.name}" for script in scripts), "slurm/supervise.sh"],
                       cwd=TEMPLATES.parent, check=True)
    with Cluster() as cluster:
        for name in ("fake/surd", "field"):
            cluster.script(name, 'echo "$*" >ran')
        for script in scripts:
            text = script.read_text()
            for option in needed:
                assert f"#SBATCH {option}" in text, f"{script}: {option}"
            assert "--mem-per-cpu" not in text, f"{script}: counts for each hardware thread of a core"
            process = cluster.start_script(str(script))
            _, err = process.communicate(timeout=20)
            assert process.returncode == 0, err.decode()
            assert (cluster.path / "ran").read_text().startswith("run "), script
            (cluster.path / "ran").unlink()


harness.main(globals())
