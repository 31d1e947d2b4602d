"""Labels in columns of flags, one for each genre (`label_columns`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.label_columns import read_flag
from genre_batch.errors import ColumnError
from genre_batch.review.cells import CellError, Reading, Readings, Spelling
from genre_batch.review.labels import GenreEdit, Labels

__all__ = ["FlagLabels"]


def _parsed(members: Mapping[str, str]) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in members.items()}


_OPPOSITES = {
    "1": "0",
    "1.0": "0.0",
    "1.00": "0.00",
    "true": "false",
    "True": "False",
    "TRUE": "FALSE",
    "t": "f",
    "T": "F",
    "yes": "no",
    "Yes": "No",
    "YES": "NO",
    "y": "n",
    "Y": "N",
    "on": "off",
    "On": "Off",
    "ON": "OFF",
    "x": "",
    "X": "",
    "\u2713": "",
    "\u2714": "",
    "\u2611": "\u2610",
}


class FlagLabels(Labels):
    """Columns of flags, one for each genre."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Start without a row; the names of the columns are the genres."""
        self.columns = tuple(columns)
        self._values: dict[str, Counter[Any]] = {name: Counter() for name in columns}
        self._others: Counter[Any] = Counter()
        self._spelling = Spelling()
        self.read_as(lambda name: (name,))

    def read_as(self, read: Reading) -> None:
        """Read names as other genres; see `Labels.read_as`."""
        genres_of = Readings({}, read)
        bare = Spelling(genres_of)
        self._spelling = Spelling(genres_of, {bare.key(name): name for name in self.columns})

    def add(self, chunk: Chunk) -> None:
        """Learn from a chunk how labels are written."""
        for name, counts in self._values.items():
            if isinstance(chunk, JsonLinesChunk):
                counts.update(
                    repr(row[name]) if isinstance(row[name], list | dict) else row[name]
                    for row in chunk.objects
                    if name in row
                )
            elif name in chunk.columns:
                for pair in pc.value_counts(chunk.column(name)).to_pylist():
                    counts[pair["values"]] += pair["counts"]
            _check_flags(name, counts)

    def empty_copy(self) -> Labels:
        """Return labels of the same columns, without a row."""
        return FlagLabels(self.columns)

    def merge(self, other: Labels) -> None:
        """Learn from the labels of another file; see `Labels.merge`."""
        assert isinstance(other, FlagLabels)
        for name, counts in self._values.items():
            counts.update(other._values[name])

    def finish(self, whole: Labels | None = None) -> None:
        """Let the other files show how flags are written; see `Labels.finish`."""
        if isinstance(whole, FlagLabels):
            self._others = whole._everywhere()

    def known(self) -> tuple[str, ...]:
        """Return the genres that occur in the catalog."""
        return self.columns

    @property
    def spelling(self) -> Spelling:
        """How the catalog calls its genres."""
        return self._spelling

    def genres(self, values: Mapping[str, Any]) -> list[str]:
        """Return the genres of a row as the catalog writes them, from the values of `columns`."""
        return [name for name in self.columns if read_flag(values.get(name)) == 1]

    def changed(self, values: Mapping[str, Any], edit: GenreEdit) -> dict[str, Any]:
        """Return new values of a row's columns; see `Labels.changed`."""
        names = self.genres(values)
        removed = [name for name in names if self._spelling.is_removed(name, edit.remove)]
        flags = dict.fromkeys(removed, 0)
        flags |= dict.fromkeys(map(self._spelling.of, edit.add), 1)
        return {name: self._flag(name, flag) for name, flag in flags.items()}

    def changed_json(
        self, members: Mapping[str, str], edit: GenreEdit, *, ascii_only: bool
    ) -> dict[str, str]:
        """Return the new JSON texts of an object's members; see `Labels.changed_json`."""
        return {
            name: json.dumps(flag) for name, flag in self.changed(_parsed(members), edit).items()
        }

    def _everywhere(self) -> Counter[Any]:
        return sum(self._values.values(), Counter[Any]())

    def _flag(self, name: str, flag: int) -> Any:
        """Return a flag as its column writes it, else as the others do, else by its type."""
        for values in (self._values[name], self._everywhere(), self._others):
            for value, _ in values.most_common():
                if value is not None and read_flag(value) == flag:
                    return value
            for value, _ in values.most_common():
                if isinstance(value, bool | int | float) and read_flag(value) == 1 - flag:
                    return type(value)(flag)
                opposites = _OPPOSITES | {no: yes for yes, no in _OPPOSITES.items() if no}
                if isinstance(value, str) and value in opposites:
                    return opposites[value]
        raise CellError


def _check_flags(name: str, values: Counter[Any]) -> None:
    """Raise a ColumnError if a column holds names instead of flags."""
    for value in values:
        if isinstance(value, str) and read_flag(value) is None:
            raise ColumnError(
                f"the column {name!r} of `label_columns` holds {value!r}: only columns of 0 and 1 "
                f"are changed: join columns of names into one genre column first"
            )
