"""Read a labeled catalog for an audit: its columns, its genre cells, and its probabilities."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.auditing.auditable import check_auditable
from genre_batch.auditing.job import AuditJob
from genre_batch.auditing.labels import CellCodes, Labels
from genre_batch.auditing.records import OwnColumns
from genre_batch.auditing.row_copies import RowCopies
from genre_batch.auditing.row_store import RowStore
from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TITLE_COLUMNS,
    matching_columns,
    no_text_error,
)
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.unreadable import PaddedRows
from genre_batch.catalog.rejects import Reject, ignore_reject
from genre_batch.catalog.texts import holds_text
from genre_batch.dataset.labelled import LabelledColumns, find_labelled_columns
from genre_batch.dataset.labelled_columns import options_as_trained
from genre_batch.errors import CatalogError, ColumnError, GenreBatchWarning
from genre_batch.model.calibration import calibrated
from genre_batch.model.decision import Decision
from genre_batch.model.language import LanguageTally, model_language
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import OVERVIEW_ONLY, compose, uses_title
from genre_batch.model.text_keys import known_keys, text_keys
from genre_batch.profile.profile import ProfileCollector
from genre_batch.progress import RowProgress
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.prefetch import prefetched
from genre_batch.tagging.row_estimate import RowEstimate

__all__ = ["AuditedCatalog", "CatalogPrediction", "CatalogSource"]

Bools = npt.NDArray[np.bool_]
Probabilities = npt.NDArray[np.float32]

_ROWS_CHECKED_FIRST = 200
"""Rows of the first chunk that mostly show whether there is something to audit."""


@dataclass(frozen=True)
class CatalogSource:
    """The catalog of an audit, which can be read any number of times.

    Attributes:
        job: the options.
        locations: its files.
        tagger: the model.
        infer_types: whether CSV cells become numbers and dates.
    """

    job: AuditJob
    locations: Sequence[Location]
    tagger: GenreTagger
    infer_types: bool

    @property
    def name(self) -> str:
        """The catalog, for messages."""
        return "stdin" if self.job.catalog == "-" else str(self.job.catalog)

    def open(self, on_reject: Callable[[Reject], None] = ignore_reject) -> CatalogReader:
        """Open the catalog, as tables."""
        options = ReadOptions(
            as_table=True,
            infer_types=self.infer_types,
            limit=self.job.limit,
            reading=self.job.reading,
        )
        return CatalogReader(self.locations, options, on_reject)

    def chunks(self, reader: CatalogReader) -> Iterator[TableChunk]:
        """Yield the rows, up to the limit."""
        left = self.job.limit
        for chunk in reader.chunks():
            assert isinstance(chunk, TableChunk)
            if left is not None:
                chunk = chunk.head(left)
                left -= len(chunk)
            yield self._with_genre_column(chunk)
            if left == 0:
                return

    def _with_genre_column(self, chunk: TableChunk) -> TableChunk:
        """Return a chunk of a catalog without any genres with an empty column of them."""
        options, trained_column = self.job.columns, self.tagger.metadata.columns.get("genres")
        named = options.genre_column is not None or options.label_columns
        found = matching_columns(chunk.columns, GENRE_COLUMNS) or trained_column in chunk.columns
        if self.job.select is None or not chunk.columns or named or found:
            return chunk
        empty = pa.nulls(len(chunk), pa.string())
        return replace(chunk, table=chunk.table.append_column(GENRE_COLUMNS[0], empty))

    def columns(self, first: TableChunk) -> LabelledColumns:
        """Return the columns that hold texts, titles and genres.

        Args:
            first: rows of the catalog, or none.

        Raises:
            ColumnError: one is missing, exists in two spellings, or holds no text.
        """
        metadata = self.tagger.metadata
        titles = uses_title(metadata.text_template) or self.job.columns.title_column is not None
        try:
            used = find_labelled_columns(
                first.columns,
                self.job.columns,
                "optional" if titles else "unused",
                metadata.columns,
            )
        except ColumnError as error:
            named = self.job.columns.genre_column is not None
            has_genres = named or matching_columns(first.columns, GENRE_COLUMNS)
            if "genre_column" not in str(error) or self.job.select is not None or has_genres:
                raise
            raise ColumnError(
                f"{error}; if it has no genres, find the rows to label first: add `select` N"
            ) from error
        kind = first.table.schema.field(used.text).type
        if used.text not in first.texts and not holds_text(kind):
            raise no_text_error(used.text, kind, "text_column")
        return used

    def own_columns(self, names: Sequence[str], used: LabelledColumns) -> OwnColumns:
        """Return the columns that records have; a title even if the model does not read it."""
        found = matching_columns(names, TITLE_COLUMNS)
        title = used.title or (found[0] if found else None)
        return OwnColumns.of(names, used, title)

    def cells(self, used: LabelledColumns) -> CellCodes:
        """Return an empty collection of the catalog's genre cells."""
        delimited = self.locations[0].format in (Format.CSV, Format.TSV)
        columns = options_as_trained(self.job.columns, used, self.tagger.metadata.columns)
        return CellCodes(used, columns, delimited=delimited)

    def composed(self, chunk: TableChunk, used: LabelledColumns) -> pa.Array:
        """Return (rows,) the texts that the model reads; null where a row has none."""
        return self.tagger.compose(chunk.strings(used.text), self.titles(chunk, used))

    def titles(self, chunk: TableChunk, used: LabelledColumns) -> pa.Array | None:
        """Return (rows,) titles; None if the model reads none, or the catalog has none."""
        if used.title is None or not uses_title(self.tagger.metadata.text_template):
            return None
        return chunk.strings(used.title)

    def seen(self, chunk: TableChunk, used: LabelledColumns) -> Bools:
        """Return (rows,) bool: whether the model was trained on a row's text."""
        metadata = self.tagger.metadata
        if not len(metadata.training_text_keys):
            return np.zeros(len(chunk), dtype=np.bool_)
        keys = text_keys(chunk.strings(used.text), metadata.text_key_version)
        return known_keys(keys, metadata.training_text_keys)

    def check_early(self, first: TableChunk, used: LabelledColumns) -> None:
        """Check that there is something to audit, before any row is predicted.

        Mostly the first rows show it; if they do not, the catalog is read to its end.

        Raises:
            CatalogError: no row has what is audited.
        """
        few = first.head(_ROWS_CHECKED_FIRST)
        if any(self._is_auditable([rows], used) for rows in (few, first)):
            return
        with self.open() as reader:
            self._is_auditable(self.chunks(reader), used, required=True)

    def _is_auditable(
        self, chunks: Iterable[TableChunk], used: LabelledColumns, *, required: bool = False
    ) -> bool:
        cells = self.cells(used)
        for chunk in chunks:
            if len(chunk):
                texts = compose(OVERVIEW_ONLY, chunk.strings(used.text))
                cells.add(chunk, np.asarray(texts.is_valid()))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GenreBatchWarning)
                labels = cells.finish(self.tagger.labels)
            check_auditable(self.job, self.name, labels, self.tagger)
        except CatalogError:
            if required:
                raise
            return False
        return True


