"""A job's inputs and outputs, found and checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genre_batch.catalog.formats import STDIO, Format, Location, output_location
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.sources import find_sources, output_names
from genre_batch.catalog.writing.atomic import check_overwrite
from genre_batch.errors import CatalogError, UsageError
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.workspace import workspace_folder

__all__ = ["OutputTask", "Plan", "plan_outputs"]


@dataclass(frozen=True)
class OutputTask:
    """One output and its inputs.

    Attributes:
        sources: the catalogs to read, in order.
        target: where the output is written.
        rejects: the file for unreadable rows; None: they are only counted.
        folder: the target's folder, created if missing; None: it has to exist.
    """

    sources: tuple[Location, ...]
    target: Location
    rejects: str | None
    folder: str | None = None

    def make_folder(self) -> None:
        """Create the target's folder, once there is something to write.

        Raises:
            CatalogError: the folder cannot be created.
        """
        if self.folder is not None:
            try:
                os.makedirs(self.folder, exist_ok=True)
            except OSError as error:
                raise CatalogError(
                    f"cannot create the folder {self.folder}: {error.strerror}"
                ) from error

    @property
    def size(self) -> int:
        """The total size of its local input files, in bytes."""
        return sum(os.path.getsize(source.path) for source in self.sources if _is_file(source))


def _is_file(source: Location) -> bool:
    return not source.is_stdio and not source.is_remote and os.path.isfile(source.path)


@dataclass(frozen=True)
class Plan:
    """The outputs of a job, and the folder for its temporary files.

    Attributes:
        tasks: one, or one per input where the output is a folder.
        workspace: the folder of the run's lock and store; None where a run cannot be resumed.
    """

    tasks: tuple[OutputTask, ...]
    workspace: Path | None

    def check_overwrite(self, force: bool, finished: set[str]) -> None:
        """Check that no existing file would be overwritten.

        Args:
            force: whether existing files may be overwritten.
            finished: outputs that an interrupted run of this job wrote; these may be overwritten.

        Raises:
            OutputExistsError: an output or rejects file exists.
        """
        for task in self.tasks:
            if task.target.path in finished:
                continue
            check_overwrite(task.target, force)
            if task.rejects is not None:
                check_overwrite(Location(task.rejects, Format.JSONL), force)


def plan_outputs(job: TagJob) -> Plan:
    """Find a job's inputs and outputs.

    Raises:
        UsageError: there is nothing to read, a suffix is unknown, or the output is an input.
    """
    paths = [os.fspath(source) for source in job.sources]
    sources = find_sources(paths, job.reading.input_format)
    output = None if job.output is None else os.fspath(job.output)
    if output is not None and _is_folder(output):
        return _plan_folder(job, sources, output)
    target = output_location(output, job.output_format)
    if len(sources) > 1:
        _check_targets_are_not_inputs(sources, [target])
    rejects = None if _is_stream(target) else target.path + REJECTS_SUFFIX
    if job.rejects:
        rejects = os.fspath(job.rejects)
    task = OutputTask(tuple(sources), target, None if job.strict else rejects)
    return Plan((task,), workspace_folder(target))


def _is_folder(path: str) -> bool:
    return path.endswith("/") or (path != STDIO and os.path.isdir(path))


def _is_stream(target: Location) -> bool:
    """Return whether the output is stdout, a device or a FIFO."""
    return target.is_stdio or (not target.is_remote and workspace_folder(target) is None)


def _plan_folder(job: TagJob, sources: Sequence[Location], folder: str) -> Plan:
    if any(source.is_stdio for source in sources):
        raise UsageError(
            f"{folder} is a folder, but stdin has no file name to use in it: name a file"
        )
    if job.rejects is not None:
        raise UsageError(
            f"`rejects` names one file, but the folder {folder} gets many outputs: "
            f"leave it out, and each output gets its own rejects file"
        )
    names = [_renamed(name, job.output_format) for name in output_names(sources)]
    folder_location = Location(folder.rstrip("/"), Format.JSONL)
    targets = [
        output_location(f"{folder_location.path}/{name}", job.output_format, in_new_folder=True)
        for name in names
    ]
    _check_targets_are_not_inputs(sources, targets)
    tasks = [
        OutputTask(
            sources=(source,),
            target=target,
            rejects=None if job.strict else target.path + REJECTS_SUFFIX,
            folder=None if folder_location.is_remote else os.path.dirname(target.path),
        )
        for source, target in zip(sources, targets, strict=True)
    ]
    return Plan(tuple(tasks), workspace_folder(folder_location))


def _renamed(name: str, output_format: str | None) -> str:
    """Return an input's name, with the suffix of `output_format` if it is given."""
    if output_format is None:
        return name
    stem, suffix = os.path.splitext(name)
    if suffix.lower() in (".gz", ".zst"):
        stem = os.path.splitext(stem)[0]
    return f"{stem}.{output_format}"


def _check_targets_are_not_inputs(sources: Sequence[Location], targets: Sequence[Location]) -> None:
    inputs = {
        source.path if source.is_remote else os.path.realpath(source.path) for source in sources
    }
    for target in targets:
        path = target.path if target.is_remote else os.path.realpath(target.path)
        if path in inputs:
            raise UsageError(f"{target.path} is one of the inputs: choose another `output`")
