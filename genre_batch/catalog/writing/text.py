"""Encoders of text formats: CSV, TSV and JSON Lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Collection
from typing import BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.frame import as_frame
from genre_batch.catalog.json_members import json_members
from genre_batch.catalog.nested import is_list, rebuild
from genre_batch.catalog.separators import quoted
from genre_batch.catalog.writing.encoder import EncoderOptions, merge
from genre_batch.catalog.writing.refusal import NATIVE_ERRORS, column_error
from genre_batch.catalog.writing.text_types import TextConverter
from genre_batch.errors import CatalogError

__all__ = ["DelimitedEncoder", "JsonLinesEncoder", "cell_texts", "without_members"]

_Encoded = TypeVar("_Encoded", str, bytes)


class DelimitedEncoder:
    """Writes CSV or TSV: null as nothing, `""` as two quotes, lists joined or as JSON."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions, separator: str) -> None:
        self._stream = stream
        self._options = options
        self._separator = options.delimiter or separator
        self._encoding = options.encoding or "utf-8"
        self._encoder = codecs.getincrementalencoder(self._encoding)()
        self._header = True
        self._converter = TextConverter(csv=True)

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Write the chunk's rows, with the added columns after the chunk's own."""
        assert not isinstance(chunk, JsonLinesChunk)
        for index, field in enumerate(added.schema):
            if is_list(field.type):
                joined = _joined(added.column(index), self._options.genre_separator)
                added = added.set_column(index, field.name, joined)
        table = self._converter.convert(merge(chunk.table, added))
        text = _attempt(table, self._as_csv)
        self._stream.write(self._encoded(text))
        self._header = False

    def _as_csv(self, table: pa.Table) -> str:
        frame = as_frame(table)
        return frame.write_csv(include_header=self._header, separator=self._separator)

    def _encoded(self, text: str) -> bytes:
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            character = text[error.start]
            raise CatalogError(
                f"`output_encoding` {self._encoding} cannot encode {character!r} "
                f"(U+{ord(character):04X}), which the catalog contains: set it to utf-8-sig, or "
                f"leave it out for UTF-8"
            ) from error

    @property
    def lost(self) -> int:
        """The number of NaN and infinities written as null."""
        return self._converter.lost

    def finish(self) -> None:
        """Do nothing: every row has been written."""

    def discard(self) -> None:
        """Do nothing: nothing is held."""


def cell_texts(column: pa.ChunkedArray) -> list[str]:
    """Return the values of a column as cells of CSV; null as an empty text.

    Raises:
        UnwritableTypeError: values of its type cannot be written.
    """
    table = TextConverter(csv=True).convert(pa.table({"cell": column}))
    # A second column keeps a row of nothing from being a line of nothing.
    frame = as_frame(table.append_column("end", pa.array([0] * len(table))))
    lines = io.StringIO(frame.write_csv(include_header=False), newline="")
    return [cell for cell, _ in csv.reader(lines)]


def _joined(column: pa.ChunkedArray, separator: str) -> pa.Array:
    """Join the genres of each row; quote those that could not be read back otherwise."""
    column = column.combine_chunks()
    if pa.types.is_integer(column.type.value_type):
        column = column.cast(pa.list_(pa.string()))  # ids of genres
    names = pc.unique(column.flatten()).drop_null()
    written = [quoted(name, separator) for name in names.to_pylist()]
    if written != names.to_pylist():
        texts = pa.array(written, pa.string())
        column = rebuild(column, lambda values: texts.take(pc.index_in(values, names)))
    return pc.binary_join(column, separator)


class JsonLinesEncoder:
    """Writes JSON Lines: each object's original bytes plus the added members, or new objects."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._converter = TextConverter(csv=False)

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Write the chunk's rows, with the added columns after the chunk's own."""
        if isinstance(chunk, JsonLinesChunk):
            if len(chunk):
                self._stream.write(self._spliced(chunk, added))
        else:
            table = self._converter.convert(merge(chunk.table, added))
            self._stream.write(_attempt(table, _objects))
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

    @property
    def lost(self) -> int:
        """The number of NaN and infinities written as null."""
        return self._converter.lost

    def finish(self) -> None:
        """Do nothing: every row has been written."""

    def discard(self) -> None:
        """Do nothing: nothing is held."""


def _members(line: str) -> list[tuple[str, str]]:
    """Return the members of a JSON object as (key, text of the value), in order."""
    return [(key, line[start:end]) for key, start, end in json_members(line)]


def _replaced(line: bytes, fragment: bytes) -> bytes:
    """Replace the object's members of the same keys, and append the others."""
    added = dict(_members(fragment.decode("utf-8")))
    left = dict(added)
    members = [
        (key, left.pop(key, value))
        for key, value in _members(line.decode("utf-8"))
        if key not in added or key in left  # the first of several of one key
    ]
    members += left.items()
    pairs = (f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in members)
    return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")


def _objects(table: pa.Table) -> bytes:
    """Encode rows as JSON objects, one per line."""
    return as_frame(table).write_ndjson().encode("utf-8")


def without_members(line: bytes, names: Collection[str]) -> bytes:
    """Remove the members with these keys from the text of a JSON object."""
    members = [(key, value) for key, value in _members(line.decode("utf-8")) if key not in names]
    pairs = (f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in members)
    return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")


def _attempt(table: pa.Table, encode: Callable[[pa.Table], _Encoded]) -> _Encoded:
    """Encode rows; raise an error that names the column which cannot be written."""
    try:
        return encode(table)
    except NATIVE_ERRORS as error:
        raise column_error(table, encode, error) from error
