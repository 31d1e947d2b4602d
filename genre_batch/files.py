"""Local files: read as a whole, and written under a temporary name and renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from genre_batch.errors import GenreBatchError, UsageError
from genre_batch.paths import folder_advice, is_stream, neighbor, open_stream

__all__ = [
    "read_input",
    "rename_into_place",
    "replacing",
    "replacing_path",
    "write_json",
    "write_text",
]

StrPath = str | os.PathLike[str]

_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)
"""The errors of file systems that cannot sync a folder, or open it for that."""


def read_input(
    path: StrPath, *, missing: str, wanted: str, unreadable: Callable[[OSError], GenreBatchError]
) -> bytes:
    """Read an input file as a whole.

    Args:
        path: the file.
        missing: the message if there is no such file.
        wanted: what to name in place of a folder, for the message.
        unreadable: makes the error if it cannot be read.

    Raises:
        UsageError: there is no such file, or it is a folder.
        GenreBatchError: it cannot be read; made by `unreadable`.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(missing) from error
    except IsADirectoryError as error:
        raise UsageError(folder_advice(path, wanted)) from error
    except OSError as error:
        raise unreadable(error) from error


@contextlib.contextmanager
def replacing_path(path: StrPath, temporary: str | None = None) -> Iterator[Path]:
    """Yield a temporary path, and rename it to `path` if the block succeeds.

    The block creates the temporary file itself. If the block fails, the temporary file is removed
    and an existing file at `path` stays as it was. If `path` is a symbolic link, the file that it
    points to is replaced, not the link.

    Args:
        path: the final name.
        temporary: the temporary name, on the same file system as `path`; default: a new hidden
            name in the same folder.

    Raises:
        OSError: the file cannot be synced or renamed.
    """
    if temporary is None:
        temporary = neighbor(os.path.realpath(path), ".", f".{secrets.token_hex(4)}.partial")
    try:
        yield Path(temporary)
        rename_into_place(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def replacing(path: StrPath, temporary: str | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file for writing, and rename it to `path` if the block succeeds.

    A stream (`is_stream`) is written directly. Arguments and errors are those of `replacing_path`.
    """
    if is_stream(path):
        with open_stream(path) as stream:
            yield stream
        return
    with replacing_path(path, temporary) as name, open(name, "wb") as stream:
        _keep_permissions(path, stream.fileno())
        yield stream


def write_text(path: StrPath, text: str) -> None:
    r"""Write a UTF-8 text file, complete or not at all; lone surrogates are escaped, as in \udce9.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))


def write_json(path: StrPath, value: Any) -> None:
    """Write a value as indented JSON, complete or not at all.

    Raises:
        OSError: the file cannot be written.
        TypeError: the value cannot be represented in JSON.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def rename_into_place(temporary: StrPath, path: StrPath) -> None:
    """Sync a complete file, rename it to its final name, and sync the folder that holds it.

    A file that is replaced gives its owner, group and mode to the new one.

    Raises:
        OSError: the file cannot be synced or renamed.
    """
    final = os.path.realpath(path)
    _keep_permissions(final, temporary)
    _sync(temporary)
    os.replace(temporary, final)
    # The new name must survive a power failure, too, where the file system can promise that.
    try:
        _sync(os.path.dirname(final))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _keep_permissions(replaced: StrPath, new: StrPath | int) -> None:
    """Give the owner, group and mode of a file that will be replaced to its successor.

    Where the group cannot be kept, the new file's group gets no permission.

    Args:
        replaced: a path; nothing is done if no regular file exists there.
        new: the path or the descriptor of the new file.
    """
    try:
        old = os.stat(replaced)
    except OSError:
        return
    if not stat.S_ISREG(old.st_mode):
        return
    mode = stat.S_IMODE(old.st_mode) & 0o777
    for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
        with contextlib.suppress(OSError):
            os.chown(new, owner, group)
    if os.stat(new).st_gid != old.st_gid:
        mode &= ~stat.S_IRWXG
    with contextlib.suppress(OSError):  # a file system without permissions
        os.chmod(new, mode)


def _sync(path: StrPath) -> None:
    """Flush a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
