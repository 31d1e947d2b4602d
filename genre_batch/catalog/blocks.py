"""A stream of bytes -> blocks that hold whole records, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from genre_batch.errors import CatalogError

__all__ = ["BLOCK_BYTES", "Block", "record_ends", "split_blocks"]

BLOCK_BYTES = 1 << 20
"""How much is asked of the stream at a time: about 2,000 films, enough for length sorting to pay
and small enough that a window of it is nothing beside the model."""

MAX_RECORD_BYTES = 1 << 26
"""A record longer than this is a quote that was never closed, or no text file at all."""

_QUOTE, _NEWLINE = ord('"'), ord("\n")


@dataclass(frozen=True)
class Block:
    """Whole records of a text catalog.

    Attributes:
        data: the records' bytes, each record ended by a newline but perhaps the file's last.
        first_line: the physical line (1-based) on which the block starts.
        byte_offset: where the block starts in the decompressed stream.
    """

    data: bytes
    first_line: int
    byte_offset: int


def record_ends(data: bytes, quoted: bool) -> npt.NDArray[np.int64]:
    """(records,) int64: the offset just behind each newline that ends a record.

    Args:
        data: bytes that start at a record's start.
        quoted: whether a newline between double quotes belongs to the record (CSV, RFC 4180
            section 2 rule 6); a doubled quote inside a cell toggles twice and so changes nothing.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    newlines = np.flatnonzero(buffer == _NEWLINE)
    if quoted:
        quotes = np.flatnonzero(buffer == _QUOTE)
        if len(quotes):
            newlines = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return newlines.astype(np.int64) + 1


def split_blocks(
    stream: BinaryIO, name: str, quoted: bool, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Blocks of whole records, as soon as the stream gives them.

    A pipe gives what it has: a line typed into it comes out at once, in a block of its own.

    Args:
        stream: read by `read1` where it has one (never waits for more than there is), else `read`.
        name: the file's name, for messages.
        quoted: as in `record_ends`.
        block_bytes: the most to ask of the stream at a time.

    Raises:
        CatalogError: the stream fails or is truncated, or a record never ends.
    """
    read = getattr(stream, "read1", stream.read)
    rest: list[bytes] = []
    line, offset, waiting = 1, 0, 0
    while True:
        try:
            piece = read(block_bytes)
        except OSError as error:
            raise CatalogError(f"{name}: cannot be read beyond line {line}: {error}") from error
        if piece:
            rest.append(piece)
            waiting += len(piece)
            if _NEWLINE not in piece:
                _refuse_endless(waiting, name, line)
                continue
        data = b"".join(rest)
        ends = record_ends(data, quoted)
        end = len(data) if not piece else int(ends[-1]) if len(ends) else 0
        if end:
            yield Block(data[:end], line, offset)
            line += data.count(b"\n", 0, end)
            offset += end
        rest = [data[end:]]
        waiting = len(rest[0])
        if not piece:
            return
        _refuse_endless(waiting, name, line)


def _refuse_endless(waiting: int, name: str, line: int) -> None:
    if waiting > MAX_RECORD_BYTES:
        raise CatalogError(
            f"{name}: the record that starts on line {line} does not end within "
            f"{MAX_RECORD_BYTES >> 20} MB: look for a quote that is never closed"
        )
