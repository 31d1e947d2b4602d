"""Read JSON Lines as objects together with their bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NoReturn

from genre_batch.catalog.chunk import JsonLinesChunk
from genre_batch.catalog.reading.blocks import Block, Start, split_blocks
from genre_batch.catalog.reading.charset import (
    UTF_8,
    is_utf8,
    mark_length,
    original_length,
    transcoded,
)
from genre_batch.catalog.rejects import Reason, Reject
from genre_batch.errors import CatalogError

__all__ = ["read_json_lines"]

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_decode = json.JSONDecoder(parse_constant=_no_constant).decode


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def read_json_lines(
    stream: BinaryIO, name: str, on_reject: Callable[[Reject], None], encoding: str = UTF_8
) -> Iterator[JsonLinesChunk]:
    """Yield the objects of a JSON Lines stream as soon as they arrive; skip blank lines.

    Args:
        stream: decompressed bytes.
        name: the file's name, for messages.
        on_reject: called with each line that cannot be read, in order.
        encoding: a name from `check_encoding`.

    Raises:
        CatalogError: the stream fails or is truncated, a line never ends, or it is not text.
    """
    lengths = original_length(encoding)
    stream = transcoded(stream, encoding)
    start = Start(byte_offset=mark_length(encoding))
    for block in split_blocks(stream, name, _whole_lines, start, lengths):
        if block.first_line == 1:
            _check_is_text(block.data.split(b"\n", 1)[0], name)
        chunk = _parse_block(block, name, on_reject, lengths)
        if len(chunk):
            yield chunk


def _check_is_text(line: bytes, name: str) -> None:
    """Raise an error if the first line is not text, rather than reject every line of the file."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CatalogError(f"{name} looks like UTF-16: set `encoding` to utf-16")
    if b"\0" in line or (not is_utf8(line) and _CONTROL.search(line)):
        raise CatalogError(f"{name} is not a text file: check its suffix, or set `input_format`")


def _parse_block(
    block: Block,
    name: str,
    on_reject: Callable[[Reject], None],
    original_length: Callable[[bytes], int],
) -> JsonLinesChunk:
    lines: list[bytes] = []
    objects: list[dict[str, Any]] = []
    offset = 0
    data = block.data
    if block.byte_offset == 0 and data.startswith(b"\xef\xbb\xbf"):
        offset, data = 3, data[3:]
    for number, raw in enumerate(data.split(b"\n"), start=block.first_line):
        line = raw.strip(b" \t\r")
        if line:
            parsed, reason = _parse_line(line)
            if reason is None:
                lines.append(line)
                objects.append(parsed)
            else:
                byte_offset = block.byte_offset + original_length(block.data[:offset])
                on_reject(Reject(name, number, byte_offset, reason, raw.rstrip(b"\r")))
        offset += len(raw) + 1
    return JsonLinesChunk(lines, objects)


def _parse_line(line: bytes) -> tuple[dict[str, Any], Reason | None]:
    try:
        parsed = _decode(line.decode("utf-8"))
    except UnicodeDecodeError:
        return {}, "invalid_utf8"
    except (ValueError, RecursionError):
        return {}, "invalid_json"
    return (parsed, None) if isinstance(parsed, dict) else ({}, "not_an_object")
