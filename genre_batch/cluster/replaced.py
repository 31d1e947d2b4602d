"""A job that replaces another in its folder: what the other wrote and this one does not is removed.

It is removed when the job is complete, by the process that completes it, which may be another one
than that which began it. So job.json lists it until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.cluster.job_file import JobFile
from genre_batch.cluster.marks import Marks
from genre_batch.cluster.part import Part
from genre_batch.cluster.storage import list_sizes, remove
from genre_batch.paths import neighbor

__all__ = ["begin_in_place", "remove_left_rejects", "remove_replaced"]


def begin_in_place(
    file: JobFile, stored: JobFile | None, marks: Marks, parts: Sequence[Part], side: str
) -> bool:
    """Write job.json, with the marks of the other job whose files this one does not write.

    Args:
        file: this job.
        stored: the other one, which may itself have been replacing a third; None: there is none.
        marks: those of the output folder.
        parts: all parts of this job.
        side: the folder next to the output.

    Returns:
        Whether there are such files, so that job.json has to stay whatever happens to this run.

    Raises:
        CatalogError: the file cannot be written.
    """
    names = set(marks.unplanned(parts)) | set(stored.replaces if stored else ())
    replace(file, replaces=tuple(sorted(names))).write(f"{side}/job.json")
    return bool(names)


def remove_left_rejects(parts: Sequence[Part], side: str) -> None:
    """Remove rejects in cloud storage of parts without a mark: those of a run that was killed.

    Whoever writes a part replaces or removes its rejects on a disk, but not there.

    Args:
        parts: this run will write them, so that it harms no other that is writing them too.
        side: the folder next to the output.

    Raises:
        CatalogError: an object cannot be removed, or the folder cannot be listed.
    """
    left = {f"{side}/rejects/{name}" for name in list_sizes(f"{side}/rejects")}
    for part in parts:
        if part.task.rejects in left:
            remove(part.task.rejects)


def remove_replaced(file: JobFile, parts: Sequence[Part], output: str, side: str) -> None:
    """Remove the files that job.json lists, unless another run of the job has written them again.

    Args:
        file: this job.
        parts: all parts of this run.
        output: the output folder.
        side: the folder next to it.

    Raises:
        CatalogError: a file cannot be removed or written.
    """
    stored = JobFile.read(f"{side}/job.json")
    if stored is None or not stored.replaces or not file.is_same_job(stored):
        return
    marks = Marks(output, side)
    for name in marks.replaced(stored.replaces, parts):
        marks.forget_name(name)
        remove(f"{output}/{name}")
        remove(neighbor(f"{side}/rejects/{name}", "", REJECTS_SUFFIX))
    replace(stored, replaces=()).write(f"{side}/job.json")
