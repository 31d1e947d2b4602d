"""Leave in a folder only the coverage files that `coverage combine` can read.

    python scripts/coverage_files.py [FOLDER]

Every process of the tests writes a file of its own as it ends. Some end after their test, as the
agents of a Ray cluster do, and some are killed while they write. `coverage combine` stops at a file
that is half written, so: wait for processes of this environment that still run, then remove what
cannot be read, and say so.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException

__all__ = ["remove_unreadable", "still_running"]

PATTERN = ".coverage.*"
MAX_WAIT_SECONDS = 60
POLL_SECONDS = 0.2


def still_running(environment: str, processes: Path = Path("/proc")) -> list[int]:
    """Return the ids of the processes, other than this one, whose command is in `environment`."""
    running = []
    for folder in processes.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            if environment in command and int(folder.name) != os.getpid():
                running.append(int(folder.name))
    return running


def remove_unreadable(folder: Path) -> list[str]:
    """Remove the coverage files of `folder` that cannot be combined; return why, a line each."""
    reasons = []
    for file in sorted(folder.glob(PATTERN)):
        try:
            CoverageData(no_disk=True).update(CoverageData(str(file)))
        except CoverageException as error:
            file.unlink(missing_ok=True)
            reasons.append(f"{file.name}: left out: {error}")
    return reasons


def main(arguments: list[str]) -> None:
    """Settle the folder named in `arguments`, or else the current one."""
    give_up_at = time.monotonic() + MAX_WAIT_SECONDS
    while (running := still_running(f"{sys.prefix}{os.sep}")) and time.monotonic() < give_up_at:
        time.sleep(POLL_SECONDS)
    if running:
        print(f"still running after {MAX_WAIT_SECONDS} s: processes {running}")
    for reason in remove_unreadable(Path(arguments[0] if arguments else ".")):
        print(reason)


if __name__ == "__main__":
    main(sys.argv[1:])
