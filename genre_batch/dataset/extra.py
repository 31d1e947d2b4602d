"""Further catalogs to train on, each with its own weight in the training loss."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.catalog.columns import missing_column_error
from genre_batch.catalog.formats import Location, format_of
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.catalog.reading.fitting import locate_further
from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.extra_rows import read_extra
from genre_batch.dataset.usable import Further
from genre_batch.dataset.wordings import linked
from genre_batch.errors import ColumnError, UsageError, counted

__all__ = ["ExtraFilms", "ExtraTrain", "load_extras", "locate_extra", "training_films"]

_MOST_WEIGHT = 1_000
"""Far above this, one catalog's films alone are learned, and sums of losses overflow."""


@dataclass(frozen=True)
class ExtraTrain:
    """A further catalog to train on.

    Attributes:
        path: a file or a URL.
        weight: weight of its films in the training loss, relative to the catalog's; 0 or more
            and at most 1,000.

    Raises:
        UsageError: the path is empty, or the weight is out of range.
    """

    path: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fspath(self.path))
        if not self.path:
            raise UsageError("`extra_train` has an empty path: give PATH or PATH:WEIGHT")
        if not 0 <= self.weight <= _MOST_WEIGHT:
            raise UsageError(
                f"`extra_train` {self.path}: the weight must be 0 or more and at most "
                f"{_MOST_WEIGHT:,}, got {self.weight:g}"
            )

    @classmethod
    def parse(cls, value: Any) -> ExtraTrain:
        """Return what PATH or PATH:WEIGHT stands for.

        What follows the last colon is a weight if it is a number; other colons, such as those of a
        URL or a Windows drive, are part of the path.

        Args:
            value: a path, a string, or an `ExtraTrain`.

        Raises:
            UsageError: it is none of these, or has an invalid weight.
        """
        if isinstance(value, ExtraTrain):
            return value
        if not isinstance(value, str):
            if isinstance(value, os.PathLike):
                return cls(os.fspath(value))
            raise UsageError(f"`extra_train` must be PATH or PATH:WEIGHT, got {value!r}")
        path, colon, weight = value.rpartition(":")
        if colon:
            with contextlib.suppress(ValueError):
                return cls(path, float(weight))
        return cls(value)

    def __str__(self) -> str:
        """Return PATH:WEIGHT, or PATH if that stands for the same."""
        with contextlib.suppress(UsageError):
            if ExtraTrain.parse(self.path) == self:
                return self.path
        return f"{self.path}:{self.weight!r}"


def locate_extra(source: ExtraTrain, reading: ReadingOptions) -> Location:
    """Find a further catalog, with the options for the catalog that it is added to.

    Raises:
        UsageError: there is no such file, it is a folder, or its format is unknown; or what follows
            the last colon is not a number, though what precedes it is a catalog.
    """
    path, colon, weight = source.path.rpartition(":")
    if colon and not os.path.exists(source.path):
        is_catalog = format_of(path)[0] is not None and format_of(source.path)[0] is None
        if is_catalog or os.path.isfile(path):
            fault = f"the weight {weight!r} is not a number"
            with contextlib.suppress(ValueError):
                fault = f"it has two weights, {float(weight):g} and {source.weight:g}"
            raise UsageError(
                f"`extra_train` {source.path}: {fault}: give one as in {path}:0.5, or leave the "
                f"colon out"
            )
    return locate_further(source.path, reading)


@dataclass(frozen=True)
class ExtraFilms:
    """The films of a further catalog.

    Attributes:
        source: the catalog and its weight.
        films: the rows that join the training part.
        held_out: number of rows left out because their film is in the dev or test part.
        repeated: number of rows left out because an earlier catalog has them.
        other_parts: number of rows left out because their column `part` is not train.
        unlabeled: number of rows left out because they have no text, or no genre of the catalog.
    """

    source: ExtraTrain
    films: Dataset = field(repr=False, compare=False)
    held_out: int
    repeated: int
    other_parts: int = 0
    unlabeled: int = 0

    def __str__(self) -> str:
        """Return what was taken of the catalog and what was left out."""
        line = (
            f"{self.source.path}: {counted(len(self.films), 'row')} with weight "
            f"{self.source.weight:g}; left out: {self.held_out:,} of films in dev or test, "
            f"{self.repeated:,} that an earlier catalog has"
        )
        if self.other_parts:
            line += f", {self.other_parts:,} whose column 'part' is not train"
        if self.unlabeled:
            line += f", {self.unlabeled:,} without a text or a genre of the catalog"
        return line

    @property
    def provenance(self) -> dict[str, Any]:
        """What a run's provenance records of the catalog."""
        return {
            "file": os.path.basename(self.source.path),
            "sha256": self.films.sha256,
            "films": len(self.films),
            "weight": self.source.weight,
        }


