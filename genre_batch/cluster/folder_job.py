"""A job whose output is a folder: its parts, what is done of it, and how it begins and ends."""

from __future__ import annotations

import os
import secrets
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from genre_batch.catalog.remote import is_remote
from genre_batch.catalog.writing.atomic import check_overwrite
from genre_batch.cluster.begun import remove_begun, take_over
from genre_batch.cluster.cut_parts import cut_parts, remove_other_cuts, split_size
from genre_batch.cluster.failures import (
    Failure,
    failed_error,
    removed_outputs,
    write_failures,
)
from genre_batch.cluster.job_file import JobFile
from genre_batch.cluster.marks import Mark, Marks
from genre_batch.cluster.part import Part, plan_parts
from genre_batch.cluster.replaced import begin_in_place, remove_left_rejects, remove_replaced
from genre_batch.cluster.shard import Shard, find_shard
from genre_batch.cluster.storage import remove, write_empty
from genre_batch.cluster.unread import remove_unread
from genre_batch.cluster.write_part import temporary_folder
from genre_batch.errors import CatalogError, GenreBatchWarning, OutputExistsError, UsageError
from genre_batch.model.metadata import read_model_file
from genre_batch.model.shipped import model_path
from genre_batch.model.tagger import GenreTagger
from genre_batch.tagging.counts import total_counts, warn_of_texts
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.plan import plan_outputs
from genre_batch.tagging.run import write_summary
from genre_batch.tagging.summary import TagSummary, genres_off, summarize
from genre_batch.tagging.workspace import remove_unused
from genre_batch.tagging.written_names import written_names

__all__ = ["FolderJob"]

SUCCESS = "_SUCCESS"
"""The empty file that marks a complete folder, as Hadoop and Spark write it."""


