"""The usable rows of a labeled catalog as films: with a text, and with labels of any kind."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.dataset.copies import films_of
from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.dataset.label_choice import LabelOptions, choose_labels
from genre_batch.dataset.labelled import (
    LabelledCatalog,
    Titles,
    encode_labels,
    read_labelled,
    sha256_of,
)
from genre_batch.dataset.no_genre import no_genre_error
from genre_batch.dataset.soft_labels import read_soft_labels
from genre_batch.dataset.wordings import film_ids, follow_keys, positions_of
from genre_batch.errors import GenreBatchWarning, UsageError
from genre_batch.model.text import OVERVIEW_ONLY, TITLE_AND_OVERVIEW, compose
from genre_batch.names import known_names, name_key

__all__ = ["Further", "Usable", "load_usable"]


@dataclass(frozen=True)
class Further:
    """What is read besides texts and genres, and which genres are not. Catalogs may lack columns.

    Attributes:
        group: a column whose value is the same for wordings of one film (dataset/wordings.py);
            None: every row is a film of its own.
        soft_labels: a column of lists of probabilities (dataset/soft_labels.py); None: no row has
            soft labels.
        exclude_genres: genres to leave out, in any case. Lists of probabilities have them.
        inherited: those of `exclude_genres` that an earlier run left out, which the catalog need
            not have.
        trained_columns: the columns that an exported model was trained on, preferred to others as
            in `find_labelled_columns`; None: there is no such model.
    """

    group: str | None = None
    soft_labels: str | None = None
    exclude_genres: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()
    trained_columns: Mapping[str, str | None] | None = None

    @property
    def any(self) -> bool:
        """Whether there is such a column."""
        return self.group is not None or self.soft_labels is not None


@dataclass(frozen=True)
class Usable:
    """The usable rows of a catalog.

    Attributes:
        dataset: the rows as films, all in the part `train`.
        films: (films,) int64, each one's own row in the catalog, or, for a copy, its source's.
        parts: as in `LabelledCatalog`.
        is_soft: (films,) bool: whether the labels of a film are soft.
        catalog: all rows of the catalog, with its own spellings of genres.
    """

    dataset: Dataset
    films: npt.NDArray[np.int64]
    parts: list[str | None] | None
    is_soft: npt.NDArray[np.bool_]
    catalog: LabelledCatalog

    def take(self, positions: npt.NDArray[np.int64] | list[int]) -> Usable:
        """Return only the films at these positions."""
        return replace(
            self,
            dataset=self.dataset.take(list(positions)),
            films=self.films[positions],
            is_soft=self.is_soft[positions],
        )


def load_usable(
    location: Location,
    columns: ColumnOptions,
    reading: ReadingOptions | None,
    *,
    with_title: bool,
    names: list[str] | None = None,
    further: Further | None = None,
    known: Dataset | None = None,
    labels: LabelOptions | None = None,
    rows_read: TableChunk | None = None,
) -> Usable:
    """Load the usable rows of a catalog; with `names`, only these genres of them.

    A wording without labels has those of its film, in this catalog or in `known`. Without `names`,
    `labels` chooses the genres. `rows_read`: the rows, if they have been read already.
    """
    sha256 = sha256_of(location)
    titles: Titles = "required" if with_title else "unused"
    # Rows without a genre may have soft labels, or those of their film.
    further = further or Further()
    ask = None if further.any else labels is not None
    catalog = read = read_labelled(
        *(location, columns, reading),
        titles=titles,
        trained_columns=further.trained_columns,
        ask=ask,
        labels=names,
        only_labels=False,
        rows=rows_read,
    )
    excluded = () if known is None else known.excluded
    if names is None:
        catalog, chosen = choose_labels(catalog, labels or LabelOptions())
        names, excluded = _wanted(catalog, chosen, further)
    dataset, films = _films(catalog, names, sha256, with_title=with_title)
    dataset, rows = replace(dataset, excluded=excluded), dataset.rows
    if further.group is not None:
        ids = film_ids(catalog.table, further.group, sha256, location.name)[films]
        dataset = replace(dataset, film_ids=ids if known is None else follow_keys(ids, known))
    soft = _soft_labels(catalog, further.soft_labels, names, excluded)
    dataset, is_soft, is_labelled = _with_labels(
        dataset, catalog.is_negative[rows], None if soft is None else soft[rows], known
    )
    usable = Usable(dataset, films, catalog.parts, is_soft, read)
    usable = usable.take(np.flatnonzero(is_labelled))
    if not len(usable.dataset) and known is None:
        raise no_genre_error(catalog)
    dropped = len(catalog) - len(usable.dataset)
    return replace(usable, dataset=replace(usable.dataset, dropped=dropped))


def _films(
    catalog: LabelledCatalog, names: list[str], sha256: str, *, with_title: bool
) -> tuple[Dataset, npt.NDArray[np.int64]]:
    """Return the rows with a text as films, and (films,) each one's own row, or its source's."""
    template = TITLE_AND_OVERVIEW if with_title else OVERVIEW_ONLY
    texts = compose(template, catalog.overviews, catalog.titles).to_pylist()
    film_of = films_of(catalog.table, catalog.name)
    rows = np.flatnonzero((film_of >= 0) & catalog.has_text & catalog.has_text[film_of])
    films = film_of[rows]
    dataset = Dataset(
        texts=[texts[row] for row in rows],
        bare_texts=[text for row in rows if (text := catalog.texts[row]) is not None],
        labels=encode_labels([catalog.genres[row] for row in rows], names),
        names=names,
        rows=rows,
        keys=catalog.keys[films],
        parts=["train"] * len(rows),
        template=template,
        sha256=sha256,
        columns=tuple(catalog.table.column_names),
        used_columns=catalog.used_columns,
    )
    return dataset, films


def _wanted(
    catalog: LabelledCatalog, names: list[str], further: Further
) -> tuple[list[str], tuple[str, ...]]:
    """Return the genres without unwanted ones, and all others of the catalog."""
    genres = sorted({name for cell in catalog.genres for name in cell})
    keys, inherited = set(map(name_key, genres)), set(map(name_key, further.inherited))
    absent = [
        name
        for name in further.exclude_genres
        if name_key(name) in inherited and name_key(name) not in keys
    ]
    if absent:
        warnings.warn(
            f"{catalog.name}: no genre {', '.join(map(repr, absent))}, which the run that training "
            f"starts from left out",
            GenreBatchWarning,
            stacklevel=3,
        )
    unwanted = [name for name in further.exclude_genres if name not in absent]
    excluded = known_names("exclude_genres", unwanted, genres)
    wanted = [name for name in names if name not in excluded]
    if len(wanted) < 2 <= len(names):
        left = f"only {wanted[0]!r}" if wanted else "nothing"
        raise UsageError(
            f"{catalog.name}: `exclude_genres` leaves {left} to learn: leave out fewer of its "
            f"{len(names)} genres"
        )
    return wanted, tuple(name for name in genres if name not in wanted)


def _soft_labels(
    catalog: LabelledCatalog, column: str | None, names: list[str], excluded: tuple[str, ...]
) -> npt.NDArray[np.float32] | None:
    """Return the soft labels of `names`; the lists have the excluded genres, too."""
    if column is None:
        return None
    order = sorted([*names, *excluded])
    soft = read_soft_labels(catalog.table, column, order, catalog.name)
    return None if soft is None else soft[:, [order.index(name) for name in names]]


def _with_labels(
    dataset: Dataset,
    is_negative: npt.NDArray[np.bool_],
    soft: npt.NDArray[np.float32] | None,
    known: Dataset | None,
) -> tuple[Dataset, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Add soft labels, and give wordings without labels those of their film.

    Args:
        dataset: the films of a catalog.
        is_negative: (films,) bool: whether a film is known to have none of the genres.
        soft: (films, genres), negative in rows without soft labels; None: no film has any.
        known: further films with labels.

    Returns:
        The films, whether the labels of each are soft, and whether it has labels at all.
    """
    is_soft = np.zeros(len(dataset), dtype=np.bool_)
    if soft is not None:
        is_soft = np.asarray(~(soft < 0).any(axis=1), dtype=np.bool_)
        # A film without genres has those that are more probable than not.
        labels = np.where(
            (is_soft & ~dataset.labels.any(axis=1))[:, None], soft >= 0.5, dataset.labels
        )
        soft = np.where(is_soft[:, None], soft, dataset.labels).astype(np.float32)
        dataset = replace(dataset, labels=labels.astype(np.uint8), soft=soft)
    if known is not None and dataset.film_ids is not None and known.film_ids is not None:
        # A wording without genres has those of its known film.
        is_negative = is_negative & ~np.isin(dataset.film_ids, known.film_ids)
    is_labelled: npt.NDArray[np.bool_] = is_soft | is_negative | dataset.labels.any(axis=1)
    if dataset.film_ids is None:
        return dataset, is_soft, is_labelled
    sources = dataset.take(np.flatnonzero(is_labelled).tolist())
    source_is_soft = is_soft[is_labelled]
    if known is not None:
        # Of known films it does not matter whether they are soft: extra films are not split.
        sources = concatenate(known, sources)
        source_is_soft = np.concatenate([np.zeros(len(known), np.bool_), source_is_soft])
    assert sources.film_ids is not None
    positions = positions_of(dataset.film_ids, sources.film_ids)
    takes = ~is_labelled & (positions >= 0)
    labels = dataset.labels.copy()
    labels[takes] = sources.labels[positions[takes]]
    is_soft[takes] = source_is_soft[positions[takes]]
    if sources.soft is not None:
        soft = dataset.training_labels
        soft[takes] = sources.soft[positions[takes]]
        dataset = replace(dataset, soft=soft)
    return replace(dataset, labels=labels), is_soft, is_labelled | takes
