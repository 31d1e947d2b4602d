"""Copy a stream that cannot be read twice into a temporary file."""

from __future__ import annotations

import contextlib
import tempfile
from typing import BinaryIO

from genre_batch.catalog.reading.blocks import BLOCK_BYTES
from genre_batch.errors import CatalogError
from genre_batch.failures import reason_of

__all__ = ["spooled"]


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
        raise CatalogError(f"{name}: cannot be read: {reason_of(error)}") from error
