"""Read JSON Lines as objects together with their bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from genre_batch.catalog.chunk import JsonLinesChunk
from genre_batch.catalog.other_kinds import not_text_error
from genre_batch.catalog.reading.blocks import Block, Start, read_more, split_blocks
from genre_batch.catalog.reading.charset import (
    UTF_8,
    check_not_utf_16,
    is_utf8,
    mark_length,
    original_length,
    transcoded,
)
from genre_batch.catalog.reading.json_decoder import JsonDecoder
from genre_batch.catalog.reading.json_values import are_lines, read_json_values
from genre_batch.catalog.reading.section import Section
from genre_batch.catalog.rejects import Reason, Reject
from genre_batch.catalog.stretches import Stretch

__all__ = ["SPACE_IN_LINE", "parse_block", "read_json_lines", "whole_lines"]

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SPACE_IN_LINE = b" \t\r\x1e\x1a\0,"
"""What may stand around the object of a line: spaces, the separator of RFC 7464, padding, and the
commas of an array whose start is not JSON."""
_JSON_SUFFIX = re.compile(r"\.(geo)?json(\.\w+)?$", re.IGNORECASE)


def whole_lines(data: bytes) -> int:
    """Return how many bytes of `data` are complete lines."""
    return data.rfind(b"\n") + 1


def read_json_lines(
    stream: BinaryIO,
    name: str,
    on_reject: Callable[[Reject], None],
    encoding: str = UTF_8,
    *,
    warn: bool = True,
    finds_losses: bool = False,
    limit: int | None = None,
    stretch: Stretch | None = None,
) -> Iterator[JsonLinesChunk]:
    """Yield the objects of a JSON Lines stream as soon as they arrive; skip blank lines.

    A stream that starts as an array of objects, or with an object over several lines, is read
    value by value instead of line by line.

    Args:
        stream: decompressed bytes.
        name: the file's name, for messages.
        on_reject: called with each line or value that cannot be read, in order.
        encoding: a name from `check_encoding`.
        warn: whether to warn about what is not quite JSON, once at the end.
        finds_losses: whether to warn about values that a table loses.
        limit: the number of rows to read; None: all.
        stretch: the lines to read, of a stream that is the file itself, in UTF-8; None: all.

    Raises:
        CatalogError: the stream fails or is truncated, a line never ends, it is not text, or the
            file is one object that holds the rows under a key.
    """
    decoder = JsonDecoder(name, finds_losses=finds_losses)
    try:
        if stretch is None:
            yield from _chunks(stream, name, on_reject, encoding, decoder, limit)
        else:
            end = stretch.end if stretch.index < stretch.count - 1 else None
            section = cast(BinaryIO, Section(stream, stretch.start, end))
            start = Start(b"", stretch.line, stretch.start)
            yield from _line_chunks(section, name, on_reject, decoder, start, len, limit)
    finally:
        decoder.warn_of_losses()
        if warn:
            decoder.warn()


def _chunks(
    stream: BinaryIO,
    name: str,
    on_reject: Callable[[Reject], None],
    encoding: str,
    decoder: JsonDecoder,
    limit: int | None,
) -> Iterator[JsonLinesChunk]:
    lengths = original_length(encoding)
    stream = transcoded(stream, encoding)
    head, at_end = b"", False
    while (lines := are_lines(head, at_end)) is None:
        piece = read_more(stream, name, head)
        head, at_end = head + piece, not piece
    start = Start(head, byte_offset=mark_length(encoding))
    if lines:
        chunks = _line_chunks(stream, name, on_reject, decoder, start, lengths, limit)
    else:
        _check_is_text(head.split(b"\n", 1)[0], name)
        chunks = read_json_values(stream, name, on_reject, decoder, start, lengths, limit)
    is_object = head.lstrip(_BYTE_ORDER_MARK + b" \t\r\n").startswith(b"{")
    if is_object and _JSON_SUFFIX.search(name) and (limit is None or limit > 1):
        chunks = _checked(chunks, decoder)
    yield from chunks


def _line_chunks(
    stream: BinaryIO,
    name: str,
    on_reject: Callable[[Reject], None],
    decoder: JsonDecoder,
    start: Start,
    lengths: Callable[[bytes], int],
    limit: int | None,
) -> Iterator[JsonLinesChunk]:
    for block in split_blocks(stream, name, whole_lines, start, lengths):
        if limit == 0:
            return
        if block.first_line == 1:
            _check_is_text(block.data.split(b"\n", 1)[0], name)
        chunk = parse_block(block, name, on_reject, lengths, decoder, limit)
        if len(chunk):
            yield chunk
        if limit is not None:
            limit -= len(chunk)
            if not limit:
                return


def _checked(chunks: Iterator[JsonLinesChunk], decoder: JsonDecoder) -> Iterator[JsonLinesChunk]:
    """Yield the chunks, unless their only object is one that holds the rows under a key."""
    first, second = next(chunks, None), None
    if first is not None:
        if len(first) == 1:
            second = next(chunks, None)
            if second is None:
                decoder.check_is_row(first.objects[0])
        yield first
        if second is not None:
            yield second
        yield from chunks


def _check_is_text(line: bytes, name: str) -> None:
    """Raise an error if the first line is not text, rather than reject every line of the file."""
    check_not_utf_16(line, name)
    if b"\0" in line or (not is_utf8(line) and _CONTROL.search(line)):
        raise not_text_error(name, line)


def parse_block(
    block: Block,
    name: str,
    on_reject: Callable[[Reject], None],
    original_length: Callable[[bytes], int],
    decoder: JsonDecoder,
    limit: int | None,
) -> JsonLinesChunk:
    """Return the objects of a block, at most `limit`; what comes after them is not looked at."""
    lines: list[bytes] = []
    objects: list[dict[str, Any]] = []
    offset = 0
    data = block.data
    byte_offset, counted = block.byte_offset, 0  # of the last line that cannot be read
    if block.byte_offset == 0 and data.startswith(_BYTE_ORDER_MARK):
        offset, data = 3, data[3:]
    for number, raw in enumerate(data.split(b"\n"), start=block.first_line):
        if len(lines) == limit:
            break
        line = raw.strip(SPACE_IN_LINE)
        if line.startswith(_BYTE_ORDER_MARK):  # of a file that was appended to another
            line = line[len(_BYTE_ORDER_MARK) :].strip(SPACE_IN_LINE)
        if line:
            parsed, reason, detail = _parse_line(line, decoder)
            if reason is None:
                lines.append(line)
                objects.append(parsed)
                if decoder.found:
                    decoder.note(number)
            else:
                byte_offset += original_length(block.data[counted:offset])
                counted = offset
                on_reject(Reject(name, number, byte_offset, reason, raw.rstrip(b"\r"), detail))
                decoder.found.clear()
        offset += len(raw) + 1
    return JsonLinesChunk(lines, objects)


def _parse_line(line: bytes, decoder: JsonDecoder) -> tuple[dict[str, Any], Reason | None, str]:
    """Return the object of a line; or why there is none, and the place of the error."""
    try:
        parsed = decoder.decode(line.decode("utf-8"))
    except UnicodeDecodeError:
        return {}, "invalid_utf8", ""
    except json.JSONDecodeError as error:
        return {}, "invalid_json", f"column {error.pos + 1}: {error.msg}"
    except RecursionError:
        return {}, "too_deep", ""
    return (parsed, None, "") if isinstance(parsed, dict) else ({}, "not_an_object", "")
