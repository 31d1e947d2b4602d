"""The installed command, run in a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["COMMAND", "Cost", "model_arguments", "run_command"]

COMMAND = Path(sys.executable).with_name("genre-batch")


@dataclass(frozen=True)
class Cost:
    """The cost of a process.

    Attributes:
        seconds: from its start to its end.
        peak_bytes: peak resident memory; None where it does not exceed this process's own, which a
            child process starts with.
    """

    seconds: float
    peak_bytes: int | None


def run_command(arguments: Sequence[str | Path], kill_after: float | None = None) -> Cost:
    """Run `genre-batch` and wait for it; what it prints on stdout is discarded.

    Args:
        arguments: of the command.
        kill_after: seconds until it is killed (SIGKILL); None: let it finish.

    Raises:
        SystemExit: it failed, or finished before it could be killed.
    """
    started = time.perf_counter()
    process = subprocess.Popen([COMMAND, *arguments], stdout=subprocess.DEVNULL)
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (0 if kill_after is None else -9):
        command = " ".join(map(str, arguments))
        raise SystemExit(f"genre-batch {command}: exit code {process.returncode}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(seconds, usage.ru_maxrss * 1024 if usage.ru_maxrss > own else None)


def model_arguments(model: str | None) -> list[str]:
    """Return the option of `tag` that chooses the model; None: the shipped one."""
    return [] if model is None else ["-m", model]
