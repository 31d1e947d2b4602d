"""Write one part and its mark: the same bytes under the same names, whoever does it."""

from __future__ import annotations

import functools
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from genre_batch.catalog.remote import is_remote
from genre_batch.cluster.canary import canary, processor
from genre_batch.cluster.job_file import JobFile, library_versions
from genre_batch.cluster.marks import Mark, Marks
from genre_batch.cluster.part import Part
from genre_batch.cluster.storage import modified
from genre_batch.errors import CatalogError, GenreBatchError
from genre_batch.model.tagger import GenreTagger
from genre_batch.paths import make_folder
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.probability_store import MemoryStore, Store
from genre_batch.tagging.task import TaskObserver, TaskWriter
from genre_batch.tagging.written_names import WrittenNames, written_names

__all__ = ["PartWriter", "temporary_folder"]

_ATTEMPTS = 5
"""Of a part whose temporary file is removed; each needs another run that begins or ends."""
_SECOND = 10**9
"""In the nanoseconds of `Part.modified`."""


def temporary_folder(side: str) -> str | None:
    """Return the folder of unfinished files; None for cloud storage, which has none."""
    return None if is_remote(side) else f"{side}/temporary"


def _state(part: Part) -> tuple[int, int] | None:
    """Return the size and the time of a part's input; None for a pipe, which has neither."""
    source = part.source
    if not source.is_remote and not os.path.isfile(source.path):
        return None
    return modified(source)


@dataclass
class PartWriter:
    """Writes the parts of one job, with one model.

    Attributes:
        job: the run's options.
        job_key: identifies the job.
        output: the output folder.
        side: the folder next to it.
        tagger: the run's model.
        store: known probabilities; None: each part has a store of its own, in memory.
        node: the name of this machine.
        names: the names under which genres are written; None: those of the job.
    """

    job: TagJob
    job_key: str
    output: str
    side: str
    tagger: GenreTagger
    store: Store | None = None
    node: str = field(default_factory=socket.gethostname)
    names: WrittenNames | None = None

    def __post_init__(self) -> None:
        self._canary: str | None = None
        if self.names is None:
            self.names = written_names(self.job, self.tagger.labels)

    def write(
        self,
        part: Part,
        observer: TaskObserver | None = None,
        begun: Callable[[TaskWriter], None] = lambda writer: None,
    ) -> Mark:
        """Write a part, then its rejects, then its mark.

        Args:
            part: what to write.
            observer: receives the progress.
            begun: called with the writer before it starts.

        Raises:
            UsageError, CatalogError, ModelError: as the parts raise them; there is no mark then.
            GenreBatchError: the folder has become that of another job.
        """
        started = time.perf_counter()
        before = _state(part)
        key = part.key(self.job_key)
        for attempt in range(_ATTEMPTS):
            writer = TaskWriter(
                self.job,
                part.task,
                self.tagger,
                MemoryStore() if self.store is None else self.store,
                temporary=self._temporary,
                limit=part.limit,
                observer=observer or TaskObserver(),
                names=self.names,
                check=functools.partial(self._check, part, before),
            )
            begun(writer)
            try:
                counts = writer.write()
                size = modified(part.task.target)[0]
                break
            except CatalogError as error:
                # Another run that ended, or began, may have removed the temporary file.
                is_gone = isinstance(error.__cause__, FileNotFoundError)
                if is_gone and (mark := self._mark_of_another_run(part, key)) is not None:
                    return mark
                if not is_gone or attempt + 1 == _ATTEMPTS:
                    raise
        if writer.tally.texts_predicted and self._canary is None:
            self._canary = canary(self.tagger)
        mark = Mark(
            part=part.name,
            source=part.source.name,
            key=key,
            size=size,
            counts=replace(counts, rejects=tuple(map(self._below_side, counts.rejects))),
            versions=library_versions(),
            node=self.node,
            processor=processor(),
            canary=self._canary if writer.tally.texts_predicted else None,
            seconds=time.perf_counter() - started,
        )
        mark.write(self.side)
        return mark

    def _check(self, part: Part, before: tuple[int, int] | None) -> None:
        """Check that what was read is what was planned, before it gets the part's name.

        Afterwards it would be too late: another run that has planned the present input, or another
        job, may have written the part meanwhile, and has no reason to look at it again.

        The time since planning is compared in seconds, because machines that share a folder may
        count finer or coarser.

        Args:
            part: just read.
            before: its `_state` before.

        Raises:
            CatalogError: its input is another: stretches would begin within a record.
            GenreBatchError: the folder has become that of another job.
        """
        stored = JobFile.read(f"{self.side}/job.json")
        if stored is not None and stored.key != self.job_key:
            raise GenreBatchError(
                f"{self.output} was given to another job while this run was writing it: choose "
                f"another `output`"
            )
        after = _state(part)
        if after is None:
            return
        size, changed = after
        is_planned = changed // _SECOND == part.modified // _SECOND
        is_planned &= part.task.stretch is not None or size == part.size
        if after == (before or after) and is_planned:
            return
        raise CatalogError(
            f"{part.source.name} changed while the run was reading it: run the same command again "
            f"when it is complete"
        )

    def _mark_of_another_run(self, part: Part, key: str) -> Mark | None:
        marks = Marks(self.output, self.side)
        return marks.find(part, key) if marks.has(part, key) else None

    def _temporary(self, what: str) -> str | None:
        folder = temporary_folder(self.side)
        if folder is None:
            return None
        try:
            make_folder(folder)
        except OSError as error:
            raise CatalogError(
                f"cannot write {self.output}: {error.strerror}: temporary files are written to "
                f"{folder}, next to the output: make room there, or make it writable"
            ) from error
        return f"{folder}/{secrets.token_hex(8)}.{what}.partial"

    def _below_side(self, path: str) -> str:
        side = self.side if is_remote(self.side) else os.path.abspath(self.side)
        path = path if is_remote(path) else os.path.abspath(path)
        return path.removeprefix(f"{side}/")
