"""What identifies a job: the model, the options and the versions that its bytes depend on."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genre_batch.cluster.storage import read_bytes, write_bytes
from genre_batch.errors import CatalogError
from genre_batch.options import flat_values
from genre_batch.tagging.job import OFF, TagJob
from genre_batch.version import __version__

__all__ = ["JobFile", "library_versions"]

_LIBRARIES = ("onnxruntime", "tokenizers", "numpy", "pyarrow", "polars")
"""What computes, reads and writes; Parquet names the version of Arrow that wrote it."""

_NOT_IN_KEY = {
    *("sources", "output", "model", "resume", "force", "cache", "cache_size", "threads", "limit"),
    *(
        "summary_json",
        "profile",
        "rejects",
        "strict",
        "engine",
        "address",
        "shard",
        "split_size",
        "keep_going",
    ),
}
"""Options that the bytes of a part do not depend on, or that are part of its own key."""


def library_versions() -> dict[str, str]:
    """Return the versions of this tool and of the libraries that a part's bytes depend on."""
    return {"genre-batch": __version__} | {name: _version(name) for name in _LIBRARIES}


@functools.cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # vendored, or built without metadata
        return "unknown"


_KINDS: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "model_sha256": str,
    "options": dict,
    "versions": dict,
    "split_size": (int, str),
}
"""The fields of a job.json and their types."""


@dataclass(frozen=True)
class JobFile:
    """The content of job.json.

    Attributes:
        model: the model's path, for readers.
        model_sha256: its SHA-256, hexadecimal.
        options: by name, as JSON values; those that the bytes depend on.
        versions: of this tool and of libraries.
        split_size: the bytes above which its inputs are cut, or `off`; it is not in the key,
            because a part's own key has its stretch.
        replaces: the names of marks of a job that this one replaces, whose files are not among its
            own outputs; they are removed when it is complete.
        run: the name of the run that wrote the file and may remove it again (begun.py); empty:
            none may.
    """

    model: str
    model_sha256: str
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    split_size: int | str = OFF
    replaces: tuple[str, ...] = ()
    run: str = ""

    @classmethod
    def of(cls, job: TagJob, model: str, model_sha256: str) -> JobFile:
        """Describe a job; the model's path and SHA-256 are those of the file that it uses."""
        options = {
            name: _json_value(value)
            for name, value in sorted(flat_values(job).items())
            if name not in _NOT_IN_KEY
        }
        if job.genre_map is not None:
            options["genre_map"] = hashlib.sha256(Path(job.genre_map).read_bytes()).hexdigest()
        return cls(model, model_sha256, options, library_versions())

    @property
    def key(self) -> str:
        """The job key: a SHA-256 over all of it but the model's path, hexadecimal."""
        identity = [self.model_sha256, dict(self.options), dict(self.versions)]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def is_same_job(self, other: JobFile) -> bool:
        """Return whether the parts of both are the same, byte for byte and name for name."""
        return (self.key, self.split_size) == (other.key, other.split_size)

    @classmethod
    def read(cls, path: str) -> JobFile | None:
        """Read a job.json; None if there is none.

        Raises:
            CatalogError: it cannot be read, or is something else.
        """
        content = read_bytes(path)
        if content is None:
            return None
        try:
            values = json.loads(content)
            fields = {name: values[name] for name in _KINDS}
            if not all(map(isinstance, fields.values(), _KINDS.values())):
                raise TypeError("a value of another type")
            replaces = tuple(map(str, values.get("replaces", ())))
            return cls(**fields, replaces=replaces, run=str(values.get("run", "")))
        except (ValueError, KeyError, TypeError) as error:
            raise CatalogError(
                f"{path} is not the file of a job: add `force` to replace it, or choose another "
                f"`output`"
            ) from error

    def write(self, path: str) -> None:
        """Write the file.

        Raises:
            CatalogError: it cannot be written.
        """
        values: dict[str, Any] = {
            "key": self.key,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "options": dict(self.options),
            "versions": dict(self.versions),
            "split_size": self.split_size,
        }
        if self.replaces:
            values["replaces"] = list(self.replaces)
        if self.run:
            values["run"] = self.run
        write_bytes(path, json.dumps(values, indent=2).encode() + b"\n")

    def differences(self, other: JobFile) -> str:
        """Return in words what the other job has that this one has not."""
        found = []
        if other.model_sha256 != self.model_sha256:
            found.append(f"model {other.model_sha256[:8]}")
        names = sorted(self.options.keys() | other.options.keys())
        changed = [
            f"`{name}`" for name in names if self.options.get(name) != other.options.get(name)
        ]
        if changed:
            found.append(f"other {', '.join(changed)}")
        if other.split_size != self.split_size:
            found.append("other `split_size`")
        found += [
            f"{name} {number}"
            for name, number in other.versions.items()
            if self.versions.get(name) != number
        ]
        return ", ".join(found)


def _json_value(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return list(value) if isinstance(value, tuple) else value
