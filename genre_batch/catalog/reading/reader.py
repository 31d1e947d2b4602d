"""Read any catalogs, in order, as an iterator of chunks in bounded memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.hive import FolderColumns
from genre_batch.catalog.reading.inference import Types, cast_columns, infer_types
from genre_batch.catalog.reading.joining import common_schema, conformed
from genre_batch.catalog.reading.json_table import Schema, infer_schema, to_table
from genre_batch.catalog.reading.source import OpenSource, ReadOptions
from genre_batch.catalog.reading.unreadable import RejectCount
from genre_batch.catalog.rejects import Reject, ignore_reject, raise_on_reject

__all__ = ["CatalogReader", "ReadOptions"]


_Rows = TypeVar("_Rows", JsonLinesChunk, TableChunk)


class CatalogReader(contextlib.AbstractContextManager["CatalogReader"]):
    """Reads several catalogs once, one after the other.

    Attributes:
        unread: why every row of the stretch was rejected, after the last one; otherwise empty.
            Other stretches of the catalog may have rows that can be read.
    """

    def __init__(
        self,
        locations: Sequence[Location],
        options: ReadOptions | None = None,
        on_reject: Callable[[Reject], None] = raise_on_reject,
    ) -> None:
        """Open the first catalog, so that a missing one is reported at once.

        Args:
            locations: the catalogs, at least one.
            options: how to read them.
            on_reject: called with each row that cannot be read; the default raises.

        Raises:
            CatalogError: the first catalog cannot be opened.
        """
        self._locations = list(locations)
        self._options = options or ReadOptions()
        self._on_reject = on_reject
        self._bytes_of_finished = 0
        self._rows_read = 0
        self.unread = ""
        self._source = OpenSource(self._locations[0], self._options)
        self._total = self._source.size + sum(_local_size(place) for place in self._locations[1:])

    def __exit__(self, *exc_info: object) -> None:
        self._source.close()

    @property
    def rows(self) -> int | None:
        """The total number of rows; None if it is unknown before they are read."""
        return self._source.rows if len(self._locations) == 1 else None

    @property
    def fraction_read(self) -> float | None:
        """The fraction of all bytes read so far, 0 to 1; None for a pipe."""
        if not self._total:
            return None
        return min(1.0, (self._bytes_of_finished + self._source.bytes_read) / self._total)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows in order; a format with a schema starts with an empty chunk that has it.

        Raises:
            CatalogError: a catalog is damaged, its columns differ from those of the first with
                `as_table`, none of its rows can be read, or `on_reject` raised.
        """
        schema = self._json_schema() if self._options.as_table else {}
        types = self._csv_types() if self._options.infer_types else {}
        first = self._common_schema(schema, types) if self._options.as_table else None
        for number, location in enumerate(self._locations):
            if number:
                self._bytes_of_finished += self._source.size
                self._source.close()
                self._source = OpenSource(location, self._options)
            folders = FolderColumns(location)
            rejects = RejectCount(self._on_reject)
            nulls = self._options.reading.nulls(location.format)
            for own in self._chunks(schema, types, rejects.add):
                chunk = folders.added_to(own)
                self._source.rows_read += len(chunk)
                self._rows_read += len(chunk)
                if self._options.as_table and isinstance(chunk, TableChunk):
                    first = chunk.table.schema if first is None else first
                    chunk = conformed(chunk, first, location.name, self._locations[0].name)
                yield replace(chunk, nulls=nulls) if nulls else chunk
            if self._options.stretch is None:
                rejects.check_any_read(location, self._source.rows_read)
            else:
                self.unread = rejects.why_none_read(location, self._source.rows_read)

    def _chunks(
        self, schema: Schema, types: Types, on_reject: Callable[[Reject], None]
    ) -> Iterator[Chunk]:
        source, kind = self._source, self._source.location.format
        if not kind.is_text:
            yield from source.tables(self._rows_left())
        elif kind is not Format.JSONL:
            for table in source.cells(on_reject, self._rows_left()):
                yield cast_columns(self._with_real_nulls(table, kind), types) if types else table
        elif not self._options.as_table:
            yield from source.objects(on_reject, self._rows_left())
        else:
            yield to_table(JsonLinesChunk([], []), schema, source.location.name)
            for rows in source.objects(on_reject, self._rows_left()):
                yield to_table(rows, schema, source.location.name)

    def _rows_left(self) -> int | None:
        limit = self._options.limit
        return None if limit is None else max(0, limit - self._rows_read)

    def _common_schema(self, schema: Schema, types: Types) -> pa.Schema | None:
        """Return a schema for the rows of all catalogs; None: the first catalog decides.

        With a limit, catalogs that come after it are not looked at.
        """
        schemas = []
        rows, limit = 0, self._options.limit
        for location in self._locations if len(self._locations) > 1 else ():
            if limit is not None and rows >= limit:
                break
            folders = FolderColumns(location)
            if location.format is Format.JSONL:
                if schema:
                    empty = folders.added_to_table(
                        to_table(JsonLinesChunk([], []), schema, location.name)
                    )
                    schemas.append((location.name, empty.table.schema))
            elif location.is_remote or os.path.isfile(location.path):
                with OpenSource(location, self._options) as source:
                    chunk = folders.added_to_table(next(source.first_chunk(types)))
                    schemas.append((location.name, chunk.table.schema))
                    rows += source.rows or 0
            if location.format is not Format.PARQUET:
                rows = limit or 0  # how many rows it has is not known
        return common_schema(schemas) if schemas else None

    def _first_pass(self, *kinds: Format) -> Iterator[OpenSource]:
        """Yield each catalog of these formats, open; the first one stays open afterwards."""
        for number, location in enumerate(self._locations):
            if location.format in kinds:
                if number == 0:
                    yield self._source
                else:
                    with OpenSource(location, self._options) as source:
                        yield source

    def _json_schema(self) -> Schema:
        passes = self._first_pass(Format.JSONL)
        limit = self._options.limit
        chunks = (chunk for source in passes for chunk in source.objects(ignore_reject, limit))
        return infer_schema(_first_rows(chunks, limit))

    def _csv_types(self) -> Types:
        passes = self._first_pass(Format.CSV, Format.TSV)
        limit = self._options.limit
        chunks = (
            self._with_real_nulls(chunk, source.location.format)
            for source in passes
            for chunk in source.cells(ignore_reject, limit)
        )
        return infer_types(_first_rows(chunks, limit))

    def _with_real_nulls(self, chunk: TableChunk, kind: Format) -> TableChunk:
        """Return CSV cells with null in place of texts that mean null, to infer types from."""
        nulls = self._options.reading.nulls(kind)
        return replace(chunk, nulls=nulls).with_real_nulls()


def _local_size(location: Location) -> int:
    try:
        return os.stat(location.path).st_size
    except OSError:
        return 0


def _first_rows(chunks: Iterator[_Rows], limit: int | None) -> Iterator[_Rows]:
    """Yield the chunks, up to a number of rows; None: all."""
    for chunk in chunks:
        yield chunk if limit is None else chunk.head(limit)
        limit = None if limit is None else max(0, limit - len(chunk))
        if limit == 0:
            return
