"""`tag_table` and `tag_batches`: predicted genres for tables in memory and streams of batches."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from typing import Any, Unpack

import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import TEXT_COLUMNS, missing_column_error
from genre_batch.catalog.formats import Format
from genre_batch.catalog.reading.parquet_arrow import ROWS_PER_CHUNK
from genre_batch.catalog.writing.schema_metadata import with_metadata
from genre_batch.errors import UsageError
from genre_batch.model.language import model_language
from genre_batch.model.tagger import GenreTagger
from genre_batch.tagging.counts import Tally
from genre_batch.tagging.frames import as_frame, check_names
from genre_batch.tagging.job import TagJob, tag_job
from genre_batch.tagging.keywords import TableOptions, with_keywords
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.probability_store import MemoryStore
from genre_batch.tagging.readers import as_reader
from genre_batch.tagging.rows import RowTagger
from genre_batch.tagging.summary import genres_off
from genre_batch.tagging.written_names import WrittenNames, written_names
from genre_batch.version import __version__

__all__ = ["BatchTagger", "TableTagger", "batch_tagger", "tag_batches", "tag_table"]


@with_keywords(TableOptions)
def tag_table(
    data: Any,
    *,
    model: str | os.PathLike[str] | GenreTagger | None = None,
    **options: Unpack[TableOptions],
) -> Any:
    """Append predicted genres to a table in memory; the values are those of `tag_catalog`.

    Args:
        data: a table of pyarrow, polars, pandas, DuckDB, Daft or another library whose tables have
            `__arrow_c_stream__`; or a mapping of names to columns. None, NaN and NA are no text.
        model: an exported .onnx, `default` or `fast`, or a `GenreTagger`, which is then loaded only
            once; None: `$GENRE_BATCH_MODEL`, then `default`.
        **options: the keywords of `TableOptions`; a `GenreTagger` has its own `threads`.

    Returns:
        The same kind of table for a Table or RecordBatch of pyarrow, a DataFrame of polars or
        pandas (with its index, attributes and types) and a mapping; otherwise a `pyarrow.Table`.
        Rows and columns stay as they are; ours are last, as lists of strings and float32.

    Raises:
        UsageError: `data` is not a table, an argument is invalid, or there is no such model.
        ColumnError: a column is missing, ambiguous or already exists.
        ModelError: the model is unusable.
    """
    return TableTagger(*_job_and_tagger(model, options)).tag_whole(data)


@with_keywords(TableOptions)
def tag_batches(
    data: Any,
    *,
    model: str | os.PathLike[str] | GenreTagger | None = None,
    **options: Unpack[TableOptions],
) -> pa.RecordBatchReader:
    """Append predicted genres to a stream of batches, in bounded memory.

    Args:
        data: a `pyarrow.RecordBatchReader`, Dataset or Scanner, a LazyFrame of polars, an iterator
            of record batches, or any table that `tag_table` takes.
        model: as in `tag_table`.
        **options: the keywords of `TableOptions`, as in `tag_table`.

    Returns:
        A `pyarrow.RecordBatchReader` with a batch for each batch of `data`, which is read as the
        result is. polars, DuckDB, pandas and `pyarrow.dataset.write_dataset` read it.

    Raises:
        UsageError: `data` has no batches, an argument is invalid, or there is no such model.
        ColumnError: a column is missing, ambiguous or already exists.
        ModelError: the model is unusable.
    """
    reader = as_reader(data)
    tagger = batch_tagger(reader.schema, model, **options)

    def tagged() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            yield tagger.tag(batch)
        tagger.finish()

    return pa.RecordBatchReader.from_batches(tagger.schema, tagged())


def batch_tagger(
    schema: pa.Schema,
    model: str | os.PathLike[str] | GenreTagger | None = None,
    written: WrittenNames | None = None,
    **options: Unpack[TableOptions],
) -> BatchTagger:
    """Return a tagger for batches of one schema; options and errors as in `tag_batches`.

    Args:
        schema: of the batches.
        model: as in `tag_batches`.
        written: as in `TableTagger`.
        **options: as in `tag_batches`.
    """
    check_names(schema.names)
    return BatchTagger(*_job_and_tagger(model, options), schema, written)


def _job_and_tagger(
    model: str | os.PathLike[str] | GenreTagger | None, options: TableOptions
) -> tuple[TagJob, GenreTagger]:
    """Return a job and its model, which is `model` itself if it is loaded."""
    if not isinstance(model, GenreTagger):
        job = tag_job(model=model, **options)
        return job, GenreTagger.load(job.model, threads=job.threads, lazy=True)
    job = tag_job(**options)
    if job.threads not in (None, model.threads):
        raise UsageError(
            f"`threads` is {model.threads} in the loaded `model`, got {job.threads}: leave it out, "
            f"or load the model with GenreTagger.load(threads={job.threads})"
        )
    return job, model


class TableTagger:
    """Predict the rows of one table.

    Attributes:
        names: the columns to add.
        written: the names under which genres are written.
        texts: the columns of which the texts are read.
        others: the columns of which the empty cells are read.
        schema_metadata: the metadata that name the model and this package's version.
        empty: the columns to add, without rows.
    """

    def __init__(
        self, job: TagJob, tagger: GenreTagger, written: WrittenNames | None = None
    ) -> None:
        """Prepare a table.

        Args:
            job: the options.
            tagger: the model.
            written: the names under which genres are written; None: those of the job.

        Raises:
            UsageError: the model does not have the job's operating point or excluded genre.
        """
        names = written
        if names is None:
            names = written_names(job, tagger.labels)
            names.warn()
        self.written = names
        genres_off(job, tagger, names)
        job = names.job(job)
        self._tally = Tally(tagger.labels, job.only_language or model_language(tagger.metadata))
        predictor = Predictor(tagger, MemoryStore(), self._tally)
        self._new_rows = functools.partial(RowTagger, job, predictor, self._tally, names)
        self._rows = self._new_rows()
        self._nulls = job.reading.nulls(Format.ARROW)
        self._job = job
        self._stop = threading.Event()
        self.names = self._rows.names
        self.texts: tuple[str, ...] = ()
        self.others: tuple[str, ...] = ()
        self.schema_metadata = {
            "genre_batch.model_sha256": tagger.sha256,
            "genre_batch.version": __version__,
        }

    def start(self, schema: pa.Schema) -> tuple[str, ...]:
        """Find the columns, before any row is predicted; return the columns that stay.

        Args:
            schema: the table's columns; a column of the type null may be of any type.

        Raises:
            ColumnError: a column is missing, ambiguous or already exists.
        """
        if not schema.names:
            raise missing_column_error((), TEXT_COLUMNS, self._job.text_column, "text_column")
        chunk = TableChunk(_without_rows(schema), nulls=self._nulls)
        rows = self._new_rows()  # not the one of `tag`, which sees the types that are unknown here
        self.empty = rows.columns(chunk, self._stop)
        self.texts, self.others = rows.columns_read
        return rows.kept(chunk).columns

    @property
    def required_texts(self) -> dict[str, str]:
        """Columns that have to be of a type with text -> the parameters that name them."""
        required = {self.texts[0]: "text_column"}
        if self._job.title_column in self.texts[1:]:
            required[self.texts[1]] = "title_column"
        return required

    def tag_whole(self, data: Any) -> Any:
        """Return a table with the added columns; arguments and errors as in `tag_table`."""
        frame = as_frame(data)
        kept = self.start(frame.schema)
        added = self.tag(frame.columns(self.texts, self.others))
        self.finish()
        return frame.with_columns(kept, added, self.schema_metadata)

    def tag(self, table: pa.Table) -> pa.Table:
        """Return the columns to add to a table.

        Args:
            table: its columns `texts` and `others`.

        Raises:
            ColumnError: a column that is read is of a type without text.
        """
        pieces = []
        for start in range(0, table.num_rows, ROWS_PER_CHUNK):
            chunk = TableChunk(table.slice(start, ROWS_PER_CHUNK), nulls=self._nulls)
            pieces.append(self._rows.columns(chunk, self._stop))
        return pa.concat_tables(pieces) if pieces else self.empty

    def finish(self) -> None:
        """Warn, after the last row, of texts that the model hardly reads."""
        self._tally.warn_of_texts(left_out=self._job.only_language is not None)


class BatchTagger:
    """Add predicted genres to record batches of one schema.

    Attributes:
        schema: of the batches with the added columns.
    """

    def __init__(
        self,
        job: TagJob,
        tagger: GenreTagger,
        schema: pa.Schema,
        written: WrittenNames | None = None,
    ) -> None:
        """Find the columns.

        Args:
            job: the options.
            tagger: the model.
            schema: of the batches.
            written: as in `TableTagger`.

        Raises:
            UsageError, ColumnError: as `TableTagger` raises them.
        """
        self._table = TableTagger(job, tagger, written)
        kept = self._table.start(schema)
        added = self._table.empty.schema
        fields = {name: schema.field(name) for name in kept} | {f.name: f for f in added}
        whole = pa.schema(fields.values(), schema.metadata)
        self.schema = with_metadata(whole, self._table.schema_metadata)

    def tag(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with the added columns.

        Args:
            batch: of the schema that the tagger was made for.
        """
        read = dict.fromkeys([*self._table.texts, *self._table.others])
        added = self._table.tag(pa.Table.from_batches([batch.select(list(read))]))
        arrays = [
            added.column(name).combine_chunks()
            if name in added.column_names
            else batch.column(name)
            for name in self.schema.names
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def finish(self) -> None:
        """Warn, after the last batch, of texts that the model hardly reads."""
        self._table.finish()


def _without_rows(schema: pa.Schema) -> pa.Table:
    """Return no rows of a schema; Arrow makes no unions from nothing: null in their place."""
    fields = []
    for field in schema:
        with contextlib.suppress(pa.ArrowNotImplementedError):
            pa.array([], field.type)
            fields.append(field)
            continue
        fields.append(pa.field(field.name, pa.null()))
    return pa.schema(fields).empty_table()
