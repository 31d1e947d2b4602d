"""What a worker of a Ray cluster does: write one part, and return its mark or its error as values.

Nothing heavy is imported at the top: libraries read their number of threads when they are imported.
"""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genre_batch.cluster.part import Part
    from genre_batch.cluster.write_part import PartWriter
    from genre_batch.errors import GenreBatchError
    from genre_batch.model.metadata import ModelFile

__all__ = ["KEEPALIVE", "lacks", "load_libraries", "run_part"]

KEEPALIVE = "RAY_grpc_client_keepalive_time_ms"
"""Ray's variable: the milliseconds between two questions whether the other side is alive."""
_ALWAYS_ALLOWED = 60_000
"""Ray's servers allow to be asked as often as this, in milliseconds, or as they ask themselves."""
_THREADS = ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS")
"""Read by tokenizers, polars and others; they take every core of the node otherwise."""

_writers: dict[str, PartWriter] = {}
"""The last job's model, loaded: a worker writes many parts."""


def load_libraries(threads: int, is_alone: bool) -> None:
    """Start a worker and import what every part needs, while the job is planned.

    Args:
        threads: as many as a part of the job has; libraries read it when they are imported.
        is_alone: whether the worker runs nothing else.
    """
    _prepare(threads, is_alone)
    import genre_batch.cluster.write_part  # noqa: F401


def _prepare(threads: int, is_alone: bool) -> None:
    for name in _THREADS:
        os.environ[name] = str(threads)
    if is_alone:
        from genre_batch.extras import leave_out_pandas

        leave_out_pandas()


def run_part(
    work: Mapping[str, Any],
    part: Mapping[str, Any],
    model: ModelFile | Sequence[Any],
    threads: int | None = None,
) -> dict[str, Any]:
    """Write a part and its mark.

    Args:
        work: the job: `options`, `names`, `key`, `output`, `side`, `threads`, `versions`, the
            driver's `keepalive`, and whether its workers run nothing else, `is_alone`.
        part: `Part.as_dict`.
        model: the model file, or a list of one reference to it, which Ray does not copy for each
            part: only a worker without the model asks for it.
        threads: the cores of this part; None: those of the job.

    Returns:
        `node`, `warnings`, and either `mark` or `error`, `message` and `stops`, whether the error
        would come again for any other part; then also `exit_code`.
    """
    if threads is not None:
        work = {**work, "threads": threads}
    _prepare(work["threads"], work["is_alone"])
    from genre_batch.errors import GenreBatchError, GenreBatchWarning

    result: dict[str, Any] = {"node": socket.gethostname(), "warnings": []}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GenreBatchWarning)
        try:
            result["mark"] = _write(work, part, model, result["node"])
        except GenreBatchError as error:
            result |= _values(error)
        except ModuleNotFoundError as error:
            result |= _values(GenreBatchError(lacks(result["node"], error.name or str(error))))
        except Exception as error:
            result |= _other_values(error)
    result["warnings"] = [
        str(each.message) for each in caught if issubclass(each.category, GenreBatchWarning)
    ]
    return result


def lacks(node: str, module: str) -> str:
    """Return the message about a node that cannot import a module.

    Args:
        node: its name or address.
        module: the module's full name.
    """
    from genre_batch.version import __version__

    package = module.partition(".")[0]
    what = f"genre-batch {__version__}" if package == "genre_batch" else package
    return f"node {node} lacks {what}: install the same environment on every node"


def _write(
    work: Mapping[str, Any], values: Mapping[str, Any], model: ModelFile | Sequence[Any], node: str
) -> dict[str, Any]:
    from genre_batch.cluster.part import Part

    _check_versions(work["versions"], node)
    _check_keepalive(work["keepalive"], node)
    part = Part.from_dict(values)
    _check_places(work, part, node)
    return _writer(work, model, node).write(part).as_dict()


def _check_versions(expected: Mapping[str, str], node: str) -> None:
    from genre_batch.cluster.job_file import library_versions
    from genre_batch.errors import GenreBatchError

    found = library_versions()
    other = [f"{name} {found[name]}" for name in expected if found[name] != expected[name]]
    if other:
        wanted = [f"{name} {expected[name]}" for name in expected if found[name] != expected[name]]
        raise GenreBatchError(
            f"node {node} has {', '.join(other)}, this machine {', '.join(wanted)}: install the "
            f"same environment on every node"
        )


def _check_keepalive(asked: str | None, node: str) -> None:
    """Check that a node allows to be asked as often as the driver asks.

    It would close the connection otherwise, and Ray would end its worker after some 20 seconds of
    one part.

    Args:
        asked: the driver's value of `KEEPALIVE`; None: Ray's own.
        node: its name, for the message.

    Raises:
        GenreBatchError: it does not: it was started without the variable, or with a larger value.
    """
    from genre_batch.errors import GenreBatchError

    if _milliseconds(os.environ.get(KEEPALIVE)) > _milliseconds(asked):
        raise GenreBatchError(
            f"node {node} was started without {KEEPALIVE}={asked}, which this command has: set it "
            f"where the node is started too, or unset it here"
        )


def _milliseconds(value: str | None) -> int:
    return min(_ALWAYS_ALLOWED, int(value) if value and value.isdecimal() else _ALWAYS_ALLOWED)


def _check_places(work: Mapping[str, Any], part: Part, node: str) -> None:
    """Check that this machine sees the input and the output folder."""
    from genre_batch.catalog.remote import is_remote
    from genre_batch.cluster.job_file import JobFile
    from genre_batch.errors import CatalogError

    source = part.source
    if not source.is_remote and not os.path.exists(source.path):
        raise CatalogError(
            f"{source.name} is not on node {node}: use a URL, or a folder that all nodes share"
        )
    if not is_remote(work["side"]):
        stored = JobFile.read(f"{work['side']}/job.json")
        if stored is None or stored.key != work["key"]:
            raise CatalogError(
                f"{work['output']} is not the folder of this job on node {node}: use a URL, or a "
                f"folder that all nodes share"
            )


def _writer(work: Mapping[str, Any], model: ModelFile | Sequence[Any], node: str) -> PartWriter:
    from genre_batch.cluster.write_part import PartWriter
    from genre_batch.model.metadata import ModelFile
    from genre_batch.model.tagger import GenreTagger
    from genre_batch.options import from_flat_values
    from genre_batch.tagging.job import TagJob
    from genre_batch.tagging.written_names import WrittenNames

    identity = f"{work['key']} {work['threads']} {work['output']}"
    if identity not in _writers:
        _writers.clear()
        job = from_flat_values(TagJob, work["options"])
        file = model if isinstance(model, ModelFile) else _fetched(model[0])
        tagger = GenreTagger(file, work["threads"])
        tagger.keeps_file = False
        _writers[identity] = PartWriter(
            job,
            work["key"],
            work["output"],
            work["side"],
            tagger,
            node=node,
            names=WrittenNames(**work["names"]),
        )
    return _writers[identity]


def _fetched(reference: Any) -> ModelFile:
    import ray

    file: ModelFile = ray.get(reference)
    return file


def _values(error: GenreBatchError) -> dict[str, Any]:
    from genre_batch.cluster.failures import is_of_the_part

    return {
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "message": str(error),
        "stops": not is_of_the_part(error),
    }


def _other_values(error: Exception) -> dict[str, Any]:
    from genre_batch.errors import first_line
    from genre_batch.failures import describe_failure

    described = describe_failure(error)
    message = f"{type(error).__name__}: {first_line(error)}"
    if described is not None:
        message = ": ".join(filter(None, described))
    return {"error": type(error).__name__, "message": message, "stops": False}
