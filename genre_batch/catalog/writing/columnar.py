"""Encoders of columnar formats: Parquet and Arrow IPC."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.writing.encoder import EncoderOptions, merge

__all__ = ["ArrowEncoder", "ParquetEncoder"]

_ROW_GROUP_ROWS = 32_768
_ROW_GROUP_BYTES = 64 << 20


class _BufferedEncoder(ABC):
    """Collects rows into tables of one size, so that the file does not depend on the chunks."""

    def __init__(self, options: EncoderOptions) -> None:
        self._options = options
        self._schema: pa.Schema | None = None
        self._pending: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Add the chunk's rows, and write every complete row group."""
        assert not isinstance(chunk, JsonLinesChunk)
        table = merge(chunk.table, added)
        if self._schema is None:
            metadata = {
                key.encode(): value.encode() for key, value in self._options.metadata.items()
            }
            self._schema = table.schema.with_metadata({**(table.schema.metadata or {}), **metadata})
            self._open(self._schema)
        table = table.replace_schema_metadata(self._schema.metadata)
        self._pending.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        while self._rows >= _ROW_GROUP_ROWS:
            whole = pa.concat_tables(self._pending)
            self._put(whole.slice(0, _ROW_GROUP_ROWS))
            self._buffer(whole.slice(_ROW_GROUP_ROWS))
        if self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def _buffer(self, table: pa.Table) -> None:
        self._pending, self._rows, self._bytes = [table], table.num_rows, table.nbytes

    def _flush(self) -> None:
        if self._rows:
            whole = pa.concat_tables(self._pending)
            self._put(whole)
            self._buffer(whole.slice(whole.num_rows))

    def finish(self) -> None:
        """Write the rest and the footer; the stream stays open."""
        self._flush()
        self._close()

    @abstractmethod
    def _open(self, schema: pa.Schema) -> None: ...

    @abstractmethod
    def _put(self, table: pa.Table) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class ParquetEncoder(_BufferedEncoder):
    """Writes Parquet."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        super().__init__(options)
        self._stream = stream
        self._writer: pq.ParquetWriter | None = None

    def _open(self, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(self._stream, schema)

    def _put(self, table: pa.Table) -> None:
        assert self._writer is not None
        # A page ends where a piece of a column ends: combined, pages do not depend on the chunks.
        self._writer.write_table(table.combine_chunks())

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class ArrowEncoder(_BufferedEncoder):
    """Writes an Arrow IPC file."""

    def __init__(self, stream: BinaryIO, options: EncoderOptions) -> None:
        super().__init__(options)
        self._stream = stream
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def _open(self, schema: pa.Schema) -> None:
        self._writer = pa.ipc.new_file(self._stream, schema)

    def _put(self, table: pa.Table) -> None:
        assert self._writer is not None
        # A slice's buffers hold more than its rows: a copy does not depend on the chunks.
        whole = table.combine_chunks().take(np.arange(len(table)))
        # The file format allows one dictionary per column.
        self._writer.write_table(whole.unify_dictionaries())

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
