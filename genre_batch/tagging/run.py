"""Runs a job on this machine: chunks in, probabilities, genres, chunks out."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk
from genre_batch.catalog.formats import Format
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject, RejectsFile, raise_on_reject
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.errors import CatalogError
from genre_batch.model.tagger import GenreTagger
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.plan import OutputTask, Plan, plan_outputs
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.prefetch import Prefetcher
from genre_batch.tagging.probability_store import LmdbStore, MemoryStore, Store, check_cache
from genre_batch.tagging.rows import RowTagger
from genre_batch.tagging.summary import TagSummary, Tally
from genre_batch.tagging.workspace import Workspace
from genre_batch.version import __version__

__all__ = ["run"]

_CHUNKS_AHEAD = 2
_READER_JOIN_SECONDS = 0.2
"""A reader may wait for a pipe for ever."""
_PREDICTOR_JOIN_SECONDS = 10.0
"""A prediction ends with its batch, and what it has computed is kept before the store is closed."""


def run(job: TagJob, progress: RowProgress = no_row_progress) -> TagSummary:
    """Tags catalogs.

    Reading, prediction and writing overlap, each in a thread of its own with a few chunks of rows
    between them, so that memory is bounded by those and not by the catalog. What was predicted is
    kept as it comes: after an interruption of any kind the same job reads the input again, predicts
    what is missing and writes the bytes that an uninterrupted run writes.

    Args:
        job: what and how.
        progress: is told after each chunk.

    Raises:
        UsageError, CatalogError, ModelError: nothing is left under the output's name. A note on
            the exception, of whatever kind, says how to go on where that is possible.
    """
    plan = plan_outputs(job)
    cache = None if job.cache is None else check_cache(job.cache)
    with contextlib.ExitStack() as opened:
        workspace = None
        if plan.workspace is not None:
            name = job.output or ""
            workspace = Workspace(plan.workspace, name, fresh=not job.resume)
            opened.enter_context(workspace)
        plan.check(job.force, workspace.finished() if workspace else set())
        tagger = GenreTagger.load(job.model, threads=job.threads, lazy=True)
        if cache is not None:
            store: Store = opened.enter_context(LmdbStore(cache, job.cache_size))
        else:
            store = _resume_store(workspace, opened)
        predictor = Predictor(tagger, store)
        running = _Run(job, plan, workspace, tagger, predictor, progress)
        try:
            return running.run()
        except BaseException as error:
            if isinstance(store, LmdbStore) and (predictor.predicted or predictor.cached):
                if workspace is not None:
                    workspace.resumable = True
                error.add_note("what was predicted is kept: the same command goes on from there")
            raise


def _resume_store(workspace: Workspace | None, opened: contextlib.ExitStack) -> Store:
    """The store beside the output; a damaged one is begun anew.

    Where there is no place for one, or it is on a file system that cannot map files, duplicates are
    still predicted once, but the run cannot be resumed.
    """
    if workspace is None:
        return MemoryStore()
    try:
        return opened.enter_context(LmdbStore(workspace.store))
    except CatalogError:
        shutil.rmtree(workspace.store, ignore_errors=True)
    try:
        return opened.enter_context(LmdbStore(workspace.store))
    except CatalogError:
        return MemoryStore()


@dataclass(frozen=True)
class _Tagged:
    """A chunk on its way to the writer.

    Attributes:
        chunk: the catalog's rows.
        added: the columns to add to them.
        fraction: how much of the unit's bytes was read by then, 0..1; None where unknown.
        rows: how many rows the unit has; None where unknown.
    """

    chunk: Chunk
    added: pa.Table
    fraction: float | None
    rows: int | None


@dataclass
class _Run:
    """One run of a job, unit after unit."""

    job: TagJob
    plan: Plan
    workspace: Workspace | None
    tagger: GenreTagger
    predictor: Predictor
    progress: RowProgress
    rows_written: int = 0
    rejects: int = 0
    first_reject: Reject | None = None
    rejects_files: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sizes: list[int] = [unit.size for unit in self.plan.units]

    def run(self) -> TagSummary:
        """Tags all units."""
        started = time.perf_counter()
        tally = Tally(self.tagger.labels)
        first: RowTagger | None = None
        for number, unit in enumerate(self.plan.units):
            if number and self._left() == 0:
                break
            rows = RowTagger(self.job, self.tagger, self.predictor, tally)
            self._tag(number, unit, rows)
            first = first or rows
        seconds = time.perf_counter() - started
        return TagSummary(
            rows=tally.rows,
            rows_predicted=tally.predicted,
            rows_without_text=tally.rows - tally.predicted - tally.skipped,
            rows_without_genre=tally.without_genre,
            rows_skipped=tally.skipped,
            rows_padded=tally.short,
            rows_rejected=self.rejects,
            rejects=tuple(self.rejects_files),
            first_reject=None if self.first_reject is None else str(self.first_reject),
            texts_predicted=self.predictor.predicted,
            texts_from_cache=self.predictor.cached,
            genres=tally.genres(),
            genres_off=first.genres_off if first else (),
            text_column=first.text_column if first else None,
            title_column=first.title_column if first else None,
            model=str(self.tagger.path),
            model_sha256=self.tagger.sha256,
            output=self.job.output,
            seconds=seconds,
            rows_per_second=tally.rows / seconds if seconds else 0.0,
        )

    def _left(self) -> int | None:
        return None if self.job.limit is None else self.job.limit - self.rows_written

    def _temporary(self, number: int, what: str) -> str | None:
        return None if self.workspace is None else self.workspace.temporary(number, what)

    def _rejects_temporary(self, number: int) -> str | None:
        """In the workspace, unless they go somewhere else, perhaps on another disk."""
        return self._temporary(number, "rejects") if self.job.rejects is None else None

    def _tag(self, number: int, unit: OutputTask, rows: RowTagger) -> None:
        rejects = RejectsFile(unit.rejects, self._rejects_temporary(number))
        try:
            self._write(number, unit, rows, raise_on_reject if self.job.strict else rejects.add)
            rejects.commit()
        except BaseException:
            rejects.rollback()
            raise
        self.rejects += rejects.count
        self.first_reject = self.first_reject or rejects.first
        if rejects.count and rejects.path is not None:
            self.rejects_files.append(rejects.path)

    def _write(
        self, number: int, unit: OutputTask, rows: RowTagger, on_reject: Callable[[Reject], None]
    ) -> None:
        options = ReadOptions(
            as_table=unit.target.format is not Format.JSONL,
            infer_types=self.job.infer_types and not unit.target.format.is_text,
            reading=self.job.reading,
        )
        stop = self.predictor.stop
        stop.clear()
        unit.make_folder()
        with (
            CatalogReader(unit.sources, options, on_reject) as reader,
            open_writer(
                unit.target,
                self._encoder_options(),
                force=True,
                temporary=self._temporary(number, "output"),
            ) as writer,
        ):
            chunks = _limited(reader, self._left())
            read = Prefetcher(chunks, _CHUNKS_AHEAD, stop, _READER_JOIN_SECONDS)
            tagged = Prefetcher(_tagged(read, rows), _CHUNKS_AHEAD, stop, _PREDICTOR_JOIN_SECONDS)
            with read, tagged:
                for item in tagged:
                    writer.write(item.chunk, item.added)
                    self.rows_written += len(item.chunk)
                    self._tell(number, item)
            rows.finish()
            if self.workspace is not None:
                self.workspace.publishing(unit.target.path)

    def _encoder_options(self) -> EncoderOptions:
        return EncoderOptions(
            genre_separator=self.job.separator,
            replace=self.job.replace,
            metadata={
                "genre_batch.model_sha256": self.tagger.sha256,
                "genre_batch.version": __version__,
            },
        )

    def _tell(self, number: int, item: _Tagged) -> None:
        """Reports progress; the total is estimated from the share of the bytes that is behind."""
        sizes = self._sizes
        total: int | None = None
        if item.rows is not None and len(sizes) == 1:
            total = item.rows
        elif item.fraction is not None:
            read = item.fraction
            if len(sizes) > 1:
                read = (sum(sizes[:number]) + read * sizes[number]) / max(1, sum(sizes))
            total = round(self.rows_written / read) if read else None
        if self.job.limit is not None and total is not None:
            total = min(self.job.limit, total)
        self.progress(self.rows_written, total)


def _limited(
    reader: CatalogReader, limit: int | None
) -> Iterator[tuple[Chunk, float | None, int | None]]:
    """The chunks up to `limit` rows, each with how much was read by then.

    An empty chunk, which tells the columns, always passes.
    """
    for chunk in reader.chunks():
        if limit is not None:
            chunk = chunk.head(limit)
            limit -= len(chunk)
        yield chunk, reader.fraction_read, reader.rows
        if limit == 0:
            return


def _tagged(
    read: Iterable[tuple[Chunk, float | None, int | None]], rows: RowTagger
) -> Iterator[_Tagged]:
    for chunk, fraction, total in read:
        yield _Tagged(chunk, rows.columns(chunk), fraction, total)
