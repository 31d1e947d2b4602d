"""Read CSV and TSV into tables of strings, each cell unchanged."""

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
from genre_batch.catalog.reading.limiting import parse_up_to
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError, UsageError

__all__ = ["Dialect", "check_delimiter", "read_delimited"]

_BOM = b"\xef\xbb\xbf"
_SEPARATORS = (",", ";", "\t", "|")
_MAX_HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class Dialect:
    """How to read a delimited file.

    Attributes:
        default: the separator that the suffix implies.
        delimiter: the separator; None: the most frequent candidate in the header.
        encoding: a name from `check_encoding`.
    """

    default: str = ","
    delimiter: str | None = None
    encoding: str = UTF_8


def check_delimiter(delimiter: str) -> str:
    r"""Return the separator character; `\t` and `tab` mean a tab.

    Raises:
        UsageError: it is not one ASCII character that can separate cells.
    """
    mark = "\t" if delimiter in ("\\t", "tab") else delimiter
    if len(mark) != 1 or not mark.isascii() or mark in '"\n\r\0':
        raise UsageError(f"`delimiter` must be one character such as ; or |, got {delimiter!r}")
    return mark


def _detect_separator(line: str, default: str) -> str:
    """Return the most frequent separator outside of quotes in the header's first line."""
    outside = "".join(line.split('"')[::2])
    return max((default, *_SEPARATORS), key=outside.count)


class _Header:
    """The header at the start of a delimited stream."""

    def __init__(self, stream: BinaryIO, name: str, dialect: Dialect) -> None:
        """Read until the header is complete.

        Raises:
            CatalogError: the stream is empty, or the header is malformed.
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
                raise CatalogError(f"{name}, line 1: the header has broken quoting or no end")
        end = bom + len(record)
        self.columns = self._columns(record)
        self.start = Start(
            data[end:],
            1 + data.count(b"\n", 0, end),
            mark_length(dialect.encoding) + original_length(dialect.encoding)(data[:end]),
        )

    def _record(self, data: bytes, dialect: Dialect) -> bytes | None:
        """Return the header's bytes if it ends within `data`; detect the separator."""
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise CatalogError(f"{self._name} looks like UTF-16: set `encoding` to utf-16")
        if b"\x00" in data:
            raise CatalogError(
                f"{self._name} is not a text file: check its suffix, or set `input_format`"
            )
        line = data.split(b"\n", 1)[0].decode("utf-8", "replace")
        self.separator = dialect.delimiter or _detect_separator(line, dialect.default)
        end = Grammar(self.separator, 1).first(data)
        return None if end is None else data[:end]

    def _columns(self, record: bytes) -> list[str]:
        name = self._name
        try:
            text = record.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise CatalogError(
                f"{name}, line 1: the header is not valid UTF-8 ({error.reason} at byte "
                f"{error.start}): set `encoding` to latin-1, or to the encoding of the file"
            ) from error
        # Only a newline ends a line here; by default, a bare carriage return would too.
        rows = csv.reader(io.StringIO(text, newline="\n"), delimiter=self.separator)
        try:
            names = next(rows, [])
        except csv.Error as error:
            raise CatalogError(f"{name}, line 1: the header cannot be read: {error}") from error
        duplicates = sorted({column for column in names if names.count(column) > 1})
        if duplicates:
            raise CatalogError(f"{name}, line 1: duplicate column {duplicates[0]!r}: rename one")
        return names or [""]


class _BlockParser:
    """Parses blocks with polars; if that fails, parses them again without the broken records."""

    def __init__(
        self,
        name: str,
        columns: list[str],
        separator: str,
        encoding: str,
    ) -> None:
        self._name = name
        self._grammar = Grammar(separator, len(columns))
        self._separator = separator
        self._original_length = original_length(encoding)
        self._schema = dict.fromkeys(columns, pl.String())
        self._arrow_schema = pa.schema([(column, pa.string()) for column in columns])
        self._full_row = b"x" + separator.encode() * (len(columns) - 1) + b"\n"
        self.whole = self._grammar.whole

    def parse(self, block: Block, on_reject: Callable[[Reject], None]) -> TableChunk:
        """Return the block's rows; pass each unreadable record to `on_reject`, in order."""
        if self._grammar.is_well_quoted(block.data):
            data = self._grammar.without_blank_lines(block.data)
            try:
                return self._chunk(data, self._polars(data))
            except pl.exceptions.PolarsError:
                pass
        data, bad = self._grammar.sift(block.data)
        line, position = block.first_line, 0
        for record in bad:
            line += block.data.count(b"\n", position, record.start)
            position = record.start
            on_reject(
                Reject(
                    file=self._name,
                    line=line,
                    byte_offset=block.byte_offset + self._original_length(block.data[:position]),
                    reason=record.reason,
                    raw=block.data[position : record.end].rstrip(b"\r\n"),
                )
            )
        return self._chunk(data, self._polars(data))

    def _polars(self, data: bytes) -> pl.DataFrame:
        # polars takes the number of columns from the first row, and fails on a block that starts
        # with a short one: put a full row before it.
        return pl.read_csv(
            self._full_row + data,
            has_header=False,
            schema=self._schema,
            separator=self._separator,
            glob=False,
        ).slice(1)

    def _chunk(self, data: bytes, frame: pl.DataFrame) -> TableChunk:
        table: pa.Table = frame.to_arrow().cast(self._arrow_schema)
        # Only a row whose last cell is null can be short.
        short = self._grammar.short_rows(data) if len(table) and table.columns[-1].null_count else 0
        return TableChunk(table, short)

    def empty(self) -> TableChunk:
        """Return a chunk with the columns and no rows."""
        return TableChunk(self._arrow_schema.empty_table())


def read_delimited(
    stream: BinaryIO,
    name: str,
    dialect: Dialect,
    on_reject: Callable[[Reject], None],
    limit: int | None = None,
) -> Iterator[TableChunk]:
    """Yield tables of strings: an empty cell is null, a quoted empty cell is the empty string.

    Only a newline ends a record (a bare carriage return belongs to its cell). A row with too few
    fields is padded with nulls, and a blank line is skipped. The first table has no rows, only
    the columns.

    Args:
        stream: decompressed bytes.
        name: the file's name, for messages.
        dialect: separator and encoding.
        on_reject: called with each record that cannot be read, in order.
        limit: the number of rows to read; None: all.

    Raises:
        CatalogError: the stream is empty, fails or is truncated, or the header is malformed.
    """
    stream = transcoded(stream, dialect.encoding)
    header = _Header(stream, name, dialect)
    parser = _BlockParser(name, header.columns, header.separator, dialect.encoding)
    yield parser.empty()
    lengths = original_length(dialect.encoding)
    blocks = split_blocks(stream, name, parser.whole, header.start, lengths)
    yield from parse_up_to(limit, blocks, parser.parse, parser.whole, lengths, on_reject)
