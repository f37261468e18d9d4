"""Usage: last_words.py DYING_RANK: a program that ends the job waits until its error message is read, because a
launcher may forget what it has not read by then; and it does not wait for ever."""
import os
import select
import subprocess
import sys
import time


def dying(program):
    """A process that has written its error message into a pipe, and the pipe's end to read from."""
    pipe, other_end = os.pipe()
    process = subprocess.Popen([program, "all"], stderr=other_end, stdout=subprocess.DEVNULL)
    os.close(other_end)
    assert select.select([pipe], [], [], 20)[0], "it says nothing"
    return process, pipe


def until_end(process):
    begin = time.monotonic()
    status = process.wait(20)
    return status, time.monotonic() - begin


process, pipe = dying(sys.argv[1])
time.sleep(0.3)
assert process.poll() is None, "it ended before its message was read"
said = os.read(pipe, 1 << 16).decode()
assert until_end(process)[0] == 64
said += os.read(pipe, 1 << 16).decode()
assert said == "surd: error: the grid is empty\n", "MPI buries it: " + said

process, pipe = dying(sys.argv[1])
status, seconds = until_end(process)
assert status == 64 and seconds < 10, f"status {status} after {seconds:.1f} s that nobody read its message"
