"""Catalogs in cloud storage, through pyarrow's file systems.

Credentials and endpoints are read from the same places as by the cloud's own tools:
`AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL` and so on.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
import shutil
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa
from pyarrow import fs

from genre_batch.errors import CatalogError, UsageError

__all__ = [
    "canonical_url",
    "has_magic",
    "is_remote",
    "list_remote",
    "modified_remote",
    "open_remote",
    "remote_exists",
    "remove_remote",
    "upload",
]

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfss"}
_MAGIC = re.compile(r"[*?\[]")


def is_remote(path: str) -> bool:
    """Return whether this is a cloud storage URL rather than a path.

    Raises:
        UsageError: it is a URL with an unsupported scheme.
    """
    match = _URL.match(path)
    if match is None:
        return False
    if match[1].lower() not in _SCHEMES:
        raise UsageError(f"{path}: cannot read {match[1]}:// (supported: s3:// gs:// abfs://)")
    return True


def canonical_url(path: str) -> str:
    """Return one spelling for all URLs of an object; a path that is not a URL stays as it is."""
    if not is_remote(path):
        return path
    scheme, rest = path.split("://", 1)
    return f"{_SCHEMES[scheme.lower()]}://{rest}"


def has_magic(path: str) -> bool:
    """Return whether the path contains a glob character."""
    return _MAGIC.search(path) is not None


@dataclass(frozen=True)
class _Object:
    """A parsed URL.

    Attributes:
        system: the file system of the bucket or container.
        path: the object's path in that file system.
        base: the URL of the bucket or container.
        root: the path of the bucket or container.
    """

    system: fs.FileSystem
    path: str
    base: str
    root: str

    def url(self, path: str) -> str:
        """Return the URL of another path in the same bucket or container."""
        return self.base + path.removeprefix(self.root)


def _parse(url: str) -> _Object:
    scheme, rest = url.split("://", 1)
    bucket, slash, key = rest.partition("/")
    try:
        system, root = fs.FileSystem.from_uri(f"{_SCHEMES[scheme.lower()]}://{bucket}")
    except (pa.ArrowException, OSError) as error:
        raise _refused("reach", url, error) from error
    return _Object(system, f"{root}{slash}{key}", f"{scheme}://{bucket}", root)


def _refused(verb: str, url: str, error: BaseException) -> CatalogError:
    reason = " ".join(str(error).split()).rstrip(".")
    return CatalogError(
        f"cannot {verb} {url}: {reason}: check the URL, the credentials and the network"
    )


def open_remote(url: str) -> BinaryIO:
    """Open an object for reading; the stream is seekable.

    Raises:
        UsageError: there is no such object.
        CatalogError: the object cannot be opened.
    """
    parsed = _parse(url)
    try:
        return cast(BinaryIO, parsed.system.open_input_file(parsed.path))
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {url}") from error
    except (pa.ArrowException, OSError) as error:
        raise _refused("open", url, error) from error


def remote_exists(url: str) -> bool:
    """Return whether an object of exactly this name exists.

    Raises:
        CatalogError: the storage cannot be reached.
    """
    parsed = _parse(url)
    try:
        return bool(parsed.system.get_file_info(parsed.path).type == fs.FileType.File)
    except (pa.ArrowException, OSError) as error:
        raise _refused("reach", url, error) from error


def modified_remote(url: str) -> tuple[int, int]:
    """Return the size in bytes of an object, and when it was written, in nanoseconds since 1970.

    Raises:
        UsageError: there is no such object.
        CatalogError: the storage cannot be reached.
    """
    parsed = _parse(url)
    try:
        info = parsed.system.get_file_info(parsed.path)
    except (pa.ArrowException, OSError) as error:
        raise _refused("reach", url, error) from error
    if info.type != fs.FileType.File:
        raise UsageError(f"no such file: {url}")
    return info.size, info.mtime_ns or 0


def remove_remote(url: str) -> None:
    """Remove an object; a missing one is not an error.

    Raises:
        CatalogError: the storage cannot be reached, or refuses.
    """
    parsed = _parse(url)
    try:
        parsed.system.delete_file(parsed.path)
    except FileNotFoundError:
        pass
    except (pa.ArrowException, OSError) as error:
        raise _refused("remove", url, error) from error


def list_remote(url: str) -> dict[str, int] | None:
    """List the objects in a folder or matching a glob, sorted; None for the URL of one object.

    In a glob, `*` matches anything but a slash, and `**` matches slashes too. Objects named like
    a folder, which storage consoles create as markers, are not listed.

    Returns:
        The URL of each object, and its size in bytes.

    Raises:
        CatalogError: the storage cannot be reached.
    """
    parsed = _parse(url)
    system, path = parsed.system, parsed.path
    magic = _MAGIC.search(path)
    try:
        if magic is not None:
            folder = path[: magic.start()].rpartition("/")[0]
        elif path.endswith("/") or system.get_file_info(path).type == fs.FileType.Directory:
            folder = path.rstrip("/")
        else:
            return None
        found = system.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
    except (pa.ArrowException, OSError) as error:
        raise _refused("list", url, error) from error
    sizes = {info.path: info.size for info in found if info.type == fs.FileType.File}
    names = sorted(sizes)
    if magic is not None:
        recursive = "**" in path
        names = [
            name
            for name in names
            if fnmatch.fnmatchcase(name, path) and (recursive or name.count("/") == path.count("/"))
        ]
    return {parsed.url(name): sizes[name] for name in names}


def upload(source: BinaryIO, url: str) -> None:
    """Upload a complete object, which becomes visible only after its last byte.

    Raises:
        OSError: the upload fails; no new object exists under the URL then.
    """
    parsed = _parse(url)
    system, path = parsed.system, parsed.path
    existed = system.get_file_info(path).type == fs.FileType.File
    try:
        with system.open_output_stream(path) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except BaseException:
        # Closing the stream completed the upload of what was written so far: remove that object.
        if not existed:
            with contextlib.suppress(OSError, pa.ArrowException):
                system.delete_file(path)
        raise
