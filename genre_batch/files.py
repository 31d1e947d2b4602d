"""Local files: written under a temporary name and renamed, and checked before any work is done."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from genre_batch.errors import GenreBatchError, OutputExistsError, UsageError

__all__ = [
    "check_input_file",
    "check_input_folder",
    "check_output_file",
    "check_output_folder",
    "check_parent_folder",
    "first_line",
    "rename_into_place",
    "replacing",
    "replacing_path",
    "write_json",
    "write_text",
]

StrPath = str | os.PathLike[str]


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
        folder, name = os.path.split(os.path.realpath(path))
        temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.partial")
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

    Arguments and errors are those of `replacing_path`.
    """
    with replacing_path(path, temporary) as name, open(name, "wb") as stream:
        yield stream


def write_text(path: StrPath, text: str) -> None:
    """Write a UTF-8 text file, complete or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: StrPath, value: Any) -> None:
    """Write a value as indented JSON, complete or not at all.

    Raises:
        OSError: the file cannot be written.
        TypeError: the value cannot be represented in JSON.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def rename_into_place(temporary: StrPath, path: StrPath) -> None:
    """Sync a complete file, rename it to its final name, and sync the folder that holds it.

    Raises:
        OSError: the file cannot be synced or renamed.
    """
    final = os.path.realpath(path)
    _sync(temporary)
    os.replace(temporary, final)
    # The new name must survive a power failure, too.
    _sync(os.path.dirname(final))


def _sync(path: StrPath) -> None:
    """Flush a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_input_file(path: StrPath, name: str = "") -> None:
    """Check that a file to read exists and is not a folder.

    Args:
        path: a file, a device or a FIFO.
        name: what the path is, as a prefix for messages: a parameter in backticks.

    Raises:
        UsageError: there is no such file, or it is a folder.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise UsageError(_prefixed(name, f"no such file: {path}"))
    if os.path.isdir(path):
        raise UsageError(_prefixed(name, f"{path} is a folder: name a file in it"))


def check_input_folder(path: StrPath, name: str = "") -> None:
    """Check that a folder to read exists.

    Args:
        path: the folder.
        name: as in `check_input_file`.

    Raises:
        UsageError: there is no such folder.
    """
    path = os.fspath(path)
    if not os.path.isdir(path):
        raise UsageError(_prefixed(name, f"no such folder: {path}"))


def check_output_file(
    path: StrPath, *, force: bool = True, name: str = "", in_new_folder: bool = False
) -> None:
    """Check that a file can be written under this name, before any work is done for it.

    Args:
        path: the file to write.
        force: whether an existing file may be overwritten.
        name: as in `check_input_file`.
        in_new_folder: whether the folder that holds the file may be missing.

    Raises:
        UsageError: the path is a folder, or its folder does not exist.
        OutputExistsError: the file exists and `force` is false.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        raise UsageError(_prefixed(name, f"{path} is a folder: name a file in it"))
    if not in_new_folder:
        check_parent_folder(path, name)
    if not force and os.path.exists(path):
        raise OutputExistsError(path)


def check_output_folder(
    path: StrPath, *, name: str = "", error: type[GenreBatchError] = UsageError
) -> None:
    """Check that a path is a folder, or that nothing exists there yet.

    Args:
        path: the folder to write into.
        name: as in `check_input_file`.
        error: the class of the error to raise.

    Raises:
        GenreBatchError: the path is a file; of class `error`.
    """
    path = os.fspath(path)
    if os.path.exists(path) and not os.path.isdir(path):
        raise error(_prefixed(name, f"{path} is a file: choose a folder"))


def check_parent_folder(path: StrPath, name: str = "") -> None:
    """Check that the folder exists in which a file or a folder is to be created.

    Args:
        path: the file or folder to create.
        name: as in `check_input_file`.

    Raises:
        UsageError: there is no such folder.
    """
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise UsageError(_prefixed(name, f"no such folder: {folder}: make it first (mkdir -p)"))


def _prefixed(name: str, message: str) -> str:
    return f"{name}: {message}" if name else message


def first_line(error: BaseException) -> str:
    """Return the first non-empty line of an error's message, or its type if there is none."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
