"""`apply_review`: write a catalog again with the labels that a person decided on."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from genre_batch.catalog.formats import STDIO, Format, Location, input_location, output_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.spool import read_again
from genre_batch.catalog.reading.unreadable import RejectCount
from genre_batch.catalog.rejects import REJECTS_SUFFIX, RejectsFile, raise_on_reject
from genre_batch.catalog.remote import canonical_url, is_remote
from genre_batch.catalog.writing.atomic import check_overwrite, open_output
from genre_batch.catalog.writing.writer import open_stream, open_writer
from genre_batch.dataset.label_names import read_label_names
from genre_batch.errors import CatalogError, GenreBatchWarning
from genre_batch.files import check_output_file, check_separate_files
from genre_batch.options import check_job
from genre_batch.paths import is_stream, neighbor
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.review.decisions import Review, read_review
from genre_batch.review.edits import Edits
from genre_batch.review.job import ApplyJob, ApplyResult
from genre_batch.review.lookup import Lookup
from genre_batch.review.rewrite import copy_bytes, is_copied, write_objects, write_rows

__all__ = ["apply_review"]


def apply_review(job: ApplyJob, progress: RowProgress = no_row_progress) -> ApplyResult:
    """Write a catalog again with the labels that a person decided on.

    After that, a row has every genre that the review calls `right` for it, and none that the review
    calls `wrong`; all other labels are as they were. A text catalog that is written in its own
    format is copied byte for byte except for these cells, records that cannot be read included.

    The catalog is read twice: once to check the whole review against it, then to write it. Memory
    grows with the decisions, not with the catalog.

    Args:
        job: the options.
        progress: called with rows written and their number.

    Raises:
        UsageError: an option is invalid, or a file does not exist.
        CatalogError: the review or the catalog cannot be read, they do not belong together, or a
            cell cannot be changed. Nothing is written then.
    """
    check_job("apply_review", job, ApplyJob)
    plan = _plan(job)
    review = read_review(job.review)
    if not review.decisions:
        warnings.warn(
            f"{review.location.name} has no decision that is right or wrong: the catalog is "
            f"written as it is",
            GenreBatchWarning,
            stacklevel=2,
        )
    with read_again(plan.source) as source:
        plan = replace(plan, source=source, copied=plan.copied and is_copied(source, job.reading))
        rejects = RejectsFile(plan.rejects)
        try:
            lookup = _read(job, plan, review, rejects)
            edits = Edits(job, review, lookup, lookup.finish())
            edits.make()
            _write(job, plan, edits.cells, lambda rows: progress(rows, lookup.rows))
            rejects.commit()
        except BaseException:
            rejects.rollback()
            raise
    result = edits.result(plan.target, rejects, kept=plan.copied)
    if plan.summary is not None:
        _write_summary(result, plan.summary)
    return result


@dataclass(frozen=True)
class _Plan:
    """Where to read and write.

    Attributes:
        source: the catalog.
        target: the output.
        copied: whether the bytes of the catalog are copied.
        rejects: the file for records that cannot be read; None: there is none.
        summary: the file for the result; None: it is not written.
    """

    source: Location
    target: Location
    copied: bool
    rejects: str | None
    summary: Location | None

    @property
    def as_objects(self) -> bool:
        """Whether JSON objects are written with their own bytes."""
        return self.source.format is self.target.format is Format.JSONL


def _plan(job: ApplyJob) -> _Plan:
    """Find the files, and check them before any work is done.

    Raises:
        UsageError: a file does not exist, a suffix is unknown, or a file has two roles.
        OutputExistsError: the output exists.
    """
    source = input_location(os.fspath(job.catalog), job.reading.input_format)
    output = None if job.output is None else os.fspath(job.output)
    target = output_location(output, job.writing.output_format)
    respelled = job.writing.output_delimiter is not None or job.writing.output_encoding is not None
    copied = source.format is target.format and source.format.is_text and not respelled
    rejects = None if job.reading.rejects is None else os.fspath(job.reading.rejects)
    if rejects is None and not (copied or job.reading.strict or _is_stream(target)):
        rejects = neighbor(target.path, "", REJECTS_SUFFIX)
    summary = None if job.summary_json is None else os.fspath(job.summary_json)
    check_overwrite(target, job.force)
    written = [("`output`", target.path)]
    for name, path in (("`rejects`", rejects), ("`summary_json`", summary)):
        if path is not None:
            if path != STDIO and not is_remote(path):
                check_output_file(path, name=name)
            check_overwrite(Location(path, Format.JSONL), job.force, name)
            written.append((name, path))
    read = [
        os.fspath(path) for path in (job.review, job.label_names, job.genre_map, job.model) if path
    ]
    if not _is_one_file(source, target):
        read.append(source.path)
    check_separate_files(
        [(name, canonical_url(path)) for name, path in written],
        [canonical_url(path) for path in read if path != STDIO],
    )
    place = None if summary is None else Location(summary, Format.JSONL)
    return _Plan(source, target, copied, rejects, place)


def _is_stream(target: Location) -> bool:
    return target.is_stdio or target.is_remote or is_stream(target.path)


def _is_one_file(source: Location, target: Location) -> bool:
    """Return whether the output replaces the catalog, which is read to its end before that."""
    if source.is_remote or target.is_remote or target.is_stdio:
        return source.path == target.path
    return os.path.realpath(source.path) == os.path.realpath(target.path)


def _options(job: ApplyJob, plan: _Plan) -> ReadOptions:
    as_table = not plan.copied and not plan.as_objects
    return ReadOptions(
        as_table=as_table,
        infer_types=as_table and job.reading.infer_types and not plan.target.format.is_text,
        reading=job.reading,
    )


def _read(job: ApplyJob, plan: _Plan, review: Review, rejects: RejectsFile) -> Lookup:
    """Read the catalog for the first time."""
    lookup = Lookup(job, review, _label_names(job))
    on_reject = raise_on_reject if job.reading.strict else rejects.add
    count = RejectCount(on_reject)
    with CatalogReader([plan.source], _options(job, plan), count.add) as reader:
        for chunk in reader.chunks():
            lookup.add(chunk)
    return lookup


def _label_names(job: ApplyJob) -> Mapping[str, str]:
    if job.label_names is None:
        return {}
    names = read_label_names(job.label_names)
    return names if isinstance(names, dict) else {str(i): name for i, name in enumerate(names)}


def _write(job: ApplyJob, plan: _Plan, edits: Mapping[int, Any], progress: Any) -> None:
    """Read the catalog again, and write it."""
    options = _options(job, plan)
    if plan.copied or plan.as_objects:
        with open_stream(plan.target, force=True) as stream:
            if plan.copied:
                copy_bytes(plan.source, job.reading, edits, stream, progress)
            else:
                write_objects(plan.source, options, edits, stream, progress)
        return
    with open_writer(plan.target, job.writing.encoder_options(), force=True) as writer:
        write_rows(plan.source, options, edits, writer, progress)


def _write_summary(result: ApplyResult, place: Location) -> None:
    """Write the result as JSON.

    Raises:
        CatalogError: it cannot be written.
    """
    text = json.dumps(result.as_dict(), indent=2, ensure_ascii=False) + "\n"
    with _summary_errors(place), open_output(place, force=True) as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def _summary_errors(place: Location) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CatalogError(
            f"cannot write {place.path}: {error.strerror or error}: the catalog itself is complete"
        ) from error
