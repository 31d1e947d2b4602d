"""Cut the large inputs of a job into several parts, and remove what earlier cuts left."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Sequence

from genre_batch.catalog.formats import Format
from genre_batch.catalog.reading.cutting import Cutting, cut
from genre_batch.catalog.remote import is_remote
from genre_batch.cluster.marks import Marks
from genre_batch.cluster.part import Part, stretched
from genre_batch.cluster.storage import remove
from genre_batch.errors import CatalogError, GenreBatchWarning, counted
from genre_batch.model.metadata import ModelMetadata
from genre_batch.tagging.column_choice import first_columns
from genre_batch.tagging.job import OFF, TagJob

__all__ = ["cores_of_large_parts", "cut_parts", "remove_other_cuts", "split_size"]

_SPLIT_SIZE = 64 * 10**6
"""The default where several machines share the work: of CSV some 150,000 films, or 8 minutes."""


def split_size(job: TagJob, stored: int | str | None) -> int | str:
    """Return the bytes above which the inputs of a job are cut, or `off`.

    Args:
        job: the run's options.
        stored: what an earlier run of the same job used; None: there was none.
    """
    if job.running.split_size is not None:
        return job.running.split_size
    if stored is not None:
        return stored
    return _SPLIT_SIZE if job.running.is_shared else OFF


def cut_parts(
    parts: Sequence[Part], job: TagJob, metadata: ModelMetadata, size: int | str
) -> list[Part]:
    """Return the parts of a job, with several for each input above a size.

    A warning counts the inputs above it that cannot be cut.

    Args:
        parts: one for each input.
        job: the run's options.
        metadata: of the model, which knows the columns that it was trained on.
        size: the bytes above which an input is cut, or `off`.
    """
    if size == OFF:
        return list(parts)
    cuts: list[Part] = []
    whole: list[str] = []
    for part in parts:
        pieces, reason = _cut(part, job, metadata, int(size))
        cuts += pieces or [part]
        if reason:
            whole.append(f"{part.source.name}: {reason}")
    if whole:
        warnings.warn(
            f"{counted(len(whole), 'input')} above `split_size` will not be cut (the first: "
            f"{whole[0]})",
            GenreBatchWarning,
            stacklevel=2,
        )
    return cuts


def _cut(part: Part, job: TagJob, metadata: ModelMetadata, size: int) -> tuple[list[Part], str]:
    """Return the parts of an input, if it is cut, and otherwise why it is not."""
    if part.size <= size:
        return [], ""
    source, target = part.source, part.task.target.format
    is_lines = source.format is Format.JSONL and target is Format.JSONL
    columns: tuple[str | None, ...] = ()
    cutting = Cutting()
    # An input that cannot be read is one part, which reports the error.
    with contextlib.suppress(CatalogError):
        cutting = cut(
            source,
            job.reading,
            size,
            as_table=not is_lines,
            infer_types=job.reading.infer_types and not target.is_text,
        )
        if cutting.stretches and is_lines:
            columns = first_columns(job, metadata, source)
        return stretched(part, cutting.stretches, cutting.sizes, columns), cutting.reason
    return [], ""


def cores_of_large_parts(parts: Sequence[Part], size: int, most: int) -> dict[str, int]:
    """Return the cores of each part above a size that should have several, and tell the user.

    What cannot be cut would keep a cluster waiting, so it gets a core for each piece into which it
    would be cut.

    Args:
        parts: what will be written.
        size: the bytes above which inputs are cut.
        most: the cores of the largest node.

    Returns:
        Part name -> cores, at least 2.
    """
    cores = {}
    for part in parts:
        # The stretches of a cut may be somewhat larger than the size.
        pieces = part.size // size + (part.task.stretch is None and part.size % size > 0)
        if min(most, pieces) > 1:
            cores[part.name] = min(most, pieces)
    if cores:
        first = next(part for part in parts if part.name in cores)
        warnings.warn(
            f"{counted(len(cores), 'part')} above `split_size` will use several cores (the first: "
            f"{first.source.name}, {cores[first.name]} of them): set `threads` to choose the cores "
            f"of every part",
            GenreBatchWarning,
            stacklevel=2,
        )
    return cores


def remove_other_cuts(parts: Sequence[Part], marks: Marks, output: str, side: str) -> None:
    """Remove the files of an input that was cut otherwise, or not at all, when it was written.

    Whoever reads the folder of an input would read its rows twice.

    Args:
        parts: all parts of the job.
        marks: those of the output folder.
        output: the output folder.
        side: the folder next to it.

    Raises:
        CatalogError: a file cannot be removed.
    """
    names = {part.name for part in parts}
    folders = {os.path.dirname(part.name) for part in parts if part.task.stretch is not None}
    for name in marks.names():
        folder = os.path.dirname(name)
        if name in names or not (name in folders or folder in folders or folder in names):
            continue
        marks.forget_name(name)
        remove(f"{output}/{name}")
        if folder in names and not is_remote(output):
            with contextlib.suppress(OSError):
                os.rmdir(f"{output}/{folder}")
