"""Read CSV and TSV into tables of strings, each cell unchanged."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, cast

import numpy as np
import polars as pl
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.blocks import BLOCK_BYTES, Block, Start, split_blocks
from genre_batch.catalog.reading.charset import original_length, transcoded
from genre_batch.catalog.reading.csv_dialect import Dialect, translated, unused_mark
from genre_batch.catalog.reading.csv_grammar import BadRecord, Grammar
from genre_batch.catalog.reading.csv_header import Header
from genre_batch.catalog.reading.limiting import parse_up_to
from genre_batch.catalog.reading.repeated_header import RepeatedHeaders
from genre_batch.catalog.reading.section import Section
from genre_batch.catalog.rejects import Reject
from genre_batch.catalog.stretches import Stretch
from genre_batch.errors import CatalogError

__all__ = ["BlockParser", "RecordBlocks", "read_delimited"]


class BlockParser:
    """Parses blocks with polars; if that fails, parses them again without the broken records.

    Attributes:
        short_row_seen: whether a chunk with the place of the first short row was used; false at
            first.
    """

    def __init__(self, name: str, header: Header, dialect: Dialect) -> None:
        """Prepare the grammar.

        Args:
            name: the file's name, for messages.
            header: the file's header.
            dialect: how the file is written.
        """
        columns, separator = header.columns, header.separator
        self._name = name
        self._dialect = dialect
        self._spelling = header.spelling
        self._grammar = Grammar(separator, len(columns), quotes=dialect.quote is not None)
        self._separator = separator
        self._headers = RepeatedHeaders(header.cells)
        self._original_length = original_length(dialect.encoding)
        self._schema = dict.fromkeys(columns, pl.String())
        self.short_row_seen = False
        self._arrow_schema = pa.schema([(column, pa.string()) for column in columns])
        # Not a letter: polars takes a start such as `x^` for the header of compressed bytes.
        self._full_row = b'""' + separator.encode() * (len(columns) - 1) + b"\n"

    def whole(self, data: bytes) -> int:
        """Return how many bytes of `data` are complete records."""
        return self._grammar.whole(self._spelling.masked(data, self._separator)[0])

    def parse(self, block: Block, on_reject: Callable[[Reject], None]) -> TableChunk:
        """Return the block's rows; pass each unreadable record to `on_reject`, in order."""
        chunk, bad = self.parsed(block)
        line, offset, position = block.first_line, block.byte_offset, 0
        for record in bad:
            line += block.data.count(b"\n", position, record.start)
            offset += self._original_length(block.data[position : record.start])
            position = record.start
            raw = self._spelling.spelled_back(block.data[position : record.end])
            on_reject(
                Reject(
                    file=self._name,
                    line=line,
                    byte_offset=offset,
                    reason=record.reason,
                    raw=raw.rstrip(b"\r\n"),
                    encoding=self._dialect.encoding,
                )
            )
        return chunk

    def are_rows(self, reject: Reject) -> bool:
        """Return whether carriage returns alone end rows within a record that cannot be read."""
        return self._grammar.are_rows(self._spelling.spelled_back(reject.raw))

    def line_of(self, block: Block, row: int) -> int:
        """Return the physical line on which a row of a block starts."""
        masked, _ = self._spelling.masked(block.data, self._separator)
        _, bad = self.parsed(block)
        starts = {record.start for record in bad}
        ((start, _),) = self._grammar.records_at(masked, [row], starts)
        return block.first_line + block.data.count(b"\n", 0, start)

    def parsed(self, block: Block) -> tuple[TableChunk, list[BadRecord]]:
        """Return the block's rows, and the records that are none, in order."""
        masked, back = self._spelling.masked(block.data, self._separator)
        bad: list[BadRecord] = []
        frame: pl.DataFrame | None = None
        if self._grammar.is_well_quoted(masked, closed=True):
            data = self._grammar.without_blank_lines(masked)
            with contextlib.suppress(pl.exceptions.PolarsError):
                frame = self._polars(data)
        if frame is None:
            data, bad = self._grammar.sift(masked)
            frame = self._polars(data)
        table: pa.Table = self._spelling.cells(frame, back).to_arrow().cast(self._arrow_schema)
        if headers := self._headers.find(table):
            starts = {record.start for record in bad}
            spans = self._grammar.records_at(masked, sorted(headers), starts)
            found = zip(spans, sorted(headers.items()), strict=True)
            bad += [BadRecord(*span, reason) for span, (_, reason) in found]
            bad.sort(key=lambda record: record.start)
            data = self._grammar.without_records(data, headers)
            kept = np.delete(np.arange(len(table)), list(headers))
            table = table.take(pa.array(kept))
        return self._chunk(block, masked, data, table, bad), bad

    def _polars(self, data: bytes) -> pl.DataFrame:
        # polars takes the number of columns from the first row, and fails on a block that starts
        # with a short one: put a full row before it.
        separator = self._separator.encode()
        # polars removes a carriage return before a separator.
        mark = unused_mark(data, self._separator) if _has_return_before(separator, data) else None
        if mark is not None:
            data = data.replace(b"\r" + separator, mark + separator)
        frame = pl.read_csv(
            self._full_row + data,
            has_header=False,
            schema=self._schema,
            separator=self._separator,
            quote_char=None if self._dialect.quote is None else '"',
            glob=False,
        ).slice(1)
        if mark is None:
            return frame
        return frame.with_columns(pl.all().str.replace_all(mark.decode(), "\r", literal=True))

    def _chunk(
        self,
        block: Block,
        masked: bytes,
        data: bytes,
        table: pa.Table,
        bad: Sequence[BadRecord],
    ) -> TableChunk:
        # Only a row whose last cell is null can be short.
        if not len(table) or not table.columns[-1].null_count:
            return TableChunk(table)
        short = tuple(self._grammar.short_rows(data).tolist())
        if not short or self.short_row_seen:
            return TableChunk(table, short)
        starts = {record.start for record in bad}
        ((start, end),) = self._grammar.records_at(masked, [short[0]], starts)
        line = block.first_line + block.data.count(b"\n", 0, start)
        offset = block.byte_offset + self._original_length(block.data[:start])
        raw = self._spelling.spelled_back(block.data[start:end])
        shown = raw[:60].decode("utf-8", "replace").strip()
        place = f"{self._name}, line {line} (byte {offset}): {shown!r}"
        return TableChunk(table, short, first_short=place)

    def empty(self) -> TableChunk:
        """Return a chunk with the columns and no rows."""
        return TableChunk(self._arrow_schema.empty_table())


