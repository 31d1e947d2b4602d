"""The records of a text catalog with their own bytes: some cells are replaced, the rest is copied.

The readers give the values of rows; this module gives the bytes that they were read from, so that
a catalog can be written again with other values in some cells and every other byte as it was:
quoting, encoding, line ends, blank lines and records that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, cast

from genre_batch.catalog.reading.blocks import Block, Start, read_more, split_blocks
from genre_batch.catalog.reading.charset import (
    UTF_8,
    mark_length,
    original_length,
    transcoded,
)
from genre_batch.catalog.reading.csv_dialect import Dialect, Spelling
from genre_batch.catalog.reading.csv_grammar import Grammar
from genre_batch.catalog.reading.csv_header import Header
from genre_batch.catalog.reading.delimited import BlockParser
from genre_batch.catalog.reading.json_decoder import JsonDecoder
from genre_batch.catalog.reading.json_values import are_lines
from genre_batch.catalog.reading.jsonlines import SPACE_IN_LINE, parse_block, whole_lines
from genre_batch.catalog.reading.tape import Coding, Tape
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError

__all__ = ["CsvRecords", "LineRecords", "Records"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Records:
    """Some consecutive bytes of a file, and the records in them.

    Attributes:
        original: the bytes of the (decompressed) file.
        data: the same in UTF-8, without those before the first record.
        first_line: the physical line on which `data` starts, 1-based.
        rows: the number of records that can be read.
        not_rows: the starts in `data` of the other records.
    """

    original: bytes
    data: bytes
    first_line: int
    rows: int
    coding: Coding
    spelling: Spelling | None = None
    grammar: Grammar | None = None
    masked: bytes = b""
    spans: tuple[tuple[int, int], ...] | None = None
    not_rows: frozenset[int] = frozenset()

    @cached_property
    def record_spans(self) -> tuple[tuple[int, int], ...]:
        """The start and the end in `data` of each record that can be read."""
        if self.spans is not None or self.grammar is None:
            return self.spans or ()
        if self.grammar.is_well_quoted(self.masked, closed=True):
            spans = self.grammar.well_quoted_spans(self.masked)
            if len(spans) == self.rows + len(self.not_rows):
                return tuple(span for span in spans if span[0] not in self.not_rows)
        spans = self.grammar.record_spans(self.masked)
        return tuple(span for span in spans if span[0] not in self.not_rows)

    def line(self, index: int) -> int:
        """Return the physical line on which a record starts."""
        start, _ = self.record_spans[index]
        return self.first_line + self.data.count(b"\n", 0, start)

    def replaced(self, edits: Mapping[tuple[int, int], bytes]) -> bytes:
        """Return the bytes of the file with pieces of `data` replaced.

        Args:
            edits: (start, end) in `data` -> what to write there, in UTF-8 and, as `data` is, in the
                grammar's spelling.

        Raises:
            CatalogError: the file's encoding cannot hold it.
        """
        if not edits:
            return self.original
        lengths = original_length(self.coding.encoding)
        out: list[bytes] = []
        position, place = 0, len(self.original) - lengths(self.data)
        line, counted = self.first_line, 0
        out.append(self.original[:place])
        for (start, end), new in sorted(edits.items()):
            unchanged, old = lengths(self.data[position:start]), lengths(self.data[start:end])
            line += self.data.count(b"\n", counted, start)
            counted = start
            out.append(self.original[place : place + unchanged])
            place += unchanged
            self.coding.check(
                self.original[place : place + old], self._back(self.data[start:end]), line
            )
            out.append(self.coding.encoded(self._back(new), line))
            place, position = place + old, end
        return b"".join([*out, self.original[place:]])

    def _back(self, data: bytes) -> bytes:
        return data if self.spelling is None else self.spelling.spelled_back(data)


class CsvRecords:
    """The records of a CSV or TSV file.

    Attributes:
        columns: the columns' names.
    """

    def __init__(self, stream: BinaryIO, name: str, dialect: Dialect) -> None:
        """Read the header.

        Args:
            stream: decompressed bytes, at their start, as `charset.resolved` returns them.
            name: the file's name, for messages.
            dialect: how the file is written.

        Raises:
            CatalogError: the header cannot be read.
        """
        self._name, self._dialect = name, dialect
        self._tape = Tape(stream)
        raw = cast(BinaryIO, self._tape)
        self._header = Header(transcoded(raw, dialect.encoding), name, dialect)
        self._parser = BlockParser(name, self._header, dialect)
        self._quotes = dialect.quote is not None
        columns, separator = self._header.columns, self._header.separator
        self._grammar = Grammar(separator, len(columns), quotes=self._quotes)
        self.columns = tuple(columns)

    def blocks(self) -> Iterator[Records]:
        """Yield all bytes of the file, in order; the first ones are those of the header.

        Raises:
            CatalogError: the stream fails.
        """
        header, encoding = self._header, self._dialect.encoding
        coding = Coding.of(encoding, self._tape.head, self._name)
        lengths = original_length(encoding)
        yield Records(self._tape.take(header.start.byte_offset), b"", 1, 0, coding)
        blocks = split_blocks(header.stream, self._name, self._parser.whole, header.start, lengths)
        for block in blocks:
            chunk, bad = self._parser.parsed(block)
            masked, _ = header.spelling.masked(block.data, header.separator)
            yield Records(
                original=self._tape.take(block.byte_offset + lengths(block.data)),
                data=block.data,
                first_line=block.first_line,
                rows=len(chunk),
                coding=coding,
                spelling=header.spelling,
                grammar=self._grammar,
                masked=masked,
                not_rows=frozenset(record.start for record in bad),
            )
        yield Records(self._tape.rest(), b"", 1, 0, coding)

    def record(
        self, records: Records, index: int, cells: Mapping[int, str]
    ) -> tuple[tuple[int, int], bytes]:
        """Return where a record is in `records.data`, and its bytes with other texts in some cells.

        A cell stays in quotes if it is in quotes, and gets them if its text needs them. A record
        that ends before a cell gets the missing separators too.

        Args:
            records: a block.
            index: of the record, among the readable ones of the block.
            cells: column, by its place in `columns` -> what its cell shall hold.

        Raises:
            CatalogError: a text needs quotes, which the file does not have; or the bytes of the
                record cannot be found.
        """
        whole = records.record_spans
        start, end = whole[index] if len(whole) == records.rows else (0, 0)
        record = records.data[start:end]
        spans = self._grammar.field_spans(records.masked[start:end])
        is_short = max(cells) >= len(spans)
        if not spans or (is_short and self._header.spelling.ends_open(record)):
            raise CatalogError(
                f"{self._name}: the records after line {records.first_line} cannot be separated "
                f"byte for byte: set `output_encoding` to write the whole file anew"
            )
        pieces, position = list[bytes](), 0
        for column in sorted(cells):
            if column < len(spans):
                first, last = spans[column]
                is_quoted = self._quotes and record[first:last].startswith(b'"')
                cell = self._cell(cells[column], is_quoted, records, index)
                pieces += [record[position:first], cell]
                position = last
        pieces.append(record[position : spans[-1][1]])
        separator = self._header.separator.encode()
        for column in range(len(spans), max(cells) + 1):
            text = cells.get(column)
            cell = b"" if text is None else self._cell(text, False, records, index)
            pieces.append(separator + cell)
        return (start, end), b"".join([*pieces, record[spans[-1][1] :]])

    def check(self, records: Records, edits: Mapping[tuple[int, int], bytes]) -> None:
        """Check that new cells do not change how the records around them are read.

        A quote that is never closed may take in the quotes of a new cell after it.

        Args:
            records: a block.
            edits: as in `Records.replaced`.

        Raises:
            CatalogError: other rows would be read.
        """
        if not edits:
            return
        if self._grammar.is_well_quoted(records.masked, closed=True):
            spans = self._grammar.well_quoted_spans(records.masked)
            if len(spans) == records.rows + len(records.not_rows):
                return
        pieces, position = list[bytes](), 0
        for (start, end), new in sorted(edits.items()):
            pieces += [records.data[position:start], new]
            position = end
        data = b"".join([*pieces, records.data[position:]])
        chunk, _ = self._parser.parsed(Block(data, records.first_line, 0))
        if len(chunk) != records.rows:
            raise CatalogError(
                f"{self._name}: a quote after line {records.first_line} is never closed, so that "
                f"rows after it would be lost with other genres: close it, or write another format"
            )

    def _cell(self, text: str, is_quoted: bool, records: Records, index: int) -> bytes:
        spelling = self._header.spelling
        cell = None if is_quoted else spelling.unquoted(text, self._header.separator)
        if cell is None and not self._quotes:
            raise CatalogError(
                f"{self._name}, line {records.line(index)}: {text!r} has a separator, a quote or a "
                f"line end, and the file quotes no cells: write another format"
            )
        return spelling.quoted(text) if cell is None else cell


class LineRecords:
    """The records of a JSON Lines file."""

    def __init__(self, stream: BinaryIO, name: str, encoding: str = UTF_8) -> None:
        """Read the start of the file.

        Args:
            stream: decompressed bytes, at their start, as `charset.resolved` returns them.
            name: the file's name, for messages.
            encoding: a name from `charset.resolved`.

        Raises:
            CatalogError: the stream fails.
        """
        self._name, self._encoding = name, encoding
        self._tape = Tape(stream)
        self._stream = transcoded(cast(BinaryIO, self._tape), encoding)
        head, at_end = b"", False
        while (lines := are_lines(head, at_end)) is None:
            piece = read_more(self._stream, name, head)
            head, at_end = head + piece, not piece
        self._head = head
        self.is_lines = lines

    def blocks(self) -> Iterator[Records]:
        """Yield all bytes of the file, in order.

        Raises:
            CatalogError: the stream fails.
        """
        coding = Coding.of(self._encoding, self._tape.head, self._name)
        lengths = original_length(self._encoding)
        start = Start(self._head, byte_offset=mark_length(self._encoding))
        decoder = JsonDecoder(self._name)
        yield Records(self._tape.take(start.byte_offset), b"", 1, 0, coding)
        for block in split_blocks(self._stream, self._name, whole_lines, start, lengths):
            rejects: list[Reject] = []
            rows = parse_block(block, self._name, rejects.append, lengths, decoder, None)
            spans = _line_spans(block, {reject.line for reject in rejects})
            yield Records(
                original=self._tape.take(block.byte_offset + lengths(block.data)),
                data=block.data,
                first_line=block.first_line,
                rows=len(rows),
                coding=coding,
                spans=tuple(spans),
            )
        yield Records(self._tape.rest(), b"", 1, 0, coding)


def _line_spans(block: Block, bad: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each line's object; skip blank lines and those in `bad`."""
    start = 0
    for number, raw in enumerate(block.data.split(b"\n"), start=block.first_line):
        line = raw.strip(SPACE_IN_LINE)
        if (block.byte_offset == 0 and start == 0) or line.startswith(_BYTE_ORDER_MARK):
            line = line.removeprefix(_BYTE_ORDER_MARK).strip(SPACE_IN_LINE)
        if line and number not in bad:
            first = start + raw.index(line)
            yield first, first + len(line)
        start += len(raw) + 1