@dataclass(eq=False)
class AuditedCatalog:
    """A catalog whose rows were predicted.

    Attributes:
        rows: their number.
        columns: those used; None for a catalog without any column.
        own: those that records have; likewise.
        schema: no rows, with the catalog's columns.
        labels: what each code of a genre cell states.
        padded: rows with too few fields.
        seen: the number of rows whose text the model was trained on.
        languages: the texts in other languages than the model's.
        profile: its sums, if the job asks for them.
    """

    rows: int = 0
    columns: LabelledColumns | None = None
    own: OwnColumns | None = None
    schema: TableChunk | None = None
    labels: Labels | None = None
    seen: int = 0
    languages: LanguageTally = field(default_factory=lambda: LanguageTally(None))
    profile: ProfileCollector | None = None

    def __post_init__(self) -> None:
        self.padded = PaddedRows()


class CatalogPrediction:
    """The first pass over a catalog: its probabilities and genre cells go into a store."""

    def __init__(
        self,
        source: CatalogSource,
        predictor: Predictor,
        store: RowStore,
        copies: RowCopies,
        progress: RowProgress,
    ) -> None:
        """Prepare the pass.

        Args:
            source: the catalog.
            predictor: returns the probabilities of texts.
            store: where they are written, with the codes of the genre cells.
            copies: where the columns are written that records have.
            progress: called after each chunk.
        """
        self._source = source
        self._predictor = predictor
        self._store = store
        self._copies = copies
        self._progress = progress
        self._result = AuditedCatalog(
            languages=LanguageTally(model_language(source.tagger.metadata))
        )
        self._cells: CellCodes | None = None
        self._is_auditable = False
        self._rows_predicted = 0
        if source.job.profile:
            self._result.profile = ProfileCollector(source.tagger.labels, reads_labels=False)
        self._estimate = RowEstimate([0], source.job.limit)

    def run(self, on_reject: Callable[[Reject], None]) -> AuditedCatalog:
        """Read and predict every row.

        Args:
            on_reject: called with each row that cannot be read.

        Raises:
            ColumnError: a column is missing.
            CatalogError: no row has what is audited.
            ModelError: the model cannot be run.
        """
        stop = threading.Event()
        result = self._result
        with self._source.open(on_reject) as reader:
            predict = functools.partial(self._predict, stop=stop)
            with prefetched(self._read(reader), predict, stop) as predicted:
                for chunk, probabilities in predicted:
                    if len(chunk):
                        self._add(chunk, probabilities)
                    self._progress(result.rows, self._estimate.total)
        if self._cells is not None and result.rows:
            result.labels = self._cells.finish(self._source.tagger.labels)
            check_auditable(self._source.job, self._source.name, result.labels, self._source.tagger)
        return result

    def _read(self, reader: CatalogReader) -> Iterator[TableChunk]:
        """Yield the chunks, once the columns are found and something can be audited."""
        result = self._result
        for chunk in self._source.chunks(reader):
            if result.columns is None and chunk.columns:
                result.columns = self._source.columns(chunk)
                result.own = self._source.own_columns(chunk.columns, result.columns)
                result.schema = chunk.head(0)
                self._cells = self._source.cells(result.columns)
            if len(chunk) and not self._is_auditable:
                assert result.columns is not None
                self._source.check_early(chunk, result.columns)
                self._is_auditable = True
            self._estimate.update(0, len(chunk), reader.fraction_read, reader.rows)
            yield chunk

    def _predict(self, chunk: TableChunk, stop: threading.Event) -> Probabilities:
        """Return (rows, genres) probabilities, and look at the languages of the texts."""
        columns = self._result.columns
        if columns is None:
            return np.zeros((0, len(self._source.tagger.labels)), dtype=np.float32)
        texts = chunk.strings(columns.text)
        rows = range(self._rows_predicted, self._rows_predicted + len(chunk))
        self._rows_predicted += len(chunk)
        # In this thread, because the detection runs in parallel to what `_add` does with a chunk.
        self._result.languages.add(texts, rows)
        return self._predictor.predict(texts, self._source.titles(chunk, columns), stop)

    def _add(self, chunk: TableChunk, probabilities: Probabilities) -> None:
        result = self._result
        assert self._cells is not None
        assert result.columns is not None
        assert result.own is not None
        metadata = self._source.tagger.metadata
        predicted = Decision().genres(metadata, probabilities) if result.profile else None
        if metadata.calibration:
            probabilities = calibrated(probabilities, metadata)
        codes = self._cells.add(chunk, ~np.isnan(probabilities[:, 0]))
        self._store.append(codes, probabilities)
        self._copies.append(chunk, result.own.needed(result.columns))
        if result.profile is not None:
            result.profile.add(chunk, predicted, probabilities)
        result.rows += len(chunk)
        result.padded.add(chunk)
        result.seen += int(self._source.seen(chunk, result.columns).sum())
