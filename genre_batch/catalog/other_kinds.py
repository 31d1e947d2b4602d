"""Files that are no catalog: archives, workbooks, databases, web pages; what to type for each."""

from __future__ import annotations

import os
import shlex
import zipfile

from genre_batch.errors import CatalogError

__all__ = [
    "MAGIC",
    "archive_advice",
    "check_is_text_kind",
    "is_other_kind",
    "kind_of_other_file",
    "not_text_error",
]

_UNPACK = {
    ".zip": ("a ZIP archive", "unzip -p {path}"),
    ".7z": ("a 7z archive", "7z x -so {path}"),
    ".rar": ("a RAR archive", "unrar p -inul {path}"),
    ".tar": ("a tar archive", "tar -xOf {path}"),
    ".tgz": ("a tar archive", "tar -xOzf {path}"),
    ".lz4": ("compressed with lz4", "lz4 -dc {path}"),
    ".br": ("compressed with brotli", "brotli -dc {path}"),
    ".lzma": ("compressed with lzma", "xzcat {path}"),
    ".z": ("compressed with compress", "zcat {path}"),
    ".sz": ("compressed with snappy", "snzip -dc {path}"),
    ".xlsx": ("an Excel workbook", "xlsx2csv {path}"),
}
"""Suffix -> what the file is, and the command that writes its text to stdout."""

_NEEDS_FILE = (".zip", ".7z", ".rar", ".xlsx")
"""Suffixes of archives whose commands cannot read stdin."""

_CONVERT = {
    ".xls": "an Excel workbook",
    ".xlsb": "an Excel workbook",
    ".xlsm": "an Excel workbook",
    ".ods": "a spreadsheet",
    ".numbers": "a spreadsheet",
}
"""Suffix -> what the file is; LibreOffice converts it."""

_TO_PARQUET = "convert it to Parquet or CSV"

_EXPORT = {
    ".avro": "an Avro file",
    ".orc": "an ORC file",
    ".sqlite": "an SQLite database",
    ".dta": "a Stata file",
    ".sav": "an SPSS file",
    ".sas7bdat": "a SAS file",
}
"""Suffix -> what the file is; the program that wrote it can write another kind."""

_TEXT_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

_OTHER_MAGIC = {
    b"PK\x03\x04": ".zip",
    b"PK\x05\x06": ".zip",
    b"7z\xbc\xaf\x27\x1c": ".7z",
    b"Rar!\x1a\x07": ".rar",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ".xls",
    b"\x04\x22\x4d\x18": ".lz4",
    b"\x1f\x9d": ".z",
}
"""First bytes -> the suffix of a file that has to be unpacked by another program."""

_WEB_PAGE = "is a web page, not a catalog: download the file itself"

_NOT_TEXT = {
    b"PAR1\x15": "is a Parquet file: set `input_format` to parquet",
    b"ARROW1\x00\x00": "is an Arrow file: set `input_format` to arrow",
    b"SQLite format 3\x00": "is an SQLite database: export the table as CSV, for example with "
    "sqlite3 -csv -header",
    b"Obj\x01": f"is an Avro file: {_TO_PARQUET}",
    b"\x89HDF\r\n\x1a\n": f"is an HDF5 file: {_TO_PARQUET}",
    b"\x80\x04\x95": f"is a pickle of Python: {_TO_PARQUET}",
    b"\x80\x05\x95": f"is a pickle of Python: {_TO_PARQUET}",
    b"\x93NUMPY": f"is a NumPy file: {_TO_PARQUET}",
    b"<stata_dta>": f"is a Stata file: {_TO_PARQUET}",
    b"%PDF-": "is a PDF document, not a catalog",
    b"\x89PNG\r\n": "is an image, not a catalog",
    b"\xff\xd8\xff": "is an image, not a catalog",
    b"<!DOCTYPE html": _WEB_PAGE,
    b"<!doctype html": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"<?xml ": f"is XML: {_TO_PARQUET}",
    b"version https://git-lfs.github.com/": "is a Git LFS pointer, not the file itself: run git "
    "lfs pull",
}
"""First bytes -> the end of an error message. A text that may be a header is not among them."""

MAGIC = (*_NOT_TEXT, *_OTHER_MAGIC)
"""The first bytes of files of other kinds."""

_TAR_MAGIC = b"ustar"
_TAR_MAGIC_AT = 257


def check_is_text_kind(head: bytes, name: str) -> None:
    """Check that the first bytes are not those of a file that is no text catalog.

    Args:
        head: the first bytes.
        name: the file's name, for messages.

    Raises:
        CatalogError: they are; the message has what to type.
    """
    for magic, message in _NOT_TEXT.items():
        if head.startswith(magic):
            raise CatalogError(f"{name} {message}")
    for magic, suffix in _OTHER_MAGIC.items():
        if head.startswith(magic):
            own = os.path.splitext(name.lower())[1]
            advice = archive_advice(name, own if own in _UNPACK or own in _CONVERT else suffix)
            raise CatalogError(advice or f"{name} is not a text file")


