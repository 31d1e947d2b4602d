"""Which of the reading options for one catalog hold for another one."""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import STDIO, Format, Location, format_of
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError, ColumnError, UsageError

__all__ = ["fitting_reading", "locate_further"]

_HEAD_BYTES = 1 << 20
"""Bytes at the start of a file that show whether it is UTF-8."""
_ROWS = 1000
"""Rows at the start of a file that show how its cells are separated and quoted."""
_OF_WIDE_UNITS = ("utf-16", "utf-32")


def locate_further(path: str, reading: ReadingOptions) -> Location:
    """Find a further catalog; `input_format` holds for it if its suffix gives no format.

    Raises:
        UsageError: there is no such file, it is a folder or stdin, or its format is unknown.
    """
    if path == STDIO:
        raise UsageError("a further catalog cannot be read from stdin: name a file")
    by_suffix, _ = format_of(path)
    given = None if by_suffix is not None else reading.input_format
    return replace(reading, input_format=given).locate(path)


def fitting_reading(
    location: Location, reading: ReadingOptions, has_columns: Callable[[Sequence[str]], bool]
) -> ReadingOptions:
    """Return the options for one catalog without those that another one contradicts.

    A file that is plainly UTF-8 is read as UTF-8. `delimiter`, `quote`, `escape` and `skip_lines`
    hold unless the columns are found, or more rows can be read, without them. No rejects file is
    written, which would replace that of the first catalog.

    Args:
        location: the other catalog, a file.
        reading: the options for the first catalog.
        has_columns: whether columns of these names are those of a catalog.

    Raises:
        CatalogError, UsageError: the file cannot be opened.
    """
    reading = replace(reading, rejects=None)
    kind = location.format
    if kind.is_text and reading.encoding != UTF_8 and _is_utf8(location, reading.encoding):
        reading = replace(reading, encoding=UTF_8)
    if kind not in (Format.CSV, Format.TSV):
        return reading
    usual = replace(reading, delimiter=None, quote='"', escape=None, skip_lines=0)
    if usual == reading:
        return reading
    return min((reading, usual), key=lambda options: _misfit(location, options, has_columns))


def _is_utf8(location: Location, encoding: str) -> bool:
    """Return whether the first bytes are UTF-8, and not ASCII that another encoding shares."""
    with location.open_raw() as raw, location.decompress(raw) as stream:
        head = stream.read(_HEAD_BYTES)
    if b"\0" in head or (head.isascii() and not encoding.startswith(_OF_WIDE_UNITS)):
        return False
    try:
        codecs.getincrementaldecoder(UTF_8)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _misfit(
    location: Location, reading: ReadingOptions, has_columns: Callable[[Sequence[str]], bool]
) -> tuple[bool, float]:
    """Return whether the columns are missing, and how many of the first rows cannot be read."""
    rejects: list[Reject] = []
    options = ReadOptions(as_table=True, limit=_ROWS, reading=reading)
    try:
        with CatalogReader([location], options, rejects.append) as reader:
            chunks = [chunk for chunk in reader.chunks() if isinstance(chunk, TableChunk)]
    except (CatalogError, ColumnError):
        return True, math.inf
    is_missing = not any(has_columns(chunk.columns) for chunk in chunks)
    return is_missing, len(rejects) + sum(chunk.short_rows for chunk in chunks)
