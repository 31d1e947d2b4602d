"""Copy a stream that cannot be read twice into a temporary file."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, BinaryIO, cast

from genre_batch.catalog.formats import Location
from genre_batch.catalog.reading.blocks import BLOCK_BYTES
from genre_batch.errors import CatalogError

__all__ = ["read_again", "spooled"]


@dataclass(frozen=True)
class _Spooled(Location):
    """A pipe of which a temporary file has all bytes."""

    spool: Any = None

    def open_raw(self) -> BinaryIO:
        """Open the copy at its start."""
        copy = open(os.dup(self.spool.fileno()), "rb")  # noqa: SIM115 - the caller closes it
        copy.seek(0)
        return cast(BinaryIO, copy)


@contextlib.contextmanager
def read_again(location: Location) -> Iterator[Location]:
    """Yield a location that can be opened several times, one after the other.

    A pipe is copied into a temporary file first.

    Args:
        location: what to read.

    Raises:
        CatalogError: as `spooled` raises it.
    """
    if location.is_remote or (not location.is_stdio and os.path.isfile(location.path)):
        yield location
        return
    with location.open_raw() as raw, spooled(raw, location.name) as spool:
        values = {field.name: getattr(location, field.name) for field in fields(Location)}
        yield _Spooled(**values, spool=spool)


def spooled(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a temporary file with the bytes of a stream, at its start; closing deletes it.

    Args:
        stream: a pipe or a device.
        name: the stream's name, for messages.

    Raises:
        CatalogError: the stream cannot be read, or the temporary folder has no room for it.
    """
    try:
        folder = tempfile.gettempdir()
        spool = tempfile.TemporaryFile(prefix="genre-batch-")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise CatalogError(
            f"no temporary folder for a copy of {name}, which has to be read twice "
            f"({error.strerror or error}): set TMPDIR to a folder that can be written"
        ) from error
    try:
        while piece := _read(stream, name):
            spool.write(piece)
        spool.seek(0)
    except OSError as error:
        _discard(spool)
        raise CatalogError(
            f"cannot write a copy of {name}, which has to be read twice, to {folder}: "
            f"{error.strerror or error}: set TMPDIR to a folder with more room, or save {name} to "
            f"a file and name that file"
        ) from error
    except BaseException:
        _discard(spool)
        raise
    return spool


def _discard(spool: BinaryIO) -> None:
    # On a full disk, closing fails too: it writes what is still in the buffer.
    with contextlib.suppress(OSError):
        spool.close()


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(BLOCK_BYTES)
    except OSError as error:
        raise CatalogError(f"{name}: cannot be read: {error.strerror or error}") from error
