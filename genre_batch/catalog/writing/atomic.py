"""Bytes that appear under their final name whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from genre_batch.catalog.formats import Location, is_regular_or_new
from genre_batch.catalog.remote import is_remote, remote_exists, upload
from genre_batch.errors import OutputExistsError
from genre_batch.files import rename_into_place, replacing

__all__ = ["check_overwrite", "exists", "open_output", "publish"]


def exists(location: Location) -> bool:
    """Whether a file or an object stands there that a run would overwrite.

    Raises:
        CatalogError: the cloud storage cannot be reached.
    """
    if location.is_stdio:
        return False
    if location.is_remote:
        return remote_exists(location.path)
    return os.path.isfile(location.path)


def check_overwrite(location: Location, force: bool) -> None:
    """Refuses to overwrite a file, before any work is done for it.

    Raises:
        OutputExistsError: a regular file is there and `force` is not given.
    """
    if not force and exists(location):
        raise OutputExistsError(location.path)


@contextlib.contextmanager
def open_output(
    location: Location, *, force: bool = False, temporary: str | None = None
) -> Iterator[BinaryIO]:
    """A stream whose bytes are under the location's name once the block ends, if it ends well.

    stdout, devices and FIFOs are written straight: renaming would put a file in their place.

    Args:
        location: where to.
        force: overwrite what is there.
        temporary: the name to write under, as `files.replacing` takes it.

    Raises:
        OutputExistsError: a file is there and `force` is not given.
        OSError: as the system gives it.
    """
    check_overwrite(location, force)
    if location.is_stdio:
        stdout = cast(BinaryIO, sys.stdout.buffer)
        yield stdout
        stdout.flush()
    elif location.is_remote:
        with _uploading(location.path, temporary) as stream:
            yield stream
    elif is_regular_or_new(location.path):
        with replacing(location.path, temporary) as stream:
            yield stream
    else:
        with open(location.path, "wb") as stream:
            yield stream


@contextlib.contextmanager
def _uploading(url: str, temporary: str | None) -> Iterator[BinaryIO]:
    """Open a temporary file that is uploaded when the block ends well, and removed in any case."""
    if temporary is None:
        name = f".{os.path.basename(url)}.{secrets.token_hex(4)}.partial"
        temporary = os.path.join(tempfile.gettempdir(), name)
    try:
        with open(temporary, "wb") as stream:
            yield stream
        _upload_file(temporary, url)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _upload_file(temporary: str, url: str) -> None:
    with open(temporary, "rb") as stream:
        upload(stream, url)


def publish(temporary: str, path: str) -> None:
    """Rename a complete, synced file to its final name, or upload it and remove it here.

    Raises:
        OSError: as the system gives it.
    """
    if is_remote(path):
        _upload_file(temporary, path)
        os.unlink(temporary)
    else:
        rename_into_place(temporary, path)
