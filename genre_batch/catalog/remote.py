"""Catalogs in cloud storage, through pyarrow's own file systems.

Credentials and endpoints come from where the cloud's own tools take them: `AWS_ACCESS_KEY_ID`,
`AWS_PROFILE`, `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL` and so on.
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

__all__ = ["has_magic", "is_remote", "list_remote", "open_remote", "remote_exists", "upload"]

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfss"}
_MAGIC = re.compile(r"[*?\[]")


def is_remote(path: str) -> bool:
    """Whether this is a URL of cloud storage and not a path.

    Raises:
        UsageError: a URL, but of a kind that cannot be read.
    """
    match = _URL.match(path)
    if match is None:
        return False
    if match[1].lower() not in _SCHEMES:
        raise UsageError(f"{path}: cannot read {match[1]}:// (known: s3:// gs:// abfs://)")
    return True


def has_magic(path: str) -> bool:
    """Whether the path holds one of the marks of a glob."""
    return _MAGIC.search(path) is not None


@dataclass(frozen=True)
class _Place:
    """A URL taken apart.

    Attributes:
        system: the file system that it names.
        path: of the object, in that file system.
        base: the URL of the bucket or container.
        root: the path of that.
    """

    system: fs.FileSystem
    path: str
    base: str
    root: str

    def url(self, path: str) -> str:
        """The URL of another path beside it."""
        return self.base + path.removeprefix(self.root)


def _place(url: str) -> _Place:
    scheme, rest = url.split("://", 1)
    bucket, slash, below = rest.partition("/")
    try:
        system, root = fs.FileSystem.from_uri(f"{_SCHEMES[scheme.lower()]}://{bucket}")
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"cannot reach {url}: {_reason(error)}") from error
    return _Place(system, f"{root}{slash}{below}", f"{scheme}://{bucket}", root)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())


def open_remote(url: str) -> BinaryIO:
    """The object's bytes, seekable.

    Raises:
        UsageError: there is no such object.
        CatalogError: it cannot be reached.
    """
    place = _place(url)
    try:
        return cast(BinaryIO, place.system.open_input_file(place.path))
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {url}") from error
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"cannot open {url}: {_reason(error)}") from error


def remote_exists(url: str) -> bool:
    """Whether an object stands under this very name.

    Raises:
        CatalogError: the storage cannot be reached.
    """
    place = _place(url)
    try:
        return bool(place.system.get_file_info(place.path).type == fs.FileType.File)
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"cannot reach {url}: {_reason(error)}") from error


def list_remote(url: str) -> list[str] | None:
    """The objects under a folder or of a glob, sorted; None for the URL of one object.

    In a glob `*` stands for anything but a slash, `**` for slashes too.

    Raises:
        CatalogError: the storage cannot be reached.
    """
    place = _place(url)
    system, path = place.system, place.path
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
        raise CatalogError(f"cannot list {url}: {_reason(error)}") from error
    names = sorted(info.path for info in found if info.type == fs.FileType.File)
    if magic is not None:
        deep = "**" in path
        names = [
            name
            for name in names
            if fnmatch.fnmatchcase(name, path) and (deep or name.count("/") == path.count("/"))
        ]
    return [place.url(name) for name in names]


def upload(source: BinaryIO, url: str) -> None:
    """Writes an object whole. The storage shows it only once its last byte is there.

    Raises:
        OSError: as the storage gives it; nothing new stands under the URL then.
    """
    place = _place(url)
    system, path = place.system, place.path
    existed = system.get_file_info(path).type == fs.FileType.File
    try:
        with system.open_output_stream(path) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except BaseException:
        # Letting go of the stream ends the upload where it stands.
        if not existed:
            with contextlib.suppress(OSError, pa.ArrowException):
                system.delete_file(path)
        raise
