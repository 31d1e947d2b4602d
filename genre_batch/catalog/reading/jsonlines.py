"""Read JSON Lines as objects together with their bytes, or as tables if the output needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NoReturn

import pyarrow as pa

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
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

__all__ = ["Schema", "infer_schema", "read_json_lines", "to_table"]

JSON_TEXT = pa.string()
"""The type of a column whose values have no common type: each value as its JSON text."""

Schema = dict[str, pa.DataType]

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


def _inferred(values: list[Any]) -> pa.DataType:
    """Return the type that holds every value; `JSON_TEXT` if there is none."""
    try:
        kind = pa.infer_type(values)
        # Arrow infers int64 for every integer, even for one that int64 cannot hold.
        _column(values, kind)
    except (pa.ArrowException, OverflowError):
        return JSON_TEXT
    return kind


def _common(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if left == right:
        return left
    try:
        fields = [pa.schema([("value", kind)]) for kind in (left, right)]
        return pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return JSON_TEXT


def infer_schema(chunks: Iterable[JsonLinesChunk]) -> Schema:
    """Return the columns, in order of first appearance, each with a type for all its values.

    All rows are read, because a key may first appear late. Integers mixed with fractions become
    float64, objects become structs, and values without a common type, or too large for one,
    become text.
    """
    schema: Schema = {}
    for chunk in chunks:
        for key in chunk.columns:
            kind = _inferred([row.get(key) for row in chunk.objects])
            schema[key] = _common(schema[key], kind) if key in schema else kind
    return schema


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _clean(value: Any) -> Any:
    """Replace every lone surrogate in `value`: UTF-8, and so Arrow, cannot hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == JSON_TEXT:
        values = [_json_text(value) for value in values]
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array(_clean(values), kind)


def to_table(chunk: JsonLinesChunk, schema: Schema, name: str) -> TableChunk:
    """Convert rows to columns of the given types; a missing key becomes null.

    Raises:
        CatalogError: a value does not fit, because the file changed between its two passes.
    """
    if not schema:  # only {}: a table without columns would lose its number of rows
        empty = pa.array(chunk.objects, pa.struct([]))
        return TableChunk(pa.Table.from_struct_array(empty))
    try:
        arrays = [_column([row.get(key) for row in chunk.objects], schema[key]) for key in schema]
    except (pa.ArrowException, OverflowError) as error:
        raise CatalogError(f"{name} changed while it was being read: {error}: run again") from error
    fields = [pa.field(_clean(key), kind) for key, kind in schema.items()]
    return TableChunk(pa.table(arrays, pa.schema(fields)))
