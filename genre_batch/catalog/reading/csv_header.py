"""The start of a delimited file: the lines before the header, and the header itself."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import BinaryIO

from genre_batch.catalog.other_kinds import not_text_error
from genre_batch.catalog.reading.blocks import Start, read_more, read_some
from genre_batch.catalog.reading.charset import (
    check_not_utf_16,
    encoding_advice,
    mark_length,
    original_length,
)
from genre_batch.catalog.reading.csv_dialect import (
    Dialect,
    Spelling,
    has_quotes_after_spaces,
    translated,
)
from genre_batch.catalog.reading.csv_grammar import Grammar
from genre_batch.errors import CatalogError

__all__ = ["Header"]

_FIX_QUOTES = "fix its quotes, or set `quote` to none if quotes are ordinary characters"
_BOM = b"\xef\xbb\xbf"
_JSON_STARTS = tuple(mark + start for mark in (b"", _BOM) for start in (b'{"', b'[{"', b"[\n"))
_SEPARATORS = (",", ";", "\t", "|")
_MAX_HEADER_BYTES = 1 << 20
_ROWS_WITH_NAMES = 5
"""Rows that must all have a name before a column of row names is read, as in R's own reader."""
_SEP_LINE = re.compile(rb'"?sep=(.)"?\r*\n', re.IGNORECASE | re.DOTALL)
_EMPTY_LINE = re.compile(rb"[\s,;|\x00\x1a]*\n")
"""A blank line, or one of empty cells, as spreadsheets export empty rows."""


def _detect_separator(line: str, default: str) -> str:
    """Return the most frequent separator outside of quotes in the header's first line."""
    outside = "".join(line.split('"')[::2])
    return max((default, *_SEPARATORS), key=outside.count)


