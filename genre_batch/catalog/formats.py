"""Which format and compression a path or URL is, and how its bytes are opened."""

from __future__ import annotations

import enum
import os
import stat
import sys
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa

from genre_batch.catalog.remote import is_remote, open_remote
from genre_batch.errors import CatalogError, UsageError
from genre_batch.files import check_input_file, check_output_file

__all__ = [
    "STDIO",
    "Format",
    "Location",
    "format_of",
    "input_location",
    "is_regular_or_new",
    "output_location",
]

STDIO = "-"
"""The path that stands for stdin or stdout."""


class Format(enum.Enum):
    """A catalog format; the value is what `--input-format` and `--output-format` take."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def is_text(self) -> bool:
        """Whether the format is lines of text, which may be compressed as a whole."""
        return self in (Format.CSV, Format.TSV, Format.JSONL)

    @property
    def separator(self) -> str:
        """What stands between two cells (CSV and TSV only)."""
        return "\t" if self is Format.TSV else ","


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".arrow": Format.ARROW,
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True)
class Location:
    """A file, device, object or standard stream, and how its bytes are to be understood.

    Attributes:
        path: the path or URL as given, or `-`.
        format: the catalog format.
        compression: `gzip`, `zstd`, or None; only ever set for text formats.
    """

    path: str
    format: Format
    compression: str | None = None

    @property
    def is_stdio(self) -> bool:
        """Whether this is stdin or stdout."""
        return self.path == STDIO

    @property
    def is_remote(self) -> bool:
        """Whether this lies in cloud storage."""
        return not self.is_stdio and is_remote(self.path)

    @property
    def name(self) -> str:
        """The name to use in messages."""
        return "stdin" if self.is_stdio else self.path

    def open_raw(self) -> BinaryIO:
        """The bytes as they lie on disk or come through the pipe, not decompressed."""
        # A thread that waits for a pipe in a buffered read holds a lock that closing it needs.
        if self.is_stdio:
            return cast(BinaryIO, open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))
        if self.is_remote:
            return open_remote(self.path)
        try:
            if not os.path.isfile(self.path):
                return cast(BinaryIO, open(self.path, "rb", buffering=0))
            return open(self.path, "rb")
        except OSError as error:
            raise CatalogError(f"cannot open {self.path}: {error.strerror}") from error

    def decompress(self, raw: BinaryIO) -> BinaryIO:
        """`raw`, decompressed if this location is."""
        if self.compression is None:
            return raw
        stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), self.compression)
        return cast(BinaryIO, stream)


def format_of(path: str) -> tuple[Format | None, str | None]:
    """Format and compression as the suffixes tell them; None where they do not."""
    stem, suffix = os.path.splitext(path.lower())
    compression = _COMPRESSIONS.get(suffix)
    if compression is not None:
        suffix = os.path.splitext(stem)[1]
    return _SUFFIXES.get(suffix), compression


def _locate(path: str, override: str | None, option: str) -> Location:
    by_suffix, compression = format_of(path)
    found = Format(override) if override is not None else by_suffix
    if found is None:
        known = " ".join(_SUFFIXES)
        raise UsageError(
            f"cannot tell the format of {path} by its suffix (known: {known}, "
            f"text ones also with .gz or .zst): add {option} csv, tsv, jsonl, parquet or arrow"
        )
    if compression is not None and not found.is_text:
        raise UsageError(
            f"{path}: {found.value} files carry their own compression: drop the last suffix"
        )
    return Location(path, found, compression)


def input_location(path: str, override: str | None = None) -> Location:
    """Where to read from.

    Args:
        path: an existing file, a URL, or `-` for stdin (JSON Lines unless `override` says
            otherwise).
        override: the value of `--input-format`.

    Raises:
        UsageError: no such file, a folder, or an unknown suffix.
    """
    if path == STDIO:
        return Location(STDIO, Format(override) if override else Format.JSONL)
    if not is_remote(path):
        check_input_file(path)
    return _locate(path, override, "--input-format")


def output_location(
    path: str | None, override: str | None = None, *, in_new_folder: bool = False
) -> Location:
    """Where to write to.

    Args:
        path: a file to be written, a URL; None or `-` for stdout (JSON Lines unless `override`).
        override: the value of `--output-format`.
        in_new_folder: the folder need not be there yet.

    Raises:
        UsageError: an unknown suffix, a folder, or a folder that does not exist.
    """
    if path is None or path == STDIO:
        return Location(STDIO, Format(override) if override else Format.JSONL)
    location = _locate(path, override, "--output-format")
    if location.is_remote:
        return location
    check_output_file(path, in_new_folder=in_new_folder)
    return location


def is_regular_or_new(path: str) -> bool:
    """Whether `path` can be written under another name and renamed: a file, or nothing yet.

    A device or a FIFO has to be written straight; renaming would replace it by a file.
    """
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True
