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
    """What becomes one output.

    Attributes:
        sources: the catalogs that go into it, in order.
        target: where it is written.
        rejects: where their unreadable rows go; None: nowhere.
        folder: the folder to make for the target, if it is not there; None where it has to be.
    """

    sources: tuple[Location, ...]
    target: Location
    rejects: str | None
    folder: str | None = None

    def make_folder(self) -> None:
        """Makes the folder, once there is something to write.

        Raises:
            CatalogError: it cannot be made.
        """
        if self.folder is not None:
            try:
                os.makedirs(self.folder, exist_ok=True)
            except OSError as error:
                raise CatalogError(
                    f"cannot make the folder {self.folder}: {error.strerror}"
                ) from error

    @property
    def size(self) -> int:
        """The bytes of its catalogs, as far as the local disk tells."""
        return sum(os.path.getsize(source.path) for source in self.sources if _is_file(source))


def _is_file(source: Location) -> bool:
    return not source.is_stdio and not source.is_remote and os.path.isfile(source.path)


@dataclass(frozen=True)
class Plan:
    """A job's units and the place it works in.

    Attributes:
        units: one, or one per input where the output is a folder.
        workspace: the folder of the run's lock and store; None where it cannot be resumed.
    """

    units: tuple[OutputTask, ...]
    workspace: Path | None

    def check(self, force: bool, finished: set[str]) -> None:
        """Refuses to overwrite anything.

        Args:
            force: overwrite.
            finished: outputs that an interrupted run of this job wrote, which may be written again.

        Raises:
            OutputExistsError: an output or rejects file is there.
        """
        for unit in self.units:
            if unit.target.path in finished:
                continue
            check_overwrite(unit.target, force)
            if unit.rejects is not None:
                check_overwrite(Location(unit.rejects, Format.JSONL), force)


def plan_outputs(job: TagJob) -> Plan:
    """Finds a job's inputs and outputs.

    Raises:
        UsageError: nothing to read, an unknown suffix, or an output that is one of the inputs.
    """
    sources = find_sources(job.sources, job.reading.input_format)
    if job.output is not None and _is_folder(job.output):
        return _into_folder(job, sources)
    target = output_location(job.output, job.output_format)
    if len(sources) > 1:
        _need_apart(sources, [target])
    default = None if _has_no_name(target) else target.path + REJECTS_SUFFIX
    rejects = None if job.strict else job.rejects or default
    return Plan((OutputTask(tuple(sources), target, rejects),), workspace_folder(target))


def _is_folder(path: str) -> bool:
    return path.endswith("/") or (path != STDIO and os.path.isdir(path))


def _has_no_name(target: Location) -> bool:
    """Whether the output is a stream: stdout, a device, a FIFO."""
    return target.is_stdio or (not target.is_remote and workspace_folder(target) is None)


def _into_folder(job: TagJob, sources: Sequence[Location]) -> Plan:
    folder = job.output
    assert folder is not None
    if any(source.is_stdio for source in sources):
        raise UsageError(f"{folder} is a folder, and stdin has no name: name a file in it")
    if job.rejects is not None:
        raise UsageError(
            f"--rejects names one file, -o {folder} many: leave it out, and each output has its own"
        )
    names = [_renamed(name, job.output_format) for name in output_names(sources)]
    place = Location(folder.rstrip("/"), Format.JSONL)
    targets = [
        output_location(f"{place.path}/{name}", job.output_format, in_new_folder=True)
        for name in names
    ]
    _need_apart(sources, targets)
    units = [
        OutputTask(
            sources=(source,),
            target=target,
            rejects=None if job.strict else target.path + REJECTS_SUFFIX,
            folder=None if place.is_remote else os.path.dirname(target.path),
        )
        for source, target in zip(sources, targets, strict=True)
    ]
    return Plan(tuple(units), workspace_folder(place))


def _renamed(name: str, output_format: str | None) -> str:
    """The input's name, or with the suffix of the format that was asked for."""
    if output_format is None:
        return name
    stem, suffix = os.path.splitext(name)
    if suffix.lower() in (".gz", ".zst"):
        stem = os.path.splitext(stem)[0]
    return f"{stem}.{output_format}"


def _need_apart(sources: Sequence[Location], targets: Sequence[Location]) -> None:
    """A file among several that is written while others are read would be a surprise."""
    read = {
        source.path if source.is_remote else os.path.realpath(source.path) for source in sources
    }
    for target in targets:
        path = target.path if target.is_remote else os.path.realpath(target.path)
        if path in read:
            raise UsageError(f"{target.path} is one of the inputs: choose another -o")
