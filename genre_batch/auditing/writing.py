"""Write the records of an audit: rank the labels, and find the rows that they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.auditing.labels import Labels
from genre_batch.auditing.own_names import OwnNames
from genre_batch.auditing.ranking import Candidates, Findings, Ranking
from genre_batch.auditing.reading import AuditedCatalog, CatalogSource
from genre_batch.auditing.records import (
    DOUBTFUL,
    FIELDS,
    MISSING,
    UNLABELED,
    Records,
    write_records,
)
from genre_batch.auditing.row_copies import RowCopies
from genre_batch.auditing.row_store import RowStore
from genre_batch.auditing.true_counts import TrueCounts
from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.writing.encoder import Encoder
from genre_batch.errors import CatalogError
from genre_batch.names import known_names
from genre_batch.tagging.written_names import WrittenNames

__all__ = ["RecordWriter"]

_KINDS = (MISSING, DOUBTFUL, UNLABELED)


@dataclass(eq=False)
class RecordWriter:
    """Ranks the labels of a predicted catalog, and writes them.

    Attributes:
        source: the catalog.
        catalog: what the first pass found in it.
        store: its probabilities and label codes.
        copies: the columns of its rows that records have.
        names: the names under which genres are written.
        records: the number of records written so far.
        missing, doubtful: (genres,) int64, the records of each kind about each genre.
        rows_by_genre: (genres,) int64, the audited rows that have each genre.
        true_counts: estimates; None if no labels were audited.
    """

    source: CatalogSource
    catalog: AuditedCatalog
    store: RowStore
    copies: RowCopies
    names: WrittenNames

    def __post_init__(self) -> None:
        genres = self.source.tagger.labels
        self.records = 0
        self.missing = np.zeros(len(genres), dtype=np.int64)
        self.doubtful = np.zeros(len(genres), dtype=np.int64)
        self.rows_by_genre = np.zeros(len(genres), dtype=np.int64)
        self.true_counts: TrueCounts | None = None
        self._own_names = OwnNames(self.catalog.labels, genres, self.names.names)
        wanted = known_names("genres", self.names.excluded, genres) or genres
        wanted = tuple(name for name in wanted if name not in self.names.left_out)
        self._wanted = np.isin(np.array(genres, dtype=object), wanted)

    def write(self, writer: Encoder) -> None:
        """Write all records.

        Args:
            writer: of the output.

        Raises:
            CatalogError: the catalog changed since it was predicted, or cannot be written.
        """
        labels, schema = self.catalog.labels, self.catalog.schema
        if schema is None:  # JSON Lines without a single object
            writer.write(TableChunk(pa.table([[]] * len(FIELDS), list(FIELDS))), pa.table({}))
            return
        self._put(writer, schema, np.zeros(0, dtype=np.int64), _nothing())
        if labels is None:
            return
        job = self.source.job
        if job.select is not None:
            self._write_selected(writer, labels, job.select)
            return
        ranking = Ranking(
            self.store, labels, self._wanted, by_row=job.by == "row", least=job.least_score
        )
        self.rows_by_genre = ranking.rows_by_genre
        self.true_counts = ranking.true_counts()
        if job.all:
            self._write_every(writer, ranking)
        else:
            self._write_ranked(writer, ranking.top(job.limit_of_records))

    def _chunks(self) -> Iterator[tuple[int, TableChunk]]:
        """Yield each chunk of the catalog with the number of its first row."""
        start = 0
        for chunk in self.copies.chunks() if self.copies.complete else self._read_again():
            if len(chunk):
                yield start, chunk
            start += len(chunk)
        if start != self.store.rows:
            raise CatalogError(f"{self.source.name} changed while it was read: run again")

    def _read_again(self) -> Iterator[TableChunk]:
        with self.source.open() as reader:
            yield from self.source.chunks(reader)

    def _write_ranked(self, writer: Encoder, found: Findings) -> None:
        """Write findings in their order; their rows, which are few, are in memory."""
        numbers = np.unique(found.rows)
        if len(numbers):
            rows = self._rows(numbers)
            self._put(writer, rows, np.searchsorted(numbers, found.rows), found)

    def _write_selected(self, writer: Encoder, labels: Labels, wanted: int) -> None:
        """Write the rows to label next."""
        tagger = self.source.tagger
        candidates = Candidates.of(self.store, labels, tagger, wanted)
        if not len(candidates.rows):
            return
        numbers = np.sort(candidates.rows)
        rows = self._rows(numbers)
        assert self.catalog.columns is not None
        texts = self.source.composed(rows, self.catalog.columns).to_pylist()
        positions = np.searchsorted(numbers, candidates.rows)
        vectors = tagger.encode([texts[position] for position in positions.tolist()])
        found = candidates.chosen(vectors, wanted)
        self._put(writer, rows, np.searchsorted(numbers, found.rows), found)

    def _rows(self, rows: npt.NDArray[np.int64]) -> TableChunk:
        """Return some rows of the catalog, at least one, in ascending order."""
        parts = []
        for start, chunk in self._chunks():
            first, last = np.searchsorted(rows, [start, start + len(chunk)])
            if first < last:
                parts.append(chunk.take((rows[first:last] - start).tolist()))
        # Parts of several files or JSON types differ in what is text and in what means null.
        names = {name for part in parts for name in part.texts}
        names.update(name for part in parts if part.nulls for name in part.columns)
        return TableChunk(
            pa.concat_tables([part.table for part in parts]),
            texts={
                name: pa.concat_arrays([part.strings(name) for part in parts]) for name in names
            },
        )

    def _write_every(self, writer: Encoder, ranking: Ranking) -> None:
        """Write all labels of every row, chunk by chunk."""
        for start, chunk in self._chunks():
            found = ranking.every(start, len(chunk))
            self._put(writer, chunk, found.rows - start, found)

    def _put(
        self, writer: Encoder, rows: TableChunk, positions: npt.NDArray[np.int64], found: Findings
    ) -> None:
        """Write findings.

        Args:
            writer: of the output.
            rows: the rows that they are about, each at least once.
            positions: (n,) the row of each finding among these.
            found: n findings.
        """
        columns, own = self.catalog.columns, self.catalog.own
        assert columns is not None
        assert own is not None
        known = found.genres >= 0
        kinds = found.has.astype(np.int64)
        if self.source.job.select is not None:
            kinds[:] = _KINDS.index(UNLABELED)
        names = pa.array(_KINDS).take(pa.array(kinds, mask=~known))
        records = Records(
            rows=found.rows,
            kinds=names,
            genres=self._own_names.of(found.codes, found.genres),
            probabilities=found.probabilities,
            scores=found.scores,
            seen=self.source.seen(rows, columns)[positions],
        )
        cells = None
        if own.genres is None:
            names_of = () if self.catalog.labels is None else self.catalog.labels.in_columns
            cells = pa.array([names_of[code] for code in found.codes], pa.list_(pa.string()))
        write_records(writer, records, rows.take(positions.tolist()), own, cells)
        self.records += len(found.rows)
        for kind, counts in enumerate((self.missing, self.doubtful)):
            of_kind = found.genres[known & (kinds == kind)]
            counts += np.bincount(of_kind, minlength=len(counts))


def _nothing() -> Findings:
    none = np.zeros(0, dtype=np.int64)
    no_numbers = np.zeros(0)
    return Findings(
        none, none, none.astype(np.bool_), no_numbers, no_numbers, none.astype(np.int32)
    )
