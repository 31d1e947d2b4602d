"""The records with the highest scores, kept while all records are written."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.writing.encoder import Encoder, merge

__all__ = ["MOST_KEPT", "KeptRecords"]

MOST_KEPT = 20_000


class KeptRecords:
    """An encoder that passes records on, and keeps those with the highest scores."""

    def __init__(self, encoder: Encoder, most: int = MOST_KEPT) -> None:
        """Start without a record.

        Args:
            encoder: writes all records.
            most: the maximum number that is kept.
        """
        self._encoder = encoder
        self._most = most
        self._tables: list[pa.Table] = []
        self._rows = 0

    @property
    def lost(self) -> int:
        """The number of NaN and infinities that the encoder wrote as null."""
        return self._encoder.lost

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Write records, and keep them for now."""
        self._encoder.write(chunk, added)
        assert isinstance(chunk, TableChunk)
        self._tables.append(merge(chunk.table, added))
        self._rows += len(chunk)
        if self._rows > 2 * self._most:
            self._tables = [self.table()]
            self._rows = len(self._tables[0])

    def finish(self) -> None:
        """Finish the encoder."""
        self._encoder.finish()

    def discard(self) -> None:
        """Discard the encoder's work."""
        self._encoder.discard()

    def table(self) -> pa.Table:
        """Return the kept records in the order in which they were written."""
        table = pa.concat_tables(self._tables)
        if len(table) <= self._most:
            return table
        places = pa.array(range(len(table)), pa.int64())
        keys = pa.table({"score": table.column("score").fill_null(-1), "place": places})
        order = [("score", "descending"), ("place", "ascending")]
        best = pc.sort_indices(keys, sort_keys=order)[: self._most]
        return table.take(pc.take(places, best).sort())
