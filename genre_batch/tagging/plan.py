"""A job's inputs and outputs, found and checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genre_batch.catalog.formats import STDIO, Format, Location, output_location
from genre_batch.catalog.hive import folder_values, with_all_columns, with_columns
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.remote import canonical_url, is_remote
from genre_batch.catalog.sources import find_sources, output_names, renamed, warn_of_repeated
from genre_batch.catalog.stretches import Stretch
from genre_batch.catalog.writing.atomic import check_overwrite
from genre_batch.errors import CatalogError, UsageError
from genre_batch.failures import reason_of
from genre_batch.options import StrPath
from genre_batch.path_checks import (
    check_output_file,
    check_output_folder,
    check_outside_cache,
    check_separate_files,
)
from genre_batch.paths import make_folder, neighbor, side_folder
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.workspace import remote_workspace, workspace_folder

__all__ = ["OutputTask", "Plan", "plan_outputs", "writes_folder"]


@dataclass(frozen=True)
class OutputTask:
    """One output and its inputs.

    Attributes:
        sources: the catalogs to read, in order.
        target: where the output is written.
        rejects: the file for unreadable rows; None: they are only counted.
        folder: the target's folder, created if missing; None: it has to exist.
        stretch: the records of the one source that are read; None: all.
        columns: of a stretch of JSON Lines, the columns that the first rows of the source decided
            (`first_columns`).
        name: the target's path below the job's output, where that is a folder.
    """

    sources: tuple[Location, ...]
    target: Location
    rejects: str | None
    folder: str | None = None
    stretch: Stretch | None = None
    columns: tuple[str | None, ...] = ()
    name: str = ""

    def make_folder(self) -> None:
        """Create the target's folder, once there is something to write.

        Raises:
            CatalogError: the folder cannot be created.
        """
        if self.folder is not None:
            try:
                make_folder(self.folder)
            except OSError as error:
                raise CatalogError(
                    f"cannot create the folder {self.folder}: {reason_of(error)}"
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
        summary: the file for the run's summary; None: it is not written.
        side: where the output is a folder, the one next to it for marks, rejects and temporary
            files.
    """

    tasks: tuple[OutputTask, ...]
    workspace: Path | None
    summary: Location | None = None
    side: str | None = None

    def check_overwrite(self, force: bool, finished: set[str]) -> None:
        """Check that no existing file would be overwritten.

        Args:
            force: whether existing files may be overwritten.
            finished: outputs that an interrupted run of this job wrote; these may be overwritten.

        Raises:
            OutputExistsError: an output, a rejects file or the summary exists.
        """
        for task in self.tasks:
            if task.target.path in finished:
                continue
            check_overwrite(task.target, force)
            if task.rejects is not None:
                check_overwrite(Location(task.rejects, Format.JSONL), force, "`rejects`")
        if self.summary is not None and not finished.issuperset(
            task.target.path for task in self.tasks
        ):
            check_overwrite(self.summary, force, "`summary_json`")


def plan_outputs(job: TagJob) -> Plan:
    """Find a job's inputs and outputs, and check that no file has two roles.

    Raises:
        UsageError: there is nothing to read, a suffix is unknown, a folder is missing, or a file
            to write is an input or another file to write.
    """
    paths = [os.fspath(source) for source in job.sources]
    sources = find_sources(paths, job.reading.input_format)
    if not job.reading.no_hive:
        sources = [with_columns(source) for source in sources]
    output = None if job.output is None else os.fspath(job.output)
    summary = None if job.summary_json is None else os.fspath(job.summary_json)
    side = None
    if writes_folder(job.output):
        output = os.fspath(job.output or "")
        side = side_folder(output)
        tasks = _folder_tasks(job, sources, output, side)
        workspace: Path | None = Path(side, "temporary")
        if is_remote(output):
            workspace = remote_workspace(output.rstrip("/"))
    else:
        warn_of_repeated(sources)
        target = output_location(output, job.writing.output_format)
        tasks = [OutputTask(tuple(with_all_columns(sources)), target, _rejects(job, target))]
        workspace = workspace_folder(target)
    place = None if summary is None else Location(summary, Format.JSONL)
    plan = Plan(tuple(tasks), workspace, place, side)
    _check_paths(job, plan)
    return plan


