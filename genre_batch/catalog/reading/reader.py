"""Any catalogs -> their rows in order, as an iterator of chunks in bounded memory."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.delimited import Dialect, read_delimited
from genre_batch.catalog.reading.inference import Types, cast_columns, infer_types
from genre_batch.catalog.reading.jsonlines import Schema, infer_schema, read_json_lines, to_table
from genre_batch.catalog.reading.parquet_arrow import read_arrow, read_parquet
from genre_batch.catalog.rejects import Reject, raise_on_reject
from genre_batch.errors import CatalogError

__all__ = ["CatalogReader", "ReadOptions", "read_table"]


@dataclass(frozen=True)
class ReadOptions:
    """How catalogs are read.

    Attributes:
        as_table: turn JSON Lines into tables too, and give all catalogs the columns and types of
            the first. The columns of JSON Lines are known only when every line was seen, so they
            are read twice; stdin is spooled to a temporary file.
        infer_types: let CSV and TSV cells become numbers and dates; they are read twice.
        reading: what every command that reads a catalog lets its user choose.
    """

    as_table: bool = False
    infer_types: bool = False
    reading: ReadingOptions = field(default_factory=ReadingOptions)


class _Source(contextlib.AbstractContextManager["_Source"]):
    """One catalog, open."""

    def __init__(self, location: Location, options: ReadOptions) -> None:
        self.location = location
        self.rows: int | None = None
        self.rows_read = 0
        self._options = options
        self._closing = contextlib.ExitStack()
        self._streams: list[BinaryIO] = []
        self._raw = self._open()
        self.size = _size(self._raw)

    def _open(self) -> BinaryIO:
        raw = self.location.open_raw()
        self._closing.callback(raw.close)
        kind, options = self.location.format, self._options
        read_twice = options.as_table if kind is Format.JSONL else options.infer_types
        if (read_twice or not kind.is_text) and not raw.seekable():
            spool = tempfile.TemporaryFile(prefix="genre-batch-")  # noqa: SIM115 - closed on exit
            self._closing.callback(spool.close)
            shutil.copyfileobj(raw, spool)
            spool.seek(0)
            return cast(BinaryIO, spool)
        return raw

    def close(self) -> None:
        """Closes the file, but not stdin."""
        self._closing.close()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def bytes_read(self) -> float:
        """How many of the file's bytes are behind us; of Parquet, whose rows are known, in rows."""
        if self.rows is not None:
            return self.size * self.rows_read / max(1, self.rows)
        return self._raw.tell() if self.size else 0

    def text(self) -> BinaryIO:
        """The decompressed bytes from the start."""
        if self._streams:
            self._raw.seek(0)
        stream = self.location.decompress(self._raw)
        # Whoever lets go of a decompressing stream closes the raw one beneath it too.
        self._streams.append(stream)
        return stream

    def objects(self, on_reject: Callable[[Reject], None]) -> Iterator[JsonLinesChunk]:
        """The rows of JSON Lines."""
        name = self.location.name
        return read_json_lines(self.text(), name, on_reject, self._options.reading.encoding)

    def cells(self, on_reject: Callable[[Reject], None]) -> Iterator[TableChunk]:
        """The rows of CSV or TSV."""
        reading = self._options.reading
        dialect = Dialect(self.location.format.separator, reading.delimiter, reading.encoding)
        return read_delimited(self.text(), self.location.name, dialect, on_reject)

    def tables(self) -> Iterator[TableChunk]:
        """The rows of Parquet or Arrow."""
        if self.location.format is Format.ARROW:
            return read_arrow(self._raw, self.location.name)
        self.rows, chunks = read_parquet(self._raw, self.location.name)
        return chunks


def _size(raw: BinaryIO) -> int:
    """The file's bytes; 0 for a pipe, which does not tell."""
    if not raw.seekable():
        return 0
    try:
        return os.fstat(raw.fileno()).st_size
    except (OSError, io.UnsupportedOperation):
        here = raw.tell()
        size = raw.seek(0, io.SEEK_END)
        raw.seek(here)
        return size


