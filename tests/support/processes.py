"""Processes of this machine, found in /proc."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

__all__ = ["workers_below"]


def workers_below(parents: Collection[int]) -> list[int]:
    """Return the Ray workers that write parts, among the processes that these raylets started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if int(status[1]) in parents and line.startswith(b"ray::genre-batch"):
                found.append(int(folder.name))
    return found
