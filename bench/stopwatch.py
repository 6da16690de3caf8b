"""Run one command and record what it took: `python -I -S stopwatch.py RESULT COMMAND…`.

A process of its own, because Linux counts the memory of a program's parent into the program's peak: this one is small.
It uses only the standard library, for the same reason.
"""

import json
import os
import subprocess
import sys
import time


def main() -> int:
    """Run the command; return its exit code."""
    result, command = sys.argv[1], sys.argv[2:]
    started = time.monotonic()
    child = subprocess.Popen(command)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    finished = time.monotonic()
    written = _written(child.pid)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    taken = {
        "wall": finished - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_rss": usage.ru_maxrss << 10,
        "written": written,
        "finished": finished,
    }
    with open(result, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib would double the start-up time
        json.dump(taken, file)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _written(pid: int) -> int | None:
    """Return the counter of a child that ended and is not reaped yet; it includes the child's own reaped children."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:  # noqa: PTH123 - see above
            return next(int(line.split()[1]) for line in file if line.startswith("wchar:"))
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    sys.exit(main())
