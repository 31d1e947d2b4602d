"""Fail a cut input if none of its rows can be read, as an uncut one fails."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

from genre_batch.catalog.remote import is_remote
from genre_batch.cluster.failures import Failure
from genre_batch.cluster.marks import Mark, Marks
from genre_batch.cluster.part import Part
from genre_batch.cluster.storage import remove
from genre_batch.errors import CatalogError

__all__ = ["remove_unread"]


def remove_unread(
    parts: Sequence[Part], done: Mapping[str, Mark], job_key: str, output: str, side: str
) -> list[Failure]:
    """Remove the parts of each cut input of which every row was rejected; return them as failures.

    One stretch is not enough to decide, because the others may have rows. So this is done by the
    process that wrote the last stretch of an input.

    Args:
        parts: all parts of the job, also those of other shares.
        done: the marks of this process's share of the parts, as far as they are done, by name.
        job_key: identifies the job.
        output: the output folder.
        side: the folder next to it.

    Raises:
        CatalogError: a mark cannot be read, or a file cannot be removed.
    """
    inputs: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        if part.task.stretch is not None:
            inputs[os.path.dirname(part.name)].append(part)
    failures = []
    for folder, pieces in inputs.items():
        known = [done[part.name] for part in pieces if part.name in done]
        if not known or not all(mark.counts.unread or _is_empty(mark) for mark in known):
            continue
        marks = Marks(output, side)
        keys = [(part, part.key(job_key)) for part in pieces]
        if not all(marks.has(*each) for each in keys):
            continue
        found = [mark for each in keys if (mark := marks.find(*each)) is not None]
        if len(found) < len(pieces):
            continue  # another share is removing them
        reasons = [mark.counts.unread for mark in found if mark.counts.unread]
        if not reasons or any(mark.counts.rows for mark in found):
            continue
        marks.forget(pieces)
        for part, mark in zip(pieces, found, strict=True):
            remove(f"{output}/{part.name}")
            for path in mark.counts.rejects:
                remove(f"{side}/{path}")
            name = CatalogError.__name__
            failures.append(Failure(part.name, part.source.name, name, reasons[0]))
        if not is_remote(output):
            with contextlib.suppress(OSError):
                os.rmdir(f"{output}/{folder}")
    return failures


def _is_empty(mark: Mark) -> bool:
    return not mark.counts.rows and not mark.counts.rows_rejected
