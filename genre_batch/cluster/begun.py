"""The job.json of a run that has written nothing yet: another run takes it over, or it is removed.

A run that fails before its first part leaves nothing. But another run of the same job, on a cluster
or of a share, may have begun meanwhile, and its parts need job.json.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

from genre_batch.cluster.job_file import JobFile
from genre_batch.cluster.storage import remove
from genre_batch.errors import CatalogError

__all__ = ["remove_begun", "take_over"]


def take_over(file: JobFile, side: str) -> None:
    """Have job.json stay, whatever happens to the run that wrote it.

    Args:
        file: this job, with the name of this run.
        side: the folder next to the output.

    Raises:
        CatalogError: the file cannot be read or written.
    """
    path = f"{side}/job.json"
    stored = JobFile.read(path)
    if stored is None:
        replace(file, run="").write(path)  # it was removed since this run looked
    elif file.is_same_job(stored) and stored.run not in ("", file.run):
        replace(stored, run="").write(path)


def remove_begun(file: JobFile, side: str) -> None:
    """Remove job.json and empty folders, unless another run has taken the job over.

    Args:
        file: this job, with the name of this run.
        side: the folder next to the output.
    """
    path = f"{side}/job.json"
    with contextlib.suppress(CatalogError):
        stored = JobFile.read(path)
        if stored is None or stored.run != file.run:
            return
        remove(path)
    for folder in ("parts", "rejects", "temporary", ""):
        with contextlib.suppress(OSError):
            os.rmdir(os.path.join(side, folder))
