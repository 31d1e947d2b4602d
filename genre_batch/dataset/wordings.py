"""Wordings: rows that describe one film in other words, found by a column that names the film."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.genre_values import NULL_TEXTS
from genre_batch.catalog.texts import as_strings, holds_text
from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import ColumnError, GenreBatchWarning
from genre_batch.model.text_keys import TEXT_KEY_VERSIONS

__all__ = ["Wordings", "film_ids", "follow_keys", "keep_together", "linked", "positions_of"]


class Wordings:
    """The rows of each film, films in the order of their first rows."""

    def __init__(self, dataset: Dataset) -> None:
        """Find the rows of each film; without film ids each row is a film."""
        films = np.arange(len(dataset)) if dataset.film_ids is None else dataset.film_ids
        _, first, film_of = np.unique(films, return_index=True, return_inverse=True)
        number = np.empty(len(first), dtype=np.int64)
        number[np.argsort(first)] = np.arange(len(first))
        film_of = number[film_of]
        self.first: npt.NDArray[np.int64] = np.sort(first)
        """(films,) the first row of each film."""
        self._rows = np.argsort(film_of, kind="stable")
        self._counts = np.bincount(film_of, minlength=len(first))
        self._starts = np.cumsum(self._counts) - self._counts

    def __len__(self) -> int:
        return len(self.first)

    @property
    def several(self) -> bool:
        """Whether a film has more than one wording."""
        return len(self.first) < len(self._rows)

    def draw(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return (films,) a row of each film, each of its wordings equally likely."""
        if not self.several:
            return self.first
        drawn = (rng.random(len(self)) * self._counts).astype(np.int64)
        return np.asarray(self._rows[self._starts + drawn], dtype=np.int64)


_RANK = {"train": 0, "dev": 1, "test": 2}
_PARTS = tuple(_RANK)
_MANY, _MANY_ROWS = 0.05, 20
"""A film has hardly more wordings than this share of the rows, and this number of them."""


def film_ids(table: pa.Table, column: str, sha256: str, name: str) -> npt.NDArray[np.uint64]:
    """Return an id for the film of each row, the same in every catalog with the same value.

    Args:
        table: a catalog.
        column: its column of film names or numbers. A number and its digits as text, with `.0` or
            without, are the same value. Where it is null, blank or a text for null, or the catalog
            has no such column, a row is a film of its own. A value of very many rows is warned of.
        sha256: the hash of the catalog's file, which makes those rows' ids unlike any other's.
        name: the catalog's name, for messages.

    Returns:
        (rows,) uint64.

    Raises:
        ColumnError: the column holds lists or objects.
    """
    own = np.uint64(_hash(f"rows of {sha256}")) + np.arange(table.num_rows, dtype=np.uint64)
    if column not in table.column_names:
        return own
    values = _as_text(table.column(column), column, name)
    values = pc.utf8_trim_whitespace(values)
    # Programs write integers of a column with nulls as floats.
    values = pc.replace_substring_regex(values, r"^([+-]?\d+)\.0+$", r"\1").dictionary_encode()
    names = values.dictionary.to_pylist()
    ids = [0 if _is_null(value) else _hash(f"film {value}") for value in names]
    codes = values.indices.fill_null(len(ids)).to_numpy(zero_copy_only=False)
    _warn_of_many(codes, names, ids, f"{name}: the column {column!r} of `group`")
    found = np.array([*ids, 0], dtype=np.uint64)[codes]
    return np.where(found == 0, own, found)


def _is_null(value: str) -> bool:
    return not value or value.lower() in NULL_TEXTS or value.lower() in ("none", "na")


def _warn_of_many(
    codes: npt.NDArray[np.integer[Any]], names: Sequence[str], ids: Sequence[int], column: str
) -> None:
    counts = np.bincount(codes, minlength=len(ids))[: len(ids)] * (np.array(ids) != 0)
    most = int(counts.max(initial=0))
    if most > max(_MANY_ROWS, _MANY * len(codes)):
        warnings.warn(
            f"{column} holds {names[counts.argmax()]!r} in {most:,} of {len(codes):,} rows, which "
            f"count as wordings of one film: if their film is not known, leave the cells blank",
            GenreBatchWarning,
            stacklevel=3,
        )


