"""The format and compression of a path or URL, and how to open it."""

from __future__ import annotations

import enum
import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from genre_batch.catalog.compression import COMPRESSIONS, decompressed
from genre_batch.catalog.other_kinds import archive_advice, is_other_kind
from genre_batch.catalog.remote import is_remote, open_remote
from genre_batch.errors import CatalogError, UsageError
from genre_batch.failures import reason_of
from genre_batch.path_checks import check_input_file, check_output_file
from genre_batch.paths import is_model_name, is_stream

__all__ = [
    "STDIO",
    "Format",
    "Location",
    "format_of",
    "input_location",
    "is_like_catalog",
    "is_regular_or_new",
    "output_location",
]

STDIO = "-"
"""The path that means stdin or stdout."""


class Format(enum.Enum):
    """A catalog format; its value is its name in options."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def is_text(self) -> bool:
        """Whether the format is lines of text, which may be compressed as a whole file."""
        return self in (Format.CSV, Format.TSV, Format.JSONL)

    @property
    def separator(self) -> str:
        """The default character between two cells (CSV and TSV only)."""
        return "\t" if self is Format.TSV else ","


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".arrow": Format.ARROW,
}
_OTHER_SUFFIXES = {
    ".feather": Format.ARROW,
    ".ipc": Format.ARROW,
    ".arrows": Format.ARROW,
    ".pq": Format.PARQUET,
    ".parq": Format.PARQUET,
    ".tab": Format.TSV,
}
"""Suffixes that do not decide a format, and the one that such files mostly have."""
_STANDARD_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/")


@dataclass(frozen=True)
class Location:
    """A file, device, cloud object or standard stream, and the format of its bytes.

    Attributes:
        path: the path or URL as given, or `-`.
        format: the catalog format.
        compression: the compression to write, a value of `COMPRESSIONS`, or None; inputs are
            recognized by their first bytes.
        folders: the names and values of its folders named `name=value` (hive.py).
        typed: the path as the user gave it, where `path` is another spelling of it; for messages
            and rejects.
        files: the files of a catalog in several, in order; its other attributes are the first
            file's. Empty: the catalog is one file.
    """

    path: str
    format: Format
    compression: str | None = None
    folders: tuple[tuple[str, str | None], ...] = ()
    typed: str | None = None
    files: tuple[Location, ...] = ()

    @classmethod
    def of_files(cls, files: Sequence[Location]) -> Location:
        """Return the location of a catalog in one file, or in several."""
        first = files[0]
        if len(files) == 1:
            return first
        others = "1 other file" if len(files) == 2 else f"{len(files) - 1:,} other files"
        return replace(first, files=tuple(files), typed=f"{first.name} and {others}")

    @property
    def each_file(self) -> tuple[Location, ...]:
        """The files of the catalog, in order."""
        return self.files or (self,)

    @property
    def is_stdio(self) -> bool:
        """Whether this is stdin or stdout."""
        return self.path == STDIO

    @property
    def is_remote(self) -> bool:
        """Whether this is in cloud storage."""
        return not self.is_stdio and is_remote(self.path)

    @property
    def name(self) -> str:
        """The name to use in messages and rejects."""
        return "stdin" if self.is_stdio else self.typed or self.path

    def open_raw(self) -> BinaryIO:
        """Open the stored bytes, without decompressing them.

        Raises:
            UsageError: there is no such cloud object, or stdin is closed.
            CatalogError: it cannot be opened.
        """
        # Unbuffered: a thread waiting in a buffered read holds a lock that `close` needs.
        if self.is_stdio:
            if sys.stdin is None:
                raise UsageError("stdin is closed: name a file to read")
            return cast(BinaryIO, open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))
        if self.is_remote:
            return open_remote(self.path)
        try:
            if not os.path.isfile(self.path):
                return cast(BinaryIO, open(self.path, "rb", buffering=0))
            return open(self.path, "rb")
        except OSError as error:
            raise CatalogError(f"cannot open {self.name}: {reason_of(error)}") from error

    def decompress(self, raw: BinaryIO) -> BinaryIO:
        """Wrap `raw`, at its start, in a decompressor if its first bytes are those of one.

        Raises:
            CatalogError: the first bytes are those of an archive or another kind of file.
        """
        return decompressed(raw, self.name)


def format_of(path: str) -> tuple[Format | None, str | None]:
    """Return the format and compression given by the suffixes; None where they give none."""
    stem, suffix = os.path.splitext(path.lower())
    compression = COMPRESSIONS.get(suffix)
    if compression is not None:
        suffix = os.path.splitext(stem)[1]
    return _SUFFIXES.get(suffix), compression


def is_like_catalog(name: str) -> bool:
    """Return whether a file is likely a catalog whose suffix does not say how to read it."""
    stem, suffix = os.path.splitext(name.lower())
    name = stem if suffix in COMPRESSIONS else name
    return os.path.splitext(name.lower())[1] in _OTHER_SUFFIXES or is_other_kind(name)


def _locate(path: str, override: str | None, parameter: str) -> Location:
    by_suffix, compression = format_of(path)
    kind = Format(override) if override is not None else by_suffix
    if kind is None and path.lower().removesuffix(".gz").removesuffix(".zst").endswith("json"):
        raise UsageError(
            f"unknown suffix: {path}: set `{parameter}` to jsonl for an array of objects or one "
            f"object a line; take rows under a key out first: jq -c '.KEY[]' FILE > rows.jsonl"
        )
    if kind is None and parameter == "input_format":
        if is_model_name(path):
            raise UsageError(f"{path} is a model, not a catalog: name a table, such as films.csv")
        advice = archive_advice(path)
        if advice is not None:
            raise UsageError(advice)
        columnar = _OTHER_SUFFIXES.get(os.path.splitext(path.lower())[1])
        if columnar is not None:
            raise UsageError(f"unknown suffix: {path}: set `{parameter}` to {columnar.value}")
    if kind is None:
        supported = " ".join(_SUFFIXES)
        raise UsageError(
            f"unknown suffix: {path} (supported: {supported}, text formats also with .gz .zst .bz2 "
            f".xz): set `{parameter}` to csv, tsv, jsonl, parquet or arrow"
            + (f", or name a folder: {path}/" if parameter == "output_format" else "")
        )
    if compression is not None and not kind.is_text:
        raise UsageError(
            f"{path}: {kind.value} files have their own compression: remove the last suffix"
        )
    return Location(path, kind, compression)


def input_location(path: str, override: str | None = None) -> Location:
    """Find the format of an input.

    Args:
        path: an existing file, a URL, or `-` for stdin (JSON Lines by default).
        override: the name of the format, whatever the suffix.

    Raises:
        UsageError: there is no such file, it is a folder, or its suffix is unknown.
    """
    if path == STDIO:
        return Location(STDIO, Format(override) if override else Format.JSONL)
    if not is_remote(path):
        check_input_file(path)
    return _locate(path, override, "input_format")


def output_location(
    path: str | None, override: str | None = None, *, in_folder: bool = False
) -> Location:
    """Find the format of an output.

    Args:
        path: the file to write, a URL, or None or `-` for stdout (JSON Lines by default, as is
            /dev/stdout).
        override: the name of the format, whatever the suffix.
        in_folder: whether it is one of many outputs in a folder, which may be missing; a folder of
            its own name has the parts of a large input, and may be there.

    Raises:
        UsageError: the suffix is unknown, the path is a folder, its folder does not exist, or
            stdout is closed.
    """
    if path is None or path == STDIO:
        if _stdout_is_closed():
            raise UsageError("stdout is closed: name a file with `output`")
        return Location(STDIO, Format(override) if override else Format.JSONL)
    if is_stream(path) and format_of(path)[0] is None and path.startswith(_STANDARD_STREAMS):
        override = override or Format.JSONL.value
    location = _locate(path, override, "output_format")
    if override is None and location.format is Format.JSONL and _is_json(path):
        raise UsageError(
            f"{path} would be read as one JSON value, but one object per line is written: name it "
            f".jsonl, or set `output_format` to jsonl"
        )
    if location.is_remote:
        return location
    check_output_file(path, in_new_folder=in_folder, may_be_folder=in_folder)
    return location


def _stdout_is_closed() -> bool:
    if sys.stdout is None:
        return True
    try:
        os.write(sys.stdout.fileno(), b"")
    except (OSError, ValueError) as error:
        return getattr(error, "errno", None) == errno.EBADF
    return False


def _is_json(path: str) -> bool:
    stem, suffix = os.path.splitext(path.lower())
    return (os.path.splitext(stem)[1] if suffix in COMPRESSIONS else suffix) == ".json"


def is_regular_or_new(path: str) -> bool:
    """Return whether `path` is a regular file or does not exist, so that it can be replaced.

    Devices, FIFOs and open files such as /dev/stdout are streams (`paths.is_stream`).
    """
    return not is_stream(path)
