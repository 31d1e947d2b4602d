"""What a driver gives a worker of a Ray cluster, without a cluster."""

from __future__ import annotations

from typing import Any

from genre_batch.cluster.folder_job import FolderJob
from genre_batch.cluster.on_ray import work_of_job
from genre_batch.model.metadata import ModelFile
from genre_batch.tagging.job import tag_job

__all__ = ["work_of"]


def work_of(
    source: str, output: str, **options: Any
) -> tuple[dict[str, Any], dict[str, Any], ModelFile]:
    """Return the job, its first part and the model; job.json is written."""
    folder = FolderJob(tag_job(sources=[source], output=output, engine="ray", **options))
    folder.begin()
    return work_of_job(folder, 1), folder.parts[0].as_dict(), folder.tagger.file
