"""Run a job on this machine: read chunks, predict them, write them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from genre_batch.catalog.chunk import Chunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject, RejectsFile, raise_on_reject
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.errors import CatalogError, GenreBatchError
from genre_batch.model.tagger import GenreTagger
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.plan import OutputTask, Plan, plan_outputs
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.prefetch import Prefetcher
from genre_batch.tagging.probability_store import (
    LmdbStore,
    Store,
    check_cache,
    open_resume_store,
)
from genre_batch.tagging.row_estimate import RowEstimate
from genre_batch.tagging.rows import RowTagger
from genre_batch.tagging.summary import TagSummary, Tally
from genre_batch.tagging.workspace import Workspace
from genre_batch.version import __version__

__all__ = ["how_to_resume", "run"]

_CHUNKS_AHEAD = 2
_READER_JOIN_SECONDS = 0.2
"""Short, because a reader may wait for a pipe forever."""
_PREDICTOR_JOIN_SECONDS = 10.0
"""Enough for a prediction to end its batch and write it to the store, which is closed next."""


def run(job: TagJob, progress: RowProgress = no_row_progress) -> TagSummary:
    """Tag catalogs.

    Reading, prediction and writing run in parallel, each in a thread of its own with a few chunks
    of rows between them, so memory does not grow with the catalog. Probabilities are stored as they
    are computed: after an interruption of any kind the same job reads the input again, predicts
    what is missing and writes the same bytes as an uninterrupted run.

    Args:
        job: the run's options.
        progress: called after each chunk.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them; nothing is left under the
            output's name. If the run can be resumed, a note on the exception says so.
    """
    cache = None if job.cache is None else check_cache(job.cache)
    plan = plan_outputs(job)
    with contextlib.ExitStack() as stack:
        workspace = None
        if plan.workspace is not None:
            output = os.fspath(job.output or "")
            workspace = Workspace(plan.workspace, output, fresh=not job.resume)
            stack.enter_context(workspace)
        plan.check_overwrite(job.force, workspace.finished() if workspace else set())
        tagger = GenreTagger.load(job.model, threads=job.threads, lazy=True)
        store: Store
        if cache is not None:
            store = stack.enter_context(LmdbStore(cache, job.cache_size))
        else:
            store = open_resume_store(workspace.store if workspace else None, stack)
        tally = Tally(job, tagger)
        predictor = Predictor(tagger, store, tally)
        started = time.perf_counter()
        try:
            _Run(job, plan, workspace, predictor, tally, progress).write_outputs()
        except BaseException as error:
            if isinstance(store, LmdbStore) and (tally.texts_predicted or tally.texts_from_cache):
                if workspace is not None:
                    workspace.resumable = True
                error.add_note(f"predictions are kept: {how_to_resume(error)}")
            raise
        summary = tally.summary(time.perf_counter() - started)
        tally.warn_of_foreign_texts()
    if plan.summary is not None:
        _write_summary(summary, plan.summary)
    return summary


def how_to_resume(error: BaseException) -> str:
    """Return how to continue after an error: some need a correction before the next run.

    Interruptions, unknown errors and errors of the operating system, such as a full disk, may not
    occur again. An error of the input or the options will; a damaged file is one too, although its
    error may be an OSError without a number.
    """
    rerun = "run the same command again to resume"
    cause = error.__cause__
    of_system = isinstance(cause, OSError) and cause.errno is not None
    if isinstance(error, GenreBatchError) and not of_system:
        return f"after fixing that, {rerun}"
    return rerun


def _write_summary(summary: TagSummary, place: Location) -> None:
    """Write a summary as JSON.

    Raises:
        CatalogError: it cannot be written.
    """
    text = json.dumps(summary.as_dict(), indent=2, ensure_ascii=False)
    try:
        with open_output(place, force=True) as stream:
            stream.write(text.encode("utf-8", "backslashreplace") + b"\n")
    except OSError as error:
        raise CatalogError(
            f"cannot write {place.path}: {error.strerror or error}: the catalog itself is complete"
        ) from error


@dataclass
class _Run:
    """One run of a job, output after output."""

    job: TagJob
    plan: Plan
    workspace: Workspace | None
    predictor: Predictor
    tally: Tally
    progress: RowProgress
    rows_written: int = 0

    def __post_init__(self) -> None:
        self._estimate = RowEstimate([task.size for task in self.plan.tasks], self.job.limit)

    def write_outputs(self) -> None:
        for number, task in enumerate(self.plan.tasks):
            if number and self._rows_left() == 0:
                break
            self._write_output_and_rejects(number, task)

    def _rows_left(self) -> int | None:
        return None if self.job.limit is None else self.job.limit - self.rows_written

    def _write_output_and_rejects(self, number: int, task: OutputTask) -> None:
        # Rejects with a path of their own may be on another disk than the workspace.
        in_workspace = self.job.reading.rejects is None
        temporary = self._temporary(number, "rejects") if in_workspace else None
        rejects = RejectsFile(task.rejects, temporary)
        try:
            self._write_output(
                number, task, raise_on_reject if self.job.reading.strict else rejects.add
            )
            rejects.commit()
        except BaseException:
            rejects.rollback()
            raise
        self.tally.add_rejects(rejects)

    def _temporary(self, number: int, what: str) -> str | None:
        return None if self.workspace is None else self.workspace.temporary(number, what)

    def _write_output(
        self, number: int, task: OutputTask, on_reject: Callable[[Reject], None]
    ) -> None:
        rows = RowTagger(self.job, self.predictor, self.tally)
        stop = threading.Event()
        temporary = self._temporary(number, "output")
        task.make_folder()
        with (
            CatalogReader(task.sources, self._read_options(task), on_reject) as reader,
            open_writer(
                task.target, self._encoder_options(), force=True, temporary=temporary
            ) as writer,
        ):
            chunks = Prefetcher(
                self._read(number, reader), _CHUNKS_AHEAD, stop, _READER_JOIN_SECONDS
            )
            tagged = Prefetcher(
                ((chunk, rows.columns(chunk, stop)) for chunk in chunks),
                _CHUNKS_AHEAD,
                stop,
                _PREDICTOR_JOIN_SECONDS,
            )
            with chunks, tagged:
                for chunk, added in tagged:
                    writer.write(rows.kept(chunk), added)
                    self.rows_written += len(chunk)
                    self.progress(self.rows_written, self._estimate.total)
            rows.finish()
            self.tally.values_lost += writer.lost
            if self.workspace is not None:
                self.workspace.mark_finished(task.target.path)

    def _read(self, number: int, reader: CatalogReader) -> Iterator[Chunk]:
        """Yield chunks up to the limit; empty ones too, because they have the column names."""
        left = self._rows_left()
        for chunk in reader.chunks():
            if left is not None:
                chunk = chunk.head(left)
                left -= len(chunk)
            self._estimate.update(number, len(chunk), reader.fraction_read, reader.rows)
            yield chunk
            if left == 0:
                return

    def _read_options(self, task: OutputTask) -> ReadOptions:
        return ReadOptions(
            as_table=task.target.format is not Format.JSONL,
            infer_types=self.job.reading.infer_types and not task.target.format.is_text,
            limit=self._rows_left(),
            reading=self.job.reading,
        )

    def _encoder_options(self) -> EncoderOptions:
        return self.job.writing.encoder_options(
            {
                "genre_batch.model_sha256": self.predictor.model_sha256,
                "genre_batch.version": __version__,
            }
        )
