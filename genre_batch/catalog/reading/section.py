"""Part of a file's bytes, read in pieces that do not depend on where the part starts."""

from __future__ import annotations

import io
from typing import BinaryIO

from genre_batch.catalog.reading import blocks

__all__ = ["Section"]


class Section(io.RawIOBase):
    """A range of a seekable file; each piece ends at a multiple of `BLOCK_BYTES` in the file.

    So the blocks of a stretch are the very blocks that reading the whole file gives there, and
    whatever the grammar makes of broken records does not depend on the cuts.

    Attributes:
        position: the offset in the file of the next byte.
    """

    def __init__(self, raw: BinaryIO, start: int = 0, end: int | None = None) -> None:
        """Seek to the start.

        Args:
            raw: the file; it is not closed with the section.
            start: the first byte.
            end: the byte after the last one; None: the end of the file.
        """
        self._raw = raw
        self._end = end
        self.position = start
        raw.seek(start)

    def readable(self) -> bool:
        """Return true."""
        return True

    @property
    def at_end(self) -> bool:
        """Whether the last byte before `end` was read."""
        return self._end is not None and self.position >= self._end

    def read1(self, size: int = -1) -> bytes:
        """Return the rest of a block, whatever the size; empty only at the end."""
        stop = (self.position // blocks.BLOCK_BYTES + 1) * blocks.BLOCK_BYTES
        if self._end is not None:
            stop = min(stop, self._end)
        pieces = []
        while self.position < stop and (piece := self._raw.read(stop - self.position)):
            pieces.append(piece)
            self.position += len(piece)
        return b"".join(pieces)
