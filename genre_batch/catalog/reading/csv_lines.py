"""Blank lines of delimited files, and the last line that ends a record."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["is_blank", "last_end", "may_have_blank_lines"]

_NEWLINE = ord("\n")
_BLANK = b"\r\n\x1a\0"
"""The characters of a blank line."""
_STARTS_BLANK = np.isin(np.arange(256), list(_BLANK))
"""(256,) bool: whether a blank line can start with the byte."""
_END_MARK = b"\\."
"""PostgreSQL writes it on the line after the last row."""


def is_blank(record: bytes) -> bool:
    """Return whether a record is none: a blank line, or PostgreSQL's end mark."""
    return not record.strip(_BLANK) or record.rstrip(b"\r\n") == _END_MARK


def may_have_blank_lines(data: bytes) -> bool:
    """Return whether a line of `data` starts as blank ones do."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    # Searching the bytes for each kind of blank line would take a third of the time of reading.
    starts = buffer[1:][buffer[:-1] == _NEWLINE]
    if _STARTS_BLANK[buffer[:1]].any() or _STARTS_BLANK[starts].any():
        return True
    # One byte is found much faster than several.
    has_mark = _END_MARK[:1] in data
    return has_mark and (data.startswith(_END_MARK) or b"\n" + _END_MARK in data)


def last_end(data: bytes, quotes: npt.NDArray[np.int64]) -> int:
    """Return the offset after the last newline that ends a well-quoted record; 0: there is none.

    Args:
        data: bytes that start at a record.
        quotes: the positions of the quotes in it.
    """
    newline = data.rfind(b"\n")
    while newline >= 0:
        before = int(np.searchsorted(quotes, newline))
        if before % 2 == 0:
            return newline + 1
        newline = data.rfind(b"\n", 0, int(quotes[before - 1]))
    return 0
