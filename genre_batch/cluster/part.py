"""The parts of a job: which outputs it has, from which inputs, and what identifies their bytes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.stretches import Stretch
from genre_batch.cluster.storage import absolute, modified
from genre_batch.paths import neighbor
from genre_batch.tagging.plan import OutputTask, Plan

__all__ = ["Part", "plan_parts", "stretched"]

_LOOKING_AT_ONCE = 32
"""Objects in cloud storage that are looked at in parallel; each takes some 50 ms."""


@dataclass(frozen=True)
class Part:
    """One output of a job: a whole input, or a stretch of one.

    Its bytes and its name depend on the job and on the part, and on nothing else: whoever writes
    it, how often and when.

    Attributes:
        task: the output and its one input.
        size: the input's size in bytes; of a stretch, its share.
        modified: when the input was changed, in nanoseconds since 1970.
        limit: the number of rows to tag; None: all.
    """

    task: OutputTask
    size: int
    modified: int
    limit: int | None = None

    @property
    def name(self) -> str:
        """The path of the output below the job's output folder."""
        return self.task.name

    @property
    def source(self) -> Location:
        """The input."""
        return self.task.sources[0]

    def key(self, job_key: str) -> str:
        """Return what identifies the part's bytes: a SHA-256, hexadecimal.

        Args:
            job_key: identifies the job (`JobFile.key`).
        """
        stretch = self.task.stretch
        identity = [
            *(job_key, self.source.name, self.source.folders, self.size, self.modified),
            *(None if stretch is None else asdict(stretch), self.limit),
        ]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return the part as JSON values, its paths absolute, for a worker on another machine."""
        values = asdict(self)
        values["task"]["sources"] = [_location_values(self.source)]
        values["task"]["target"] = _location_values(self.task.target)
        for name in ("rejects", "folder"):
            path = values["task"][name]
            values["task"][name] = None if path is None else absolute(path)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Part:
        """Restore the part, with absolute paths, from the values of `as_dict`."""
        task = dict(values["task"])
        stretch = task["stretch"]
        task["sources"] = tuple(_location(source) for source in task["sources"])
        task["target"] = _location(task["target"])
        task["stretch"] = None if stretch is None else Stretch(**stretch)
        task["columns"] = tuple(task["columns"])
        return cls(OutputTask(**task), values["size"], values["modified"], values["limit"])


def _location_values(location: Location) -> dict[str, Any]:
    values = asdict(replace(location, path=absolute(location.path), typed=location.name))
    return values | {"format": location.format.value}


def _location(values: Mapping[str, Any]) -> Location:
    folders = tuple((name, value) for name, value in values["folders"])
    return Location(**{**values, "format": Format(values["format"]), "folders": folders})


def plan_parts(plan: Plan) -> list[Part]:
    """Return the parts of a job whose output is a folder, in the order of its inputs.

    Raises:
        UsageError, CatalogError: an input does not exist any more, or cannot be looked at.
    """
    sources = [task.sources[0] for task in plan.tasks]
    if not any(source.is_remote for source in sources):
        looked = list(map(modified, sources))
    else:
        with ThreadPoolExecutor(_LOOKING_AT_ONCE) as pool:
            looked = list(pool.map(modified, sources))
    return [
        Part(task, size, changed) for task, (size, changed) in zip(plan.tasks, looked, strict=True)
    ]


def stretched(
    part: Part,
    stretches: Sequence[Stretch],
    sizes: Sequence[int],
    columns: tuple[str | None, ...] = (),
) -> list[Part]:
    """Return the parts into which a large one is cut: a folder of its name, a file per stretch.

    Args:
        part: the whole input.
        stretches: all of it, in order.
        sizes: the bytes of each.
        columns: as in `OutputTask`.
    """
    task, suffix = part.task, _suffix(part.task)
    parts = []
    for stretch, size in zip(stretches, sizes, strict=True):
        file = f"part-{stretch.index:05}-of-{stretch.count:05}{suffix}"
        rejects = task.rejects
        if rejects is not None:
            folder = rejects[: -len(REJECTS_SUFFIX)]
            rejects = neighbor(f"{folder}/{file}", "", REJECTS_SUFFIX)
        of_stretch = replace(
            task,
            target=replace(task.target, path=f"{task.target.path}/{file}"),
            rejects=rejects,
            folder=None if task.folder is None else task.target.path,
            stretch=stretch,
            columns=columns,
            name=f"{task.name}/{file}",
        )
        parts.append(replace(part, size=size, task=of_stretch))
    return parts


def _suffix(task: OutputTask) -> str:
    """Return the suffix of an output, with that of its compression: `.csv.gz`."""
    stem, suffix = os.path.splitext(task.name)
    return suffix if task.target.compression is None else os.path.splitext(stem)[1] + suffix
