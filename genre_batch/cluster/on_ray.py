"""Write the parts of a job on a Ray cluster: one task for each, as many at a time as it has cores.

Plain tasks, because Ray starts them again when a worker or a node is lost, and gives them to any
free core. A part that is written twice, or late, is written with the same bytes, so nothing has to
be committed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from genre_batch.cluster.cut_parts import cores_of_large_parts
from genre_batch.cluster.deferred_signals import DeferredSignals
from genre_batch.cluster.failures import Failure, all_alike
from genre_batch.cluster.folder_job import FolderJob
from genre_batch.cluster.job_file import library_versions
from genre_batch.cluster.marks import Mark
from genre_batch.cluster.part import Part
from genre_batch.cluster.ray_cluster import LostClusterError, check_capacity
from genre_batch.cluster.ray_connection import RayConnection
from genre_batch.cluster.ray_task import KEEPALIVE, lacks, run_part
from genre_batch.cluster.ray_watch import RayWatch, lost_node_error
from genre_batch.cluster.storage import absolute
from genre_batch.errors import GenreBatchError, GenreBatchWarning, UsageError, counted, first_line
from genre_batch.model.unmasked import ready_to_run
from genre_batch.options import flat_values
from genre_batch.progress import RowProgress, StatusProgress
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.summary import TagSummary

__all__ = ["run_on_ray", "work_of_job"]

_WINDOW = 1_000
"""Parts that are submitted at a time; each costs the driver some 2 ms."""
_PART_BYTES = 600 << 20
"""The memory of a worker: some 420 MB with one thread, and some 10 MB for each further one."""
_RETRIES = 5
_MISSING_MODULE = re.compile(r"No module named '([^']+)'")
_NODE = re.compile(r"\bip=([^,)]+)")
"""In the first line of Ray's message."""
_CRASHES = {
    "OutOfMemoryError": "ran out of memory: let fewer parts run at a time (`threads` 2 or more)",
    "WorkerCrashedError": "died: Ray's logs on the nodes may say why; leave this input out",
}
"""Ray's errors for workers that did not survive a part."""
_WAIT_SECONDS = 0.5
"""How soon a signal is noticed."""


def run_on_ray(
    job: TagJob, connection: RayConnection, progress: RowProgress, status: StatusProgress
) -> TagSummary:
    """Write the parts of a job on a Ray cluster.

    Args:
        job: the run's options.
        connection: started; it is not used if no part is left to write.
        progress: called after each part.
        status: called when the parts that are done, the nodes or the failures change.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them.
        GenreBatchError: there is no such cluster, or it cannot be used.
    """
    folder = FolderJob(job)
    signals = DeferredSignals()
    run = _Run(folder, progress, status, signals)
    if run.is_done:
        folder.begin()
        return folder.finish(run.planned)
    ray, address = connection.wait()
    run.is_alone = connection.is_ours
    try:
        with _restored(signals):
            signals.defer()
            watch = RayWatch(ray, address)
            try:
                run.write_parts(ray, watch)
            except LostClusterError:
                connection.is_lost = True
                raise
            finally:
                watch.close()
                connection.close()
        signals.deliver()
        return folder.finish(run.planned)
    except BaseException as error:
        # A lost cluster may have written parts whose marks never came.
        goes_on = folder.parts_done or isinstance(error, LostClusterError)
        if goes_on and not folder.failures and not isinstance(error, UsageError):
            parts = counted(len(folder.parts), "part")
            error.add_note(
                f"{folder.parts_done:,} of {parts} are done: run the same command again to resume"
            )
        raise


@contextlib.contextmanager
def _restored(signals: DeferredSignals) -> Iterator[None]:
    try:
        yield
    finally:
        signals.restore()


