"""`apply_review`: write a catalog again with the labels that a person decided on."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from genre_batch.catalog.formats import Location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.rereadable import rereadable
from genre_batch.catalog.reading.unreadable import RejectCount
from genre_batch.catalog.rejects import RejectsFile, raise_on_reject
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.catalog.writing.writer import open_stream, open_writer
from genre_batch.dataset.label_names import read_label_names
from genre_batch.errors import CatalogError, GenreBatchWarning
from genre_batch.failures import reason_of
from genre_batch.options import check_job
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.review.decisions import Review, read_review
from genre_batch.review.edits import Edits
from genre_batch.review.job import ApplyJob, ApplyResult, CorrectedFile
from genre_batch.review.labels import Labels
from genre_batch.review.lookup import Lookup
from genre_batch.review.plan import Part, Plan, plan_job
from genre_batch.review.rewrite import copy_bytes, is_copied, write_objects, write_rows
from genre_batch.review.staging import staged

__all__ = ["apply_review"]


def apply_review(job: ApplyJob, progress: RowProgress = no_row_progress) -> ApplyResult:
    """Write a catalog again with the labels that a person decided on.

    After that, a row has every genre that the review calls `right` for it, and none that the review
    calls `wrong`; all other labels are as they were. A text catalog that is written in its own
    format is copied byte for byte except for these cells, records that cannot be read included.

    The catalog is read twice: once to check the whole review against it, then to write it. Memory
    grows with the decisions and with the distinct genre cells, not with the rows. Where the output
    is a folder, each file of the catalog is written at its place in it, once all of them are
    complete.

    Args:
        job: the options.
        progress: called with rows written and their number.

    Raises:
        UsageError: an option is invalid, or a file does not exist.
        CatalogError: the review or the catalog cannot be read, they do not belong together, or a
            cell cannot be changed. Nothing is written then.
    """
    check_job("apply_review", job, ApplyJob)
    plan = plan_job(job)
    review = read_review(job.review)
    if not review.decisions:
        warnings.warn(
            f"{review.location.name} has no decision that is right or wrong: the catalog is "
            f"written as it is",
            GenreBatchWarning,
            stacklevel=2,
        )
    with _read_again(job, plan) as plan:
        rejects = RejectsFile(plan.rejects)
        try:
            lookups = _read(job, plan, review, rejects)
            edits = Edits(job, review, lookups, _finished(lookups))
            edits.make()
            _write(job, plan, lookups, progress)
            rejects.commit()
        except BaseException:
            rejects.rollback()
            raise
    result = _result(job, plan, review, lookups, edits, rejects)
    if plan.summary is not None:
        _write_summary(result, plan.summary)
    return result


@contextlib.contextmanager
def _read_again(job: ApplyJob, plan: Plan) -> Iterator[Plan]:
    """Yield the plan with sources that can be read twice, and what their content decides."""
    with contextlib.ExitStack() as stack:
        parts = []
        for part in plan.parts:
            sources = tuple(stack.enter_context(rereadable(part.sources)))
            copied = part.copied and is_copied(sources[0], job.reading)
            parts.append(replace(part, sources=sources, copied=copied))
        yield replace(plan, parts=tuple(parts))


def _options(job: ApplyJob, part: Part) -> ReadOptions:
    as_table = not part.copied and not part.as_objects
    return ReadOptions(
        as_table=as_table,
        infer_types=as_table and job.reading.infer_types and not part.target.format.is_text,
        reading=job.reading,
    )


def _read(job: ApplyJob, plan: Plan, review: Review, rejects: RejectsFile) -> list[Lookup]:
    """Read the catalog for the first time."""
    count = RejectCount(raise_on_reject if job.reading.strict else rejects.add)
    names = _label_names(job)
    lookups: list[Lookup] = []
    for part in plan.parts:
        start = lookups[-1].end if lookups else 0
        file = part.sources[0].name if len(plan.parts) > 1 else None
        lookup = Lookup(job, review, names, start, file)
        with CatalogReader(part.sources, _options(job, part), count.add) as reader:
            for chunk in reader.chunks():
                lookup.add(chunk)
        lookups.append(lookup)
    return lookups


def _label_names(job: ApplyJob) -> Mapping[str, str]:
    if job.label_names is None:
        return {}
    names = read_label_names(job.label_names)
    return names if isinstance(names, dict) else {str(i): name for i, name in enumerate(names)}


def _finished(lookups: Sequence[Lookup]) -> Labels:
    """Return the labels of the whole catalog, and finish those of each output by them.

    Raises:
        ColumnError: an output has no column of genres.
    """
    if len(lookups) == 1:
        whole = lookups[0].labels_found()
        whole.finish()
        return whole
    # A file of JSON Lines may have no row, and so no columns.
    found = [lookup.labels_found() for lookup in lookups if lookup.columns] or [
        lookups[0].labels_found()
    ]
    whole = found[0].empty_copy()
    for labels in found:
        whole.merge(labels)
    whole.finish()
    for labels in found:
        labels.finish(whole)
    return whole


def _write(job: ApplyJob, plan: Plan, lookups: Sequence[Lookup], progress: RowProgress) -> None:
    """Read the catalog again, and write it."""
    total = lookups[-1].end
    with staged(plan.folder, [part.target for part in plan.parts]) as targets:
        for part, target, lookup in zip(plan.parts, targets, lookups, strict=True):

            def advance(rows: int, start: int = lookup.start) -> None:
                progress(start + rows, total)

            _write_part(job, part, target, lookup, advance)


def _write_part(
    job: ApplyJob, part: Part, target: Location, lookup: Lookup, progress: Callable[[int], None]
) -> None:
    options = _options(job, part)
    if part.copied or part.as_objects:
        with open_stream(target, force=True) as stream:
            if part.copied:
                copy_bytes(part.sources[0], job.reading, lookup.cells, stream, progress)
            else:
                write_objects(part.sources, options, lookup.cells, stream, progress)
        return
    with open_writer(target, job.writing.encoder_options(), force=True) as writer:
        write_rows(part.sources, options, lookup.cells, writer, progress)


def _result(
    job: ApplyJob,
    plan: Plan,
    review: Review,
    lookups: Sequence[Lookup],
    edits: Edits,
    rejects: RejectsFile,
) -> ApplyResult:
    """Return what was decided and changed."""
    words = {word: review.counts.get(word, 0) for word in ("right", "wrong", "skip")}
    by_change = {
        kind: Counter(change.genre for change in edits.changes if change.change == kind)
        for kind in ("added", "removed")
    }
    target = plan.parts[0].target
    output = None if target.is_stdio else target.path
    files = [
        CorrectedFile(
            output=part.target.path,
            catalog=part.sources[0].name,
            first_row=lookup.start,
            rows=lookup.end - lookup.start,
            rows_changed=len(lookup.cells),
        )
        for part, lookup in zip(plan.parts, lookups, strict=True)
    ]
    return ApplyResult(
        review=review.location.path,
        catalog=os.fspath(job.catalog),
        output=plan.folder or output,
        rows=lookups[-1].end,
        rows_changed=sum(len(lookup.cells) for lookup in lookups),
        rows_rejected=rejects.count,
        rejected_kept=plan.copied,
        rejects=rejects.path if rejects.count else None,
        decisions={**words, "undecided": review.counts.get("", 0)},
        added=dict(by_change["added"].most_common()),
        removed=dict(by_change["removed"].most_common()),
        confirmed=edits.confirmed,
        changes=tuple(edits.changes),
        files=tuple(files) if plan.folder is not None else (),
    )


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
    """Raise errors of the system as a `CatalogError`: the catalog is complete, the summary not."""
    try:
        yield
    except OSError as error:
        raise CatalogError(
            f"cannot write {place.path}: {reason_of(error)}: the catalog itself is complete"
        ) from error
