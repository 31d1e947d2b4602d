"""Leave in a folder only the coverage files that `coverage combine` can read.

    python scripts/coverage_files.py [FOLDER]

Every process of the tests writes a file of its own, `.coverage.HOST.pidPID....`, as it ends. Some
end after their test, as the agents of a Ray cluster do, and some are killed while they write.
`coverage combine` stops at a file that is half written, so: wait for the processes that still run,
then remove, by name, what cannot be read.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException

__all__ = ["remove_unreadable", "still_running"]

PATTERN = ".coverage.*"
MAX_WAIT_SECONDS = 60
# A process has no file before it ends: it gets this long to make one.
SETTLING_SECONDS = 2
POLL_SECONDS = 0.2


def still_running(files: list[Path], processes: Path = Path("/proc")) -> list[Path]:
    """Return those of `files` whose process, told by the file's name, is among `processes`."""
    found = ((file, re.search(r"\.pid(\d+)\.", file.name)) for file in files)
    return [file for file, match in found if match and (processes / match[1]).exists()]


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


def wait_for_writers(folder: Path) -> None:
    """Wait until no process writes to `folder`, at most a minute."""
    settled_at = time.monotonic() + SETTLING_SECONDS
    give_up_at = time.monotonic() + MAX_WAIT_SECONDS
    while (now := time.monotonic()) < give_up_at:
        if still_running(list(folder.glob(PATTERN))):
            settled_at = now + SETTLING_SECONDS
        elif now >= settled_at:
            return
        time.sleep(POLL_SECONDS)


def main(arguments: list[str]) -> None:
    """Settle the folder named in `arguments`, or else the current one."""
    folder = Path(arguments[0] if arguments else ".")
    wait_for_writers(folder)
    for reason in remove_unreadable(folder):
        print(reason)


if __name__ == "__main__":
    main(sys.argv[1:])
