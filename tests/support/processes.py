"""Processes of this machine, found in /proc."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

__all__ = ["processes_below", "workers_below"]


def _processes() -> Iterator[tuple[int, int, bytes]]:
    """Yield each process, its parent and its command line."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            yield int(folder.name), int(status[1]), line


def workers_below(parents: Collection[int]) -> list[int]:
    """Return the Ray workers that write parts, among the processes that these raylets started."""
    return [
        pid
        for pid, parent, line in _processes()
        if parent in parents and line.startswith(b"ray::genre-batch")
    ]


def processes_below(root: int, program: str) -> list[int]:
    """Return the processes of a program that a process, or one that it started, has started."""
    found = list(_processes())
    tree = {root}
    while grown := {pid for pid, parent, _ in found if parent in tree} - tree:
        tree |= grown
    name = program.encode()
    return [
        pid for pid, _, line in found if pid in tree and line.split(b"\0")[0].endswith(b"/" + name)
    ]