_NO_TABLE = {
    b"": "is empty: copy or write the file again",
    b"\x1f\x8b\x08": "is compressed with gzip: unpack it first: gzip -dc FILE > OTHER",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it first: zstd -dc FILE > OTHER",
    b"BZh": "is compressed with bz2: unpack it first: bzip2 -dc FILE > OTHER",
    b"ORC": f"is an ORC file: {_TO_PARQUET}",
    b"FEA1": "is a Feather file of version 1: write it again as version 2, or convert it to "
    "Parquet",
    b"PAR1": "is a Parquet file: set `input_format` to parquet, or write it again if it is cut off",
    b"{": "is JSON: set `input_format` to jsonl",
    b"[": "is JSON: set `input_format` to jsonl",
}
"""First bytes of files that are no Parquet or Arrow -> the end of an error message."""


def kind_of_other_file(head: bytes, name: str) -> str:
    """Return what a file is that cannot be read as Parquet or Arrow, and what to type; or nothing.

    Args:
        head: its first bytes.
        name: its name, for messages.
    """
    for magic, message in (_NOT_TEXT | _NO_TABLE).items():
        if head.startswith(magic) and (magic or not head):
            return f"{name} {message}"
    for magic, suffix in _OTHER_MAGIC.items():
        if head.startswith(magic):
            return archive_advice(name, suffix) or ""
    if b"\0" not in head and b"\n" in head and b"," in head.partition(b"\n")[0]:
        return f"{name} is text: set `input_format` to csv"
    return ""


def not_text_error(name: str, data: bytes) -> CatalogError:
    """Build the error for a file with bytes that no text has.

    Args:
        name: the file's name.
        data: the start of the file.
    """
    if data[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        return CatalogError(archive_advice(name, ".tar") or "")
    return CatalogError(f"{name} is not a text file: check its suffix, or set `input_format`")


def is_other_kind(name: str) -> bool:
    """Return whether a suffix is that of an archive, a workbook or a database with a table."""
    return os.path.splitext(name.lower())[1] in _UNPACK.keys() | _CONVERT.keys() | _EXPORT.keys()


def archive_advice(path: str, suffix: str | None = None) -> str | None:
    """Return what an archive, workbook or database is, and what to type; None for other files.

    Args:
        path: the file's name, or `stdin`.
        suffix: the kind of file; default: the path's own suffix.
    """
    stem, own = os.path.splitext(path)
    suffix = suffix or own.lower()
    if stem.lower().endswith(".tar"):
        suffix = ".tar"
    is_stdin = path == "stdin"
    if suffix in _CONVERT:
        command = f", or type: libreoffice --headless --convert-to csv {shlex.quote(path)}"
        return f"{path} is {_CONVERT[suffix]}: save it as CSV{'' if is_stdin else command}"
    if suffix in _EXPORT:
        return f"{path} is {_EXPORT[suffix]}: {_TO_PARQUET}"
    if suffix not in _UNPACK:
        return None
    kind, command = _UNPACK[suffix]
    if is_stdin and suffix in _NEEDS_FILE:
        return f"{path} is {kind}: save it to a file and unpack it first"
    inner = os.path.splitext(stem)[1]
    member = ""
    if suffix == ".zip" and (found := _members(path)) is not None:
        catalogs = [name for name in found if _suffix(name) in _TEXT_SUFFIXES]
        kind += f" of {len(found)} files" if len(found) != 1 else ""
        if not catalogs and (len(found) != 1 or not _may_be_text(found[0])):
            return f"{path} is {kind}: unpack it first"
        if len(found) > 1:
            member = f" {shlex.quote(catalogs[0])}"
        inner = _suffix(catalogs[0]) if catalogs else inner
    name = "-" if is_stdin else shlex.quote(path)
    return (
        f"{path} is {kind}: unpack it, or type: {command.format(path=name)}{member} | genre-batch "
        f"tag - `input_format` {_TEXT_SUFFIXES.get(inner.lower(), 'csv')}"
    )


def _suffix(name: str) -> str:
    return os.path.splitext(name.lower())[1]


def _may_be_text(name: str) -> bool:
    return _suffix(name) in ("", ".txt", ".dat", ".tab", ".json")


def _members(path: str) -> list[str] | None:
    """Return the files in a ZIP archive; None if they cannot be listed."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return None
    return [name for name in names if not name.startswith("__MACOSX/")]
