"""Options of every command that reads or writes a catalog, and which columns it uses."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from genre_batch.catalog.formats import Format, Location, input_location
from genre_batch.catalog.hive import with_all_columns, with_columns
from genre_batch.catalog.reading.charset import UTF_8, check_encoding
from genre_batch.catalog.reading.csv_dialect import (
    Dialect,
    check_delimiter,
    check_escape,
    check_quote,
)
from genre_batch.catalog.sources import check_named_once, find_sources
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.errors import UsageError
from genre_batch.options import (
    FLAG,
    STRING,
    STRINGS,
    Checked,
    StrPath,
    check_strings,
    integer,
    one_of,
)
from genre_batch.paths import folder_advice, is_run

__all__ = [
    "CATALOG",
    "CatalogPath",
    "ColumnOptions",
    "GenreOptions",
    "ReadingOptions",
    "WritingOptions",
]

CatalogPath: TypeAlias = StrPath | Sequence[StrPath] | Location
"""A catalog: files, globs, folders or URLs, one or several; or its location."""


@dataclass(frozen=True)
class _Catalog:
    """The values of an option that names a catalog."""

    def check(self, name: str, value: Any) -> Any:
        """Return a path, a location, or a list of paths as a tuple.

        Raises:
            UsageError: it is something else, or an empty list.
        """
        if isinstance(value, Location | str | os.PathLike):
            return value
        if not isinstance(value, Sequence) or not value:
            raise UsageError(f"`{name}` must be a path or a list of paths, got {value!r}")
        return check_strings(name, value)


CATALOG = {"allowed": _Catalog()}
"""The metadata of a field that names a catalog."""

_FORMATS = tuple(kind.value for kind in Format)
_TSV_NULLS = ("\\N",)
"""How MySQL, PostgreSQL and IMDb write null in TSV files."""


@dataclass(frozen=True)
class ReadingOptions(Checked):
    r"""How to read the files of a catalog.

    Attributes:
        input_format: csv, tsv, jsonl, parquet or arrow; None: by the file's suffix.
        delimiter: the character between two cells of a CSV or TSV file, where `\t` and `tab` stand
            for a tab; None: detected in the header.
        encoding: the encoding of text files, normalized to Python's name for it.
        quote: the character that quotes CSV and TSV cells; `none`: quotes are ordinary characters.
        escape: the character that makes a following quote, delimiter, line end or escape an
            ordinary character in CSV and TSV; None: quotes are doubled.
        null_values: the texts that mean null, as a sequence or joined by commas: rows with such a
            text have no text, title or genre. They are written as they are, but as nulls with
            `infer_types`. None: `\N` in TSV, nothing in other formats.
        skip_lines: the number of lines before the header of CSV and TSV files.
        infer_types: convert CSV and TSV cells to numbers and dates in Parquet and Arrow.
        rejects: the file for unreadable rows; None: `<output>.rejects.jsonl` if a catalog is
            written, else no file.
        strict: stop at the first unreadable row.
        no_hive: add no columns for folders named `name=value`.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
    """

    input_format: str | None = field(default=None, metadata=one_of(*_FORMATS))
    delimiter: str | None = field(default=None, metadata=STRING)
    encoding: str = field(default=UTF_8, metadata=STRING)
    quote: str = field(default='"', metadata=STRING)
    escape: str | None = field(default=None, metadata=STRING)
    null_values: str | Sequence[str] | None = None
    skip_lines: int = field(default=0, metadata=integer(0))
    infer_types: bool = field(default=False, metadata=FLAG)
    rejects: str | os.PathLike[str] | None = field(default=None, metadata=STRING)
    strict: bool = field(default=False, metadata=FLAG)
    no_hive: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "encoding", check_encoding(self.encoding))
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", check_delimiter(self.delimiter))
        object.__setattr__(self, "quote", check_quote(self.quote))
        if self.escape is not None:
            object.__setattr__(self, "escape", check_escape(self.escape))
        if self.delimiter is not None and self.delimiter in (self.quote, self.escape):
            raise UsageError("`delimiter`, `quote` and `escape` must be different characters")
        if self.null_values is not None:
            values = self.null_values
            if isinstance(values, str):
                values = values.split(",")
            values = check_strings("null_values", values)
            object.__setattr__(self, "null_values", tuple(value for value in values if value))
        if self.strict and self.rejects is not None:
            raise UsageError("`strict` and `rejects` cannot be used together: give one")

    def nulls(self, kind: Format) -> tuple[str, ...]:
        """Return the texts that mean null in a format."""
        if self.null_values is not None:
            return tuple(self.null_values)
        return _TSV_NULLS if kind is Format.TSV else ()

    def dialect(self, kind: Format, encoding: str) -> Dialect:
        """Return how to read a file of a delimited format, in its own encoding."""
        return Dialect(
            default=kind.separator,
            delimiter=self.delimiter,
            encoding=encoding,
            quote=None if self.quote == "none" else self.quote,
            escape=self.escape,
            skip_lines=self.skip_lines,
        )

    def locate(self, path: str | os.PathLike[str]) -> Location:
        """Find a catalog and its format.

        Args:
            path: an existing file, a URL, or `-` for stdin.

        Raises:
            UsageError: there is no such file, it is a folder, or its suffix is unknown.
        """
        location = input_location(os.fspath(path), self.input_format)
        return location if self.no_hive else with_columns(location)

    def locate_all(self, catalog: CatalogPath) -> Location:
        """Find a catalog that may be in several files, and their formats.

        Args:
            catalog: files, globs, folders or URLs, one or several; `-` for stdin; or a location.

        Raises:
            UsageError: there is no such file, a suffix is unknown, a folder is a training run, or a
                file is named twice.
            CatalogError: a folder cannot be listed.
        """
        if isinstance(catalog, Location):
            return catalog
        one = isinstance(catalog, str | os.PathLike)
        paths = check_strings("catalog", (catalog,) if one else catalog)
        for path in paths:
            if is_run(path):
                raise UsageError(folder_advice(path))
        files = find_sources(paths, self.input_format)
        check_named_once(files)
        if not self.no_hive:
            files = with_all_columns([with_columns(file) for file in files])
        return Location.of_files(files)


@dataclass(frozen=True)
class WritingOptions(Checked):
    r"""How to write a catalog.

    Attributes:
        output_format: csv, tsv, jsonl, parquet or arrow; None: by the output's suffix.
        output_delimiter: the character between two cells of CSV and TSV; None: a comma, or a tab in
            TSV.
        output_encoding: the encoding of CSV and TSV; `utf-8-sig` starts with a byte order mark, as
            Excel expects it; None: UTF-8.
        separator: joins the added genres in CSV and TSV.

    Raises:
        UsageError: a value is out of range.
    """

    output_format: str | None = field(default=None, metadata=one_of(*_FORMATS))
    output_delimiter: str | None = field(default=None, metadata=STRING)
    output_encoding: str | None = field(default=None, metadata=STRING)
    separator: str = field(default=", ", metadata=STRING)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_delimiter is not None:
            mark = check_delimiter(self.output_delimiter, "output_delimiter")
            object.__setattr__(self, "output_delimiter", mark)
        if not self.separator:
            raise UsageError("`separator` must not be empty: joined genres could not be told apart")
        if self.output_encoding is not None:
            name = check_encoding(self.output_encoding, "output_encoding", keep_mark=True)
            object.__setattr__(self, "output_encoding", name)

    def encoder_options(self, metadata: Mapping[str, str] | None = None) -> EncoderOptions:
        """Return the options of an encoder; `metadata` is for Parquet and Arrow schemas."""
        return EncoderOptions(
            genre_separator=self.separator,
            delimiter=self.output_delimiter,
            encoding=self.output_encoding,
            metadata=metadata or {},
        )


EMPTIES = ("negative", "skip")


@dataclass(frozen=True, kw_only=True)
class GenreOptions(Checked):
    """Where the genres of a catalog are, and what they are called.

    The fields are as in `ColumnOptions`.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
    """

    genre_column: str | None = field(default=None, metadata=STRING)
    genre_separator: str | None = field(default=None, metadata=STRING)
    label_columns: tuple[str, ...] | None = field(default=None, metadata=STRINGS)
    label_names: str | os.PathLike[str] | None = field(default=None, metadata=STRING)
    genre_map: str | os.PathLike[str] | None = field(default=None, metadata=STRING)
    no_aliases: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        if isinstance(self.label_columns, str):
            object.__setattr__(self, "label_columns", (self.label_columns,))
        super().__post_init__()
        if self.genre_separator == "":
            raise UsageError("`genre_separator` must not be empty: leave it out to detect it")
        if self.label_columns:
            for name in ("genre_column", "genre_separator", "label_names"):
                if getattr(self, name) is not None:
                    raise UsageError(
                        f"`label_columns` and `{name}` cannot be used together: give one"
                    )


@dataclass(frozen=True)
class ColumnOptions(GenreOptions):
    """Which columns of a labeled catalog to use, and how to read its genres.

    Attributes:
        text_column, title_column, genre_column: column names; None: found by their usual names.
        genre_separator: the string between two genres of a cell; None: found over the whole column.
        label_columns: columns of 0 and 1, one for each genre, or of one genre name each, in place
            of a genre column: names, patterns (`is_*`) or ranges (`FIRST..LAST`), as a sequence or
            joined by commas.
        label_names: a file that names the genres whose numbers or codes the cells have: one name a
            line, or id and name as CSV or JSON.
        genre_map: a file that maps genre names to others (catalog/genre_map.py); None: no map.
        no_aliases: do not read common aliases of a model's genres, such as Sci-Fi, as these.
            Where the catalog's own genres are learned, none are.
        group_rows: join rows with the same text and title, each with some of a film's genres.
        empty: what a row with an empty genre cell is: `negative`, a film without any genre, or
            `skip`, a row that is left out; None: `negative` in `label_columns`, else `skip`. Rows
            whose cell is null are left out, except in CSV, which writes an empty list as nothing.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
    """

    text_column: str | None = field(default=None, metadata=STRING)
    title_column: str | None = field(default=None, metadata=STRING)
    group_rows: bool = field(default=False, metadata=FLAG)
    empty: str | None = field(default=None, metadata=one_of(*EMPTIES))