class FolderJob:
    """The parts of a job, and the marks of those that are done.

    Attributes:
        job: the run's options.
        tagger: the model; its graph is loaded for the first text, and its file is forgotten then.
        output: the output folder, without a slash at its end.
        side: the folder next to it.
        key: the job key.
        parts: the parts of this run: all, or a share of them.
        written: the marks of the parts that this run wrote, by part name.
        failures: the parts that failed in this run, by part name.
        names: the names under which genres are written.
    """

    def __init__(self, job: TagJob) -> None:
        """Plan the job, and look at what is done of it; nothing is written yet.

        Raises:
            UsageError, CatalogError, ModelError: the job cannot be run; as `plan_outputs` raises
                them.
        """
        self.started = time.perf_counter()
        self.job = job
        self.shard: Shard | None = None
        if job.running.shard is not None:
            self.shard = find_shard(job.running.shard)
        self._plan = plan_outputs(job)
        self.tagger = GenreTagger(read_model_file(model_path(job.model)), job.threads)
        self.tagger.keeps_file = False
        self.names = written_names(job, self.tagger.labels)
        self.names.check_separator(
            job.writing.separator, [task.target.format for task in self._plan.tasks]
        )
        self.names.warn()
        genres_off(job, self.tagger, self.names)
        self.output = os.fspath(job.output or "").rstrip("/") or "/"
        self.side = self._plan.side or ""
        file = JobFile.of(job, str(self.tagger.path), self.tagger.sha256)
        self.key = file.key
        self._stored = self._stored_job()
        is_same = self._stored is not None and self._stored.key == self.key
        size = split_size(job, self._stored.split_size if is_same and self._stored else None)
        run = secrets.token_hex(8) if self.is_alone else ""
        self._file = replace(file, split_size=size, run=run)
        self._all_parts = cut_parts(plan_parts(self._plan), job, self.tagger.metadata, size)
        self.parts = self._all_parts
        if self.shard is not None:
            self.parts = self._all_parts[self.shard.index :: self.shard.count]
        self._check_one_file_system()
        self._marks = Marks(self.output, self.side)
        # Another process of this job may have begun meanwhile, and written what was just listed.
        self._stored = self._stored_job()
        self._goes_on = self._check()
        self._has_begun = False
        self._earlier: dict[str, Part] = {}
        self.written: dict[str, Mark] = {}
        self.failures: dict[str, Failure] = {}

    @property
    def workspace(self) -> Path | None:
        """The folder of the lock and the store of a run on this machine."""
        return self._plan.workspace

    @property
    def split_size(self) -> int | None:
        """The bytes above which inputs are cut; None: none is."""
        size = self._file.split_size
        return size if isinstance(size, int) else None

    @property
    def is_alone(self) -> bool:
        """Whether this process writes all parts, so that it may lock the folder."""
        return self.shard is None and self.job.running.engine == "local"

    @property
    def parts_done(self) -> int:
        """The number of parts of this run that are done."""
        return len(self._earlier) + len(self.written)

    def _check(self) -> bool:
        """Check that the folder holds no other job's parts; return whether it holds this job's.

        Raises:
            CatalogError: it does and `force` is not set.
            OutputExistsError: the folder holds a file that no job wrote.
        """
        if self._stored is not None and self._file.is_same_job(self._stored):
            return True
        self._check_no_other_parts(self._stored)
        if self._plan.summary is not None:
            check_overwrite(self._plan.summary, self.job.force, "`summary_json`")
        return False

    def begin(self) -> None:
        """Write job.json, and forget what is to be replaced.

        Raises:
            CatalogError: a file cannot be written or removed.
        """
        self._has_begun = True
        remove_other_cuts(self._all_parts, self._marks, self.output, self.side)
        self._goes_on = self._goes_on or self._has_been_begun()
        if not self._goes_on:
            # First, because whoever reads it goes on, and does not remove what others write.
            self._goes_on = begin_in_place(
                self._file, self._stored, self._marks, self._all_parts, self.side
            )
            self._forget(self._all_parts)
            self._marks.forget_all()
        elif not self.job.resume:
            self._marks.forget(self.parts)

    def _has_been_begun(self) -> bool:
        """Return whether another process of this job has written job.json since it was read."""
        stored = self._stored_job()
        return stored is not None and self._file.is_same_job(stored)

    @property
    def goes_on_after_failures(self) -> bool:
        """Whether the other parts are written after one failed."""
        keep_going = self.job.running.keep_going
        return not self.job.reading.strict if keep_going is None else keep_going

    def abandon(self) -> None:
        """Remove job.json and empty folders if no part was written: there is nothing to resume.

        Only a run that has locked the folder may, if no other has begun meanwhile.
        """
        if not (self._goes_on or self.written or self.failures) and self._has_begun:
            remove_begun(self._file, self.side)

    def _stored_job(self) -> JobFile | None:
        try:
            return JobFile.read(f"{self.side}/job.json")
        except CatalogError:
            if self.job.force:
                return None
            raise

    def _check_no_other_parts(self, stored: JobFile | None) -> None:
        if self.job.force:
            return
        if stored is not None and self._marks.any_file():
            raise CatalogError(
                f"{self.output} holds parts of another job ({self._file.differences(stored)}): add "
                f"`force` to replace them, or choose another `output`"
            )
        for part in self._all_parts:
            if part.name in self._marks.files:
                raise OutputExistsError(part.task.target.path)

    def _check_one_file_system(self) -> None:
        """Check that a file can be renamed from the side folder into the output folder."""
        if is_remote(self.output) or not os.path.isdir(self.output):
            return
        neighbor = os.path.dirname(os.path.realpath(self.side))
        if os.stat(self.output).st_dev != os.stat(neighbor).st_dev:
            raise UsageError(
                f"`output`: {self.output} is the root of a file system, but unfinished files are "
                f"written next to the output: choose a folder in it: {self.output}/tagged/"
            )

    def is_done(self, part: Part) -> bool:
        """Return whether an earlier run wrote a part, with these very bytes.

        With `strict`, a part with unreadable rows is not done; with `profile`, one without the sums
        of its rows.
        """
        key = part.key(self.key)
        is_kept = self._goes_on and self.job.resume  # `begin` removes the marks otherwise
        if not is_kept or not self._marks.has(part, key):
            return False
        if self.job.reading.strict or self.job.profile:
            mark = self._marks.find(part, key)
            if mark is None:
                return False
            if self.job.reading.strict and mark.counts.rows_rejected:
                return False
            if self.job.profile and mark.counts.profile is None:
                return False
        self._earlier[part.name] = part
        return True

    def _is_of_earlier_run(self, name: str) -> bool:
        return name in self._earlier and name not in self.written

    def rows_of(self, part: Part) -> int:
        """Return the rows of a part that an earlier run wrote."""
        return self._marks.read(part, part.key(self.key)).counts.rows

    def left(self) -> list[Part]:
        """Return the parts of this run that are not done."""
        return [part for part in self.parts if not self.is_done(part)]

    def prepare(self, parts: Sequence[Part]) -> None:
        """Forget the marks of parts that will be written, and that the folder was complete.

        Raises:
            CatalogError: a mark cannot be removed, or job.json cannot be written.
        """
        if parts and self._goes_on:
            take_over(self._file, self.side)
        if parts and SUCCESS in self._marks.files:
            remove(f"{self.output}/{SUCCESS}")
            del self._marks.files[SUCCESS]
        self._forget(parts)
        if parts and is_remote(self.side):
            remove_left_rejects(parts, self.side)

    def _forget(self, parts: Sequence[Part]) -> None:
        """Remove the marks of parts; whoever writes them replaces or removes their local rejects.

        Not before: another run may have written a part, its rejects and its mark since.
        """
        for part in self._marks.forget(parts):
            if part.task.rejects is not None and is_remote(part.task.rejects):
                remove(part.task.rejects)

    def finish(self, planned: Sequence[Part]) -> TagSummary:
        """End the run: list failures, or write `_SUCCESS` if all parts of the job are done.

        Args:
            planned: the parts of this run, in order; fewer than `parts` with a limit.

        Returns:
            The sum over the parts of this run and those that earlier runs wrote.

        Raises:
            CatalogError: parts failed, or a file cannot be written.
        """
        if self.written and not self.failures:
            self.failures |= removed_outputs(planned, self.output)
        failures = [self.failures[part.name] for part in planned if part.name in self.failures]
        earlier = [part for part in planned if self._is_of_earlier_run(part.name)]
        marks = self._marks.read_all([(part, part.key(self.key)) for part in earlier])
        by_name = {mark.part: mark for mark in marks} | self.written
        failures += self._unread([part for part in planned if part.name in by_name], by_name)
        path = write_failures(self.side, self.shard, failures)
        if failures:
            raise failed_error(failures, len(planned), path)
        if self._is_complete(planned):
            self._complete()
        _warn_of_processors([by_name[part.name] for part in planned])
        counts = total_counts([by_name[part.name].counts for part in planned])
        rejects = tuple(f"{self.side}/{path}" for path in counts.rejects)
        counts = replace(counts, rejects=rejects)
        seconds = time.perf_counter() - self.started
        summary = summarize(
            self.job,
            self.tagger,
            self.names,
            counts,
            seconds,
            parts=len(planned),
            parts_done_before=len(earlier),
            rows_written=sum(mark.counts.rows for mark in self.written.values()),
        )
        warn_of_texts(counts, left_out=self.job.only_language is not None)
        if self._plan.summary is not None:
            write_summary(summary.as_dict(), self._plan.summary)
        return summary

    def _unread(self, done: Sequence[Part], known: Mapping[str, Mark]) -> list[Failure]:
        """Return the parts of cut inputs without a readable row; they are removed."""
        by_name = {part.name: part for part in done}
        parts = [by_name.get(part.name, part) for part in self._all_parts]
        marks = {name: known[name] for name in by_name}
        return remove_unread(parts, marks, self.key, self.output, self.side)

    def _is_complete(self, planned: Sequence[Part]) -> bool:
        if self.shard is None:
            return True
        marks = Marks(self.output, self.side)
        mine = {part.name for part in planned}
        others = (part for part in self._all_parts if part.name not in mine)
        return all(marks.has(part, part.key(self.key)) for part in others)

    def _complete(self) -> None:
        """Remove what a replaced job and unfinished files left, and write `_SUCCESS`."""
        remove_replaced(self._file, self._all_parts, self.output, self.side)
        temporary = temporary_folder(self.side)
        if temporary is not None and not self.is_alone:
            remove_unused(Path(temporary))
        if SUCCESS not in self._marks.files:
            write_empty(f"{self.output}/{SUCCESS}")


def _warn_of_processors(marks: Sequence[Mark]) -> None:
    """Warn if the machines that wrote parts compute other bits."""
    places: dict[str, str] = {}
    for mark in marks:
        if mark.canary is not None:
            places.setdefault(mark.canary, f"{mark.node} ({mark.processor})")
    if len(places) > 1:
        warnings.warn(
            f"the processors of {' and '.join(places.values())} round differently, so "
            f"probabilities differ in their last digits between parts: use machines of one kind",
            GenreBatchWarning,
            stacklevel=3,
        )
