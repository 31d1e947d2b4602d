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

__all__ = ["exists", "open_output", "publish", "refuse_existing", "replacing"]


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


def refuse_existing(location: Location, force: bool) -> None:
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
        temporary: as `replacing` takes it.

    Raises:
        OutputExistsError: a file is there and `force` is not given.
        OSError: as the system gives it.
    """
    refuse_existing(location, force)
    if location.is_stdio:
        stdout = cast(BinaryIO, sys.stdout.buffer)
        yield stdout
        stdout.flush()
    elif location.is_remote or is_regular_or_new(location.path):
        with replacing(location.path, temporary) as stream:
            yield stream
    else:
        with open(location.path, "wb") as stream:
            yield stream


@contextlib.contextmanager
def replacing(path: str, temporary: str | None = None) -> Iterator[BinaryIO]:
    """A temporary file, synced and renamed to `path`, or uploaded, when the block ends well.

    A symbolic link is followed, so that the file it points to is replaced and not the link.

    Args:
        path: a path or a URL.
        temporary: the name to write under, on the same file system as the path; default: one of
            its own beside it.
    """
    if temporary is None:
        folder, name = os.path.split(path if is_remote(path) else os.path.realpath(path))
        folder = tempfile.gettempdir() if is_remote(path) else folder
        temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.partial")
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        publish(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def publish(temporary: str, path: str) -> None:
    """Gives a file that is whole and synced its name, or uploads it and removes it here.

    Raises:
        OSError: as the system gives it.
    """
    if is_remote(path):
        with open(temporary, "rb") as stream:
            upload(stream, path)
        os.unlink(temporary)
        return
    final = os.path.realpath(path)
    os.replace(temporary, final)
    _sync_folder(os.path.dirname(final))


def _sync_folder(folder: str) -> None:
    """Makes the renaming itself last through a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
