"""Paths that are streams, folders, and names next to a file that the file system accepts."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "SIDE_SUFFIX",
    "folder_advice",
    "is_model_name",
    "is_run",
    "is_stream",
    "make_folder",
    "neighbor",
    "open_stream",
    "side_folder",
    "user_cache_folder",
]

StrPath = str | os.PathLike[str]

_DESCRIPTORS = re.compile(r"/proc/([^/]+)(/task/[^/]+)?/fd")
"""The folders of a process's open files, to which /dev/stdout and /dev/fd lead."""
SIDE_SUFFIX = ".genre-batch"
"""The end of the name of a folder of this tool next to an output."""
_LONGEST_NAME = 255
_HASH_DIGITS = 8
_ATTEMPTS = 100
"""Of `make_folder`; another process needs to remove the folder each time for one to fail."""


def is_model_name(path: StrPath) -> bool:
    """Return whether a file is a model by its name: it ends with .onnx, in any case."""
    return os.fspath(path).lower().endswith(".onnx")


def is_run(path: StrPath) -> bool:
    """Return whether a path is the folder of a training run."""
    return os.path.isfile(os.path.join(path, "splits.parquet"))


def folder_advice(path: StrPath, wanted: str = "a file") -> str:
    """Return what to name instead of a folder: of a training run, its films or its exported model.

    Args:
        path: the folder.
        wanted: what is needed, for a folder of something else.
    """
    films = os.path.join(path, "splits.parquet")
    if not is_run(path):
        return f"{path} is a folder: name {wanted} in it"
    return (
        f"{path} is a folder, a training run: name {films} for its films, or export its model "
        f"(genre-batch export-onnx {path} -o model.onnx) and name that"
    )


def make_folder(path: StrPath) -> None:
    """Create a folder and its parents, if they do not exist.

    Another process may remove them at the same time: `os.makedirs` then fails although nothing is
    in its way.

    Raises:
        OSError: the folder cannot be created.
    """
    for _ in range(_ATTEMPTS):
        try:
            os.makedirs(path, exist_ok=True)
            return
        except FileExistsError:
            if os.path.lexists(path):
                raise
        except FileNotFoundError:
            pass
    os.makedirs(path, exist_ok=True)


def is_stream(path: StrPath) -> bool:
    """Return whether a path is a device, a FIFO or an open file such as /dev/stdout.

    These must be written directly: renaming would replace them by a file.
    """
    if _descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def open_stream(path: StrPath) -> BinaryIO:
    """Open a stream for writing; an open file of this process continues where it is.

    Raises:
        OSError: the stream cannot be opened, or there is no such open file.
    """
    process, number = _descriptor(path) or ("", "")
    if process != str(os.getpid()):
        return open(path, "wb")
    sys.stdout.flush()
    return open(os.dup(int(number)), "wb")


def _descriptor(path: StrPath) -> tuple[str, str] | None:
    """Return the process and the number if a path, or what it links to, is an open file."""
    path = os.path.abspath(path)
    for _ in range(40):  # as many links as Linux follows
        folder, name = os.path.split(path)
        folder = os.path.realpath(folder)
        if match := _DESCRIPTORS.fullmatch(folder):
            return match[1], name
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            return None
        path = os.path.join(folder, os.readlink(path))
    return None


def neighbor(path: StrPath, prefix: str, suffix: str) -> str:
    """Return the path of a file next to another, with a prefix and a suffix around its name.

    A name that would be too long for the file system is cut and gets a hash of the whole name.
    """
    folder, name = os.path.split(os.fspath(path))
    room = _longest_name(folder) - len(os.fsencode(prefix + suffix))
    encoded = os.fsencode(name)
    if len(encoded) > room:
        room -= 1 + _HASH_DIGITS
        while len(os.fsencode(name)) > max(0, room):
            name = name[:-1]
        name = f"{name}~{hashlib.sha256(encoded).hexdigest()[:_HASH_DIGITS]}"
    return os.path.join(folder, prefix + name + suffix)


def side_folder(output: str) -> str:
    """Return the folder next to an output folder for what must not be in it.

    Args:
        output: the path or URL of the folder; a link's side folder is next to what it leads to.
    """
    folder = output.rstrip("/")
    if "://" in folder:
        return folder + SIDE_SUFFIX
    if os.path.islink(folder) or os.path.basename(folder) in ("", ".", ".."):
        folder = os.path.realpath(output)
    return neighbor(folder, "", SIDE_SUFFIX)


def _longest_name(folder: str) -> int:
    """Return the length of the longest name that a folder may contain, in bytes."""
    try:
        return os.pathconf(folder or ".", "PC_NAME_MAX")
    except (OSError, ValueError):
        return _LONGEST_NAME


def user_cache_folder() -> Path:
    """Return this tool's folder in the user's cache folder; it may not exist.

    The cache folder is that of the XDG base directory specification.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home, "genre-batch")
