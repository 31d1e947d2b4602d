"""A catalog that is read several times, also from a stream that can be read only once."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from genre_batch.catalog.formats import Location
from genre_batch.catalog.reading.spool import spooled

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["rereadable"]


class _OwnPosition(io.RawIOBase):
    """A file that is read from a position of its own.

    Copies of a descriptor share their position with it, but a catalog may be read by a second
    reader before the first one is done.
    """

    def __init__(self, descriptor: int) -> None:
        """Start at the first byte.

        Args:
            descriptor: of a seekable file; it is copied, and the copy closed with this.
        """
        self._descriptor = os.dup(descriptor)
        self._position = 0

    def close(self) -> None:
        """Close the copy of the descriptor."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def fileno(self) -> int:
        """Return the copy of the descriptor."""
        return self._descriptor

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; see `io.IOBase.seek`."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (os.fstat(self._descriptor).st_size if start is None else start)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read bytes at the position; return their number, 0 at the end."""
        with memoryview(buffer) as view:
            count = os.preadv(self._descriptor, [view], self._position)
        self._position += count
        return count


@dataclass(frozen=True)
class _Spooled(Location):
    """A stream of which a temporary file holds a copy.

    Attributes:
        spool: the descriptor of the copy.
    """

    spool: int = -1

    @property
    def is_stdio(self) -> bool:
        """Whether the bytes come from stdin itself: no longer."""
        return False

    @property
    def is_remote(self) -> bool:
        """Whether this is in cloud storage."""
        return False

    @property
    def name(self) -> str:
        """The name of the stream."""
        return "stdin" if self.path == "-" else self.path

    def open_raw(self) -> BinaryIO:
        """Open the copy, at its start."""
        return io.BufferedReader(_OwnPosition(self.spool))


@contextlib.contextmanager
def rereadable(locations: Sequence[Location]) -> Iterator[list[Location]]:
    """Yield catalogs that can be read any number of times, also at the same time.

    Files and cloud objects stay as they are; stdin, FIFOs and devices are copied to temporary
    files, which disappear afterwards.

    Args:
        locations: the catalogs.

    Raises:
        CatalogError: one cannot be read, or there is no room for a copy.
    """
    with contextlib.ExitStack() as stack:
        found: list[Location] = []
        for location in locations:
            if location.is_remote or (not location.is_stdio and os.path.isfile(location.path)):
                found.append(location)
                continue
            with location.open_raw() as raw:
                if raw.seekable():
                    copy: BinaryIO = os.fdopen(os.dup(raw.fileno()), "rb")
                else:
                    copy = spooled(raw, location.name)
            stack.callback(copy.close)
            own = location.format, location.compression, location.folders
            found.append(_Spooled(location.path, *own, spool=copy.fileno()))
        yield found
