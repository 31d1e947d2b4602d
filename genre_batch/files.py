"""Local files: written under a temporary name and renamed, and checked before any work is done."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from genre_batch.errors import OutputExistsError, UsageError

__all__ = ["check_output_file", "first_line", "rename_into_place", "replacing"]


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], temporary: str | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file that is synced and renamed to `path` when the block ends well.

    A symbolic link is followed, so that the file it points to is replaced and not the link.

    Args:
        path: the final name.
        temporary: the name to write under, on the same file system as the path; default: a new
            one beside it.

    Raises:
        OSError: as the system gives it; the temporary file is gone then.
    """
    if temporary is None:
        folder, name = os.path.split(os.path.realpath(path))
        temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.partial")
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        rename_into_place(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def rename_into_place(temporary: str, path: str | os.PathLike[str]) -> None:
    """Rename a complete, synced file to its final name, and sync the folder that holds it.

    Raises:
        OSError: as the system gives it.
    """
    final = os.path.realpath(path)
    os.replace(temporary, final)
    # The renaming itself has to last through a power loss.
    descriptor = os.open(os.path.dirname(final), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_output_file(path: str | os.PathLike[str], *, force: bool = True, name: str = "") -> None:
    """Check that a local file can be written under this name, before any work is done for it.

    Args:
        path: the file to write.
        force: whether an existing file may be overwritten.
        name: what the path is, as a prefix for messages, such as `--report`.

    Raises:
        UsageError: the path is a folder, or its folder does not exist.
        OutputExistsError: the file exists and `force` is false.
    """
    path = os.fspath(path)
    prefix = f"{name} " if name else ""
    if os.path.isdir(path):
        raise UsageError(f"{prefix}{path} is a folder: name a file in it")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise UsageError(
            f"{prefix}{path}: no such folder: {os.path.dirname(path) or folder}: "
            f"make it first (mkdir -p)"
        )
    if not force and os.path.exists(path):
        raise OutputExistsError(path)


def first_line(error: BaseException) -> str:
    """Return the first non-empty line of an error's message, or its type where it has none."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
