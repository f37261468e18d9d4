"""Usage: leave_together.py MPIEXEC LEAVING_RANKS: no rank leaves with an error while another is still in MPI_Finalize. Open
MPI's launcher would let that one wait for a second or two, and then kill it."""
import pathlib
import subprocess
import sys
import tempfile

MPIEXEC, PROGRAM = sys.argv[1:3]

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "seconds"
    status = subprocess.run([MPIEXEC, "-n", "3", PROGRAM, path], timeout=60, capture_output=True).returncode
    assert status == 75, f"status {status}"
    if not path.exists():
        version = subprocess.run([MPIEXEC, "--version"], timeout=20, capture_output=True).stdout.decode()
        assert "Open" not in version, f"MPI_Finalize did not come by the program's own PMIx_Finalize: {version}"
        print("skipped: this MPI ends in another way")
    else:
        seconds = path.read_text()
        assert seconds != "killed", "a rank was killed in MPI_Finalize"
        assert float(seconds) < 0.5, f"the launcher let a rank wait for {seconds} s"
