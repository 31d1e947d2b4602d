"""CSV and TSV -> tables in which every cell is the string it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from genre_batch.catalog.blocks import Block, record_ends, split_blocks
from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.rejects import Reason, Reject
from genre_batch.errors import CatalogError

__all__ = ["read_delimited"]

_BOM = b"\xef\xbb\xbf"


def _header(record: bytes, name: str, separator: str) -> list[str]:
    """The column names of a header record.

    Raises:
        CatalogError: not UTF-8, a name that stands twice, or bytes that are no text.
    """
    if b"\x00" in record:
        raise CatalogError(f"{name} is not a text file: check its suffix, or use --input-format")
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{name}, line 1: the header is not valid UTF-8: {error}") from error
    text = text.rstrip("\r\n")
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise CatalogError(f"{name}, line 1: the column {twice[0]!r} stands twice: rename one")
    return names


def _without_blank_lines(data: bytes) -> bytes:
    """Drops the empty lines between records, which polars would take for rows of nulls."""
    if not (data.startswith((b"\n", b"\r\n")) or b"\n\n" in data or b"\n\r\n" in data):
        return data
    records = _records(data)
    return b"".join(record for _, record in records if record.strip(b"\r\n"))


def _records(data: bytes) -> list[tuple[int, bytes]]:
    """(offset, bytes) of each record of a block."""
    ends = record_ends(data, quoted=True).tolist()
    if not ends or ends[-1] != len(data):
        ends.append(len(data))
    starts = [0, *ends[:-1]]
    return [
        (start, data[start:end]) for start, end in zip(starts, ends, strict=True) if end > start
    ]


class _BlockParser:
    """Parses blocks with polars and, where it cannot take one, finds the guilty records."""

    def __init__(
        self, name: str, columns: list[str], separator: str, on_reject: Callable[[Reject], None]
    ) -> None:
        self._name = name
        self._schema = dict.fromkeys(columns, pl.String())
        self._separator = separator
        self._full_row = b"x" + separator.encode() * (len(columns) - 1) + b"\n"
        self._on_reject = on_reject
        self._arrow_schema = pa.schema([(column, pa.string()) for column in columns])

    def parse(self, block: Block) -> pa.Table:
        """The block's rows; each record that cannot be read goes to `on_reject`, in order."""
        try:
            frame = self._polars(block.data)
        except pl.exceptions.PolarsError:
            records = _records(block.data)
            frames = self._bisect(block, records)
            frame = pl.concat(frames) if frames else pl.DataFrame(schema=self._schema)
        table: pa.Table = frame.to_arrow()
        return table.cast(self._arrow_schema)

    def _polars(self, data: bytes) -> pl.DataFrame:
        data = _without_blank_lines(data)
        if not data:
            return pl.DataFrame(schema=self._schema)
        # polars counts the columns in the first row, and refuses a block that starts with a short
        # one: a row of our own goes before it.
        frame = pl.read_csv(
            self._full_row + data,
            has_header=False,
            schema=self._schema,
            separator=self._separator,
            glob=False,
        )
        return frame.slice(1)

    def _bisect(self, block: Block, records: list[tuple[int, bytes]]) -> list[pl.DataFrame]:
        if not records:
            return []
        try:
            return [self._polars(b"".join(record for _, record in records))]
        except pl.exceptions.PolarsError as error:
            if len(records) > 1:
                half = len(records) // 2
                return self._bisect(block, records[:half]) + self._bisect(block, records[half:])
            offset, record = records[0]
            self._on_reject(
                Reject(
                    file=self._name,
                    line=block.first_line + block.data.count(b"\n", 0, offset),
                    byte_offset=block.byte_offset + offset,
                    reason=_reason(record, error),
                    raw=record.rstrip(b"\r\n"),
                )
            )
            return []


def _reason(record: bytes, error: pl.exceptions.PolarsError) -> Reason:
    try:
        record.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "too_many_fields" if "more fields" in str(error) else "bad_quoting"


def read_delimited(
    stream: BinaryIO, name: str, separator: str, on_reject: Callable[[Reject], None]
) -> Iterator[TableChunk]:
    """Tables of strings: an empty cell is null, a quoted empty cell is the empty string.

    Only a newline ends a record (a bare carriage return belongs to its cell); a row with too
    few fields is filled with nulls; a blank line is no row. The first table may have no rows:
    it tells the columns.

    Raises:
        CatalogError: nothing to read, or a header that cannot be one.
    """
    parser: _BlockParser | None = None
    for block in split_blocks(stream, name, quoted=True):
        if parser is None:
            bom = len(_BOM) if block.data.startswith(_BOM) else 0
            ends = record_ends(block.data, quoted=True)
            end = int(ends[0]) if len(ends) else len(block.data)
            header = block.data[bom:end]
            columns = _header(header, name, separator)
            parser = _BlockParser(name, columns, separator, on_reject)
            yield TableChunk(parser.parse(Block(b"", 1, 0)))
            block = Block(
                block.data[end:],
                block.first_line + block.data.count(b"\n", 0, end),
                block.byte_offset + end,
            )
        if block.data:
            yield TableChunk(parser.parse(block))
    if parser is None:
        raise CatalogError(f"{name} is empty: a catalog needs at least a header line")