def load_extras(
    sources: Sequence[ExtraTrain],
    dataset: Dataset,
    further: Further,
    earlier_run: EarlierFilms | None = None,
    columns: ColumnOptions | None = None,
    reading: ReadingOptions | None = None,
) -> tuple[ExtraFilms, ...]:
    """Load further catalogs, in this order; what two of them have is used once.

    Rows are the same if their overviews have the same text key and, with wordings, their film is
    the same: a wording that the dataset's training part has is left out too.

    Args:
        sources: the catalogs.
        dataset: the split catalog that they are added to.
        further: the columns of wordings and of soft labels.
        earlier_run: the films of the run that training starts from, as for `read_extra`.
        columns, reading: the options for the dataset's catalog, as for `read_extra`.

    Raises:
        UsageError: as `locate_extra` raises it.
        ColumnError: a column cannot be found, or no catalog has the columns of `further`.
        CatalogError, TrainingError: as `read_extra` raises them.
    """
    loaded: list[ExtraFilms] = []
    earlier: Dataset | None = None
    held_out = [dataset.part("dev", "test")]
    for source in sources:
        rows = read_extra(
            locate_extra(source, reading or ReadingOptions()),
            dataset,
            further=further,
            earlier=earlier,
            earlier_run=earlier_run,
            columns=columns,
            reading=reading,
        )
        held_out.append(rows.held_out)
        films = rows.films
        is_new = _is_new(films, dataset.part("train"), earlier)
        if not is_new.all():
            films = films.take(np.flatnonzero(is_new).tolist())
        repeated = int((~is_new).sum())
        left_out = (len(rows.held_out), repeated, rows.other_parts, rows.unlabeled)
        loaded.append(ExtraFilms(source, films, *left_out))
        earlier = films if earlier is None else concatenate(earlier, films)
    catalogs = [dataset, *(extra.films for extra in loaded)]
    _check_columns(further, catalogs, is_continued=earlier_run is not None)
    return tuple(loaded) if dataset.film_ids is None else _without_wordings_of(held_out, loaded)


def _is_new(films: Dataset, training: Dataset, earlier: Dataset | None) -> npt.NDArray[np.bool_]:
    """Return (films,) bool: whether no earlier catalog has a row."""
    is_repeated = np.isin(films.keys, training.keys)
    if films.film_ids is not None:
        assert training.film_ids is not None
        # A wording of a film of the catalog; other films with the same text are left as they are.
        is_repeated &= np.isin(films.film_ids, training.film_ids)
    if earlier is not None:
        is_repeated |= np.isin(films.keys, earlier.keys)
    return np.asarray(~is_repeated, dtype=np.bool_)


def _without_wordings_of(
    held_out: Sequence[Dataset], extras: Sequence[ExtraFilms]
) -> tuple[ExtraFilms, ...]:
    """Leave out wordings of held-out films that only the further catalogs together show to be some.

    Rows with the same text are of one film here, as in a catalog, and so are rows linked by a chain
    of texts and films.
    """
    catalogs = [*held_out, *(extra.films for extra in extras)]
    films = [catalog.film_ids for catalog in catalogs if catalog.film_ids is not None]
    groups = linked(np.concatenate([rows.keys for rows in catalogs]), np.concatenate(films))
    known = sum(map(len, held_out))
    leaked = np.isin(groups[known:], groups[:known])
    ends = np.cumsum([len(extra.films) for extra in extras])
    return tuple(
        extra if not rows.any() else _without(extra, rows)
        for extra, rows in zip(extras, np.split(leaked, ends)[:-1], strict=True)
    )


def _without(extra: ExtraFilms, leaked: npt.NDArray[np.bool_]) -> ExtraFilms:
    films = extra.films.take(np.flatnonzero(~leaked).tolist())
    return replace(extra, films=films, held_out=extra.held_out + int(leaked.sum()))


def _check_columns(further: Further, catalogs: Sequence[Dataset], *, is_continued: bool) -> None:
    columns = list(dict.fromkeys(name for films in catalogs for name in films.columns))
    for parameter in ("group", "soft_labels"):
        column = getattr(further, parameter)
        if column is not None and column not in columns:
            error = missing_column_error(columns, (), column, parameter)
            if is_continued:
                error = ColumnError(f"{error}; or, if there is none, give `{parameter}` ''")
            raise error


def training_films(dataset: Dataset, extras: Sequence[ExtraFilms]) -> Dataset:
    """Return the films of the training part and of further catalogs, with their weights.

    A film has the weight of the first catalog that has it, in all its wordings.
    """
    films = dataset.part("train")
    for extra in extras:
        films = concatenate(films, extra.films)
    weights = [1.0, *(extra.source.weight for extra in extras)]
    if all(weight == 1 for weight in weights):
        return films
    counts = [len(dataset.part("train")), *(len(extra.films) for extra in extras)]
    row_weights = np.repeat(np.array(weights, dtype=np.float32), counts)
    if films.film_ids is not None:
        _, first, film_of = np.unique(films.film_ids, return_index=True, return_inverse=True)
        row_weights = row_weights[first[film_of]]
    return replace(films, weights=row_weights)
