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
    if not path.exists():  # another MPI ends in its own way
        print("MPI_Finalize does not call PMIx_Finalize: nothing to see")
    else:
        seconds = path.read_text()
        assert seconds != "killed", "a rank was killed in MPI_Finalize"
        assert float(seconds) < 0.5, f"the launcher let a rank wait for {seconds} s"
