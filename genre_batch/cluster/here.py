"""Write the parts of a job on this machine, one after another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

from genre_batch.cluster.failures import Failure, all_alike, is_of_the_part
from genre_batch.cluster.folder_job import FolderJob
from genre_batch.cluster.part import Part
from genre_batch.cluster.write_part import PartWriter
from genre_batch.errors import GenreBatchError, counted
from genre_batch.progress import RowProgress, StatusProgress
from genre_batch.tagging.probability_store import (
    LmdbStore,
    Store,
    check_cache,
    open_resume_store,
)
from genre_batch.tagging.row_estimate import RowEstimate
from genre_batch.tagging.run import FileObserver, how_to_resume
from genre_batch.tagging.summary import TagSummary
from genre_batch.tagging.task import TaskWriter
from genre_batch.tagging.workspace import Workspace

__all__ = ["run_here"]


def run_here(folder: FolderJob, progress: RowProgress, status: StatusProgress) -> TagSummary:
    """Write the parts of a job, or this process's share of them.

    A run of all parts locks the folder and keeps probabilities as they are computed, so a part
    that was interrupted does not start from nothing. A share of them does neither: several
    processes write into one folder then, and an interrupted part is written again.

    Args:
        folder: the job.
        progress: called after each chunk.
        status: called when a part begins.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them.
    """
    job = folder.job
    cache = None if job.cache is None else check_cache(job.cache)
    with contextlib.ExitStack() as stack:
        if folder.is_alone:
            stack.push(lambda kind, *_: folder.abandon() if kind else None)
        workspace = None
        if folder.is_alone and folder.workspace is not None:
            workspace = Workspace(
                folder.workspace, os.fspath(job.output or ""), fresh=not job.resume
            )
            stack.enter_context(workspace)
        store: Store | None = None
        if cache is not None:
            store = stack.enter_context(LmdbStore(cache, job.cache_size))
        elif workspace is not None:
            store = open_resume_store(workspace.store, stack)
        folder.begin()
        run = _Run(folder, store, progress, status)
        try:
            run.write_parts()
            return folder.finish(run.planned)
        except BaseException as error:
            keeps = isinstance(store, LmdbStore) and run.has_predicted
            if keeps and workspace is not None:
                workspace.resumable = True
            if note := _note(folder, keeps, error):
                error.add_note(note)
            raise


def _note(folder: FolderJob, keeps: bool, error: BaseException) -> str:
    """Return what an interrupted run left, and how to resume; empty if it left nothing."""
    kept = ["predictions are kept"] if keeps else []
    if folder.failures:
        return ""  # it is in the error
    if folder.parts_done:
        parts = counted(len(folder.parts), "part")
        kept.insert(0, f"{folder.parts_done:,} of {parts} are done")
    return f"{' and '.join(kept)}: {how_to_resume(error)}" if kept else ""


class _Run:
    """One run over the parts."""

    def __init__(
        self,
        folder: FolderJob,
        store: Store | None,
        progress: RowProgress,
        status: StatusProgress,
    ) -> None:
        self.planned: list[Part] = []
        self.has_predicted = False
        self._folder = folder
        self._status = status
        self._writer = PartWriter(
            folder.job, folder.key, folder.output, folder.side, folder.tagger, store
        )
        self._limit = folder.job.limit
        self._left = folder.parts if self._limit is not None else folder.left()
        folder.prepare(self._left if self._limit is None else ())
        estimate = RowEstimate([part.size for part in self._left], self._limit)
        self._observer = FileObserver(progress, estimate, lambda: None)
        self._task: TaskWriter | None = None

    def write_parts(self) -> None:
        """Write what is left; the parts that fail are noted, if the others are to be written."""
        if self._limit is None:
            self.planned = list(self._folder.parts)
            for part in self._left:
                self._write(part)
                if all_alike([*self._folder.failures.values()], len(self._folder.written)):
                    self.planned = [
                        part for part in self._folder.parts if part.name in self._folder.failures
                    ]
                    return
            return
        for part in self._limited():
            self._folder.prepare([part])
            self._write(part)

    def _limited(self) -> Iterator[Part]:
        """Yield the parts up to the limit that are not done."""
        rows_left = self._limit or 0
        for part in self._left:
            if self.planned and not rows_left:
                return
            part = replace(part, limit=rows_left)
            self.planned.append(part)
            if self._folder.is_done(part):
                rows_left -= self._folder.rows_of(part)
                continue
            yield part
            mark = self._folder.written.get(part.name)
            rows_left -= 0 if mark is None else mark.counts.rows

    def _write(self, part: Part) -> None:
        folder = self._folder
        failed = counted(len(folder.failures), "failure") if folder.failures else ""
        done = f"part {folder.parts_done + 1:,} of {len(folder.parts):,}"
        self._status(", ".join(filter(None, (done, failed))))
        try:
            folder.written[part.name] = self._writer.write(part, self._observer, self._begun)
        except GenreBatchError as error:
            goes_on = folder.goes_on_after_failures and len(self._folder.parts) > 1
            if not goes_on or not is_of_the_part(error):
                raise
            folder.failures[part.name] = Failure.of(part, error)
        finally:
            self._note_predictions()
        self._observer.number += 1

    def _begun(self, task: TaskWriter) -> None:
        self._note_predictions()
        self._task = task

    def _note_predictions(self) -> None:
        if self._task is not None:
            tally = self._task.tally
            self.has_predicted |= bool(tally.texts_predicted or tally.texts_from_cache)
