"""The parts that an earlier run gave its films, which a run that starts from it must respect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.split import PARTS
from genre_batch.files import replacing_path
from genre_batch.model.text_keys import TEXT_KEY_VERSION, known_keys

__all__ = ["EarlierFilms", "PartNames", "group_parts", "read_earlier_films"]

PartNames: TypeAlias = npt.NDArray[np.object_]
"""(rows,) parts, of `PARTS`; "" for a row that the earlier run does not have."""

_NO_KEYS = np.zeros(0, dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class EarlierFilms:
    """The films that an earlier run used, by the text keys of their overviews.

    Attributes:
        name: the run, for messages.
        keys: part -> sorted uint64 keys. A film that was trained on is in `train` alone.
        key_version: of `TEXT_KEY_VERSIONS`.
        knows_held_out: whether the films of dev and test are known; an exported model has only
            those that it was trained on.
    """

    name: str
    keys: dict[str, npt.NDArray[np.uint64]]
    key_version: int = TEXT_KEY_VERSION
    knows_held_out: bool = True

    def parts_of(self, films: Dataset) -> PartNames:
        """Return the part of each film in the earlier run, "" for a new one."""
        own = films.keys_as(self.key_version)
        parts = np.full(len(films), "", dtype=object)
        for part in reversed(PARTS):  # trained on wins
            parts[known_keys(own, self.keys.get(part, _NO_KEYS))] = part
        return parts

    def is_held_out(self, films: Dataset) -> npt.NDArray[np.bool_]:
        """Return (films,) bool: whether the earlier run has a film in dev or test."""
        return np.asarray(np.isin(self.parts_of(films), PARTS[1:]), dtype=np.bool_)

    def joined(self, films: Dataset) -> EarlierFilms:
        """Return these films and those of a later run, whose parts agree with the earlier one's."""
        own = films.keys_as(self.key_version)
        keys = {
            part: np.union1d(self.keys.get(part, _NO_KEYS), own[np.isin(films.parts, part)])
            for part in PARTS
        }
        return replace(self, keys=_trained_on_first(keys))

    def checked(self, films: Dataset, groups: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return (films,) bool: whether a film may be in its part.

        None that the earlier run was trained on is in dev or test, and none that it held out, with
        other films of its group, is in train.

        Args:
            films: films in parts.
            groups: (films,) equal for films that must be in one part.
        """
        own = self.parts_of(films)
        of_group = group_parts(own, groups)
        in_training = np.isin(films.parts, "train")
        was_held_out = np.isin(own, PARTS[1:]) | np.isin(of_group, PARTS[1:])
        return np.where(in_training, ~was_held_out, of_group != "train")

    def counts(self, films: Dataset) -> dict[str, tuple[int, int]]:
        """Return part -> (films of the earlier run, new films)."""
        known = self.parts_of(films) != ""
        in_part = {part: np.isin(films.parts, part) for part in PARTS}
        return {
            part: (int((rows & known).sum()), int((rows & ~known).sum()))
            for part, rows in in_part.items()
        }

    def write(self, path: Path) -> None:
        """Write `key` and `part` as Parquet; name and version are in the schema's metadata."""
        keys = np.concatenate([self.keys.get(part, _NO_KEYS) for part in PARTS])
        counts = [len(self.keys.get(part, _NO_KEYS)) for part in PARTS]
        metadata = {
            "name": self.name,
            "text_key_version": str(self.key_version),
            "knows_held_out": str(int(self.knows_held_out)),
        }
        schema = pa.schema([("key", pa.uint64()), ("part", pa.string())], metadata=metadata)
        with replacing_path(path) as temporary:
            pq.write_table(pa.table([keys, np.repeat(PARTS, counts)], schema), temporary)


def read_earlier_films(path: Path) -> EarlierFilms:
    """Read a file that `EarlierFilms.write` wrote.

    Raises:
        OSError, KeyError, ValueError: it is missing or damaged.
    """
    table = pq.read_table(path)
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    keys = table.column("key").to_numpy()
    parts = np.array(table.column("part").to_pylist(), dtype=object)
    return EarlierFilms(
        metadata[b"name"].decode(),
        {part: keys[parts == part] for part in PARTS},
        int(metadata[b"text_key_version"]),
        metadata[b"knows_held_out"] == b"1",
    )


def _trained_on_first(
    keys: dict[str, npt.NDArray[np.uint64]],
) -> dict[str, npt.NDArray[np.uint64]]:
    """Leave each key only in the first part that has it."""
    return {
        part: np.setdiff1d(own, np.concatenate([_NO_KEYS, *(keys[p] for p in PARTS[:rank])]))
        for rank, (part, own) in enumerate(keys.items())
    }


def group_parts(parts: PartNames, groups: npt.NDArray[np.uint64]) -> PartNames:
    """Return the part of each row's group: the first of train, test and dev that a row has."""
    found = np.full(len(parts), "", dtype=object)
    for part in ("dev", "test", "train"):
        found[np.isin(groups, groups[parts == part])] = part
    return found