class CatalogReader(contextlib.AbstractContextManager["CatalogReader"]):
    """Catalogs to be read, once, from the first row of the first to the last row of the last."""

    def __init__(
        self,
        locations: Sequence[Location],
        options: ReadOptions | None = None,
        on_reject: Callable[[Reject], None] = raise_on_reject,
    ) -> None:
        """Opens the first catalog, so that one that is not there is told at once.

        Args:
            locations: what to read, in this order.
            options: how.
            on_reject: is told each row that cannot be read; the default raises.

        Raises:
            CatalogError: the first catalog cannot be opened.
        """
        self._locations = list(locations)
        self._options = options or ReadOptions()
        self._on_reject = on_reject
        self._bytes_behind = 0
        self._source = _Source(self._locations[0], self._options)
        self._total = self._source.size + sum(_local_size(place) for place in self._locations[1:])

    def __exit__(self, *exc_info: object) -> None:
        self._source.close()

    @property
    def rows(self) -> int | None:
        """How many rows there are; None where only reading them tells."""
        return self._source.rows if len(self._locations) == 1 else None

    @property
    def fraction_read(self) -> float | None:
        """How much of the bytes is behind us, 0 to 1; None for a pipe, which does not tell."""
        if not self._total:
            return None
        return min(1.0, (self._bytes_behind + self._source.bytes_read) / self._total)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order. A format with a schema gives an empty first chunk that tells it.

        Raises:
            CatalogError: a catalog is damaged, has other columns than the first one where tables
                are wanted, or `on_reject` refused a row.
        """
        objects = self._json_schema() if self._options.as_table else {}
        types = self._csv_types() if self._options.infer_types else {}
        first: pa.Schema | None = None
        for number, location in enumerate(self._locations):
            if number:
                self._bytes_behind += self._source.size
                self._source.close()
                self._source = _Source(location, self._options)
            for chunk in self._chunks(objects, types):
                self._source.rows_read += len(chunk)
                if self._options.as_table and isinstance(chunk, TableChunk):
                    first = chunk.table.schema if first is None else first
                    yield _conformed(chunk, first, location.name, self._locations[0].name)
                else:
                    yield chunk

    def _chunks(self, objects: Schema, types: Types) -> Iterator[Chunk]:
        source, kind = self._source, self._source.location.format
        if not kind.is_text:
            yield from source.tables()
        elif kind is not Format.JSONL:
            for table in source.cells(self._on_reject):
                yield cast_columns(table, types) if types else table
        elif not self._options.as_table:
            yield from source.objects(self._on_reject)
        else:
            yield TableChunk(pa.schema(list(objects.items())).empty_table())
            for rows in source.objects(self._on_reject):
                yield to_table(rows, objects, source.location.name)

    def _first_pass(self, *kinds: Format) -> Iterator[_Source]:
        """Each catalog of these formats, open; the first one is still needed afterwards."""
        for number, location in enumerate(self._locations):
            if location.format in kinds:
                if number == 0:
                    yield self._source
                else:
                    with _Source(location, self._options) as source:
                        yield source

    def _json_schema(self) -> Schema:
        passes = self._first_pass(Format.JSONL)
        return infer_schema(chunk for source in passes for chunk in source.objects(_ignore))

    def _csv_types(self) -> Types:
        passes = self._first_pass(Format.CSV, Format.TSV)
        return infer_types(chunk for source in passes for chunk in source.cells(_ignore))


def _local_size(location: Location) -> int:
    try:
        return os.stat(location.path).st_size
    except OSError:
        return 0


def _ignore(reject: Reject) -> None:
    """The first of two passes leaves the rejects to the second."""


def _conformed(chunk: TableChunk, schema: pa.Schema, name: str, first: str) -> TableChunk:
    """The chunk with the columns and types of the first catalog.

    Raises:
        CatalogError: it has others, or a value that does not fit.
    """
    table = chunk.table
    if table.schema.equals(schema, check_metadata=True):
        return chunk
    for one, other, columns in (
        (name, first, [column for column in schema.names if column not in table.column_names]),
        (first, name, [column for column in table.column_names if column not in schema.names]),
    ):
        if columns:
            raise CatalogError(
                f"{one} has no column {columns[0]!r}, {other} has: tag them into a folder "
                f"(-o FOLDER/) or as JSON Lines, or give them the same columns"
            )
    try:
        return TableChunk(table.select(schema.names).cast(schema), chunk.short_rows)
    except (pa.ArrowException, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CatalogError(
            f"{name} does not fit the column types of {first}: {reason}: tag them into a folder "
            f"(-o FOLDER/) or as JSON Lines"
        ) from error


def read_table(location: Location, reading: ReadingOptions | None = None) -> pa.Table:
    """Read a whole catalog into memory, as one table: for training and evaluation, not for tagging.

    Args:
        location: what to read.
        reading: how; default: `ReadingOptions()`.

    Raises:
        CatalogError: it cannot be read.
    """
    options = ReadOptions(as_table=True, reading=reading or ReadingOptions())
    with CatalogReader([location], options) as reader:
        tables = [chunk.table for chunk in reader.chunks() if isinstance(chunk, TableChunk)]
    return pa.concat_tables(tables)
