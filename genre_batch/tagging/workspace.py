"""The hidden folder next to an output, for the temporary files of the run that writes it.

It contains a lock against a second run, the output under its temporary name, and the probabilities
computed so far, which the same command uses after an interruption. It is removed after success.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from genre_batch.catalog.formats import Location, is_regular_or_new
from genre_batch.errors import CatalogError
from genre_batch.locks import lock_unused, take_lock
from genre_batch.paths import SIDE_SUFFIX, neighbor, user_cache_folder

__all__ = ["Workspace", "remote_workspace", "remove_unused", "workspace_folder"]

_LOCK = "run.lock"
_DONE = "done"
_STORE = "store"


def workspace_folder(target: Location) -> Path | None:
    """Return the workspace of a run that writes this output; None if it cannot be resumed.

    Runs that write to stdout, devices and FIFOs cannot be resumed. Cloud storage cannot contain a
    lock or a store: these are in the user's cache folder then, so the run can only be resumed on
    the same machine.
    """
    if target.is_stdio:
        return None
    if target.is_remote:
        return remote_workspace(target.path)
    if not os.path.isdir(target.path) and not is_regular_or_new(target.path):
        return None
    return Path(neighbor(os.path.realpath(target.path), ".", SIDE_SUFFIX))


def remote_workspace(url: str) -> Path:
    """Return the workspace, on this machine, of a run that writes to cloud storage."""
    name = hashlib.sha256(os.fsencode(url)).hexdigest()[:16]
    return user_cache_folder() / f"{name}{SIDE_SUFFIX}"


class Workspace(contextlib.AbstractContextManager["Workspace"]):
    """The folder of a run, locked while it is open.

    Attributes:
        folder: its path.
        resumable: whether it contains something that the next run can use.
    """

    def __init__(self, folder: Path, output: str, fresh: bool = False) -> None:
        """Create and lock the folder.

        The lock is the kernel's (flock): it is released when its process ends, in whatever way, so
        there are no stale locks. On a file system without locks, the run warns and continues.

        Args:
            folder: as `workspace_folder` returns it.
            output: the output's path, for messages.
            fresh: delete what an interrupted run left.

        Raises:
            CatalogError: another run has the lock, or the folder cannot be created.
        """
        self.folder = folder
        try:
            self._lock = self._acquire_lock(output)
            self.resumable = not fresh and (folder / _STORE / "data.mdb").exists()
            names_to_keep = (_LOCK,) if fresh else (_LOCK, _DONE, _STORE)
            _remove_all_but(folder, names_to_keep)
        except OSError as error:
            raise CatalogError(
                f"cannot write {output}: {error.strerror}: temporary files are written to "
                f"{folder.parent}, next to the output: make room there, or make it writable"
            ) from error

    def _acquire_lock(self, output: str) -> int:
        def busy(process: str) -> CatalogError:
            return CatalogError(
                f"another run (process {process}) is writing {output}: "
                f"wait for it, or choose another `output`"
            )

        return take_lock(self.folder / _LOCK, busy)

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        if kind is None or not self.resumable:
            _remove_locked(self.folder)
        else:
            _remove_unfinished(self.folder)
        os.close(self._lock)

    @property
    def store(self) -> Path:
        """The folder of the probabilities computed so far."""
        return self.folder / _STORE

    def temporary(self, number: int, what: str) -> str:
        """Return the temporary path of a file.

        Args:
            number: the index of the output.
            what: `output` or `rejects`.
        """
        return str(self.folder / f"{what}-{number}.partial")

    def finished(self) -> set[str]:
        """Return the outputs that interrupted runs of this job finished, or were about to."""
        try:
            return set(os.fsdecode((self.folder / _DONE).read_bytes()).split("\0")[:-1])
        except FileNotFoundError:
            return set()

    def mark_finished(self, output: str) -> None:
        """Note that an output is about to get its final name, so that a rerun may overwrite it."""
        with (self.folder / _DONE).open("ab") as file:
            file.write(os.fsencode(output) + b"\0")
            file.flush()
            os.fsync(file.fileno())
        self.resumable = True


def remove_unused(folder: Path) -> None:
    """Remove what ended runs left in a workspace, and the folder, if no run has locked it.

    Args:
        folder: the workspace; it may be missing.
    """
    _remove_unfinished(folder)
    lock = lock_unused(folder / _LOCK)
    if lock is None:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only if it is empty
        return
    try:
        _remove_locked(folder)
    finally:
        os.close(lock)


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob("*.partial"):
        with contextlib.suppress(OSError):
            path.unlink()


def _remove_locked(folder: Path) -> None:
    """Remove a workspace; its lock last, because another run may use all of it from then on."""
    with contextlib.suppress(OSError):
        _remove_all_but(folder, (_LOCK,))
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _remove_all_but(folder: Path, names: Collection[str]) -> None:
    """Remove the content of a folder, except for some names.

    Raises:
        OSError: something cannot be removed; what others remove meanwhile is no error.
    """
    for path in folder.iterdir():
        if path.name in names:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
