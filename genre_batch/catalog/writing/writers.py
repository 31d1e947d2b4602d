"""Chunks and the columns added to them -> the bytes of each output format."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, BinaryIO, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.columns import column_exists_error
from genre_batch.catalog.formats import Format

__all__ = ["Encoder", "EncoderOptions", "encoder_for", "merge"]

_ROW_GROUP_ROWS = 32_768
_ROW_GROUP_BYTES = 64 << 20


@dataclass(frozen=True)
class EncoderOptions:
    """How added columns are written.

    Attributes:
        genre_separator: joins the added lists in CSV and TSV.
        replace: put them in the place of the input's columns of the same names.
        metadata: key-value metadata for Parquet and Arrow schemas.
    """

    genre_separator: str = ", "
    replace: bool = False
    metadata: Mapping[str, str] = dataclass_field(default_factory=dict)


class Encoder(Protocol):
    """Writes chunks in one format to a stream."""

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Writes the chunk's rows with the added columns behind their own."""

    def finish(self) -> None:
        """Writes what is left; the stream stays open."""


def merge(table: pa.Table, added: pa.Table, replace: bool) -> pa.Table:
    """The table with the added columns behind its own, or in the place of their namesakes.

    Raises:
        ColumnError: the table has a column of that name and `replace` is not given.
    """
    for field, column in zip(added.schema, added.columns, strict=True):
        at = table.schema.get_field_index(field.name)
        if at >= 0:
            if not replace:
                raise column_exists_error(field.name)
            table = table.set_column(at, field, column)
        else:
            table = table.append_column(field, column)
    return table


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
    """JSON text of lists and structs, base64 of bytes: what a CSV cell can hold of them."""
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


class _Delimited:
    """CSV or TSV: null is nothing, the empty string is two quotes, a list is joined or JSON."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions, separator: str) -> None:
        self._stream = stream
        self._options = options
        self._separator = separator
        self._header = True

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        assert not isinstance(chunk, JsonLinesChunk)
        for at, field in enumerate(added.schema):
            if _is_list(field.type):
                joined = pc.binary_join(added.column(at), self._options.genre_separator)
                added = added.set_column(at, field.name, joined)
        table = merge(chunk.table, added, self._options.replace)
        for at, field in enumerate(table.schema):
            if pa.types.is_nested(field.type) or _is_binary(field.type):
                table = table.set_column(at, field.name, _as_text(table.column(at)))
        frame = pl.DataFrame(table)
        text = frame.write_csv(include_header=self._header, separator=self._separator)
        self._stream.write(text.encode("utf-8"))
        self._header = False

    def finish(self) -> None:
        pass


class _JsonLines:
    """JSON Lines: an object's own bytes with our members behind them, or an object per row."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        self._stream = stream
        self._replace = options.replace

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        if not len(chunk):
            if not isinstance(chunk, JsonLinesChunk):
                merge(chunk.table, added, self._replace)
            return
        if isinstance(chunk, JsonLinesChunk):
            self._stream.write(self._spliced(chunk, added))
        else:
            self._stream.write(_objects(merge(chunk.table, added, self._replace)))
        # Whoever waits at the other end of a pipe sees each answer as soon as there is one.
        self._stream.flush()

    def _spliced(self, chunk: JsonLinesChunk, added: pa.Table) -> bytes:
        names = added.column_names
        fragments = _objects(added).splitlines()
        out: list[bytes] = []
        for line, row, fragment in zip(chunk.lines, chunk.objects, fragments, strict=True):
            taken = next((name for name in names if name in row), None)
            if taken is not None:
                if not self._replace:
                    raise column_exists_error(taken)
                out.append(_replaced(line, fragment))
            elif row:
                out.append(line[:-1].rstrip() + b"," + fragment[1:])
            else:
                out.append(fragment)
        out.append(b"")
        return b"\n".join(out)

    def finish(self) -> None:
        pass


