"""Parts that fail: which ones, why, and when a run stops because of them."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from genre_batch.cluster.part import Part
from genre_batch.cluster.shard import Shard
from genre_batch.cluster.storage import list_sizes, remove, write_bytes
from genre_batch.errors import CatalogError, GenreBatchError, counted

__all__ = [
    "Failure",
    "all_alike",
    "failed_error",
    "is_of_the_part",
    "removed_outputs",
    "write_failures",
]

_ALIKE = 20
"""This many failures in a row for one reason, and not one success, are no coincidence."""
_OF_THE_MACHINE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.EACCES, errno.EPERM, errno.EFBIG),
)


@dataclass(frozen=True)
class Failure:
    """A part that could not be written.

    Attributes:
        part: its name.
        source: the input, as it was typed.
        error: the class of the error.
        message: its one line.
        node: the machine on which it failed; empty if that is not known.
    """

    part: str
    source: str
    error: str
    message: str
    node: str = ""

    @classmethod
    def of(cls, part: Part, error: BaseException, node: str = "") -> Failure:
        """Return the failure of a part by an error."""
        message = " ".join(str(error).split()) or type(error).__name__
        return cls(part.name, part.source.name, type(error).__name__, message, node)

    @property
    def reason(self) -> str:
        """The message without what belongs to this part alone."""
        reason = self.message
        for name in (self.source, self.part, self.node):
            reason = reason.replace(name, "") if name else reason
        return f"{self.error} {reason}"


def is_of_the_part(error: GenreBatchError) -> bool:
    """Return whether other parts may succeed after an error of one: it is one of its input.

    Errors of the options, of the model, or of the output's disk would come again.
    """
    cause = error.__cause__
    return isinstance(error, CatalogError) and not (
        isinstance(cause, OSError) and cause.errno in _OF_THE_MACHINE
    )


def all_alike(failures: Sequence[Failure], done: int) -> bool:
    """Return whether a run should stop, because its first parts all failed for one reason."""
    return not done and len(failures) >= _ALIKE and len({each.reason for each in failures}) == 1


def removed_outputs(parts: Sequence[Part], output: str) -> dict[str, Failure]:
    """Return, as failures by part name, the parts whose files are no longer in the folder.

    Args:
        parts: parts that are done.
        output: the output folder.

    Raises:
        CatalogError: the folder cannot be listed.
    """
    files = list_sizes(output)
    message = "was removed while the run went on"
    return {
        part.name: Failure.of(part, CatalogError(f"{output}/{part.name} {message}"))
        for part in parts
        if part.name not in files
    }


def failures_file(side: str, shard: Shard | None) -> str:
    """Return the path of the list of failures; each shard has its own."""
    if shard is None:
        return f"{side}/failures.jsonl"
    return f"{side}/failures-{shard.index:05}-of-{shard.count:05}.jsonl"


def write_failures(side: str, shard: Shard | None, failures: Sequence[Failure]) -> str:
    """Write the list of failures, or remove that of an earlier run; return its path.

    Raises:
        CatalogError: it cannot be written.
    """
    path = failures_file(side, shard)
    if failures:
        lines = (json.dumps(asdict(failure)) + "\n" for failure in failures)
        write_bytes(path, "".join(lines).encode())
    else:
        remove(path)
    return path


def failed_error(failures: Sequence[Failure], parts: int, path: str) -> CatalogError:
    """Return the error of a run in which parts failed.

    Args:
        failures: what failed, in the order of the plan.
        parts: the number of parts of the run.
        path: the list of failures.
    """
    first = failures[0]
    node = f" on node {first.node}" if first.node else ""
    return CatalogError(
        f"{len(failures):,} of {counted(parts, 'part')} failed (the first{node}: {first.message}), "
        f"see {path}: fix them, and run the same command again"
    )
