"""Marks: a small file for each part that is done, whose name identifies its bytes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from genre_batch.cluster.part import Part
from genre_batch.cluster.storage import list_sizes, read_bytes, remove, write_bytes
from genre_batch.errors import CatalogError
from genre_batch.tagging.counts import TaskCounts

__all__ = ["FOLDER", "Mark", "Marks"]

FOLDER = "parts"
"""The folder of the marks in the side folder of an output."""

_NAME = re.compile(r"(.*)\.([0-9a-f]{16})\.(\d+)\.json", re.DOTALL)
_LONGEST_STEM = 200
_READ_AT_ONCE = 32


@dataclass(frozen=True)
class Mark:
    """What is known of a part that is done.

    Attributes:
        part: its name.
        source: the input, as it was typed.
        key: `Part.key`.
        size: the bytes of its file.
        counts: of its rows; rejects files are named relative to the side folder.
        versions: of this tool and of the libraries that wrote it.
        node: the machine that wrote it.
        processor: its kind.
        canary: the SHA-256 of the probabilities of a few fixed texts there (canary.py); None if
            the model was not run.
        seconds: how long it took.
    """

    part: str
    source: str
    key: str
    size: int
    counts: TaskCounts
    versions: Mapping[str, str]
    node: str
    processor: str
    canary: str | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the mark as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Mark:
        """Restore the mark from the values of `as_dict`.

        Raises:
            KeyError, TypeError: the values are those of something else.
        """
        return cls(**{**values, "counts": TaskCounts.from_dict(values["counts"])})

    def write(self, side: str) -> None:
        """Write the mark into a side folder.

        Raises:
            CatalogError: it cannot be written.
        """
        content = json.dumps(self.as_dict(), indent=1).encode() + b"\n"
        write_bytes(f"{side}/{FOLDER}/{_name(_stem(self.part), self.key, self.size)}", content)


def _name(stem: str, key: str, size: int) -> str:
    return f"{stem}.{key[:16]}.{size}.json"


def _stem(part: str) -> str:
    """Return the start of the name of a part's marks: its own, cut where that is very long."""
    folder, name = os.path.split(part)
    encoded = os.fsencode(name)
    if len(encoded) > _LONGEST_STEM:
        start = encoded[: _LONGEST_STEM - 20].decode("utf-8", "ignore")
        name = f"{start}~{hashlib.sha256(encoded).hexdigest()[:16]}"
    return os.path.join(folder, name)


class Marks:
    """The marks of a side folder and the files of an output folder, as they were when listed."""

    def __init__(self, output: str, side: str) -> None:
        """List both folders.

        Args:
            output: the output folder.
            side: the folder next to it.

        Raises:
            CatalogError: one of them cannot be listed.
        """
        self.files = list_sizes(output)
        self._folder = f"{side}/{FOLDER}"
        self._marks: dict[str, dict[str, int]] = defaultdict(dict)
        for name in list_sizes(self._folder):
            if match := _NAME.fullmatch(name):
                self._marks[match[1]][match[2]] = int(match[3])

    def has(self, part: Part, key: str) -> bool:
        """Return whether a part is done: it has a mark, and a file of the size that the mark names.

        Args:
            part: the part.
            key: `Part.key`.
        """
        size = self._marks.get(_stem(part.name), {}).get(key[:16])
        return size is not None and self.files.get(part.name) == size

    def find(self, part: Part, key: str) -> Mark | None:
        """Return the mark of a part that is done; None if another run has removed it meanwhile.

        Raises:
            CatalogError: it cannot be read, or is damaged.
        """
        size = self._marks[_stem(part.name)][key[:16]]
        path = f"{self._folder}/{_name(_stem(part.name), key, size)}"
        content = read_bytes(path)
        if content is None:
            return None
        try:
            return Mark.from_dict(json.loads(content))
        except (ValueError, KeyError, TypeError) as error:
            raise CatalogError(
                f"{path} is damaged: remove it (rm), and run the same command again"
            ) from error

    def read(self, part: Part, key: str) -> Mark:
        """Return the mark of a part that is done.

        Raises:
            CatalogError: it cannot be read, is damaged, or another run has removed it meanwhile.
        """
        mark = self.find(part, key)
        if mark is None:
            raise CatalogError(
                f"another run is writing {part.task.target.path} again: wait for it, and run the "
                f"same command again"
            )
        return mark

    def read_all(self, done: Sequence[tuple[Part, str]]) -> list[Mark]:
        """Return the marks of parts that are done, in order.

        Raises:
            CatalogError: as `read` raises it.
        """
        if not done:
            return []
        with ThreadPoolExecutor(min(_READ_AT_ONCE, len(done))) as pool:
            return list(pool.map(lambda each: self.read(*each), done))

    def forget(self, parts: Iterable[Part]) -> list[Part]:
        """Remove every mark of parts that will be written, because their files will change.

        Returns:
            The parts that had a mark.

        Raises:
            CatalogError: a mark cannot be removed.
        """
        return [part for part in parts if self._remove(_stem(part.name))]

    def names(self) -> list[str]:
        """Return the names of parts that have a mark and a file."""
        return [stem for stem in self._marks if stem in self.files]

    def forget_name(self, name: str) -> None:
        """Remove the marks of a part, whose file will be removed.

        Raises:
            CatalogError: a mark cannot be removed.
        """
        self._remove(_stem(name))
        self.files.pop(name, None)

    def any_file(self) -> bool:
        """Return whether the file of any mark is there."""
        return any(stem in self.files for stem in self._marks)

    def forget_all(self) -> None:
        """Remove every mark.

        Raises:
            CatalogError: a mark cannot be removed.
        """
        for stem in list(self._marks):
            self._remove(stem)

    def unplanned(self, parts: Iterable[Part]) -> list[str]:
        """Return the names of the marks, of files that are there, of other parts than these."""
        planned = {_stem(part.name) for part in parts}
        return [
            _name(stem, key, size)
            for stem, marks in self._marks.items()
            if stem in self.files and stem not in planned
            for key, size in marks.items()
        ]

    def replaced(self, names: Iterable[str], parts: Iterable[Part]) -> list[str]:
        """Return the files that nobody has written again since the marks of these names were made.

        Args:
            names: as `unplanned` returned them.
            parts: these have files of their own.
        """
        planned = {_stem(part.name) for part in parts}
        matches = [match for name in names if (match := _NAME.fullmatch(name))]
        return [
            match[1]
            for match in matches
            if match[1] in self.files
            and match[1] not in planned
            and not self._marks.get(match[1], {}).keys() - {match[2]}
        ]

    def _remove(self, stem: str) -> bool:
        marks = self._marks.pop(stem, {})
        for key, size in marks.items():
            remove(f"{self._folder}/{_name(stem, key, size)}")
        return bool(marks)
