"""The grammar of CSV and TSV records: where they end, and which of them cannot be read.

RFC 4180 with three extensions for real catalogs: only a newline ends a record (a bare carriage
return belongs to its cell); the last line needs no newline; and a quote inside a cell that does not
start with a quote is an ordinary character, as pandas and spreadsheets read it. Cells after the
last column are ignored if they are empty or blank, in quotes or not. A line of nothing but Ctrl-Z
or NUL, the padding of old systems, is a blank line, and so is PostgreSQL's end mark. Two things
remain errors: text after a closing quote, and a quote that is never closed, or only rows later.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.catalog.reading.charset import is_utf8
from genre_batch.catalog.reading.csv_lines import is_blank, last_end, may_have_blank_lines
from genre_batch.catalog.rejects import Reason

__all__ = ["BadRecord", "Grammar"]

_QUOTE, _NEWLINE, _RETURN = (ord(mark) for mark in '"\n\r')


@dataclass(frozen=True)
class BadRecord:
    """A record of a block that cannot be read.

    Attributes:
        start, end: its offsets in the block, in bytes.
        reason: why it cannot be read.
    """

    start: int
    end: int
    reason: Reason


class Grammar:
    """The record grammar of one catalog with a known separator and number of columns."""

    def __init__(self, separator: str, columns: int, *, quotes: bool = True) -> None:
        """Compile the grammar.

        Args:
            separator: one ASCII character, neither a quote nor a line ending.
            columns: the number of columns in the header, at least 1.
            quotes: whether a quote at the start of a cell quotes it; False: it is an ordinary
                character.
        """
        self._quotes = quotes
        mark = re.escape(separator.encode("ascii"))
        self._separator = ord(separator)
        self._edges = np.isin(np.arange(256), [self._separator, _NEWLINE, _QUOTE])
        self._columns = columns
        if not quotes:
            self._compile(mark, rb"[^" + mark + rb"\n]*+", rb"(?!)", rb"(?!)", columns)
            return
        quoted = rb'"[^"]*+(?:""[^"]*+)*+"(?=' + mark + rb"|\r?\n|\r?\Z)"
        plain = rb'(?!")[^' + mark + rb"\n]*+"
        unquoted = rb'[^"' + mark + rb"\n]*+"
        field = quoted + rb"|" + plain
        # Matches a broken record up to the misplaced quote.
        prefix = rb"(?:(?:" + field + rb")" + mark + rb')*+"[^"]*+(?:""[^"]*+)*+(?:"|\Z)'
        self._compile(mark, field, quoted + rb"|" + unquoted, prefix, columns)

    def _compile(
        self, mark: bytes, field: bytes, well_quoted: bytes, prefix: bytes, columns: int
    ) -> None:
        """Compile the patterns of records from those of a separator and a field."""

        def record(field: bytes, times: bytes, extra: bytes = b"") -> re.Pattern[bytes]:
            rest = rb"(?:" + mark + rb"(?:" + field + rb"))" + times
            return re.compile(rb"(?:" + field + rb")" + rest + extra + rb"(?:\r?\n|\r?\Z)")

        at_most = b"{0,%d}+" % (columns - 1)
        exactly = b"{%d}+" % (columns - 1)
        empty = rb'(?:" *+"(?=' + mark + rb"|\r?\n|\r?\Z)| *+)" if self._quotes else rb" *+"
        extra = rb"((?:" + mark + empty + rb")*+)"
        self._well_quoted = record(well_quoted if self._quotes else field, at_most)
        self._readable = record(field, at_most, extra)
        self._full = record(field, exactly, extra)
        self._any_length = record(field, b"*+")
        self._fields = re.compile(rb"(" + field + rb")(" + mark + rb"|\r?\n|\r?\Z)")
        self._prefix = re.compile(prefix)

    def is_well_quoted(self, data: bytes, *, closed: bool = False) -> bool:
        """Return whether every quote in `data` opens or closes a cell, or is doubled inside one.

        If so, a newline ends a record exactly if the number of quotes before it is even.

        Args:
            data: bytes that start at a record.
            closed: whether a quote that is not closed within `data` counts too.
        """
        if not self._quotes:
            return True
        buffer = np.frombuffer(data, dtype=np.uint8)
        quotes = np.flatnonzero(buffer == _QUOTE)
        if closed and len(quotes) % 2:
            return False
        return self._are_at_edges(buffer, quotes)

    def _are_at_edges(self, buffer: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64]) -> bool:
        """Return whether quotes are next to the edge of a cell or to another quote.

        Args:
            buffer: bytes that start at a record.
            quotes: the positions of the quotes in it, of which every second one closes a cell.
        """
        opens = quotes[0::2]
        if not self._edges[buffer[opens[opens > 0] - 1]].all():
            return False
        after = quotes[1::2] + 1
        after = after[after < len(buffer)]
        other = after[~self._edges[buffer[after]]]
        newlines = buffer[np.minimum(other + 1, len(buffer) - 1)] == _NEWLINE
        at_end = other + 1 == len(buffer)
        return bool(((buffer[other] == _RETURN) & (newlines | at_end)).all())

    def whole(self, data: bytes) -> int:
        """Return how many bytes of `data` are complete records, each ended by a newline.

        Args:
            data: bytes that start at a record.
        """
        buffer = np.frombuffer(data, dtype=np.uint8)
        quotes = np.flatnonzero(buffer == _QUOTE) if self._quotes else np.zeros(0, np.int64)
        if self._are_at_edges(buffer, quotes):
            return last_end(data, quotes)
        complete = 0
        has_end = data.endswith(b"\n")
        for start, end, reason in self._walk(data):
            if end == len(data) and not has_end:
                return complete
            prefix = self._prefix.match(data, start)
            if reason is not None and prefix is None and not has_end:
                prefix = self._any_length.match(data, start)
            if prefix is not None and prefix.end() == len(data):
                return complete  # an open quote, which the next bytes may close, or a last line
            complete = end
        return complete

    def first(self, data: bytes) -> int | None:
        """Return the end of the first record, with any number of fields; None if it has no end."""
        match = self._any_length.match(data)
        return None if match is None else match.end()

    def without_blank_lines(self, data: bytes) -> bytes:
        """Remove the blank lines between well-quoted records."""
        if not may_have_blank_lines(data):
            return data
        ends = [*self._record_ends(data).tolist(), len(data)]
        records = (data[start:end] for start, end in zip([0, *ends], ends, strict=False))
        return b"".join(record for record in records if not is_blank(record))

    def sift(self, data: bytes) -> tuple[bytes, list[BadRecord]]:
        """Separate readable records from broken ones, both in order.

        A broken record ends with its first line, because an unclosed quote would include all the
        lines after it. Of these lines, up to the position of the error, only those with a field
        for every column count as rows; the others are the rest of a broken cell.

        Args:
            data: complete records.

        Returns:
            The readable records, well quoted, and the broken ones.
        """
        good: list[bytes] = []
        bad: list[BadRecord] = []
        is_text = is_utf8(data)
        for start, end, reason in self._walk(data):
            record = data[start:end]
            if reason is None and not is_text and not is_utf8(record):
                reason = "invalid_utf8"
            if reason is not None:
                bad.append(BadRecord(start, end, reason))
                continue
            readable = self._readable.match(record)
            if readable is not None and readable[1]:
                record = record[: readable.start(1)] + record[readable.end(1) :]
            well_quoted = self._well_quoted.match(record)
            good.append(record if well_quoted else self._requoted(record))
        return b"".join(good), bad

    def short_rows(self, data: bytes) -> npt.NDArray[np.int64]:
        """Return (short,) int64: the indices of the records with too few fields.

        All records are well quoted, and none is blank.
        """
        buffer = np.frombuffer(data, dtype=np.uint8)
        marks = np.flatnonzero(buffer == self._separator)
        if self._quotes:
            quotes = np.flatnonzero(buffer == _QUOTE)
            marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
        ends = self._record_ends(data)
        if not len(ends) or ends[-1] != len(data):
            ends = np.append(ends, len(data))
        fields = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        return np.flatnonzero(fields < self._columns)

    def records_at(
        self, data: bytes, indices: Sequence[int], bad: Collection[int]
    ) -> list[tuple[int, int]]:
        """Return the start and the end of some records.

        Args:
            data: complete records, as `sift` takes them.
            indices: for each, the number of readable records before it; in ascending order.
            bad: the starts of the records that cannot be read.
        """
        readable = ((start, end) for start, end, _ in self._walk(data) if start not in bad)
        wanted = set(indices)
        last = max(indices) + 1
        return [
            span for index, span in enumerate(itertools.islice(readable, last)) if index in wanted
        ]

    def without_records(self, data: bytes, indices: Collection[int]) -> bytes:
        """Remove some of the records, which are well quoted and not blank, by their positions."""
        spans = self.well_quoted_spans(data)
        return b"".join(
            data[start:end] for index, (start, end) in enumerate(spans) if index not in indices
        )

    def _walk(self, data: bytes) -> Iterator[tuple[int, int, Reason | None]]:
        """Yield (start, end, reason it cannot be read or None) of each record; skip blank lines."""
        start = 0
        suspicious_until = 0
        while start < len(data):
            suspicious = start < suspicious_until
            match = (self._full if suspicious else self._readable).match(data, start)
            if match is not None:
                if not is_blank(data[start : match.end()]):
                    yield start, match.end(), None
                start = match.end()
                continue
            longer = None if suspicious else self._any_length.match(data, start)
            if longer is not None and not self._took_rows(data[start : longer.end()]):
                end = longer.end()
                yield start, end, "too_many_fields"
            else:
                end = data.find(b"\n", start) + 1 or len(data)
                if not is_blank(data[start:end]):
                    yield start, end, "bad_quoting"
                broken = longer or self._prefix.match(data, start)
                suspicious_until = max(suspicious_until, broken.end() if broken else end)
            start = end

    def _took_rows(self, record: bytes) -> bool:
        """Return whether most lines of a record with too many fields, after its first, are rows.

        Then a stray quote took them. A single one may be the end of a cell of two lines: the first
        line must look like a row too.
        """
        first, *lines = record.removesuffix(b"\n").split(b"\n")
        if not lines or self._columns == 1:
            return False
        rows = sum(self._full.match(line) is not None for line in lines)
        if len(lines) > 1:
            return rows > len(lines) / 2
        separators = first.count(self._separator)
        return rows == 1 and self._columns > 2 and separators == self._columns - 1

    def _requoted(self, record: bytes) -> bytes:
        """Quote each unquoted cell of a record that contains a quote."""
        pieces: list[bytes] = []
        for cell, mark in self._fields.findall(record):
            if b'"' in cell and not cell.startswith(b'"'):
                line_end = b"\r" if not mark.strip() and cell.endswith(b"\r") else b""
                cell = cell.removesuffix(line_end)
                cell = b'"' + cell.replace(b'"', b'""') + b'"' + line_end
            pieces.append(cell + mark)
            if not mark.strip(b"\r\n"):
                break
        return b"".join(pieces)

    def are_rows(self, record: bytes) -> bool:
        """Return whether carriage returns divide a record into several rows with every column."""
        lines = record.rstrip(b"\r\n").split(b"\r")
        if len(lines) == 1 or self._columns == 1:
            return False
        return all(self._full.match(line) for line in lines if line)

    def fields(self, record: bytes) -> list[bytes]:
        """Return the fields of one record, quotes included."""
        fields: list[bytes] = []
        for field, mark in self._fields.findall(record):
            fields.append(field)
            if not mark.strip(b"\r\n"):
                break
        return fields

    def field_spans(self, record: bytes) -> list[tuple[int, int]]:
        """Return the start and the end of each field of one record, quotes included."""
        spans: list[tuple[int, int]] = []
        for found in self._fields.finditer(record):
            start, end = found.span(1)
            if found[2].strip(b"\r\n"):
                spans.append((start, end))
                continue
            # A line end of two characters leaves the first one in an unquoted field.
            spans.append((start, end - found[1].endswith(b"\r")))
            break
        return spans

    def well_quoted_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return the start and the end of each record of well-quoted records, in order."""
        ends = [*self._record_ends(data).tolist(), len(data)]
        spans = zip([0, *ends], ends, strict=False)
        return [(start, end) for start, end in spans if not is_blank(data[start:end])]

    def record_spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return the start and the end of each readable record of complete records, in order."""
        is_text = is_utf8(data)
        return [
            (start, end)
            for start, end, reason in self._walk(data)
            if reason is None and (is_text or is_utf8(data[start:end]))
        ]

    def _record_ends(self, data: bytes) -> npt.NDArray[np.int64]:
        """Return (records,) int64: the offset after each newline that ends a record."""
        buffer = np.frombuffer(data, dtype=np.uint8)
        newlines = np.flatnonzero(buffer == _NEWLINE)
        quotes = np.flatnonzero(buffer == _QUOTE) if self._quotes else newlines[:0]
        if len(quotes):
            newlines = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        return newlines.astype(np.int64) + 1
