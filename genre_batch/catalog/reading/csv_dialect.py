"""How a delimited file spells its cells: separator, quotes, escapes and line ends.

The grammar reads one spelling: cells quoted with `"`, quotes doubled, lines ended by a newline.
Other spellings are translated into it, byte for byte, so that every offset stays the same, and the
cells are translated back.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

import polars as pl

from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.errors import UsageError

__all__ = [
    "Dialect",
    "Spelling",
    "check_delimiter",
    "check_escape",
    "check_quote",
    "has_quotes_after_spaces",
    "translated",
    "unused_mark",
]

_NAMES = {"\\t": "\t", "tab": "\t"}


@dataclass(frozen=True)
class Dialect:
    """How to read a delimited file.

    Attributes:
        default: the separator that the suffix implies.
        delimiter: the separator; None: that of a line `sep=;` before the header, or the most
            frequent candidate in the header.
        encoding: a name from `charset.resolved`.
        quote: the character that quotes cells; None: no cell is quoted.
        escape: the character before a quote, separator, line end or itself that makes it an
            ordinary character; None: there is none.
        skip_lines: the number of lines before the header.
    """

    default: str = ","
    delimiter: str | None = None
    encoding: str = UTF_8
    quote: str | None = '"'
    escape: str | None = None
    skip_lines: int = 0


def _is_mark(value: str) -> bool:
    return len(value) == 1 and value.isascii() and value not in "\n\r\0"


def check_delimiter(delimiter: str, parameter: str = "delimiter") -> str:
    r"""Return the separator character; `\t` and `tab` mean a tab.

    Args:
        delimiter: the value to check.
        parameter: the parameter that it is the value of, for messages.

    Raises:
        UsageError: it is not one ASCII character that can separate cells.
    """
    mark = _NAMES.get(delimiter, delimiter)
    if not _is_mark(mark) or mark == '"':
        raise UsageError(f"`{parameter}` must be one character such as ; or |, got {delimiter!r}")
    return mark


def check_quote(quote: str) -> str:
    """Return the character that quotes cells, or `none`.

    Raises:
        UsageError: it is neither `none` nor one ASCII character.
    """
    if quote.lower() == "none":
        return "none"
    if not _is_mark(quote):
        raise UsageError(f"`quote` must be none or one character such as ', got {quote!r}")
    return quote


def check_escape(escape: str) -> str:
    r"""Return the escape character; `\\`, which shells and Python may need, means a backslash.

    Raises:
        UsageError: it is not one ASCII character.
    """
    mark = "\\" if escape == "\\\\" else escape
    if not _is_mark(mark):
        raise UsageError(f"`escape` must be one character such as \\, got {escape!r}")
    return mark


class Spelling:
    """The translation of a file's bytes into the grammar's spelling, and of cells back.

    Attributes:
        skips_spaces: whether cells are quoted after spaces too: `1, "a, b"`.
    """

    def __init__(
        self, dialect: Dialect, *, bare_returns: bool = False, skips_spaces: bool = False
    ) -> None:
        """Prepare the translation.

        Args:
            dialect: quotes and escapes.
            bare_returns: whether carriage returns end the lines, as on old Macs.
            skips_spaces: the attribute.
        """
        self.skips_spaces = skips_spaces
        quote = dialect.quote or '"'
        self._swaps: dict[str, str] = {}
        if quote != '"':
            self._swaps |= {quote: '"', '"': quote}
        if bare_returns:
            self._swaps |= {"\r": "\n", "\n": "\r"}
        self.table = bytes.maketrans(
            "".join(self._swaps).encode(), "".join(self._swaps.values()).encode()
        )
        escape = dialect.escape if dialect.escape != dialect.quote else None
        self._escape = None if escape is None else self._swaps.get(escape, escape).encode()
        self._escaped_ends = (b"\n",) if bare_returns else (b"\r\n", b"\n")

    @property
    def is_plain(self) -> bool:
        """Whether bytes stay as they are, except for escapes."""
        return not self._swaps

    def spelled_back(self, data: bytes) -> bytes:
        """Return bytes as the file has them."""
        return data.translate(self.table)

    def masked(self, data: bytes, separator: str) -> tuple[bytes, dict[str, str]]:
        """Replace escaped characters, and spaces before a quote, by others of the same length.

        Args:
            data: translated bytes that start at a record.
            separator: the separator between cells.

        Returns:
            The bytes, and what to replace in the cells. The stand-ins occur nowhere in `data`.
        """
        back: dict[str, str] = {}
        if self._escape is not None and self._escape in data:
            data, back = self._without_escapes(data, self._escape, separator)
        mark = unused_mark(data, separator) if self.skips_spaces else None
        if mark is not None:
            data = _quoted_before_spaces(data, separator, mark)
            back[mark.decode()] = ""
        return data, back

    def _without_escapes(
        self, data: bytes, escape: bytes, separator: str
    ) -> tuple[bytes, dict[str, str]]:
        """Replace the escaped characters; arguments and result as in `masked`."""
        back: dict[str, str] = {}
        stand_in = 0x7F
        # Pairs of the escape itself come first: what follows them is not escaped.
        for character in (escape, b'"', separator.encode(), *self._escaped_ends):
            pair = escape + character
            if pair not in data:
                continue
            stand_in = max(stand_in + 1, 0x800 if len(pair) == 3 else 0)
            while chr(stand_in).encode() in data:
                stand_in += 1
            data = data.replace(pair, chr(stand_in).encode())
            original = character.translate(self.table).decode()
            back[chr(stand_in)] = original
        return data, back

    def quoted(self, text: str) -> bytes:
        """Return a cell in quotes, in the grammar's spelling; `text` is what a reader shall see."""
        cell = text.encode().translate(self.table)
        if self._escape is None:
            return b'"' + cell.replace(b'"', b'""') + b'"'
        for character in (self._escape, b'"'):
            cell = cell.replace(character, self._escape + character)
        return b'"' + cell + b'"'

    def ends_open(self, record: bytes) -> bool:
        """Return whether a record ends with an escape, which would take a separator after it."""
        return self._escape is not None and record.rstrip(b"\r\n").endswith(self._escape)

    def unquoted(self, text: str, separator: str) -> bytes | None:
        """Return a cell without quotes, in the grammar's spelling; None if it needs quotes."""
        cell = text.encode().translate(self.table)
        special = [b'"', b"\n", b"\r", separator.encode()]
        if self._escape is not None:
            special.append(self._escape)
        return None if any(character in cell for character in special) else cell

    def cells(self, frame: pl.DataFrame, back: Mapping[str, str]) -> pl.DataFrame:
        """Translate cells back, with the replacements from `masked`."""
        swaps = self._swaps | dict(back)
        if not swaps:
            return frame
        return frame.with_columns(
            pl.all().str.replace_many(list(swaps), list(swaps.values()), leftmost=True)
        )

    def text(self, text: str, back: Mapping[str, str]) -> str:
        """Translate one cell back."""
        swaps: dict[str, str | int | None] = {**self._swaps, **back}
        return text.translate(str.maketrans(swaps))


