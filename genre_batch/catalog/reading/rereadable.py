"""A catalog that is read several times, also from a stream that can be read only once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from genre_batch.catalog.formats import Location
from genre_batch.catalog.reading.spool import spooled

__all__ = ["rereadable"]


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
        file = os.fdopen(os.dup(self.spool), "rb")
        file.seek(0)
        return file


@contextlib.contextmanager
def rereadable(locations: Sequence[Location]) -> Iterator[list[Location]]:
    """Yield catalogs that can be read any number of times, one after the other.

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