def _check_paths(job: TagJob, plan: Plan) -> None:
    """Check every path that the run will write.

    Raises:
        UsageError: as `plan_outputs` raises it.
    """
    written: list[tuple[str, str]] = []
    for task in plan.tasks:
        name = "`output`" if task.folder is None else f"the output of {task.sources[0].path}"
        written.append((name, task.target.path))
        if task.rejects is not None:
            name = "`rejects`" if job.reading.rejects is not None else f"the rejects file of {name}"
            _check_side_output(task.rejects, name, in_new_folder=task.folder is not None)
            written.append((name, task.rejects))
    if plan.summary is not None:
        _check_side_output(plan.summary.path, "`summary_json`")
        written.append(("`summary_json`", plan.summary.path))
    if job.cache is not None:
        check_outside_cache(written, os.fspath(job.cache))
        written.append(("`cache`", os.fspath(job.cache)))
    inputs = [source.path for task in plan.tasks for source in task.sources]
    inputs = [path for path in inputs if path != STDIO]
    if len(inputs) == 1 and plan.tasks[0].folder is None:
        # A single input may be replaced by its output, once all of it was read.
        inputs = [path for path in inputs if not _is_one_file(path, plan.tasks[0].target)]
    inputs += [os.fspath(path) for path in (job.model, job.genre_map) if path is not None]
    check_separate_files(
        [(name, canonical_url(path)) for name, path in written],
        [canonical_url(path) for path in inputs],
    )


def _check_side_output(path: str, name: str, in_new_folder: bool = False) -> None:
    if path != STDIO and not is_remote(path):
        check_output_file(path, name=name, in_new_folder=in_new_folder)


def _is_one_file(path: str, target: Location) -> bool:
    if is_remote(path) or target.is_remote or target.is_stdio:
        return path == target.path
    return os.path.realpath(path) == os.path.realpath(target.path)


def writes_folder(output: StrPath | None) -> bool:
    """Return whether an output is a folder: an existing one, or a name that ends with a slash."""
    path = STDIO if output is None else os.fspath(output)
    return path.endswith("/") or (path != STDIO and os.path.isdir(path))


def _is_stream(target: Location) -> bool:
    """Return whether the output is stdout, a device or a FIFO."""
    return target.is_stdio or (not target.is_remote and workspace_folder(target) is None)


def _rejects(job: TagJob, target: Location) -> str | None:
    """Return the path for the rejects of one output; None if they are not written."""
    if job.reading.strict:
        return None
    if job.reading.rejects is not None:
        return os.fspath(job.reading.rejects)
    if _is_stream(target):
        return None
    if target.is_remote:
        return target.path + REJECTS_SUFFIX
    return neighbor(target.path, "", REJECTS_SUFFIX)


def _folder_tasks(
    job: TagJob, sources: Sequence[Location], output: str, side: str
) -> list[OutputTask]:
    """Return one output per input, in a folder."""
    folder = output.rstrip("/") or "/"
    if any(source.is_stdio for source in sources):
        raise UsageError(
            f"{output} is a folder, but stdin has no file name to use in it: name a file"
        )
    if job.reading.rejects is not None:
        raise UsageError(
            f"`rejects` names one file, but the folder {output} gets many outputs: "
            f"leave it out, and each output gets its own rejects file"
        )
    remote = is_remote(output)
    if remote and "/" not in folder.partition("://")[2]:
        raise UsageError(f"`output`: {folder} is a whole bucket: name a folder: {folder}/tagged/")
    if not remote:
        check_output_folder(folder, name="`output`")
    tasks = []
    for source, name in zip(sources, output_names(sources), strict=True):
        name = renamed(name, job.writing.output_format)
        path = f"{folder.rstrip('/')}/{name}"
        target = output_location(path, job.writing.output_format, in_folder=True)
        parent = None if remote else os.path.dirname(target.path)
        # Folders that the output's own path repeats need no column.
        lost = tuple(pair for pair in source.folders if pair not in folder_values(name))
        source = replace(source, folders=lost)
        rejects = neighbor(f"{side}/rejects/{name}", "", REJECTS_SUFFIX)
        tasks.append(OutputTask((source,), target, rejects, parent, name=name))
    return tasks
