"""Where the private Slurm cannot be started, `test-cluster up` says why with status 77, and so do the tests that need it.

    skips.py TEST_CLUSTER DEPENDENT
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TEST_CLUSTER, DEPENDENT = sys.argv[1:3]
NOBODY = 65534
PROGRAMS = ("bash", "env", "mkdir", "realpath", "slurmctld", "slurmd", "munged", "ip", "nsenter")


def check_skipped(directory, reason, *prefix, **environment):
    """`up` is skipped for that reason; what needs it as well; and `down` is content."""
    def run(verb, **more):
        return subprocess.run([*prefix, directory / "test-cluster", verb, directory / "slurm"], capture_output=True,
                              text=True, timeout=30, cwd=directory, **more)
    up = run("up", env={**os.environ, **environment})
    assert up.returncode == 77 and reason in up.stdout, f"status {up.returncode}: {up.stdout}{up.stderr}"
    dependent = subprocess.run([sys.executable, DEPENDENT, "mpiexec", "surd", "probe", "1", TEST_CLUSTER,
                                directory / "slurm", "surd_data", "ising"], capture_output=True, text=True, timeout=30)
    assert dependent.returncode == 77 and reason in dependent.stdout, dependent
    assert run("down").returncode == 0
    assert os.listdir(directory / "slurm") == ["skipped"], "more than the reason is left"
    shutil.rmtree(directory / "slurm")
    print(f"ok      {up.stdout.strip()}")


def main():
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        directory.chmod(0o777)
        shutil.copy(TEST_CLUSTER, directory)
        user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if root else ()
        check_skipped(directory, "it takes root", *user)
        if not root or not all(shutil.which(program) for program in PROGRAMS):
            print("        neither root nor Slurm here: no other reason can be tried")
            return
        less = ("setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-all")
        check_skipped(directory, "namespaces of its own are not allowed (unshare", *less)
        path = directory / "path"
        path.mkdir()
        for program in PROGRAMS:
            (path / program).symlink_to(shutil.which(program))
        check_skipped(directory, "unshare is not installed", PATH=str(path))


main()
