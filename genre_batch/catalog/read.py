"""Any catalog -> its rows in order, as an iterator of chunks in bounded memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.columnar import read_arrow, read_parquet
from genre_batch.catalog.delimited import read_delimited
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.inference import cast_columns, infer_types
from genre_batch.catalog.jsonlines import infer_schema, read_json_lines, to_table
from genre_batch.catalog.rejects import Reject, refuse

__all__ = ["CatalogReader", "read_table"]


class CatalogReader(contextlib.AbstractContextManager["CatalogReader"]):
    """A catalog opened for reading, once, from its first row to its last.

    Attributes:
        location: where it is read from.
        rows: how many rows it says it has; None where only reading it tells.
    """

    def __init__(
        self,
        location: Location,
        *,
        as_table: bool = False,
        infer_types: bool = False,
        on_reject: Callable[[Reject], None] = refuse,
    ) -> None:
        """Opens the catalog.

        Args:
            location: what to read.
            as_table: turn JSON Lines into tables too. Their columns are known only when every
                line was seen, so the file is read twice; stdin is spooled to a temporary file.
            infer_types: let CSV and TSV cells become numbers and dates; the file is read twice.
            on_reject: is told each row that cannot be read; the default raises.

        Raises:
            CatalogError: the catalog cannot be opened.
        """
        self.location = location
        self.rows: int | None = None
        self._as_table = as_table
        self._infer_types = infer_types
        self._on_reject = on_reject
        self._streams: list[BinaryIO] = []
        self._closing = contextlib.ExitStack()
        self._raw = self._open()
        self._size = self._size_of_raw()

    def _open(self) -> BinaryIO:
        raw = self.location.open_raw()
        kind = self.location.format
        read_twice = self._as_table if kind is Format.JSONL else self._infer_types
        needs_seek = read_twice or not kind.is_text
        if not self.location.is_stdio:
            self._closing.callback(raw.close)
        if needs_seek and not raw.seekable():
            spool = tempfile.TemporaryFile(prefix="genre-batch-")  # noqa: SIM115 - closed on exit
            self._closing.callback(spool.close)
            shutil.copyfileobj(raw, spool)
            spool.seek(0)
            return cast(BinaryIO, spool)
        return raw

    def _size_of_raw(self) -> int:
        try:
            return os.fstat(self._raw.fileno()).st_size
        except OSError:
            return 0

    def __exit__(self, *exc_info: object) -> None:
        self._closing.close()

    @property
    def fraction_read(self) -> float | None:
        """How much of the bytes is behind us, 0 to 1; None for a pipe, which does not tell."""
        if not self._size or not self._raw.seekable():
            return None
        return min(1.0, self._raw.tell() / self._size)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order. A format with a schema gives an empty first chunk that tells it.

        Raises:
            CatalogError: the catalog is damaged, or `on_reject` refused a row.
        """
        name, kind = self.location.name, self.location.format
        if kind is Format.PARQUET:
            self.rows, tables = read_parquet(self._raw, name)
            return tables
        if kind is Format.ARROW:
            return read_arrow(self._raw, name)
        if kind is Format.JSONL:
            return self._json_tables() if self._as_table else self._json_lines(self._on_reject)
        return self._typed_tables() if self._infer_types else self._delimited(self._on_reject)

    def _stream(self) -> BinaryIO:
        """The decompressed bytes, from wherever the raw ones stand."""
        stream = self.location.decompress(self._raw)
        # Whoever lets go of a decompressing stream closes the raw one beneath it too.
        self._streams.append(stream)
        return stream

    def _json_lines(self, on_reject: Callable[[Reject], None]) -> Iterator[JsonLinesChunk]:
        return read_json_lines(self._stream(), self.location.name, on_reject)

    def _json_tables(self) -> Iterator[TableChunk]:
        schema = infer_schema(self._json_lines(_ignore))
        self._raw.seek(0)
        yield TableChunk(pa.schema(list(schema.items())).empty_table())
        for chunk in self._json_lines(self._on_reject):
            yield to_table(chunk, schema, self.location.name)

    def _delimited(self, on_reject: Callable[[Reject], None]) -> Iterator[TableChunk]:
        kind, name = self.location.format, self.location.name
        return read_delimited(self._stream(), name, kind.separator, on_reject)

    def _typed_tables(self) -> Iterator[TableChunk]:
        types = infer_types(self._delimited(_ignore))
        self._raw.seek(0)
        for chunk in self._delimited(self._on_reject):
            yield cast_columns(chunk, types)


def _ignore(reject: Reject) -> None:
    """The first of two passes leaves the rejects to the second."""


def read_table(location: Location, **options: Any) -> pa.Table:
    """A whole catalog in memory, as one table: for training and evaluation, not for tagging.

    Args:
        location: what to read.
        options: as `CatalogReader` takes them.
    """
    with CatalogReader(location, as_table=True, **options) as reader:
        tables = [chunk.table for chunk in reader.chunks() if isinstance(chunk, TableChunk)]
    return pa.concat_tables(tables)
