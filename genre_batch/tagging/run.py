"""Run a job that writes one output: read chunks, predict them, write them."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genre_batch.catalog.formats import Location
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.errors import CatalogError, GenreBatchError
from genre_batch.failures import reason_of
from genre_batch.model.tagger import GenreTagger
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.tagging.counts import Tally, warn_of_texts
from genre_batch.tagging.job import RunOptions, TagJob
from genre_batch.tagging.plan import Plan, plan_outputs
from genre_batch.tagging.probability_store import (
    LmdbStore,
    Store,
    check_cache,
    open_resume_store,
)
from genre_batch.tagging.row_estimate import RowEstimate
from genre_batch.tagging.summary import (
    TagSummary,
    genres_off,
    summarize,
)
from genre_batch.tagging.task import TaskObserver, TaskWriter
from genre_batch.tagging.workspace import Workspace
from genre_batch.tagging.written_names import WrittenNames, written_names

__all__ = [
    "FileObserver",
    "how_to_resume",
    "kept_on_failure",
    "open_store",
    "prepare",
    "run",
    "write_summary",
]


def run(
    job: TagJob,
    progress: RowProgress = no_row_progress,
    finish: Callable[[TagSummary], None] | None = None,
) -> TagSummary:
    """Tag catalogs, into one output.

    Reading, prediction and writing run in parallel, each in a thread of its own with a few chunks
    of rows between them, so memory does not grow with the catalog. Probabilities are stored as they
    are computed: after an interruption of any kind the same job reads the input again, predicts
    what is missing and writes the same bytes as an uninterrupted run.

    Args:
        job: the run's options; its output is not a folder.
        progress: called after each chunk.
        finish: called with the result, before what resumes the run is deleted: if it fails or is
            interrupted, the same job predicts nothing again.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them; nothing is left under the
            output's name. If the run can be resumed, the exception has a note on how.
    """
    if job.cache is not None:
        check_cache(job.cache)
    plan = plan_outputs(job)
    (task,) = plan.tasks
    with contextlib.ExitStack() as stack:
        workspace, tagger, names = prepare(job, plan, stack)
        tagger.keeps_file = False
        genres_off(job, tagger, names)
        store = open_store(job, workspace, stack)
        writer = TaskWriter(job, task, tagger, store, limit=job.limit, names=names)
        finishing: Callable[[], None] = _do_nothing
        if workspace is not None:
            writer.temporary = functools.partial(workspace.temporary, 0)
            finishing = functools.partial(workspace.mark_finished, task.target.path)
        writer.observer = FileObserver(progress, RowEstimate([task.size], job.limit), finishing)
        started = time.perf_counter()
        with kept_on_failure(store, workspace, writer.tally):
            counts = writer.write()
            summary = summarize(job, tagger, names, counts, time.perf_counter() - started)
            warn_of_texts(counts, left_out=job.only_language is not None)
            if plan.summary is not None:
                write_summary(summary.as_dict(), plan.summary)
            if finish is not None:
                finish(summary)
    return summary


def prepare(
    job: TagJob, plan: Plan, stack: contextlib.ExitStack
) -> tuple[Workspace | None, GenreTagger, WrittenNames]:
    """Lock the one output of a run, and find the model and the names that it writes.

    Args:
        job: the options.
        plan: of them, with one output.
        stack: closes the workspace.

    Raises:
        UsageError, CatalogError, ModelError: the output exists or cannot be written, another run
            writes it, or the model or the map of names is unusable.
    """
    workspace = None
    if plan.workspace is not None:
        output = os.fspath(job.output or "")
        workspace = Workspace(plan.workspace, output, fresh=not job.resume)
        stack.enter_context(workspace)
    plan.check_overwrite(job.force, workspace.finished() if workspace else set())
    tagger = GenreTagger.load(job.model, threads=job.threads, lazy=True)
    names = written_names(job, tagger.labels)
    names.check_separator(job.writing.separator, [task.target.format for task in plan.tasks])
    names.warn()
    return workspace, tagger, names


def open_store(job: RunOptions, workspace: Workspace | None, stack: contextlib.ExitStack) -> Store:
    """Open the store of a run's probabilities: the cache, the workspace's, or one in memory.

    Args:
        job: the options.
        workspace: of the output; None: it has none, such as stdout.
        stack: closes the store.

    Raises:
        CatalogError: it cannot be written.
    """
    if job.cache is not None:
        return stack.enter_context(LmdbStore(Path(job.cache), job.cache_size))
    return open_resume_store(workspace.store if workspace else None, stack)


@contextlib.contextmanager
def kept_on_failure(store: Store, workspace: Workspace | None, tally: Tally) -> Iterator[None]:
    """Keep the predictions of a run that fails, and add a note to its error on how to resume.

    Args:
        store: of the probabilities.
        workspace: of the output; None: it has none.
        tally: of the texts that were predicted.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(store, LmdbStore) and (tally.texts_predicted or tally.texts_from_cache):
            if workspace is not None:
                workspace.resumable = True
            error.add_note(f"predictions are kept: {how_to_resume(error)}")
        raise


def _do_nothing() -> None:
    """Take no note of an output that cannot be resumed."""


class FileObserver(TaskObserver):
    """Reports the rows of one output, or of several after each other, and their estimated total.

    Attributes:
        number: the index of the output that is being written.
        rows: the rows written so far.
    """

    def __init__(
        self, progress: RowProgress, estimate: RowEstimate, finishing: Callable[[], None]
    ) -> None:
        """Start before the first output.

        Args:
            progress: called after each chunk.
            estimate: of the rows of all outputs.
            finishing: called when an output is about to get its final name.
        """
        self.number = 0
        self.rows = 0
        self._progress = progress
        self._estimate = estimate
        self._finishing = finishing

    def read(self, rows: int, fraction: float | None, total: int | None) -> None:
        """See `TaskObserver.read`."""
        self._estimate.update(self.number, rows, fraction, total)

    def written(self, rows: int) -> None:
        """See `TaskObserver.written`."""
        self.rows += rows
        self._progress(self.rows, self._estimate.total)

    def finishing(self) -> None:
        """See `TaskObserver.finishing`."""
        self._finishing()


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


def write_summary(
    summary: Mapping[str, Any], place: Location, complete: str = "the catalog itself is complete"
) -> None:
    """Write a summary as JSON.

    Args:
        summary: its fields.
        place: the file.
        complete: what the run wrote all the same, for the message if the summary fails.

    Raises:
        CatalogError: it cannot be written.
    """
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    try:
        with open_output(place, force=True) as stream:
            stream.write(text.encode("utf-8", "backslashreplace") + b"\n")
    except OSError as error:
        raise CatalogError(f"cannot write {place.path}: {reason_of(error)}: {complete}") from error