class Header:
    """The header of a delimited stream, and where its rows start.

    Attributes:
        columns: the columns' names.
        cells: the header's own cells, where `columns` has names for those that have none.
        separator: the character between two cells.
        spelling: the translation of the file's bytes into the grammar's.
        start: where the rows start, and the (translated) bytes of them that were read already.
        stream: the rest of the stream, translated.
    """

    def __init__(self, stream: BinaryIO, name: str, dialect: Dialect) -> None:
        """Read until the header is complete.

        Args:
            stream: UTF-8.
            name: the file's name, for messages.
            dialect: how to read the file.

        Raises:
            CatalogError: the stream is empty, or the header is malformed.
        """
        self._name = name
        self._dialect = dialect
        self.columns: list[str] = []
        self.cells: list[str] = []
        self.spelling = Spelling(dialect)
        self.stream = translated(stream, self.spelling)
        data, at_end = b"", False
        while True:
            piece = read_some(self.stream, name, 1)
            data += piece
            at_end = not piece or len(data) >= _MAX_HEADER_BYTES
            if not data:
                raise CatalogError(f"{name} is empty: a catalog needs at least a header line")
            if b"\n" not in piece and not at_end:
                continue
            self._check_is_text(data)
            bare_returns = self._has_bare_returns(data[:_MAX_HEADER_BYTES], at_end)
            if bare_returns is None:
                continue
            lines = data
            if bare_returns:
                lines = data.translate(bytes.maketrans(b"\r\n", b"\n\r"))
            end = self._read(lines, at_end, complete=not piece)
            if end is not None:
                break
        if bare_returns:
            self.spelling = Spelling(
                dialect, bare_returns=True, skips_spaces=self.spelling.skips_spaces
            )
            self.stream = translated(stream, self.spelling)
        lengths = original_length(dialect.encoding)
        self.start = Start(
            lines[end:],
            1 + lines.count(b"\n", 0, end),
            mark_length(dialect.encoding) + lengths(lines[:end]),
        )
        if not self.spelling.skips_spaces and self._skips_spaces(self._first_line()):
            self.spelling = Spelling(dialect, bare_returns=bare_returns, skips_spaces=True)
        if self._rows_have_names():
            self.columns = ["", *self.columns]

    def _has_bare_returns(self, data: bytes, at_end: bool) -> bool | None:
        """Return whether carriage returns alone end the lines; None: not known yet.

        Raises:
            CatalogError: some lines end with a carriage return and others with a newline.
        """
        data, _ = self.spelling.masked(data, ",")
        if self._dialect.quote is not None:
            # Blank out quoted cells; the offsets do not matter.
            data = b'"'.join(data.split(b'"')[::2])
        returns = re.search(rb"\r(?![\r\n])" if at_end else rb"\r[^\r\n]", data)
        newline = data.find(b"\n")
        if returns is None or 0 <= newline < returns.start():
            return False if newline >= 0 or at_end else None
        if newline >= 0:
            if b"\0" in data[:newline]:
                raise not_text_error(self._name, data)
            raise CatalogError(
                f"{self._name}, line 1: the header has a carriage return without a newline: the "
                f"line ends are mixed: correct them with tr '\\r' '\\n', or quote the column"
            )
        return True if at_end else None

    def _read(self, data: bytes, at_end: bool, *, complete: bool) -> int | None:
        """Read the header in `data` and return its end; None: more data is needed.

        Args:
            data: the start of the file, with newlines as line ends.
            at_end: whether there is no more data, or more than a header may have.
            complete: whether there is no more data.
        """
        position = self._skip(data)
        if position is not None and position < len(data):
            record = self._record(data[position:])
            if record is not None and (record.endswith(b"\n") or complete):
                self.columns = self._columns(record, 1 + data.count(b"\n", 0, position))
                return position + len(record)
        if not at_end:
            return None
        if not data[position or 0 :].strip() or position is None:
            raise CatalogError(
                f"{self._name} has no header: there are only blank lines, or lines that "
                f"`skip_lines` skips: set a lower one, or add a header"
            )
        raise CatalogError(
            f"{self._name}, line 1: the header has broken quoting or no end: {_FIX_QUOTES}"
        )

    def _skip(self, data: bytes) -> int | None:
        """Return where the header starts; None if that is not in `data`."""
        self._separator: str | None = None
        position = 0
        for _ in range(self._dialect.skip_lines):
            position = data.find(b"\n", position) + 1
            if not position:
                return None
        while True:
            if data.startswith(_BOM, position):
                position += len(_BOM)
                continue
            line = _SEP_LINE.match(data, position)
            if line is not None:
                self._separator = line[1].decode("ascii", "replace")
            line = line or _EMPTY_LINE.match(data, position)
            if line is None:
                return position
            # The header of a file with nothing else may be a blank one: an empty cell.
            position = line.end()

    def _check_is_text(self, data: bytes) -> None:
        check_not_utf_16(data, self._name)
        if data.startswith(_JSON_STARTS):
            raise CatalogError(f"{self._name} looks like JSON: set `input_format` to jsonl")

    def _record(self, data: bytes) -> bytes | None:
        """Return the header's bytes if it ends within `data`; detect the separator."""
        line = data.split(b"\n", 1)[0].decode("utf-8", "replace")
        dialect = self._dialect
        self.separator = (
            dialect.delimiter or self._separator or _detect_separator(line, dialect.default)
        )
        mark = self.separator.encode()
        first = data.split(b"\n", 1)[0]
        has_spaces = mark in first and first.count(mark) == first.count(mark + b" ")
        self.spelling = Spelling(dialect, skips_spaces=self._skips_spaces(first, has_spaces))
        masked, _ = self.spelling.masked(data, self.separator)
        end = Grammar(self.separator, 1, quotes=dialect.quote is not None).first(masked)
        record = data if end is None else data[:end]
        if b"\0" in record:
            raise not_text_error(self._name, data)
        return None if end is None else record

    def _columns(self, record: bytes, line: int) -> list[str]:
        name = self._name
        if record.endswith(b"\r\r\n"):
            raise CatalogError(
                f"{name}, line {line}: the header ends with two carriage returns, as Python writes "
                f"them on Windows without newline='': remove them with tr -d '\\r'"
            )
        masked, back = self.spelling.masked(record, self.separator)
        try:
            text = masked.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            encoding = self._dialect.encoding
            raise CatalogError(
                f"{name}, line {line}: the header is not valid {encoding.upper()} ({error.reason} "
                f"at byte {error.start}): {encoding_advice(encoding)}"
            ) from error
        # Only a newline ends a line here; by default, a bare carriage return would too.
        quotes = self._dialect.quote is not None
        rows = csv.reader(
            io.StringIO(text, newline="\n"),
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        )
        try:
            names = [self.spelling.text(cell, back) for cell in next(rows, [])]
        except csv.Error as error:
            raise CatalogError(
                f"{name}, line {line}: the header cannot be read: {error}: {_FIX_QUOTES}"
            ) from error
        grammar = Grammar(self.separator, 1, quotes=quotes)
        self._is_quoted = all(field.startswith(b'"') for field in grammar.fields(masked))
        self.cells = names or [""]
        names = _with_names(names)
        duplicates = sorted({column for column in names if names.count(column) > 1})
        if duplicates:
            raise CatalogError(
                f"{name}, line {line}: duplicate column {duplicates[0]!r}: rename one"
            )
        return names or [""]

    def _skips_spaces(self, line: bytes, has_spaces: bool = False) -> bool:
        """Return whether quotes after a space quote a cell, as they do in `line`.

        Args:
            line: the header or the first row.
            has_spaces: whether that is certain without it, unless there are no quotes at all.
        """
        if self._dialect.quote is None or self.separator == " ":
            return False
        masked, _ = Spelling(self._dialect).masked(line, self.separator)
        return has_spaces or has_quotes_after_spaces(masked, self.separator)

    def _first_line(self) -> bytes:
        """Read until the line after the header is complete, and return it; skip empty lines."""
        while True:
            data = self.start.data.lstrip(b"\r\n")
            if b"\n" in data or len(data) >= _MAX_HEADER_BYTES:
                return data.split(b"\n", 1)[0]
            piece = read_more(self.stream, self._name, self.start.data or b"\n")
            if not piece:
                return data
            read = self.start.data + piece
            self.start = Start(read, self.start.line, self.start.byte_offset)

    def _rows_have_names(self) -> bool:
        """Return whether the rows start with a cell more than the header has, their name.

        R writes such files. Everything is quoted in them, so that no unquoted separator within a
        text is mistaken for the end of a cell.
        """
        if not self._is_quoted or self._dialect.quote is None:
            return False
        data = self.start.data
        at_end = False
        while True:
            names = self._names_in(data, at_end)
            if names is not None:
                break
            piece = read_more(self.stream, self._name, data or b"\n")
            data += piece
            at_end = not piece or len(data) >= _MAX_HEADER_BYTES
        self.start = Start(data, self.start.line, self.start.byte_offset)
        return names

    def _names_in(self, data: bytes, at_end: bool) -> bool | None:
        """Return whether the first rows have names; None: more data is needed."""
        grammar = Grammar(self.separator, len(self.columns) + 1)
        position = rows = with_content = 0
        while rows < _ROWS_WITH_NAMES and position < len(data):
            end = grammar.first(data[position:])
            if end is None:
                is_open = data.count(b'"', position) % 2 == 1
                return None if is_open and not at_end else False
            record = data[position : position + end]
            if not record.endswith(b"\n") and not at_end:
                return None
            position += end
            if record.strip():
                fields = grammar.fields(record)
                if len(fields) != len(self.columns) + 1 or not fields[-1].strip():
                    return False
                if not fields[0].startswith(b'"'):
                    return False
                rows += 1
                # Empty cells in quotes may be an extra column, or the last one in some rows of R.
                with_content += bool(fields[-1].strip(b'" \r\n'))
        return with_content > 0 if at_end or rows == _ROWS_WITH_NAMES else None


def _with_names(names: Sequence[str]) -> list[str]:
    """Give unnamed columns the names `unnamed_1`, ..., by their position, if there are several."""
    if list(names).count("") < 2:
        return list(names)
    named = []
    for position, name in enumerate(names, start=1):
        candidate = name or f"unnamed_{position}"
        while not name and candidate in names:
            candidate += "_"
        named.append(candidate)
    return named
