"""The standard streams of the command: closed, full, or unable to write every character."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["STDOUT", "discard_stdout", "prepare_streams", "stdout_error"]

STDOUT = "stdout"
"""The file name of the errors of stdout."""


class _NamedStdout(io.TextIOWrapper):
    """Names itself in its errors, so that a message can say what could not be written."""

    def write(self, text: str) -> int:
        """Write to stdout."""
        with _named():
            return super().write(text)

    def flush(self) -> None:
        """Flush to stdout."""
        with _named():
            super().flush()


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = STDOUT
        raise


class _LenientStderr(io.TextIOWrapper):
    """Drops what cannot be written: no run fails because nobody can read its messages."""

    def write(self, text: str) -> int:
        """Write to stderr, without errors."""
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, without errors."""
        with contextlib.suppress(OSError):
            super().flush()


def prepare_streams() -> None:
    r"""Prepare the streams, whatever the caller of the command did to them.

    A descriptor that is closed would become that of the next file to be opened, and what native
    libraries print would end up in that file. A closed stdout gets a stream on which every write
    fails; `sys.stdin` stays None. Characters that a stream cannot write are escaped, as in \xe9.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one. Only reading: a write must fail on stdout.
            os.open(os.devnull, os.O_WRONLY if descriptor == 2 else os.O_RDONLY)
    if sys.stdout is None:
        binary: Any = open(1, "wb", closefd=False)  # noqa: SIM115 - open until the process ends
        encoding = "utf-8"
    else:
        binary, encoding = sys.stdout.buffer, sys.stdout.encoding
    sys.stdout = _NamedStdout(binary, encoding, "backslashreplace", line_buffering=binary.isatty())
    encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
    raw: Any = io.FileIO(2, "w", closefd=False)
    sys.stderr = _LenientStderr(raw, encoding, "backslashreplace", write_through=True)


def stdout_error() -> OSError | None:
    """Flush stdout; return the error if it cannot be written."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def discard_stdout() -> None:
    """Redirect stdout to /dev/null, so that nothing is flushed into a broken stream at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
