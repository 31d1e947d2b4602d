"""One open catalog, and how catalogs are read."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.charset import UTF_8, resolved
from genre_batch.catalog.reading.delimited import read_delimited
from genre_batch.catalog.reading.inference import Types, cast_columns
from genre_batch.catalog.reading.jsonlines import read_json_lines
from genre_batch.catalog.reading.parquet_arrow import read_arrow, read_parquet
from genre_batch.catalog.reading.spool import spooled
from genre_batch.catalog.rejects import Reject, ignore_reject
from genre_batch.catalog.stretches import Stretch

__all__ = ["OpenSource", "ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """How catalogs are read.

    Attributes:
        as_table: convert JSON Lines to tables too, and all catalogs to the columns of the first,
            with types that hold all their values. JSON Lines are then read twice, because their
            columns are known only after the last line; stdin is spooled to a temporary file.
        infer_types: convert CSV and TSV cells to numbers and dates; the files are read twice.
        limit: the number of rows that will be read; None: all.
        stretch: the records of the one catalog that are read; None: all.
        reading: the options shared by all commands that read catalogs.
    """

    as_table: bool = False
    infer_types: bool = False
    limit: int | None = None
    stretch: Stretch | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)


class OpenSource(contextlib.AbstractContextManager["OpenSource"]):
    """One open catalog."""

    def __init__(self, location: Location, options: ReadOptions) -> None:
        self.location = location
        self.rows: int | None = None
        self.rows_read = 0
        self._options = options
        self._closing = contextlib.ExitStack()
        self._streams: list[BinaryIO] = []
        self._raw = self._open()
        self._first_byte = 0
        self.size = _size(self._raw)
        if options.stretch is not None and location.format.is_text:
            self._first_byte = options.stretch.start
            self.size = options.stretch.end - options.stretch.start

    def _open(self) -> BinaryIO:
        raw = self.location.open_raw()
        self._closing.callback(raw.close)
        kind, options = self.location.format, self._options
        read_twice = options.as_table if kind is Format.JSONL else options.infer_types
        if (read_twice or not kind.is_text) and not raw.seekable():
            spool = spooled(raw, self.location.name)
            self._closing.callback(spool.close)
            return spool
        return raw

    def close(self) -> None:
        """Close the file, but not stdin."""
        self._closing.close()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def bytes_read(self) -> float:
        """The number of bytes read; for Parquet, estimated from the number of rows."""
        if self.rows is not None:
            return self.size * self.rows_read / max(1, self.rows)
        return max(0, self._raw.tell() - self._first_byte) if self.size else 0

    def text(self) -> tuple[BinaryIO, str]:
        """Open the decompressed bytes from the start; return their encoding, with its byte order.

        Raises:
            CatalogError: the bytes are not text.
        """
        if self._streams:
            self._raw.seek(0)
        stream = self.location.decompress(self._raw)
        # Kept alive: a decompressor closes the raw stream when it is garbage-collected.
        self._streams.append(stream)
        return resolved(stream, self._options.reading.encoding, self.location.name)

    def objects(
        self, on_reject: Callable[[Reject], None], limit: int | None
    ) -> Iterator[JsonLinesChunk]:
        """Read the rows of JSON Lines."""
        stream, encoding = self.text()
        is_last_pass = on_reject is not ignore_reject

        def add(reject: Reject) -> None:
            on_reject(replace(reject, encoding=encoding))

        name = self.location.name
        stretch = self._options.stretch
        return read_json_lines(
            stream,
            name,
            add,
            encoding,
            warn=is_last_pass,
            # The first of two passes; the cost of the second would be seen.
            finds_losses=self._options.as_table and not is_last_pass,
            limit=limit,
            stretch=stretch,
        )

    def cells(self, on_reject: Callable[[Reject], None], limit: int | None) -> Iterator[TableChunk]:
        """Read the rows of CSV or TSV."""
        stream, encoding = self.text()
        dialect = self._options.reading.dialect(self.location.format, encoding)
        is_plain = (
            stream is self._raw
            and encoding == UTF_8
            and stream.seekable()
            and not self.location.is_stdio
        )
        stretch = self._options.stretch
        name = self.location.name
        return read_delimited(stream, name, dialect, on_reject, limit, stretch, is_plain=is_plain)

    def first_chunk(self, types: Types) -> Iterator[TableChunk]:
        """Read the rows of a format with a schema, CSV cells as these types."""
        if not self.location.format.is_text:
            return self.tables(0)
        return (cast_columns(chunk, types) for chunk in self.cells(ignore_reject, 0))

    def tables(self, limit: int | None) -> Iterator[TableChunk]:
        """Read the rows of Parquet or Arrow."""
        if self.location.format is Format.ARROW:
            return read_arrow(self._raw, self.location.name, limit, self._options.stretch)
        stretch = self._options.stretch
        self.rows, chunks = read_parquet(self._raw, self.location.name, limit, stretch)
        return chunks


def _size(raw: BinaryIO) -> int:
    """Return the size in bytes; 0 for a pipe, whose size is unknown."""
    if not raw.seekable():
        return 0
    try:
        return os.fstat(raw.fileno()).st_size
    except (OSError, io.UnsupportedOperation):
        position = raw.tell()
        size = raw.seek(0, io.SEEK_END)
        raw.seek(position)
        return size
