"""Output that appears under its final name complete, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from genre_batch.catalog.formats import Location
from genre_batch.catalog.remote import remote_exists, upload
from genre_batch.errors import OutputExistsError
from genre_batch.files import replacing
from genre_batch.paths import is_stream

__all__ = ["check_overwrite", "exists", "open_output"]


def exists(location: Location) -> bool:
    """Return whether a file or a cloud object exists there, which writing would replace.

    Raises:
        CatalogError: the cloud storage cannot be reached.
    """
    if location.is_stdio:
        return False
    if location.is_remote:
        return remote_exists(location.path)
    return os.path.isfile(location.path) and not is_stream(location.path)


def check_overwrite(location: Location, force: bool, name: str = "`output`") -> None:
    """Check that no file would be overwritten, before any work is done.

    Args:
        location: where to write.
        force: whether an existing file may be overwritten.
        name: the parameter that names the location, in backticks, for messages.

    Raises:
        OutputExistsError: a file or an object exists and `force` is false.
        CatalogError: the cloud storage cannot be reached.
    """
    if not force and exists(location):
        raise OutputExistsError(location.path, name)


@contextlib.contextmanager
def open_output(
    location: Location, *, force: bool = False, temporary: str | None = None
) -> Iterator[BinaryIO]:
    """Open a stream that gets the location's name if the block succeeds.

    stdout and other streams (`paths.is_stream`) are written directly.

    Args:
        location: where to write.
        force: whether an existing file may be overwritten.
        temporary: the temporary name, as in `files.replacing`.

    Raises:
        OutputExistsError: a file or an object exists and `force` is false.
        OSError: the file cannot be opened, written or renamed.
    """
    check_overwrite(location, force)
    if location.is_stdio:
        stdout = cast(BinaryIO, sys.stdout.buffer)
        yield stdout
        stdout.flush()
    elif location.is_remote:
        with _uploading(location.path, temporary) as stream:
            yield stream
    else:
        with replacing(location.path, temporary) as stream:
            yield stream


@contextlib.contextmanager
def _uploading(url: str, temporary: str | None) -> Iterator[BinaryIO]:
    """Open a temporary file that is uploaded if the block succeeds, and removed in any case."""
    if temporary is None:
        name = f".genre-batch-{secrets.token_hex(4)}.partial"
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
