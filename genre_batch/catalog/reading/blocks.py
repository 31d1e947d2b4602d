"""Split a stream of bytes into blocks of complete records, each with its position in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from genre_batch.errors import CatalogError
from genre_batch.failures import reason_of

__all__ = [
    "BLOCK_BYTES",
    "MAX_RECORD_BYTES",
    "Block",
    "Start",
    "read_more",
    "read_some",
    "split_blocks",
]

BLOCK_BYTES = 1 << 20
"""Bytes per read: about 2,000 films, enough for sorting by length to pay off, and little memory
compared with the model."""

MAX_RECORD_BYTES = 1 << 26
"""A longer record means an unclosed quote, or a file that is not text."""


@dataclass(frozen=True)
class Block:
    """Complete records of a text catalog.

    Attributes:
        data: the records' bytes; only the file's last record may lack its newline.
        first_line: the physical line on which the block starts (1-based).
        byte_offset: the block's offset in the decompressed stream.
    """

    data: bytes
    first_line: int
    byte_offset: int


@dataclass(frozen=True)
class Start:
    """Where in a stream the records start, and the bytes of them that were read already."""

    data: bytes = b""
    line: int = 1
    byte_offset: int = 0


def read_some(stream: BinaryIO, name: str, line: int, size: int = BLOCK_BYTES) -> bytes:
    """Read up to `size` bytes, without waiting for more than are available; empty at the end.

    Raises:
        CatalogError: the stream fails or is truncated.
    """
    read = getattr(stream, "read1", stream.read)
    try:
        piece: bytes = read(size)
    except (OSError, EOFError, UnicodeError) as error:
        raise CatalogError(
            f"{name}: cannot be read after line {line}: {reason_of(error)}"
        ) from error
    return piece


def read_more(stream: BinaryIO, name: str, head: bytes) -> bytes:
    """Read what follows the first bytes of a stream; empty where it fails, as at its end.

    The stream fails again when it is read on, after the rows that it has.

    Raises:
        CatalogError: it fails and there are no first bytes.
    """
    try:
        return read_some(stream, name, 1)
    except CatalogError:
        if not head:
            raise
        return b""


def split_blocks(
    stream: BinaryIO,
    name: str,
    whole: Callable[[bytes], int],
    start: Start | None = None,
    original_length: Callable[[bytes], int] = len,
) -> Iterator[Block]:
    """Yield blocks of complete records as soon as the stream delivers them.

    A line typed into a pipe is yielded at once, in a block of its own. For a record longer than
    `MAX_RECORD_BYTES`, only its first line is yielded, as a block with a broken record.

    Args:
        stream: read with `read1` if it has one (which returns what is available), else `read`.
        name: the file's name, for messages.
        whole: takes bytes that start at a record, and returns how many of them are complete
            records.
        start: where the records start.
        original_length: returns the length in the file of some of the stream's bytes; it differs
            from `len` if the stream was transcoded.

    Raises:
        CatalogError: the stream fails or is truncated, or a line never ends.
    """
    start = start or Start()
    line, offset = start.line, start.byte_offset
    unread = start.data
    pending: list[bytes] = []
    # Pending bytes are scanned again only after they doubled, so that a long record does not
    # take quadratic time.
    size, next_scan = 0, 1
    while True:
        # Use the bytes that were read already before waiting for more.
        piece, unread = unread or read_some(stream, name, line), b""
        pending.append(piece)
        size += len(piece)
        if piece and (size < next_scan or (b"\n" not in piece and size <= MAX_RECORD_BYTES)):
            continue
        data = b"".join(pending)
        end = whole(data) if piece else len(data)
        if not end and size > MAX_RECORD_BYTES:
            end = data.find(b"\n") + 1
            if not end:
                raise CatalogError(
                    f"{name}: line {line} does not end within {MAX_RECORD_BYTES >> 20} MB: "
                    f"check that it is text, or set `input_format`"
                )
        if end:
            block = data[:end]
            yield Block(block, line, offset)
            line += block.count(b"\n")
            offset += original_length(block)
        pending = [data[end:]]
        size = len(pending[0])
        next_scan = 1 if size < BLOCK_BYTES else min(2 * size, MAX_RECORD_BYTES)
        if not piece:
            return
