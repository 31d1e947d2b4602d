"""Encoders of text formats: CSV, TSV and JSON Lines."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.writing.encoder import EncoderOptions, merge

__all__ = ["DelimitedEncoder", "JsonLinesEncoder", "without_members"]


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _plain(value: Any) -> str:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    """Convert lists and structs to JSON text, and bytes to base64, for CSV cells."""
    return pa.array(
        [
            None
            if value is None
            else _plain(value)
            if isinstance(value, bytes)
            else json.dumps(value, ensure_ascii=False, default=_plain)
            for value in column.to_pylist()
        ],
        pa.string(),
    )


class DelimitedEncoder:
    """Writes CSV or TSV: null as nothing, `""` as two quotes, lists joined or as JSON."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions, separator: str) -> None:
        self._stream = stream
        self._options = options
        self._separator = separator
        self._header = True

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Write the chunk's rows, with the added columns after the chunk's own."""
        assert not isinstance(chunk, JsonLinesChunk)
        for index, field in enumerate(added.schema):
            if _is_list(field.type):
                joined = pc.binary_join(added.column(index), self._options.genre_separator)
                added = added.set_column(index, field.name, joined)
        table = merge(chunk.table, added)
        for index, field in enumerate(table.schema):
            if pa.types.is_nested(field.type) or _is_binary(field.type):
                table = table.set_column(index, field.name, _as_text(table.column(index)))
        frame = pl.DataFrame(table)
        text = frame.write_csv(include_header=self._header, separator=self._separator)
        self._stream.write(text.encode("utf-8"))
        self._header = False

    def finish(self) -> None:
        """Do nothing: every row has been written."""


class JsonLinesEncoder:
    """Writes JSON Lines: each object's original bytes plus the added members, or new objects."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Write the chunk's rows, with the added columns after the chunk's own."""
        if not len(chunk):
            return
        if isinstance(chunk, JsonLinesChunk):
            self._stream.write(self._spliced(chunk, added))
        else:
            self._stream.write(_objects(merge(chunk.table, added)))
        # The reader of a pipe gets each row as soon as it is tagged.
        self._stream.flush()

    def _spliced(self, chunk: JsonLinesChunk, added: pa.Table) -> bytes:
        names = added.column_names
        fragments = _objects(added).splitlines()
        out: list[bytes] = []
        for line, row, fragment in zip(chunk.lines, chunk.objects, fragments, strict=True):
            if any(name in row for name in names):
                out.append(_replaced(line, fragment))
            elif row:
                out.append(line[:-1].rstrip() + b"," + fragment[1:])
            else:
                out.append(fragment)
        out.append(b"")
        return b"\n".join(out)

    def finish(self) -> None:
        """Do nothing: every row has been written."""


def _members(line: str) -> list[tuple[str, str]]:
    """Return the members of a JSON object as (key, text of the value), in order."""
    decoder = json.JSONDecoder()
    members: list[tuple[str, str]] = []
    position = line.index("{") + 1
    while True:
        position = _skip(line, position, " \t\r\n,")
        if line[position] == "}":
            return members
        key, position = decoder.raw_decode(line, position)
        start = _skip(line, position, " \t\r\n:")
        _, position = decoder.raw_decode(line, start)
        members.append((key, line[start:position]))


def _skip(line: str, position: int, characters: str) -> int:
    while line[position] in characters:
        position += 1
    return position


def _replaced(line: bytes, fragment: bytes) -> bytes:
    """Replace the object's members of the same keys, and append the others."""
    added = dict(_members(fragment.decode("utf-8")))
    members = {key: added.pop(key, value) for key, value in _members(line.decode("utf-8"))}
    members.update(added)
    pairs = (f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in members.items())
    return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")


def _objects(table: pa.Table) -> bytes:
    """Encode rows as JSON objects, one per line: bytes as base64, dates and times as ISO 8601."""
    for index, field in enumerate(table.schema):
        if _is_binary(field.type):
            table = table.set_column(index, field.name, _as_text(table.column(index)))
    return pl.DataFrame(table).write_ndjson().encode("utf-8")


def without_members(line: bytes, names: Collection[str]) -> bytes:
    """Remove the members with these keys from the text of a JSON object."""
    members = [(key, value) for key, value in _members(line.decode("utf-8")) if key not in names]
    pairs = (f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in members)
    return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")
