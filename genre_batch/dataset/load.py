"""Labeled catalog -> dataset in parts, with each film and its copies in one part only."""

from __future__ import annotations

import warnings

import pyarrow as pa

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import CATALOG, CatalogPath, ColumnOptions, ReadingOptions
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.label_choice import LabelOptions, trained_labels
from genre_batch.dataset.parts import assign_parts
from genre_batch.dataset.split import (
    find_part_column,
    read_split_file,
    split_of_column,
)
from genre_batch.dataset.usable import Further, Usable, load_usable
from genre_batch.errors import GenreBatchWarning, TrainingError

__all__ = [
    "CATALOG",
    "CatalogPath",
    "ColumnOptions",
    "Further",
    "LabelOptions",
    "ReadingOptions",
    "load_dataset",
    "split_films",
]


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
    if dataset.labels.all():
        same = "genre" if len(dataset.names) == 1 else "genres"
        raise TrainingError(
            f"{name}: all rows have the same {same} {', '.join(map(repr, dataset.names))}: there "
            f"is nothing to learn; check `genre_column` and `genre_separator`"
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