def follow_keys(films: npt.NDArray[np.uint64], known: Dataset) -> npt.NDArray[np.uint64]:
    """Replace ids of films that are named by the text key of a known film's overview.

    So a catalog of further wordings can name films that have no name of their own: by the key in a
    split file, 16 hexadecimal digits.

    Args:
        films: (rows,) ids, as `film_ids` returns them.
        known: other films, which have ids.

    Returns:
        (rows,) ids.
    """
    assert known.film_ids is not None
    for version in TEXT_KEY_VERSIONS:
        keys = known.keys_as(version).tolist()
        names = np.array([_hash(f"film {key:016x}") for key in keys], dtype=np.uint64)
        positions = positions_of(films, names)
        films = np.where(positions >= 0, known.film_ids[positions], films)
    return films


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")


def _as_text(values: pa.ChunkedArray, column: str, name: str) -> pa.Array:
    kind = values.type
    if holds_text(kind):
        return as_strings(values)
    if pa.types.is_floating(kind):
        # Integers with nulls become floats in many programs.
        numbers = values.to_numpy().astype(np.float64)
        known = numbers[~np.isnan(numbers)]
        if ((known == np.round(known)) & (known >= -(2.0**63)) & (known < 2.0**63)).all():
            values = pc.cast(pa.array(numbers, from_pandas=True), pa.int64())
    try:
        if pa.types.is_nested(kind):
            raise pa.ArrowNotImplementedError(f"{kind} as text")
        text = pc.cast(values, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise ColumnError(
            f"{name}: the column {column!r} of `group` holds {kind}: name a column of texts or "
            f"numbers"
        ) from error
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def linked(keys: npt.NDArray[np.uint64], films: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return a number for each row, equal for rows that must be in one part.

    Rows with the same overview are linked, and rows of one film, and rows linked to the same row.

    Args:
        keys: (rows,) the `text_key` of each overview.
        films: (rows,) the id of each row's film.

    Returns:
        (rows,) uint64: the lowest key of the linked rows.
    """
    _, film_of = np.unique(films, return_inverse=True)
    _, key_of = np.unique(keys, return_inverse=True)
    lowest = keys.copy()
    while True:
        before = lowest
        for group in (film_of, key_of):
            smallest = np.full(group.max(initial=0) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
            np.minimum.at(smallest, group, lowest)
            lowest = smallest[group]
        if np.array_equal(lowest, before):
            return lowest


def keep_together(parts: list[str], groups: npt.NDArray[np.uint64]) -> tuple[list[str], int]:
    """Put the rows of each group into one part: test if one of them is in test, else dev.

    Args:
        parts: (rows,) of `PARTS`.
        groups: (rows,) equal for rows that must be in one part.

    Returns:
        (rows,) parts, and the number of groups that were in several.
    """
    ranks = np.array([_RANK[part] for part in parts], dtype=np.int64)
    _, group_of = np.unique(groups, return_inverse=True)
    highest = np.zeros(group_of.max(initial=0) + 1, dtype=np.int64)
    np.maximum.at(highest, group_of, ranks)
    moved = ranks != highest[group_of]
    return [_PARTS[rank] for rank in highest[group_of]], len(np.unique(group_of[moved]))


def positions_of(
    wanted: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Return where each wanted id is first found among the known ones; -1 where it is not.

    Args:
        wanted: (n,) ids.
        known: (m,) ids; may be empty.
    """
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    distinct, first = np.unique(known, return_index=True)
    nearest = np.searchsorted(distinct, wanted).clip(max=len(distinct) - 1)
    return np.where(distinct[nearest] == wanted, first[nearest], -1)
