"""Labeled catalog -> dataset in parts, with each film and its copies in one part only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.dataset.copies import films_of
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.labelled import (
    LabelledCatalog,
    encode_labels,
    no_genre_error,
    read_labelled,
    sha256_of,
)
from genre_batch.dataset.split import PARTS, draw_split, read_split_file
from genre_batch.errors import TrainingError
from genre_batch.model.text import OVERVIEW_ONLY, TITLE_AND_OVERVIEW, compose, uses_title

__all__ = ["ColumnOptions", "ReadingOptions", "load_dataset", "load_extra"]


@dataclass(frozen=True)
class _Usable:
    """The usable rows of a catalog.

    Attributes:
        dataset: the rows as films, all in the part `train`.
        films: (films,) int64, each one's own row in the catalog, or, for a copy, its source's.
        parts: (rows,) the catalog's own column `part`, if it has one.
    """

    dataset: Dataset
    films: npt.NDArray[np.int64]
    parts: list[str] | None


def load_dataset(
    location: Location,
    columns: ColumnOptions,
    *,
    with_title: bool,
    reading: ReadingOptions | None = None,
    protocol: str = "clean",
    split_file: Location | None = None,
    seed: int = 0,
) -> Dataset:
    """Load a labeled catalog and split it into parts.

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

    Raises:
        ColumnError: a column cannot be found.
        CatalogError: the split file is of another catalog, or is not a split file.
        TrainingError: there is no usable row, only one genre, or a part without a row.
        UsageError: the catalog is stdin.
    """
    usable = _load(location, columns, reading, with_title=with_title)
    dataset, films = usable.dataset, usable.films
    if len(dataset.names) < 2:
        raise TrainingError(
            f"{location.name}: all rows have the same genre {dataset.names[0]!r}: there is nothing "
            f"to learn; check `genre_column` and `genre_separator`"
        )
    if split_file is not None:
        return _split_by_file(dataset, films, split_file)
    if protocol == "paper":
        dataset = dataset.take(_first_of_each(dataset))
        rows = np.arange(len(dataset), dtype=np.uint64)
        return replace(dataset, parts=draw_split(dataset.labels, rows, seed))
    parts = draw_split(dataset.labels, dataset.keys, seed)
    return _without_held_out_copies(replace(dataset, parts=parts), films)


def load_extra(location: Location, dataset: Dataset, part: str = "train") -> Dataset:
    """Load further films to train on, none of which is in the dataset's dev or test part.

    Their columns are found by name. A copy is compared by its film's overview. If the catalog has a
    column `part`, only the rows of one part are taken; genres that the dataset does not know are
    left out.

    Args:
        location: the further catalog.
        dataset: the split catalog that they are added to.
        part: of `PARTS`.

    Raises:
        ColumnError: a column cannot be found.
        TrainingError: no film is left.
    """
    usable = _load(
        location,
        ColumnOptions(),
        None,
        with_title=uses_title(dataset.template),
        names=dataset.names,
    )
    extra = usable.dataset
    held_out = dataset.part("dev", "test").keys
    wanted = ~np.isin(extra.keys, held_out)
    if usable.parts is not None:
        in_part = np.array([value == part for value in usable.parts], dtype=np.bool_)
        wanted &= in_part[extra.rows]
    extra = extra.take(np.flatnonzero(wanted).tolist())
    if not len(extra):
        raise TrainingError(
            f"{location.name}: no row is usable for training: rows need a text, a genre that the "
            f"catalog has, and an overview that is not in its dev or test part"
        )
    return extra


def _load(
    location: Location,
    columns: ColumnOptions,
    reading: ReadingOptions | None,
    *,
    with_title: bool,
    names: list[str] | None = None,
) -> _Usable:
    """Load the usable rows of a catalog; with `names`, only these genres of them."""
    sha256 = sha256_of(location)
    catalog = read_labelled(
        location, columns, reading, titles="required" if with_title else "unused"
    )
    template = TITLE_AND_OVERVIEW if with_title else OVERVIEW_ONLY
    texts = compose(template, catalog.overviews, catalog.titles).to_pylist()
    further = names is not None
    if names is None:
        names = sorted({name for cell in catalog.genres for name in cell})
    film_of = films_of(catalog.table, location.name)
    usable = _usable_rows(catalog, film_of, set(names))
    if not usable and not further:
        raise no_genre_error(catalog)
    films = film_of[usable]
    dataset = Dataset(
        texts=[texts[row] for row in usable],
        bare_texts=[text for row in usable if (text := catalog.texts[row]) is not None],
        labels=encode_labels([catalog.genres[row] for row in usable], names),
        names=names,
        rows=np.array(usable, dtype=np.int64),
        keys=catalog.keys[films],
        parts=["train"] * len(usable),
        template=template,
        sha256=sha256,
        dropped=len(catalog) - len(usable),
    )
    return _Usable(dataset, films, catalog.parts)


def _usable_rows(
    catalog: LabelledCatalog, film_of: npt.NDArray[np.int64], names: set[str]
) -> list[int]:
    """Return the rows with a text and a known genre, except copies of a film without text."""
    return [
        row
        for row, film in enumerate(film_of.tolist())
        if catalog.has_text[row]
        and not names.isdisjoint(catalog.genres[row])
        and film >= 0
        and catalog.has_text[film]
    ]


def _without_held_out_copies(dataset: Dataset, films: npt.NDArray[np.int64]) -> Dataset:
    """Leave copies out of dev and test, which measure films as they are."""
    is_film = (films == dataset.rows).tolist()
    return dataset.take(
        [index for index, part in enumerate(dataset.parts) if is_film[index] or part == "train"]
    )


def _first_of_each(dataset: Dataset) -> list[int]:
    """Return positions of the first film of each (text, genres), as the paper dropped repeats."""
    first: dict[tuple[str, bytes], int] = {}
    for index, (text, row) in enumerate(zip(dataset.bare_texts, dataset.labels, strict=True)):
        first.setdefault((text, row.tobytes()), index)
    return list(first.values())


def _split_by_file(dataset: Dataset, films: npt.NDArray[np.int64], location: Location) -> Dataset:
    """Take the parts from a split file, by the row of each film; rows not in it are left out."""
    split_file = read_split_file(location)
    split_file.check(films, dataset.keys_as(split_file.key_version))
    parts = split_file.parts
    listed = [index for index, film in enumerate(films.tolist()) if film in parts]
    split_parts = [parts[film] for film in films[listed].tolist()]
    for part in PARTS:
        if part not in split_parts:
            raise TrainingError(
                f"{location.name}: no usable row of the catalog is in the part {part!r}: a split "
                f"needs rows in {', '.join(PARTS)}"
            )
    return _without_held_out_copies(replace(dataset.take(listed), parts=split_parts), films[listed])
