"""Errors of the disk and the memory, which libraries raise in many forms, as one line each."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator

from genre_batch.errors import GenreBatchError, first_line

__all__ = ["describe_failure", "failures_as", "reason_of"]

StrPath = str | os.PathLike[str]

_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "allow larger files (ulimit -f), or choose another file system",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
    errno.EROFS: "choose a path on a file system that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "a file is in the way: choose another path",
    errno.EISDIR: "a folder is in the way: choose another path",
    errno.EIO: "check the disk",
}
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust, such as safetensors, name the system's error."""
_NO_MEMORY = re.compile(
    r"(allocate|out of) memory|bad.?alloc|memory allocation .*failed|can't start new thread", re.I
)
"""Messages of torch, onnxruntime and the system for exhausted memory."""
_NOT_WRITTEN = re.compile(
    r"inline_container|PytorchStreamWriter|file write failed|iostream error"
    r"|\d+ requested and \d+ written"
)
"""Messages of torch and numpy for a file that cannot be written, without the system's error."""
_TRIAL_BYTES = 1 << 20


def reason_of(error: BaseException) -> str:
    """Return the reason in an error, and what to do about it where that is known.

    For an error of the system, these are its own words and an advice, as in
    `No space left on device: free some space`; for any other error, its first line.
    """
    reason = getattr(error, "strerror", None) or first_line(error)
    advice = _ADVICE.get(getattr(error, "errno", None) or 0)
    return f"{reason}: {advice}" if advice else reason


def describe_failure(error: BaseException, folder: StrPath = "") -> tuple[str, str] | None:
    """Return what failed and what to do about it, if an error is one of the disk or the memory.

    Args:
        error: any error, and those that it was raised from.
        folder: where files were written; named, and tried, if the error lacks the reason.

    Returns:
        Two parts of a message; the second may be empty. None for any other error.
    """
    chain = list(_chain(error))
    if any(isinstance(each, MemoryError) or _NO_MEMORY.search(str(each)) for each in chain):
        return "not enough memory", "close other programs, or use a machine with more"
    for each in chain:
        if number := _number_of(each):
            path = _path_of(each) or os.fspath(folder)
            reason = os.strerror(number)
            return (f"{path}: {reason}" if path else reason), _ADVICE.get(number, "")
    if any(_NOT_WRITTEN.search(str(each)) for each in chain):
        number = _reason_not_to_write(folder)
        reason = os.strerror(number) if number else "a file cannot be written"
        advice = _ADVICE.get(number or 0, "free some space, or allow larger files (ulimit -f)")
        return (f"{os.fspath(folder)}: {reason}" if folder else reason), advice
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _number_of(error: BaseException) -> int | None:
    """Return the number of the system's error, if an error has it."""
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return error.errno
    match = _SYSTEM_ERROR.search(str(error))
    return int(match[1]) if match else None


def _path_of(error: BaseException) -> str:
    name = getattr(error, "filename", None)
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else ""


def _reason_not_to_write(folder: StrPath) -> int | None:
    """Return the system's error if a megabyte cannot be written into a folder."""
    try:
        with tempfile.TemporaryFile(dir=os.fspath(folder) or None) as file:
            file.write(bytes(_TRIAL_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno
    return None


@contextlib.contextmanager
def failures_as(
    kind: type[GenreBatchError], folder: StrPath = "", following: Callable[[], str] = str
) -> Iterator[None]:
    """Raise errors of the disk and the memory as one of this package's errors.

    Args:
        kind: the error to raise.
        folder: where files are written, for errors that name none.
        following: returns what to do when the advice has been followed; empty: nothing.

    Raises:
        GenreBatchError: of this kind, for such an error; all others pass.
    """
    try:
        yield
    except GenreBatchError:
        raise
    except Exception as error:
        described = describe_failure(error, folder)
        if described is None:
            raise
        advice = ", then ".join(part for part in (described[1], following()) if part)
        raise kind(": ".join(part for part in (described[0], advice) if part)) from error
