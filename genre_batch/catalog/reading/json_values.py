"""Read JSON that is not one object per line: arrays of objects, and objects over several lines."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from json import JSONDecodeError, JSONDecoder
from typing import BinaryIO

from genre_batch.catalog.chunk import JsonLinesChunk
from genre_batch.catalog.reading.blocks import BLOCK_BYTES, MAX_RECORD_BYTES, Start, read_some
from genre_batch.catalog.reading.json_decoder import JsonDecoder
from genre_batch.catalog.rejects import Reason, Reject
from genre_batch.errors import CatalogError

__all__ = ["are_lines", "holds_rows", "read_json_values"]

_SPACE = b" \t\r\n\x1e"
"""Between values: white space, and the record separator of RFC 7464."""
_BETWEEN = re.compile(r"[ \t\r\n,\ufeff\x1e\x1a\0]*")
_LINE_BREAK = re.compile(rb"(?:(?<![ \t])[ \t]++)?[\r\n]+[ \t]*+")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(")?|[{}\[\]]', re.DOTALL)
_NEXT_OBJECT = re.compile(r"\}\s*,\s*(?=\{)")
_NEXT_BRACKET = re.compile(r"\s*[{\]]")
_WIDEST_INDENT = 1000
_END_OF_SCALAR = re.compile(r"[,\]\n]")
_DECODER = JSONDecoder()
_CUT_OFF = 16
"""An error in the last characters that were read may only mean that the value continues."""


def are_lines(head: bytes, at_end: bool) -> bool | None:
    """Return whether JSON starts as one value per line; None if more bytes are needed to know.

    An array of objects is not lines, nor is an object that continues after its first line, or
    that is followed by a comma or another object on it.

    Args:
        head: the first bytes of the stream, in UTF-8.
        at_end: whether they are all of it.
    """
    text = head.lstrip(_SPACE + b"\xef\xbb\xbf")
    start, inside = text[:1], text[1:].lstrip(_SPACE)
    enough = at_end or len(head) > BLOCK_BYTES
    if start == b"[":
        if inside[:1] == b"]":
            return bool(inside[1:].strip()) if inside[1:].strip() or enough else None
        return inside[:1] != b"{" if inside or enough else None
    if start != b"{":
        return True if text or enough else None
    line, line_break, rest = text.partition(b"\n")
    if line_break or enough:
        continues = _continues(line)
        if continues is not None:
            return not continues
    if not line_break:
        return True if enough else None
    following = rest.lstrip(_SPACE)[:1]
    return following not in (b'"', b"}") if following or enough else None


def _continues(line: bytes) -> bool | None:
    """Return whether a comma or another object follows the object that a line starts with.

    None: the line does not start with a whole object.
    """
    text = line.decode("utf-8", "replace")
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return False if line.rstrip().endswith(b"}") else None
    following = text[end:].lstrip(" \t\r\x1e")
    return following.startswith((",", "{"))


def holds_rows(head: bytes) -> bool:
    """Return whether JSON starts as an array of objects or as one object per line.

    Args:
        head: the first bytes of a file.
    """
    text = head.lstrip(_SPACE + b"\xef\xbb\xbf")
    if text.startswith(b"["):
        return not are_lines(head, at_end=True)
    line, _, rest = text.partition(b"\n")
    return line.rstrip().endswith(b"}") and rest.lstrip(_SPACE).startswith(b"{")


def read_json_values(
    stream: BinaryIO,
    name: str,
    on_reject: Callable[[Reject], None],
    decoder: JsonDecoder,
    start: Start,
    original_length: Callable[[bytes], int] = len,
    limit: int | None = None,
) -> Iterator[JsonLinesChunk]:
    """Yield the objects of arrays, and of values one after the other, as soon as they arrive.

    Memory holds a block and the object that it ends in, however large the array is.

    Args:
        stream: decompressed bytes in UTF-8.
        name: the file's name, for messages.
        on_reject: called with each element that cannot be read, in order.
        decoder: decodes one element.
        start: the position, and the bytes that were read already.
        original_length: as in `blocks.split_blocks`.
        limit: the number of rows to read; None: all.

    Raises:
        CatalogError: the stream fails or is truncated, or a value never ends.
    """
    to_text = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    values = _Values(name, on_reject, decoder, start, original_length)
    piece, least = start.data, 0
    while limit != 0:
        piece = piece or read_some(stream, name, values.line)
        at_end = not piece
        values.text += to_text.decode(piece, final=at_end)
        if at_end or len(values.text) >= least:
            chunk = values.parse(at_end, limit)
            if len(chunk):
                yield chunk
            limit = None if limit is None else limit - len(chunk)
            # A long value is parsed again only after it doubled.
            least = 2 * len(values.text) if len(values.text) > BLOCK_BYTES else 0
        if at_end:
            return
        piece = b""


class _Values:
    """The text that was read and not yet parsed, and its place in the file."""

    def __init__(
        self,
        name: str,
        on_reject: Callable[[Reject], None],
        decoder: JsonDecoder,
        start: Start,
        original_length: Callable[[bytes], int],
    ) -> None:
        self.text = ""
        self.line = start.line
        self._offset = start.byte_offset
        self._seen = (0, 0, 0)
        self._in_array = False
        self._last_is_bad = False
        self._name = name
        self._on_reject = on_reject
        self._decoder = decoder
        self._original_length = original_length

    def parse(self, at_end: bool, limit: int | None) -> JsonLinesChunk:
        """Take the complete values off the text, up to `limit` objects; return the objects.

        Raises:
            CatalogError: a value never ends.
        """
        chunk = JsonLinesChunk([], [])
        text, position = self.text, 0
        self._seen = (0, 0, 0)
        while len(chunk) != limit:
            position = self._skip(position)
            if position == len(text):
                break
            end = self._parse_value(chunk, position, at_end)
            if end is None:
                break
            position = end
        if at_end and self._in_array and not self._last_is_bad and len(chunk) != limit:
            self._reject(position, len(text), "invalid_json", "the array has no end")
            position = len(text)
        self.line, self._offset = self._place(position)
        self.text = text[position:]
        return chunk

    def _place(self, position: int) -> tuple[int, int]:
        """Return the line and the byte offset in the file of a position in the text.

        Positions are asked for in ascending order: only what is between two of them is counted.
        """
        seen, lines, length = self._seen
        if position < seen:
            seen = lines = length = 0
        between = _bytes(self.text[seen:position])
        lines += between.count(b"\n")
        length += self._original_length(between)
        self._seen = position, lines, length
        return self.line + lines, self._offset + length

    def _skip(self, position: int) -> int:
        """Return the position of the next value, after brackets of arrays, commas and space."""
        while True:
            match = _BETWEEN.match(self.text, position)
            assert match is not None
            position = match.end()
            bracket = "]" if self._in_array else "["
            if self.text[position : position + 1] != bracket:
                return position
            self._in_array = not self._in_array
            position += 1

    def _parse_value(self, chunk: JsonLinesChunk, start: int, at_end: bool) -> int | None:
        """Add the value at `start` to the chunk or the rejects; return its end, if it has one."""
        text = self.text
        try:
            value, end = self._decoder.decode_at(text, start)
        except JSONDecodeError as error:
            return self._broken(start, at_end, error)
        except RecursionError:
            balanced = _balanced_end(text, start)
            if balanced is not None:
                self._reject(start, balanced, "too_deep")
            return balanced
        if not isinstance(value, dict):
            if end == len(text) and not at_end:
                return None  # digits may follow
            self._reject(start, end, "not_an_object")
            return end
        source = _bytes(text[start:end])
        try:
            source.decode("utf-8")
        except UnicodeDecodeError:
            self._reject(start, end, "invalid_utf8")
            return end
        if self._decoder.found:
            self._decoder.note(self._place(start)[0])
        self._last_is_bad = False
        chunk.lines.append(_on_one_line(source))
        chunk.objects.append(value)
        return end

    def _broken(self, start: int, at_end: bool, error: JSONDecodeError) -> int | None:
        """Reject a value that is not valid JSON; return None if it may only be incomplete."""
        text = self.text
        is_long = len(text) - start > MAX_RECORD_BYTES
        near_end = error.msg.startswith("Unterminated") or len(text) - error.pos < _CUT_OFF
        if near_end and not at_end:
            if is_long:
                line = self.line + text.count("\n", 0, start)
                raise CatalogError(
                    f"{self._name}: the JSON value on line {line} does not end within "
                    f"{MAX_RECORD_BYTES >> 20} MB: {self._decoder.advice(text[start:])}"
                )
            return None
        end = _end_of_broken(text, start)
        if end is None:
            if not at_end and not is_long:
                return None
            following = _NEXT_OBJECT.search(text, start)
            end = following.start() + 1 if following else len(text)
        where = text.count("\n", start, error.pos) + self._place(start)[0]
        column = error.pos - text.rfind("\n", 0, error.pos)
        self._reject(start, end, "invalid_json", f"line {where}, column {column}: {error.msg}")
        return end

    def _reject(self, start: int, end: int, reason: Reason, detail: str = "") -> None:
        self._last_is_bad = True
        self._decoder.found.clear()
        line, offset = self._place(start)
        self._on_reject(
            Reject(
                self._name,
                line,
                offset,
                reason,
                _bytes(self.text[start:end]).rstrip(_SPACE),
                detail,
            )
        )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _on_one_line(source: bytes) -> bytes:
    """Return the JSON of a value without line breaks, which are only white space in JSON."""
    return _LINE_BREAK.sub(b" ", source) if b"\n" in source or b"\r" in source else source


def _end_of_broken(text: str, start: int) -> int | None:
    """Return where a value that is not valid JSON ends, as far as its lines and brackets show."""
    if text[start] not in '{["':
        match = _END_OF_SCALAR.search(text, start + 1)
        return match.start() if match else None
    line_end = text.find("\n", start)
    if line_end >= 0:
        line = text[start:line_end].rstrip(" \r\t,")
        if line.endswith("}") and _NEXT_BRACKET.match(text, line_end):
            return start + len(line)
    balanced = _balanced_end(text, start)
    line_start = text.rfind("\n", max(0, start - _WIDEST_INDENT), start) + 1
    indent = text[line_start:start] if line_start else ""
    if indent and not indent.strip(" \t"):
        sibling = text.find(f"\n{indent}{{", start)
        if sibling >= 0 and (balanced is None or sibling < balanced):
            return sibling
    return balanced


def _balanced_end(text: str, start: int) -> int | None:
    """Return where the brackets of the value at `start` are closed; None: nowhere in the text."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        char = token[0][0]
        if char == '"':
            if token[1] is None:
                return None
        else:
            depth += 1 if char in "{[" else -1
        if depth <= 0:
            return token.end()
    return None
