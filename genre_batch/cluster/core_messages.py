"""Leave out what Ray's core, which is not Python, writes to stderr while it disconnects."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator

__all__ = ["without_core_messages"]

_STDERR = 2
_CORE = re.compile(rb"\[\d{4}-\d\d-\d\d [\d:,]+ [A-Z] \d+ \d+\] ")
"""How a message of Ray's core begins: date, time, level, process and thread."""


@contextlib.contextmanager
def without_core_messages() -> Iterator[None]:
    """Hold back stderr as a context, and write at its end what is not from Ray's core.

    The descriptor of the whole process is held back, because the core writes to it by itself: its
    environment variable for the level would add a line of its own.
    """
    with contextlib.ExitStack() as stack:
        try:
            kept = os.dup(_STDERR)
            stack.callback(os.close, kept)
            held = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # a process without stderr, or no room for what is held back
            yield
            return
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            held.seek(0)
            for line in held:
                if not _CORE.match(line):
                    os.write(_STDERR, line)
