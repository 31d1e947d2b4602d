"""Labeled catalog -> dataset in parts, with each film and its copies in one part only."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import CATALOG, CatalogPath, ColumnOptions, ReadingOptions
from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.label_choice import LabelOptions, trained_labels
from genre_batch.dataset.parts import assign_parts
from genre_batch.dataset.split import (
    find_part_column,
    read_split_file,
    split_of_column,
)
from genre_batch.dataset.usable import Further, Usable, load_usable
from genre_batch.errors import ColumnError, GenreBatchWarning, TrainingError
from genre_batch.model.text import uses_title

__all__ = [
    "CATALOG",
    "CatalogPath",
    "ColumnOptions",
    "ExtraRows",
    "Further",
    "LabelOptions",
    "ReadingOptions",
    "load_dataset",
    "load_extra",
    "read_extra",
    "split_films",
]


@dataclass(frozen=True)
class ExtraRows:
    """The rows of a further catalog.

    Attributes:
        films: the rows to train on.
        held_out: the rows left out because their film is in the dev or test part.
    """

    films: Dataset
    held_out: Dataset


def load_dataset(
    location: Location,
    columns: ColumnOptions,
    *,
    with_title: bool,
    reading: ReadingOptions | None = None,
    protocol: str = "clean",
    split_file: Location | None = None,
    seed: int = 0,
    further: Further | None = None,
    labels: LabelOptions | None = None,
    part_column: str | None = None,
    earlier_run: EarlierFilms | None = None,
) -> Dataset:
    """Load a labeled catalog and split it into parts.

    Wordings of one film are in one part. If a split file puts them into several, that is the part
    that is held out: test, else dev. Films with soft labels are only trained on; one that is in the
    dev or test part with other words is left out. Both are warned of.

    Args:
        location: the catalog.
        columns: where its texts, titles and genres are.
        with_title: whether the model reads titles too.
        reading: how to read the file; default: `ReadingOptions()`.
        protocol: `clean` puts films with the same overview into one part, and copies only into
            `train`; `paper` splits row by row, copies too, after dropping exact duplicates, as the
            paper did.
        split_file: a file with `row` and `part` (and, optionally, keys, which are checked) to use
            instead of drawing a split. A copy takes the part of its film, and is left out if that
            is not `train`.
        seed: of the split.
        further: the columns of wordings and of soft labels; None: neither.
        labels: which genres are learned; None: all.
        part_column: a column of the catalog that assigns its rows to parts; None: there is none.
        earlier_run: as for `assign_parts`.

    Raises:
        ColumnError: a column cannot be found.
        CatalogError: the split file is of another catalog, or is not a split file, or soft labels
            are not probabilities; with `labels`, a part of the genre cells is empty and no option
            says what that means.
        TrainingError: there is no usable row, only one genre, or a part without a row.
        UsageError: the catalog is stdin.
    """
    usable = load_usable(
        location, columns, reading, with_title=with_title, further=further, labels=labels
    )
    dataset = split_films(
        usable,
        protocol=protocol,
        split_file=split_file,
        seed=seed,
        part_column=part_column,
        earlier_run=earlier_run,
        offer=labels is not None,
    )
    return dataset if labels is None else trained_labels(dataset, location.name)


def split_films(
    usable: Usable,
    *,
    protocol: str = "clean",
    split_file: Location | None = None,
    seed: int = 0,
    part_column: str | None = None,
    earlier_run: EarlierFilms | None = None,
    offer: bool = True,
) -> Dataset:
    """Split the films of a catalog as `load_dataset` does, with its errors.

    Args:
        usable: the catalog's films.
        protocol, split_file, seed, part_column, earlier_run: as for `load_dataset`.
        offer: warn of a column of parts that is not used.
    """
    name = usable.catalog.name
    _check_several(usable.dataset, name)
    split = None if split_file is None else read_split_file(split_file)
    if part_column is not None:
        split = split_of_column(usable.catalog.table, part_column, name)
    elif split is None and offer:
        _offer_part_column(usable.catalog.table, name)
    return assign_parts(
        usable, name, protocol=protocol, split=split, seed=seed, earlier=earlier_run
    )


def _check_several(dataset: Dataset, name: str) -> None:
    if len(dataset.names) < 2 and dataset.labels.all():
        raise TrainingError(
            f"{name}: all rows have the same genre {dataset.names[0]!r}: there is nothing "
            f"to learn; check `genre_column` and `genre_separator`"
        )


def _offer_part_column(table: pa.Table, name: str) -> None:
    column = find_part_column(table)
    if column is not None:
        warnings.warn(
            f"{name}: the column {column!r} assigns rows to parts, but another split is "
            f"drawn: add `part_column` {column} to use it",
            GenreBatchWarning,
            stacklevel=3,
        )


def load_extra(location: Location, dataset: Dataset, part: str = "train") -> Dataset:
    """Load further films to train on, none of which is in the dataset's dev or test part.

    Their columns are found by name. A copy is compared by its film's overview. If the catalog has a
    column `part`, only the rows of one part are taken; genres that the dataset does not know are
    left out. A genre may have a common alias of the dataset's.

    Args:
        location: the further catalog.
        dataset: the split catalog that they are added to.
        part: of `PARTS`.

    Raises:
        ColumnError: a column cannot be found.
        TrainingError: no film is left.
    """
    return read_extra(location, dataset, part).films


def read_extra(
    location: Location,
    dataset: Dataset,
    part: str = "train",
    further: Further | None = None,
    earlier: Dataset | None = None,
    earlier_run: EarlierFilms | None = None,
    columns: ColumnOptions | None = None,
) -> ExtraRows:
    """Load further films as `load_extra` does, with wordings and soft labels.

    Wordings of a film of the dev or test part are left out. A wording without labels has those of
    its film.

    Args:
        location, dataset, part: as for `load_extra`.
        further: the columns of wordings and of soft labels; None: neither.
        earlier: films of other further catalogs, which this one's may be wordings of.
        earlier_run: the films of the run that training starts from; those that it held out are left
            out.
        columns: their `genre_map` and `no_aliases` hold for this catalog too.

    Raises:
        ColumnError, TrainingError: as for `load_extra`.
        CatalogError: soft labels are not probabilities.
    """
    names = columns or ColumnOptions()
    try:
        usable = load_usable(
            location,
            ColumnOptions(genre_map=names.genre_map, no_aliases=names.no_aliases),
            None,
            with_title=uses_title(dataset.template),
            names=dataset.names,
            further=further,
            known=dataset if earlier is None else concatenate(dataset, earlier),
        )
    except ColumnError as error:
        problem = str(error).split(": name one with")[0]
        raise ColumnError(
            f"{location.name}: {problem}: columns of further catalogs are found by name, rename one"
        ) from error
    extra = usable.dataset
    if usable.parts is not None:
        in_part = np.array([value == part for value in usable.parts], dtype=np.bool_)
        extra = extra.take(np.flatnonzero(in_part[extra.rows]).tolist())
    held_out = dataset.part("dev", "test")
    wanted = ~np.isin(extra.keys, held_out.keys)
    if earlier_run is not None:
        wanted &= ~earlier_run.is_held_out(extra)
    if extra.film_ids is not None and held_out.film_ids is not None:
        wanted &= ~np.isin(extra.film_ids, held_out.film_ids)
        # A film with another wording in dev or test is left out as a whole.
        wanted &= ~np.isin(extra.film_ids, extra.film_ids[~wanted])
    if not wanted.any():
        raise TrainingError(
            f"{location.name}: no row is usable for training: rows need a text, a genre that the "
            f"catalog has, and an overview that is not in its dev or test part"
        )
    return ExtraRows(*(extra.take(np.flatnonzero(rows).tolist()) for rows in (wanted, ~wanted)))
