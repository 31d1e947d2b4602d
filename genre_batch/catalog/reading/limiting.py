"""Read CSV blocks up to a number of rows, as if nothing came after the last of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.blocks import Block
from genre_batch.catalog.rejects import Reject

__all__ = ["RowParser", "parse_up_to"]


class RowParser(Protocol):
    """What `parse_up_to` needs of a parser of blocks."""

    def parse(self, block: Block, on_reject: Callable[[Reject], None]) -> TableChunk:
        """Return the block's rows; pass each unreadable record to `on_reject`, in order."""

    def whole(self, data: bytes) -> int:
        """Return how many bytes of `data` are complete records."""

    def line_of(self, block: Block, row: int) -> int:
        """Return the physical line on which a row of a block starts."""


def parse_up_to(
    limit: int | None,
    blocks: Iterable[Block],
    parser: RowParser,
    original_length: Callable[[bytes], int],
    on_reject: Callable[[Reject], None],
) -> Iterator[TableChunk]:
    """Yield the rows of blocks, except empty chunks; what comes after the limit is not reported.

    A block that goes beyond the limit is halved between two records until its part before the
    limit is known; this costs about as much again as parsing the block once. Where a quote is never
    closed, no part of a block is complete: then its rows and rejects after the limit are dropped.

    Args:
        limit: the number of rows; None: all.
        blocks: complete records.
        parser: parses the blocks.
        original_length: as in `split_blocks`.
        on_reject: called with each record before the limit that cannot be read, in order.
    """
    if limit == 0:
        return
    for block in blocks:
        pieces = [block]
        while pieces and limit != 0:
            piece = pieces.pop()
            rejects: list[Reject] = []
            chunk = parser.parse(piece, rejects.append)
            if limit is not None:
                beyond = len(chunk) > limit or (len(chunk) == limit and rejects)
                if beyond:
                    if halves := _halves(piece, parser.whole, original_length):
                        pieces.extend(reversed(halves))
                        continue
                    last = parser.line_of(piece, limit - 1)
                    rejects = [reject for reject in rejects if reject.line < last]
                    chunk = chunk.head(limit)
                limit -= len(chunk)
            for reject in rejects:
                on_reject(reject)
            if len(chunk):
                yield chunk
        if limit == 0:
            return


def _halves(
    block: Block, whole: Callable[[bytes], int], original_length: Callable[[bytes], int]
) -> tuple[Block, Block] | None:
    """Split a block between two records, if it has two, as near to its middle as is easy."""
    size, length = len(block.data) // 2, len(block.data)
    while size < length:
        end = whole(block.data[:size])
        if end:
            first = block.data[:end]
            rest = Block(
                block.data[end:],
                block.first_line + first.count(b"\n"),
                block.byte_offset + original_length(first),
            )
            return Block(first, block.first_line, block.byte_offset), rest
        size = max(size + 1, (size + length) // 2)
    return None
