"""Where `apply` reads and writes, found and checked before any work is done."""

from __future__ import annotations

import os
from dataclasses import dataclass

from genre_batch.catalog.formats import STDIO, Format, Location, output_location
from genre_batch.catalog.hive import with_all_columns, with_columns
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.remote import canonical_url, is_remote
from genre_batch.catalog.sources import find_sources, output_names, renamed
from genre_batch.catalog.writing.atomic import check_overwrite
from genre_batch.errors import UsageError
from genre_batch.path_checks import check_output_file, check_output_folder, check_separate_files
from genre_batch.paths import is_stream, neighbor
from genre_batch.review.job import ApplyJob

__all__ = ["Part", "Plan", "plan_job"]


@dataclass(frozen=True)
class Part:
    """One output and the files that it is made of.

    Attributes:
        sources: the files, in order.
        target: the output.
        copied: whether the bytes of the one file are copied.
    """

    sources: tuple[Location, ...]
    target: Location
    copied: bool

    @property
    def as_objects(self) -> bool:
        """Whether JSON objects are written with their own bytes."""
        kinds = {source.format for source in self.sources}
        return kinds == {Format.JSONL} and self.target.format is Format.JSONL


@dataclass(frozen=True)
class Plan:
    """What to read and write.

    Attributes:
        parts: the outputs; several, or one, below a folder.
        folder: the folder of the outputs; None: there is one, named itself.
        rejects: the file for records that cannot be read; None: there is none.
        summary: the file for the result; None: it is not written.
    """

    parts: tuple[Part, ...]
    folder: str | None
    rejects: str | None
    summary: Location | None

    @property
    def copied(self) -> bool:
        """Whether every output is a copy of bytes."""
        return all(part.copied for part in self.parts)


def plan_job(job: ApplyJob) -> Plan:
    """Find the files, and check them before any work is done.

    Raises:
        UsageError: a file does not exist, a suffix is unknown, or a file has two roles.
        OutputExistsError: the output exists.
    """
    sources = _sources(job)
    output = None if job.output is None else os.fspath(job.output)
    folder = output if output is not None and _is_folder(output) else None
    if folder is None:
        joined = sources if len(sources) == 1 or job.reading.no_hive else _with_folders(sources)
        target = output_location(output, job.writing.output_format)
        parts = [
            Part(tuple(joined), target, len(sources) == 1 and _is_copy(job, joined[0], target))
        ]
    else:
        parts = _parts_in(folder, sources, job)
    plan = Plan(tuple(parts), folder, _rejects(job, parts, folder), _summary(job))
    _check_paths(job, plan)
    return plan


def _sources(job: ApplyJob) -> list[Location]:
    """Return the files of the catalog, in the order in which `audit` counts their rows."""
    found = find_sources([os.fspath(job.catalog)], job.reading.input_format)
    if len(found) == 1:
        return found
    # The review may have been saved beside the files that it is about.
    review = os.path.realpath(job.review)
    return [file for file in found if file.is_remote or os.path.realpath(file.path) != review]


def _with_folders(sources: list[Location]) -> list[Location]:
    return with_all_columns([with_columns(source) for source in sources])


def _is_folder(output: str) -> bool:
    return output.endswith("/") or (output != STDIO and os.path.isdir(output))


def _is_copy(job: ApplyJob, source: Location, target: Location) -> bool:
    respelled = job.writing.output_delimiter is not None or job.writing.output_encoding is not None
    return source.format is target.format and source.format.is_text and not respelled


def _parts_in(folder: str, sources: list[Location], job: ApplyJob) -> list[Part]:
    """Return one output for each file, at its place below a folder."""
    if any(source.is_stdio for source in sources):
        raise UsageError(
            f"{folder} is a folder, but stdin has no file name to use in it: name a file"
        )
    if not is_remote(folder):
        check_output_folder(folder.rstrip("/") or "/", name="`output`")
    parts = []
    for source, name in zip(sources, output_names(sources), strict=True):
        path = f"{folder.rstrip('/')}/{renamed(name, job.writing.output_format)}"
        target = output_location(path, job.writing.output_format, in_folder=True)
        parts.append(Part((source,), target, _is_copy(job, source, target)))
    return parts


def _rejects(job: ApplyJob, parts: list[Part], folder: str | None) -> str | None:
    if job.reading.rejects is not None:
        return os.fspath(job.reading.rejects)
    if job.reading.strict or all(part.copied for part in parts):
        return None
    target = parts[0].target
    if target.is_stdio or target.is_remote or is_stream(target.path):
        return None
    if folder is not None:
        return neighbor(os.path.realpath(folder), "", REJECTS_SUFFIX)
    return neighbor(target.path, "", REJECTS_SUFFIX)


def _summary(job: ApplyJob) -> Location | None:
    return None if job.summary_json is None else Location(os.fspath(job.summary_json), Format.JSONL)


def _check_paths(job: ApplyJob, plan: Plan) -> None:
    """Check every path that is written.

    Raises:
        UsageError, OutputExistsError: as `plan_job` raises them.
    """
    written: list[tuple[str, str]] = []
    for part in plan.parts:
        check_overwrite(part.target, job.force)
        name = "`output`" if plan.folder is None else f"the output of {part.sources[0].path}"
        written.append((name, part.target.path))
    summary = None if plan.summary is None else plan.summary.path
    for name, path in (("`rejects`", plan.rejects), ("`summary_json`", summary)):
        if path is not None:
            if path != STDIO and not is_remote(path):
                check_output_file(path, name=name)
            check_overwrite(Location(path, Format.JSONL), job.force, name)
            written.append((name, path))
    read = [
        os.fspath(path) for path in (job.review, job.label_names, job.genre_map, job.model) if path
    ]
    for part in plan.parts:
        # A file may be replaced by its corrected self, once all of it was read.
        if len(part.sources) > 1 or not _is_one_file(part.sources[0], part.target):
            read += [source.path for source in part.sources]
    check_separate_files(
        [(name, canonical_url(path)) for name, path in written],
        [canonical_url(path) for path in read if path != STDIO],
    )


def _is_one_file(source: Location, target: Location) -> bool:
    """Return whether an output replaces its file."""
    if source.is_remote or target.is_remote or target.is_stdio:
        return source.path == target.path
    return os.path.realpath(source.path) == os.path.realpath(target.path)
