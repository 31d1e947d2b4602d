"""Options of every command that reads a catalog: how to read its files, and which columns."""

from __future__ import annotations

import os
from dataclasses import dataclass

from genre_batch.catalog.formats import Format, Location, input_location
from genre_batch.catalog.hive import with_columns
from genre_batch.catalog.reading.charset import UTF_8, check_encoding
from genre_batch.catalog.reading.delimited import check_delimiter
from genre_batch.errors import UsageError

__all__ = ["ColumnOptions", "ReadingOptions"]

_FORMATS = tuple(kind.value for kind in Format)


@dataclass(frozen=True)
class ReadingOptions:
    r"""How to read the files of a catalog.

    Attributes:
        input_format: csv, tsv, jsonl, parquet or arrow; None: by the file's suffix.
        delimiter: the character between two cells of a CSV or TSV file, where `\t` and `tab` stand
            for a tab; None: detected in the header.
        encoding: the encoding of text files, normalized to Python's name for it.
        no_hive: add no columns for folders named `name=value`.

    Raises:
        UsageError: a value is out of range.
    """

    input_format: str | None = None
    delimiter: str | None = None
    encoding: str = UTF_8
    no_hive: bool = False

    def __post_init__(self) -> None:
        if self.input_format is not None and self.input_format not in _FORMATS:
            raise UsageError(
                f"`input_format` must be one of {', '.join(_FORMATS)}, got {self.input_format!r}"
            )
        object.__setattr__(self, "encoding", check_encoding(self.encoding))
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", check_delimiter(self.delimiter))

    def locate(self, path: str | os.PathLike[str]) -> Location:
        """Find a catalog and its format.

        Args:
            path: an existing file, a URL, or `-` for stdin.

        Raises:
            UsageError: there is no such file, it is a folder, or its suffix is unknown.
        """
        location = input_location(os.fspath(path), self.input_format)
        return location if self.no_hive else with_columns(location)


@dataclass(frozen=True)
class ColumnOptions:
    """Which columns of a labeled catalog to use.

    Attributes:
        text_column, title_column, genre_column: column names; None: found by their usual names.
        genre_separator: the string between two genres of a cell; None: detected in each cell.
    """

    text_column: str | None = None
    title_column: str | None = None
    genre_column: str | None = None
    genre_separator: str | None = None
