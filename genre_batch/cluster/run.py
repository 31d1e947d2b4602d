"""Run a tagging job: into one output on this machine, or in parts on the chosen engine."""

from __future__ import annotations

from collections.abc import Callable

from genre_batch.cluster.folder_job import FolderJob
from genre_batch.cluster.here import run_here
from genre_batch.cluster.ray_connection import RayConnection
from genre_batch.errors import UsageError
from genre_batch.extras import require_extra
from genre_batch.paths import is_stream
from genre_batch.progress import RowProgress, StatusProgress, no_row_progress, no_status
from genre_batch.tagging import run as one_output
from genre_batch.tagging.job import OFF, TagJob
from genre_batch.tagging.plan import writes_folder
from genre_batch.tagging.summary import TagSummary

__all__ = ["run"]


def run(
    job: TagJob,
    progress: RowProgress = no_row_progress,
    status: StatusProgress = no_status,
    connection: RayConnection | None = None,
    finish: Callable[[TagSummary], None] | None = None,
) -> TagSummary:
    """Tag catalogs.

    Args:
        job: the run's options.
        progress: called after each chunk; on a cluster, after each part.
        status: called when another part begins; on a cluster, when something changes.
        connection: to the cluster of the job, which the caller closes; None: a new one.
        finish: called with the result; see `tagging.run.run`.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them; nothing is left under the
            name of an output that is not complete.
    """
    _check_engine(job)
    if not writes_folder(job.output):
        _check_not_cut(job)
        return one_output.run(job, progress, finish)
    summary = _run_folder(job, progress, status, connection)
    if finish is not None:
        finish(summary)
    return summary


def _run_folder(
    job: TagJob, progress: RowProgress, status: StatusProgress, connection: RayConnection | None
) -> TagSummary:
    if job.running.engine == "local":
        return run_here(FolderJob(job), progress, status)
    from genre_batch.cluster.on_ray import run_on_ray

    require_extra("`engine` ray", "ray")
    if connection is not None:
        return run_on_ray(job, connection, progress, status)
    with RayConnection(job.running.address, job.threads) as connection:
        return run_on_ray(job, connection, progress, status)


def _check_engine(job: TagJob) -> None:
    """Check that several machines can do the job.

    Raises:
        UsageError: an option, an input or the output is of this machine alone.
    """
    if not job.running.is_shared:
        return
    engine = job.running.engine
    what = "`shard`" if engine == "local" else f"`engine` {engine}"
    if not writes_folder(job.output):
        raise UsageError(
            f"several machines write one folder, a file for each part, so {what} needs a folder: "
            f"`output` tagged/"
        )
    for source in job.sources:
        if source == "-" or is_stream(source):
            name = "stdin" if source == "-" else f"the stream {source}"
            raise UsageError(
                f"{name} cannot be read by several machines: name files, or omit {what}"
            )
    refused = {
        "cache": "it cannot be shared between machines",
        "limit": "parts do not know of each other's rows",
    }
    for name, reason in refused.items():
        if getattr(job, name) is not None:
            raise UsageError(
                f"`{name}` and {what} cannot be used together: {reason}: leave `{name}` out"
            )
    if job.reading.rejects is not None:
        raise UsageError(
            f"`rejects` names one file, but {what} has one for each part: leave it out, and they "
            f"are in the folder next to `output`"
        )


def _check_not_cut(job: TagJob) -> None:
    if job.running.split_size not in (None, OFF):
        raise UsageError(
            "`split_size` cuts an input into several outputs, so it needs a folder: `output` "
            "tagged/"
        )
