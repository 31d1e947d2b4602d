"""Locks between processes: the kernel's (flock), released when their process ends in any way."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from genre_batch.errors import GenreBatchError, GenreBatchWarning
from genre_batch.paths import make_folder

__all__ = ["lock_unused", "locked", "take_lock"]

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""The errors of file systems without flock, such as NFS, Lustre and FUSE."""


def take_lock(path: Path, busy: Callable[[str], GenreBatchError]) -> int:
    """Create a file, in a folder that may be missing, and lock it.

    On a file system without locks, the run continues with a warning.

    Args:
        path: the file; it holds the number of the process that has the lock.
        busy: makes the error to raise, given the process that has the lock.

    Returns:
        The open file, whose lock is released when it is closed.

    Raises:
        GenreBatchError: another process has the lock.
        OSError: the folder or the file cannot be created.
    """
    while True:
        make_folder(path.parent)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue  # another run has just removed the folder
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                _warn_of_missing_locks(path.parent, error)
                return lock
            if not isinstance(error, BlockingIOError):
                os.close(lock)
                raise
            process = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise busy(process or "unknown") from error
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.stat(path)):
                os.ftruncate(lock, 0)
                os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
                return lock
        os.close(lock)


def lock_unused(path: Path) -> int | None:
    """Lock a file that exists, if no process has it.

    Args:
        path: the file.

    Returns:
        The open file, as in `take_lock`; None if a process has the lock or nobody knows, as on a
        file system without locks, or if the file is missing.
    """
    try:
        lock = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _warn_of_missing_locks(folder: Path, error: OSError) -> None:
    warnings.warn(
        f"the file system of {folder.parent} has no locks ({error.strerror}): do not start a "
        f"second run with the same output",
        GenreBatchWarning,
        stacklevel=2,
    )


@contextlib.contextmanager
def locked(path: Path, busy: Callable[[str], GenreBatchError]) -> Iterator[None]:
    """Return a context that holds a lock; its file is removed at the end.

    Folders that are created for it are removed too, unless something else was written into them.

    Args:
        path, busy: as in `take_lock`.

    Raises:
        GenreBatchError: another process has the lock.
        OSError: the folder or the file cannot be created.
    """
    created = [folder for folder in path.parents if not folder.exists()]
    try:
        lock = take_lock(path, busy)
    except BaseException:
        _remove_empty(created)
        raise
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(lock)
        _remove_empty(created)


def _remove_empty(folders: list[Path]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()