class _Run:
    """One run over the parts.

    Attributes:
        planned: the parts that its summary is of.
        is_alone: as in `work_of_job`.
    """

    def __init__(
        self,
        folder: FolderJob,
        progress: RowProgress,
        status: StatusProgress,
        signals: DeferredSignals,
    ) -> None:
        self.planned: list[Part] = list(folder.parts)
        self._folder = folder
        self._progress = progress
        self._status = status
        self._signals = signals
        self._threads = folder.job.threads or 1
        self._model = ready_to_run(folder.tagger.file)
        self._left = sorted(folder.left(), key=lambda part: -part.size)
        self._bytes = sum(part.size for part in self._left)
        self._bytes_done = 0
        self._rows = 0
        self._shown = ""
        self.is_alone = False

    @property
    def is_done(self) -> bool:
        """Whether there is no part left to write."""
        return not self._left

    def write_parts(self, ray: Any, watch: RayWatch) -> None:
        """Submit what is left, and collect the marks as they come.

        Raises:
            GenreBatchError: the cluster cannot do it, or is lost.
        """
        self._watch = watch
        self._show()
        found = watch.nodes
        check_capacity(found, self._threads)
        self._folder.begin()
        self._folder.prepare(self._left)
        task = functools.cache(functools.partial(_task, ray, found.memory))
        cores: dict[str, int] = {}
        if self._folder.job.threads is None and self._folder.split_size is not None:
            cores = cores_of_large_parts(self._left, self._folder.split_size, found.cores)
        model = [ray.put(self._model)]
        work = ray.put(work_of_job(self._folder, self._threads, self.is_alone))
        waiting = iter(self._left)
        refs: dict[Any, Part] = {}
        while self._signals.taken is None:
            for part in waiting:
                threads = cores.get(part.name, self._threads)
                refs[task(threads).remote(work, part.as_dict(), model, threads)] = part
                if len(refs) >= _WINDOW:
                    break
            if not refs:
                return
            ready, _ = ray.wait(list(refs), num_returns=1, timeout=_WAIT_SECONDS)
            for ref in ready:
                self._take(ray, ref, refs.pop(ref))
            watch.check()
            self._show()
            if self._is_hopeless():
                break
        if not self.is_alone:
            for ref in refs:
                ray.cancel(ref, force=True)
        # Else to disconnect ends them. Ray's core may abort this process if a task ends by itself
        # while it is cancelled: Ray's pull request 54785.

    def _take(self, ray: Any, ref: Any, part: Part) -> None:
        """Note the mark or the failure of a part.

        Raises:
            GenreBatchError: the failure is one of the whole run.
        """
        try:
            result: Mapping[str, Any] = ray.get(ref)
        except ray.exceptions.RayError as error:
            self._check_cluster(ray, error)
            failure = _failure(part, error)
        else:
            for text in result["warnings"]:
                warnings.warn(text, GenreBatchWarning, stacklevel=2)
            if "mark" in result:
                mark = Mark.from_dict(result["mark"])
                self._folder.written[part.name] = mark
                self._rows += mark.counts.rows
                self._advance(part)
                return
            if result["stops"]:
                raise _error(result)
            failure = Failure(
                part.name,
                part.source.name,
                result["error"],
                " ".join(result["message"].split()),
                result["node"],
            )
        self._folder.failures[part.name] = failure
        self._advance(part)

    def _check_cluster(self, ray: Any, error: Exception) -> None:
        """Raise the error of a part if it is one of the cluster."""
        if isinstance(error, ray.exceptions.LocalRayletDiedError):
            raise lost_node_error() from error
        # Where the task itself cannot be imported, Ray has only the text of that error.
        missing = _MISSING_MODULE.search(str(getattr(error, "cause", None) or ""))
        if missing is not None:
            node = _NODE.search(str(error))
            raise GenreBatchError(
                lacks(node[1] if node else "of the cluster", missing[1])
            ) from error

    def _advance(self, part: Part) -> None:
        self._bytes_done += part.size
        total = round(self._rows * self._bytes / self._bytes_done) if self._bytes_done else None
        self._progress(self._rows, total)

    def _show(self) -> None:
        folder = self._folder
        words = [
            f"{folder.parts_done:,} of {counted(len(folder.parts), 'part')}",
            str(self._watch.nodes),
        ]
        if folder.failures:
            words.append(counted(len(folder.failures), "failure"))
        if (shown := ", ".join(words)) != self._shown:
            self._shown = shown
            self._status(shown)

    def _is_hopeless(self) -> bool:
        """Return whether no further part should be written after those that failed."""
        folder = self._folder
        failures = list(folder.failures.values())
        if failures and not folder.goes_on_after_failures:
            return True
        if not all_alike(failures, len(folder.written)):
            return False
        self.planned = [part for part in folder.parts if part.name in folder.failures]
        return True


def _task(ray: Any, memory_of_node: int, threads: int) -> Any:
    """Return the remote function for parts of some cores.

    Args:
        ray: the module.
        memory_of_node: the most that a node has, in bytes; 0: it is not known.
        threads: the cores.
    """
    memory = _PART_BYTES + (10 << 20) * (threads - 1)
    return ray.remote(run_part).options(
        num_cpus=threads,
        memory=min(memory, memory_of_node) if memory_of_node > 0 else memory,
        max_retries=_RETRIES,
        scheduling_strategy="SPREAD",
        name="genre-batch part",
    )


def _failure(part: Part, error: Exception) -> Failure:
    """Return the failure of a part that has no result, in our words where Ray's say little."""
    # What a task raised; Ray's own message around it begins with the task's name.
    cause = getattr(error, "cause", None) or error
    name = type(cause).__name__
    message = first_line(cause)
    if name in _CRASHES:
        message = f"{part.source.name}: its worker {_CRASHES[name]}"
    return Failure(part.name, part.source.name, name, message)


def work_of_job(folder: FolderJob, threads: int, is_alone: bool = False) -> dict[str, Any]:
    """Return what `run_part` needs to know of a job: values only, its paths absolute.

    Args:
        folder: the job.
        threads: the cores of one part.
        is_alone: whether nothing else uses the connection, and so its workers.
    """
    options = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in flat_values(folder.job).items()
    }
    return {
        "options": options | {"sources": ("-",), "output": None, "model": None, "genre_map": None},
        "names": asdict(folder.names),
        "key": folder.key,
        "output": absolute(folder.output),
        "side": absolute(folder.side),
        "threads": threads,
        "is_alone": is_alone,
        "versions": library_versions(),
        "keepalive": os.environ.get(KEEPALIVE),
    }


def _error(result: Mapping[str, Any]) -> GenreBatchError:
    """Return the error that a worker returned as values, with its exit code."""
    error = GenreBatchError(result["message"])
    error.exit_code = result["exit_code"]
    return error
