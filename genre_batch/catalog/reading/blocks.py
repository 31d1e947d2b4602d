"""A stream of bytes -> blocks that hold whole records, each with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from genre_batch.errors import CatalogError

__all__ = ["BLOCK_BYTES", "MAX_RECORD_BYTES", "Block", "Start", "read_some", "split_blocks"]

BLOCK_BYTES = 1 << 20
"""How much is asked of the stream at a time: about 2,000 films, enough for length sorting to pay
and small enough that a window of it is nothing beside the model."""

MAX_RECORD_BYTES = 1 << 26
"""A record longer than this is a quote that was never closed, or no text file at all."""


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


@dataclass(frozen=True)
class Start:
    """Where in a stream the records start, and what was read of them already."""

    data: bytes = b""
    line: int = 1
    byte_offset: int = 0


def read_some(stream: BinaryIO, name: str, line: int, size: int = BLOCK_BYTES) -> bytes:
    """What the stream has, up to `size` bytes; nothing at its end.

    Raises:
        CatalogError: the stream fails or is truncated.
    """
    read = getattr(stream, "read1", stream.read)
    try:
        piece: bytes = read(size)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CatalogError(f"{name}: cannot be read beyond line {line}: {reason}") from error
    return piece


def split_blocks(
    stream: BinaryIO,
    name: str,
    whole: Callable[[bytes], int],
    start: Start | None = None,
    original_length: Callable[[bytes], int] = len,
) -> Iterator[Block]:
    """Blocks of whole records, as soon as the stream gives them.

    A pipe gives what it has: a line typed into it comes out at once, in a block of its own. A
    record that goes on for more than `MAX_RECORD_BYTES` has lost its end: its first line comes out
    as a block, broken as it is.

    Args:
        stream: read by `read1` where it has one (never waits for more than there is), else `read`.
        name: the file's name, for messages.
        whole: says how many of these bytes, which start where a record starts, are whole records.
        start: where to go on from.
        original_length: how long some of the stream's bytes were in the file; differs from their
            number where the stream was transcoded.

    Raises:
        CatalogError: the stream fails or is truncated, or a line never ends.
    """
    start = start or Start()
    line, offset = start.line, start.byte_offset
    unread = start.data
    rest: list[bytes] = []
    # What is waiting is looked at again only once it has doubled: a long record costs no square.
    waiting, enough = 0, 1
    while True:
        # What was read already comes out before more is waited for.
        piece, unread = unread or read_some(stream, name, line), b""
        rest.append(piece)
        waiting += len(piece)
        if piece and (waiting < enough or (b"\n" not in piece and waiting <= MAX_RECORD_BYTES)):
            continue
        data = b"".join(rest)
        end = whole(data) if piece else len(data)
        if not end and waiting > MAX_RECORD_BYTES:
            end = data.find(b"\n") + 1
            if not end:
                raise CatalogError(
                    f"{name}: line {line} does not end within {MAX_RECORD_BYTES >> 20} MB: "
                    f"is it a text file?"
                )
        if end:
            block = data[:end]
            yield Block(block, line, offset)
            line += block.count(b"\n")
            offset += original_length(block)
        rest = [data[end:]]
        waiting = len(rest[0])
        enough = 1 if waiting < BLOCK_BYTES else min(2 * waiting, MAX_RECORD_BYTES)
        if not piece:
            return