def _members(line: str) -> list[tuple[str, str]]:
    """The members of a JSON object as (key, the value's own text), in order."""
    decoder = json.JSONDecoder()
    members: list[tuple[str, str]] = []
    at = line.index("{") + 1
    while True:
        at = _skip(line, at, " \t\r\n,")
        if line[at] == "}":
            return members
        key, at = decoder.raw_decode(line, at)
        start = _skip(line, at, " \t\r\n:")
        _, at = decoder.raw_decode(line, start)
        members.append((key, line[start:at]))


def _skip(line: str, at: int, marks: str) -> int:
    while line[at] in marks:
        at += 1
    return at


def _replaced(line: bytes, fragment: bytes) -> bytes:
    """The object with our members in the place of their namesakes, new ones behind."""
    ours = dict(_members(fragment.decode("utf-8")))
    members = {key: ours.pop(key, value) for key, value in _members(line.decode("utf-8"))}
    members.update(ours)
    pairs = (f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in members.items())
    return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")


def _objects(table: pa.Table) -> bytes:
    """The rows as JSON objects, one a line; bytes as base64, dates and times as ISO 8601."""
    for at, field in enumerate(table.schema):
        if _is_binary(field.type):
            table = table.set_column(at, field.name, _as_text(table.column(at)))
    return pl.DataFrame(table).write_ndjson().encode("utf-8")


class _Buffered(ABC):
    """Gathers chunks into tables of one size, however the rows came, so that files are alike."""

    def __init__(self, options: EncoderOptions) -> None:
        self._options = options
        self._schema: pa.Schema | None = None
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        assert not isinstance(chunk, JsonLinesChunk)
        table = merge(chunk.table, added, self._options.replace)
        if self._schema is None:
            ours = {key.encode(): value.encode() for key, value in self._options.metadata.items()}
            self._schema = table.schema.with_metadata({**(table.schema.metadata or {}), **ours})
            self._open(self._schema)
        table = table.replace_schema_metadata(self._schema.metadata)
        self._waiting.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        while self._rows >= _ROW_GROUP_ROWS:
            whole = pa.concat_tables(self._waiting)
            self._put(whole.slice(0, _ROW_GROUP_ROWS))
            self._keep(whole.slice(_ROW_GROUP_ROWS))
        if self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def _keep(self, table: pa.Table) -> None:
        self._waiting, self._rows, self._bytes = [table], table.num_rows, table.nbytes

    def _flush(self) -> None:
        if self._rows:
            whole = pa.concat_tables(self._waiting)
            self._put(whole)
            self._keep(whole.slice(whole.num_rows))

    def finish(self) -> None:
        self._flush()
        self._close()

    @abstractmethod
    def _open(self, schema: pa.Schema) -> None: ...

    @abstractmethod
    def _put(self, table: pa.Table) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class _Parquet(_Buffered):
    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        super().__init__(options)
        self._stream = stream
        self._writer: pq.ParquetWriter | None = None

    def _open(self, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(self._stream, schema)

    def _put(self, table: pa.Table) -> None:
        assert self._writer is not None
        # Pages end where pieces do: in one piece, they do not tell how the rows came.
        self._writer.write_table(table.combine_chunks())

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _Arrow(_Buffered):
    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        super().__init__(options)
        self._stream = stream
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def _open(self, schema: pa.Schema) -> None:
        self._writer = pa.ipc.new_file(self._stream, schema)

    def _put(self, table: pa.Table) -> None:
        assert self._writer is not None
        # A slice's buffers hold more than its rows: a copy of the rows does not tell how they came.
        whole = table.combine_chunks().take(np.arange(len(table)))
        # The file format has one dictionary a column: one batch, one dictionary.
        self._writer.write_table(whole.unify_dictionaries())

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def encoder_for(kind: Format, stream: BinaryIO, options: EncoderOptions) -> Encoder:
    """The encoder of a format, writing to `stream`."""
    if kind is Format.PARQUET:
        return _Parquet(stream, options)
    if kind is Format.ARROW:
        return _Arrow(stream, options)
    if kind is Format.JSONL:
        return _JsonLines(stream, options)
    return _Delimited(stream, options, kind.separator)
