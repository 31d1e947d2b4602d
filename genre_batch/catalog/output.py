"""Bytes that appear under their final name whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from typing import BinaryIO, cast

from genre_batch.catalog.formats import Location, is_regular_or_new
from genre_batch.errors import OutputExistsError

__all__ = ["open_output", "refuse_existing", "replacing"]


def refuse_existing(location: Location, force: bool) -> None:
    """Refuses to overwrite a file, before any work is done for it.

    Raises:
        OutputExistsError: a regular file is there and `force` is not given.
    """
    if not force and not location.is_stdio and os.path.isfile(location.path):
        raise OutputExistsError(location.path)


@contextlib.contextmanager
def open_output(location: Location, *, force: bool = False) -> Iterator[BinaryIO]:
    """A stream whose bytes are under the location's name once the block ends, if it ends well.

    stdout, devices and FIFOs are written straight: renaming would put a file in their place.

    Raises:
        OutputExistsError: a file is there and `force` is not given.
        OSError: as the system gives it.
    """
    refuse_existing(location, force)
    if location.is_stdio:
        stdout = cast(BinaryIO, sys.stdout.buffer)
        yield stdout
        stdout.flush()
    elif is_regular_or_new(location.path):
        with replacing(location.path) as stream:
            yield stream
    else:
        with open(location.path, "wb") as stream:
            yield stream


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A temporary file beside `path`, synced and renamed to it when the block ends well.

    A symbolic link is followed, so that the file it points to is replaced and not the link.
    """
    final = os.path.realpath(path)
    folder, name = os.path.split(final)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.partial")
    try:
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, final)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Makes the renaming itself last through a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