def _has_return_before(separator: bytes, data: bytes) -> bool:
    """Return whether a separator follows a carriage return; faster than a search for both."""
    if b"\r" not in data:
        return False
    buffer = np.frombuffer(data, dtype=np.uint8)
    return bool((buffer[1:][buffer[:-1] == ord("\r")] == ord(separator)).any())


class RecordBlocks:
    """The blocks of a delimited file, of all of it or of one stretch.

    Attributes:
        header: the file's header.
        parser: parses the blocks.
        start: where the records start.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        dialect: Dialect,
        stretch: Stretch | None = None,
        *,
        is_plain: bool = True,
    ) -> None:
        """Read the header.

        Args:
            stream: decompressed bytes, from the start of the file.
            name: the file's name, for messages.
            dialect: how the file is written.
            stretch: the records to read; None: all.
            is_plain: whether the stream is the file itself, in UTF-8, so that it can be read from
                any byte on.

        Raises:
            CatalogError: the stream is empty, fails or is truncated, or the header is malformed.
        """
        self._name = name
        self._raw = stream if is_plain else None
        self._lengths = original_length(dialect.encoding)
        first = cast(BinaryIO, Section(stream)) if is_plain else stream
        self.header = Header(transcoded(first, dialect.encoding), name, dialect)
        self.parser = BlockParser(name, self.header, dialect)
        self.start = self.header.start
        self._end: int | None = None
        if stretch is not None:
            self.start = Start(b"", stretch.line, stretch.start)
            self._end = stretch.end if stretch.index < stretch.count - 1 else None
        self._section: Section | None = None

    def section(self) -> Section:
        """Return the section that the blocks are read from, once the first was read."""
        assert self._section is not None
        return self._section

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks; errors are those of `split_blocks`."""
        header, whole = self.header, self.parser.whole
        if self._raw is None:
            yield from split_blocks(header.stream, self._name, whole, header.start, self._lengths)
            return
        section = Section(self._raw, self.start.byte_offset, self._end)
        self._section = section

        def whole_of_section(data: bytes) -> int:
            # A stretch ends where a block of the whole file ends.
            return len(data) if section.at_end else whole(data)

        stream = translated(cast(BinaryIO, section), header.spelling)
        start = Start(b"", self.start.line, self.start.byte_offset)
        yield from split_blocks(stream, self._name, whole_of_section, start, self._lengths)


def read_delimited(
    stream: BinaryIO,
    name: str,
    dialect: Dialect,
    on_reject: Callable[[Reject], None],
    limit: int | None = None,
    stretch: Stretch | None = None,
    *,
    is_plain: bool = False,
) -> Iterator[TableChunk]:
    """Yield tables of strings: an empty cell is null, a quoted empty cell is the empty string.

    Only a newline ends a record (a bare carriage return belongs to its cell). A row with too few
    fields is padded with nulls, and a blank line is skipped. A row that repeats the header, where
    files were joined, is rejected. The first table has no rows, only the columns.

    Args:
        stream: decompressed bytes.
        name: the file's name, for messages.
        dialect: how the file is written.
        on_reject: called with each record that cannot be read, in order.
        limit: the number of rows to read; None: all.
        stretch: the records to read; None: all.
        is_plain: as in `RecordBlocks`; required for a stretch.

    Raises:
        CatalogError: the stream is empty, fails or is truncated, the header is malformed, a second
            one has its columns in another order, or carriage returns alone end some of the first
            lines.
    """

    def checked(reject: Reject) -> None:
        if reject.reason == "other_header":
            raise CatalogError(f"{reject}: make a file of its own of it and the rows after it")
        # Only in a record that cannot be read: the carriage returns of others are in their cells.
        if reject.byte_offset < BLOCK_BYTES and parser.are_rows(reject):
            raise CatalogError(
                f"{name}, line {reject.line}: a carriage return without a newline ends a row: the "
                f"line ends are mixed: correct them with tr '\\r' '\\n'"
            )
        on_reject(reject)

    records = RecordBlocks(stream, name, dialect, stretch, is_plain=is_plain)
    parser = records.parser
    yield parser.empty()
    lengths = original_length(dialect.encoding)
    for chunk in parse_up_to(limit, records.blocks(), parser, lengths, checked):
        parser.short_row_seen = parser.short_row_seen or chunk.short_rows > 0
        yield chunk
