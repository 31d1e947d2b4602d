"""Encoders of columnar formats: Parquet and Arrow IPC."""

from __future__ import annotations

import contextlib
import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.writing.columnar_types import fill_dictionaries, for_arrow, for_parquet
from genre_batch.catalog.writing.encoder import EncoderOptions, merge
from genre_batch.catalog.writing.refusal import NATIVE_ERRORS, column_error
from genre_batch.catalog.writing.row_sizes import row_sizes
from genre_batch.catalog.writing.schema_metadata import with_metadata

__all__ = ["ArrowEncoder", "ParquetEncoder"]

_ROW_GROUP_ROWS = 32_768
_ROW_GROUP_BYTES = 64 << 20


class _BufferedEncoder(ABC):
    """Collects rows into tables of one size, so that the file does not depend on the chunks.

    A table ends with the row that fills it, by its number or by the bytes of the rows.
    """

    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        self.lost = 0
        self._stream = stream
        self._options = options
        self._schema: pa.Schema | None = None
        self._pending: list[pa.Table] = []
        self._sizes: list[npt.NDArray[np.int64]] = []
        self._rows = 0
        self._bytes = 0

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Add the chunk's rows, and write every complete row group.

        Raises:
            UnwritableTypeError: the format cannot hold a column.
        """
        assert not isinstance(chunk, JsonLinesChunk)
        table = self._convert(merge(chunk.table, added))
        if self._schema is None:
            self._schema = with_metadata(table.schema, self._options.metadata)
            self._attempt(table.slice(0, 0), lambda rows: self._open(self._schema))
        table = table.replace_schema_metadata(self._schema.metadata)
        self._buffer(table, row_sizes(table))
        while self._rows >= _ROW_GROUP_ROWS or self._bytes >= _ROW_GROUP_BYTES:
            sizes = np.concatenate(self._sizes)
            filled = int(np.searchsorted(np.cumsum(sizes), _ROW_GROUP_BYTES)) + 1
            self._flush(min(filled, _ROW_GROUP_ROWS))

    def _attempt(self, table: pa.Table, write: Callable[[pa.Table], None]) -> None:
        """Write rows; raise an error that names the column which cannot be written."""
        try:
            write(table)
        except NATIVE_ERRORS as error:
            raise column_error(table, self._write_elsewhere, error) from error

    def _write_elsewhere(self, table: pa.Table) -> None:
        """Write rows to a file of their own in memory, to find out whether it is possible."""
        encoder = type(self)(io.BytesIO(), EncoderOptions())
        encoder._open(table.schema)
        encoder._put(table)
        encoder._close()

    def _buffer(self, table: pa.Table, sizes: npt.NDArray[np.int64]) -> None:
        self._pending.append(table)
        self._sizes.append(sizes)
        self._rows += len(sizes)
        self._bytes += int(sizes.sum())

    def _flush(self, rows: int) -> None:
        """Write the first of the buffered rows; keep the others."""
        whole, sizes = pa.concat_tables(self._pending), np.concatenate(self._sizes)
        self._attempt(whole.slice(0, rows), self._put)
        self._pending, self._sizes, self._rows, self._bytes = [], [], 0, 0
        self._buffer(whole.slice(rows), sizes[rows:])

    def finish(self) -> None:
        """Write the rest and the footer; the stream stays open."""
        if self._rows:
            self._flush(self._rows)
        self._close()

    @abstractmethod
    def discard(self) -> None:
        """Release the file after an error, without writing to it."""

    @abstractmethod
    def _convert(self, table: pa.Table) -> pa.Table: ...

    @abstractmethod
    def _open(self, schema: pa.Schema) -> None: ...

    @abstractmethod
    def _put(self, table: pa.Table) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class _Detachable(io.RawIOBase):
    """A stream that can be cut off: a Parquet writer writes a footer even when it is given up."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream: BinaryIO | None = stream

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return len(data) if self._stream is None else self._stream.write(data)

    def flush(self) -> None:
        # The garbage collector flushes too, when the file is closed already.
        if self._stream is not None and not self._stream.closed:
            self._stream.flush()

    def detach(self) -> None:
        self._stream = None


class ParquetEncoder(_BufferedEncoder):
    """Writes Parquet."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        super().__init__(stream, options)
        self._sink = _Detachable(stream)
        self._writer: pq.ParquetWriter | None = None

    def _convert(self, table: pa.Table) -> pa.Table:
        return for_parquet(table)

    def _open(self, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(self._sink, schema)

    def _put(self, table: pa.Table) -> None:
        assert self._writer is not None
        # A page ends where a piece of a column ends: combined, pages do not depend on the chunks.
        self._writer.write_table(table.combine_chunks())

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """Release the file after an error, without writing to it."""
        self._sink.detach()
        with contextlib.suppress(Exception):
            self._close()


class ArrowEncoder(_BufferedEncoder):
    """Writes an Arrow IPC file."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        super().__init__(stream, options)
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._dictionaries: pa.Table | None = None

    def _convert(self, table: pa.Table) -> pa.Table:
        return for_arrow(table)

    def _open(self, schema: pa.Schema) -> None:
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        self._writer = pa.ipc.new_file(self._stream, schema, options=options)

    def _put(self, table: pa.Table) -> None:
        assert self._writer is not None
        # A slice's buffers hold more than its rows: a copy does not depend on the chunks.
        whole = table.combine_chunks().take(np.arange(len(table)))
        # The file format allows one dictionary per column, to which each batch may add values.
        pieces = [whole] if self._dictionaries is None else [self._dictionaries, whole]
        unified = pa.concat_tables(pieces).unify_dictionaries()
        if self._dictionaries is None:
            unified = fill_dictionaries(unified)
        self._dictionaries = unified.slice(len(unified))
        self._writer.write_table(unified.combine_chunks())

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """Release the file after an error; the writer writes nothing unless it is closed."""
        self._writer = None