_MARKS = [bytes([code]) for code in (*range(1, 9), *range(14, 26), *range(27, 32), 127)]
"""Characters of one byte that have no meaning in a text."""


def unused_mark(data: bytes, separator: str) -> bytes | None:
    """Return a character of one byte that `data` does not have; None: there is none."""
    marks = (mark for mark in _MARKS if mark not in data and mark != separator.encode())
    return next(marks, None)


def _cells_in_quotes(separator: str) -> re.Pattern[bytes]:
    """Return a pattern of a cell's start, spaces, its quote, and its rest if the quote closes."""
    mark = re.escape(separator.encode())
    rest = rb'([^"]*+(?:""[^"]*+)*+"(?=' + mark + rb"|\r?\n|\r?\Z))?+"
    return re.compile(rb"(\A|\n|" + mark + rb')( *+)"' + rest)


def has_quotes_after_spaces(line: bytes, separator: str) -> bool:
    """Return whether a line has a cell in quotes after a space."""
    return any(cell[2] and cell[3] for cell in _cells_in_quotes(separator).finditer(line))


def _quoted_before_spaces(data: bytes, separator: str, mark: bytes) -> bytes:
    """Move the quotes of cells before the spaces that precede them, which become marks."""

    def moved(cell: re.Match[bytes]) -> bytes:
        return cell[1] + b'"' + mark * len(cell[2]) + (cell[3] or b"")

    return _cells_in_quotes(separator).sub(moved, data)


class _Translated(io.RawIOBase):
    """A stream whose bytes are translated one by one."""

    def __init__(self, stream: BinaryIO, translate: Callable[[bytes], bytes]) -> None:
        self._stream = stream
        self._translate = translate

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return bytes as soon as there are any; empty only at the end."""
        return self._translate(getattr(self._stream, "read1", self._stream.read)(size))


def translated(stream: BinaryIO, spelling: Spelling) -> BinaryIO:
    """Return a stream in the grammar's spelling."""
    if spelling.is_plain:
        return stream
    return cast(BinaryIO, _Translated(stream, spelling.spelled_back))
