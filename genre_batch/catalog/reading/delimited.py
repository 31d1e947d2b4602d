"""CSV and TSV -> tables in which every cell is the string it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.blocks import Block, Start, read_some, split_blocks
from genre_batch.catalog.reading.charset import UTF_8, mark_length, original_length, transcoded
from genre_batch.catalog.reading.csv_grammar import Grammar
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError, UsageError

__all__ = ["Dialect", "check_delimiter", "read_delimited"]

_BOM = b"\xef\xbb\xbf"
_SNIFFED = (",", ";", "\t", "|")
_MAX_HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is to be read.

    Attributes:
        usual: the separator its suffix promises.
        delimiter: the separator it has; None: the one that stands most often in its header.
        encoding: as `check_encoding` gives it.
    """

    usual: str = ","
    delimiter: str | None = None
    encoding: str = UTF_8


def check_delimiter(delimiter: str) -> str:
    r"""The separator that was asked for; `\t` and `tab` may be typed for a tab.

    Raises:
        UsageError: it is not one ASCII character that can separate cells.
    """
    mark = "\t" if delimiter in ("\\t", "tab") else delimiter
    if len(mark) != 1 or not mark.isascii() or mark in '"\n\r\0':
        raise UsageError(f"--delimiter {delimiter!r}: one character is needed, such as ; or |")
    return mark


def _sniffed(line: str, usual: str) -> str:
    """The separator that stands most often in the header's first line, outside of quotes."""
    outside = "".join(line.split('"')[::2])
    return max((usual, *_SNIFFED), key=outside.count)


class _Header:
    """The header of a delimited stream, read off its start."""

    def __init__(self, stream: BinaryIO, name: str, dialect: Dialect) -> None:
        """Reads until the header is whole.

        Raises:
            CatalogError: nothing to read, or a header that cannot be one.
        """
        self._name = name
        data = b""
        while True:
            piece = read_some(stream, name, 1)
            data += piece
            if not data:
                raise CatalogError(f"{name} is empty: a catalog needs at least a header line")
            if b"\n" not in piece and piece and len(data) < _MAX_HEADER_BYTES:
                continue
            bom = len(_BOM) if data.startswith(_BOM) else 0
            record = self._record(data[bom:], dialect)
            if record is not None and (record.endswith(b"\n") or not piece):
                break
            if not piece or len(data) >= _MAX_HEADER_BYTES:
                raise CatalogError(f"{name}, line 1: the header has broken quoting, or no end")
        end = bom + len(record)
        self.columns = self._columns(record)
        self.start = Start(
            data[end:],
            1 + data.count(b"\n", 0, end),
            mark_length(dialect.encoding) + original_length(dialect.encoding)(data[:end]),
        )

    def _record(self, data: bytes, dialect: Dialect) -> bytes | None:
        """The header's bytes, if it ends within `data`; settles the separator."""
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise CatalogError(f"{self._name} looks like UTF-16: add --encoding utf-16")
        if b"\x00" in data:
            raise CatalogError(
                f"{self._name} is not a text file: check its suffix, or use --input-format"
            )
        line = data.split(b"\n", 1)[0].decode("utf-8", "replace")
        self.separator = dialect.delimiter or _sniffed(line, dialect.usual)
        end = Grammar(self.separator, 1).first(data)
        return None if end is None else data[:end]

    def _columns(self, record: bytes) -> list[str]:
        name = self._name
        try:
            text = record.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise CatalogError(
                f"{name}, line 1: the header is not valid UTF-8 ({error.reason} at byte "
                f"{error.start}): add --encoding latin-1, or whatever it is written in"
            ) from error
        # Only a newline ends a line here; Python's reader would stop at a bare carriage return too.
        rows = csv.reader(io.StringIO(text, newline="\n"), delimiter=self.separator)
        try:
            names = next(rows, [])
        except csv.Error as error:
            raise CatalogError(f"{name}, line 1: the header cannot be read: {error}") from error
        twice = sorted({column for column in names if names.count(column) > 1})
        if twice:
            raise CatalogError(f"{name}, line 1: the column {twice[0]!r} stands twice: rename one")
        return names or [""]


class _BlockParser:
    """Parses blocks with polars and, where it cannot take one, without the guilty records."""

    def __init__(
        self,
        name: str,
        columns: list[str],
        separator: str,
        encoding: str,
        on_reject: Callable[[Reject], None],
    ) -> None:
        self._name = name
        self._grammar = Grammar(separator, len(columns))
        self._separator = separator
        self._on_reject = on_reject
        self._original_length = original_length(encoding)
        self._schema = dict.fromkeys(columns, pl.String())
        self._arrow_schema = pa.schema([(column, pa.string()) for column in columns])
        self._full_row = b"x" + separator.encode() * (len(columns) - 1) + b"\n"
        self.whole = self._grammar.whole

    def parse(self, block: Block) -> TableChunk:
        """The block's rows; each record that cannot be read goes to `on_reject`, in order."""
        if self._grammar.is_well_quoted(block.data):
            data = self._grammar.without_blank_lines(block.data)
            try:
                return self._chunk(data, self._polars(data))
            except pl.exceptions.PolarsError:
                pass
        data, bad = self._grammar.sift(block.data)
        line, at = block.first_line, 0
        for record in bad:
            line += block.data.count(b"\n", at, record.start)
            at = record.start
            self._on_reject(
                Reject(
                    file=self._name,
                    line=line,
                    byte_offset=block.byte_offset + self._original_length(block.data[:at]),
                    reason=record.reason,
                    raw=block.data[at : record.end].rstrip(b"\r\n"),
                )
            )
        return self._chunk(data, self._polars(data))

    def _polars(self, data: bytes) -> pl.DataFrame:
        # polars counts the columns in the first row, and refuses a block that starts with a short
        # one: a row of our own goes before it.
        return pl.read_csv(
            self._full_row + data,
            has_header=False,
            schema=self._schema,
            separator=self._separator,
            glob=False,
        ).slice(1)

    def _chunk(self, data: bytes, frame: pl.DataFrame) -> TableChunk:
        table: pa.Table = frame.to_arrow().cast(self._arrow_schema)
        # Only a row whose last cell is null can have been short.
        short = self._grammar.short_rows(data) if len(table) and table.columns[-1].null_count else 0
        return TableChunk(table, short)

    def empty(self) -> TableChunk:
        """No rows, but the columns."""
        return TableChunk(self._arrow_schema.empty_table())


def read_delimited(
    stream: BinaryIO, name: str, dialect: Dialect, on_reject: Callable[[Reject], None]
) -> Iterator[TableChunk]:
    """Tables of strings: an empty cell is null, a quoted empty cell is the empty string.

    Only a newline ends a record (a bare carriage return belongs to its cell); a row with too
    few fields is filled with nulls; a blank line is no row. The first table has no rows: it tells
    the columns.

    Raises:
        CatalogError: nothing to read, or a header that cannot be one.
    """
    stream = transcoded(stream, dialect.encoding)
    header = _Header(stream, name, dialect)
    parser = _BlockParser(name, header.columns, header.separator, dialect.encoding, on_reject)
    yield parser.empty()
    lengths = original_length(dialect.encoding)
    for block in split_blocks(stream, name, parser.whole, header.start, lengths):
        chunk = parser.parse(block)
        if len(chunk):
            yield chunk
