"""Small files of a job and listings of its folders, on this machine or in cloud storage."""

from __future__ import annotations

import contextlib
import io
import os

from genre_batch.catalog.formats import Location
from genre_batch.catalog.remote import (
    is_remote,
    list_remote,
    modified_remote,
    open_remote,
    remove_remote,
    upload,
)
from genre_batch.errors import CatalogError, UsageError
from genre_batch.failures import reason_of
from genre_batch.files import replacing
from genre_batch.paths import make_folder

__all__ = [
    "absolute",
    "list_sizes",
    "modified",
    "read_bytes",
    "remove",
    "write_bytes",
    "write_empty",
]


def absolute(path: str) -> str:
    """Return a path that has the same meaning in every folder; a URL stays as it is."""
    return path if is_remote(path) else os.path.abspath(path)


def list_sizes(folder: str) -> dict[str, int]:
    """Return the files below a folder, by their paths relative to it, and their sizes in bytes.

    A folder that does not exist has no files.

    Raises:
        CatalogError: it cannot be listed.
    """
    folder = folder.rstrip("/") or "/"
    if is_remote(folder):
        found = list_remote(f"{folder}/") or {}
        return {url[len(folder) + 1 :]: size for url, size in found.items()}
    sizes: dict[str, int] = {}
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            with os.scandir(os.path.join(folder, below)) as entries:
                for entry in entries:
                    path = os.path.join(below, entry.name)
                    if entry.is_dir():
                        folders.append(path)
                    else:
                        with contextlib.suppress(FileNotFoundError):  # just renamed or removed
                            sizes[path] = entry.stat().st_size
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CatalogError(
                f"cannot read the folder {os.path.join(folder, below)}: {error.strerror}: change "
                f"its permissions (chmod)"
            ) from error
    return sizes


def read_bytes(path: str) -> bytes | None:
    """Return the content of a file or an object; None if it does not exist.

    Raises:
        CatalogError: it cannot be read.
    """
    try:
        if is_remote(path):
            with open_remote(path) as stream:
                return stream.read()
        with open(path, "rb") as file:
            return file.read()
    except (UsageError, FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CatalogError(f"cannot read {path}: {reason_of(error)}") from error


def write_bytes(path: str, content: bytes) -> None:
    """Write a file or an object, complete or not at all; missing folders are created.

    Raises:
        CatalogError: it cannot be written.
    """
    try:
        if is_remote(path):
            upload(io.BytesIO(content), path)
            return
        make_folder(os.path.dirname(path))
        with replacing(path) as stream:
            stream.write(content)
    except OSError as error:
        raise CatalogError(f"cannot write {path}: {reason_of(error)}") from error


def write_empty(path: str) -> None:
    """Create an empty file or object; a missing folder is created.

    An empty file is complete at once, so it needs no temporary name, which readers of its folder
    would find.

    Raises:
        CatalogError: it cannot be created.
    """
    if is_remote(path):
        write_bytes(path, b"")
        return
    try:
        make_folder(os.path.dirname(path))
        with open(path, "wb"):
            pass
    except OSError as error:
        raise CatalogError(f"cannot write {path}: {reason_of(error)}") from error


def remove(path: str) -> None:
    """Remove a file or an object, if it exists.

    Raises:
        CatalogError: it cannot be removed.
    """
    if is_remote(path):
        remove_remote(path)
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CatalogError(f"cannot remove {path}: {reason_of(error)}") from error


def modified(location: Location) -> tuple[int, int]:
    """Return the size in bytes of a catalog, and when it was changed, in ns since 1970.

    Cloud storage counts whole seconds.

    Raises:
        UsageError: there is no such file.
        CatalogError: it cannot be looked at.
    """
    if location.is_remote:
        return modified_remote(location.path)
    try:
        status = os.stat(location.path)
    except OSError as error:
        raise CatalogError(f"cannot open {location.name}: {reason_of(error)}") from error
    return status.st_size, status.st_mtime_ns
