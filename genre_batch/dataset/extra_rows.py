"""The rows of a further catalog to train on: which are taken, which are not, and why."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.catalog.formats import Location
from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.catalog.reading.fitting import fitting_reading
from genre_batch.catalog.reading.whole import read_chunk
from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.further_columns import fitting_columns, has_text_column
from genre_batch.dataset.usable import Further, Usable, load_usable
from genre_batch.errors import ColumnError, GenreBatchWarning, TrainingError, counted
from genre_batch.model.text import uses_title
from genre_batch.names import name_key

__all__ = ["ExtraRows", "load_extra", "read_extra"]

_SHOWN = 3
"""Genres that a warning names."""


@dataclass(frozen=True)
class ExtraRows:
    """The rows of a further catalog.

    Attributes:
        films: the rows to train on.
        held_out: the rows left out because their film is in the dev or test part.
        other_parts: the number of rows left out because the catalog's column `part` has another
            part for them, or none.
        unlabeled: the number of other rows left out: without a text or a genre of the dataset's.
    """

    films: Dataset
    held_out: Dataset
    other_parts: int
    unlabeled: int


def load_extra(location: Location, dataset: Dataset, part: str = "train") -> Dataset:
    """Load further films to train on, none of which is in the dataset's dev or test part.

    A copy is compared by its film's overview. If the catalog has a column `part`, only the rows of
    one part are taken; genres that the dataset does not know are left out. A genre may have a
    common alias of the dataset's.

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
    reading: ReadingOptions | None = None,
) -> ExtraRows:
    """Load further films as `load_extra` does, with wordings and soft labels.

    Wordings of a film of the dev or test part are left out. A wording without labels has those of
    its film. Genres that the dataset's catalog does not have are warned of.

    Args:
        location, dataset, part: as for `load_extra`.
        further: the columns of wordings and of soft labels; None: neither.
        earlier: films of other further catalogs, which this one's may be wordings of.
        earlier_run: the films of the run that training starts from; those that it held out are left
            out.
        columns, reading: the options for the dataset's catalog, which hold here as far as they fit
            (`fitting_columns`, `fitting_reading`).

    Raises:
        ColumnError, TrainingError: as for `load_extra`.
        CatalogError: the catalog cannot be read, or soft labels are not probabilities.
    """
    columns, further = columns or ColumnOptions(), further or Further()
    known = dataset if earlier is None else concatenate(dataset, earlier)
    usable = _load(location, dataset, further, known, columns, reading or ReadingOptions())
    in_part = np.ones(len(usable.catalog), dtype=np.bool_)
    if usable.parts is not None:
        in_part = np.array([value == part for value in usable.parts], dtype=np.bool_)
    _warn_of_unknown(usable, in_part, dataset, further, aliases=not columns.no_aliases)
    extra = usable.dataset.take(np.flatnonzero(in_part[usable.dataset.rows]).tolist())
    wanted = _not_held_out(extra, dataset, earlier_run)
    films, held_out = (extra.take(np.flatnonzero(rows).tolist()) for rows in (wanted, ~wanted))
    unlabeled = in_part.copy()
    unlabeled[extra.rows] = False
    if columns.group_rows:  # the other rows of a film are joined to its first one
        unlabeled &= ~np.isin(usable.catalog.keys, extra.keys)
    rows = ExtraRows(films, held_out, int((~in_part).sum()), int(unlabeled.sum()))
    if not len(films):
        raise _nothing_left_error(location.name, rows, part)
    return rows


def _load(
    location: Location,
    dataset: Dataset,
    further: Further,
    known: Dataset,
    columns: ColumnOptions,
    reading: ReadingOptions,
) -> Usable:
    """Load the usable rows of a further catalog, with the options that fit it."""
    with_title = uses_title(dataset.template)
    fitting = fitting_reading(location, reading, lambda names: has_text_column(names, columns))
    rows, options = fitting_columns(
        read_chunk(location, fitting),
        columns,
        location.name,
        with_title=with_title,
        soft_labels=further.soft_labels,
    )
    try:
        return load_usable(
            location,
            options,
            fitting,
            with_title=with_title,
            names=dataset.names,
            further=further,
            known=known,
            rows_read=rows,
        )
    except ColumnError as error:
        named = str(error).startswith(location.name)
        raise ColumnError(str(error) if named else f"{location.name}: {error}") from error


def _not_held_out(
    extra: Dataset, dataset: Dataset, earlier_run: EarlierFilms | None
) -> npt.NDArray[np.bool_]:
    """Return (films,) bool: whether a film is in no dev or test part."""
    held_out = dataset.part("dev", "test")
    wanted = ~np.isin(extra.keys, held_out.keys)
    if earlier_run is not None:
        wanted &= ~earlier_run.is_held_out(extra)
    if extra.film_ids is not None and held_out.film_ids is not None:
        wanted &= ~np.isin(extra.film_ids, held_out.film_ids)
        # A film with another wording in dev or test is left out as a whole.
        wanted &= ~np.isin(extra.film_ids, extra.film_ids[~wanted])
    return wanted


def _warn_of_unknown(
    usable: Usable,
    in_part: npt.NDArray[np.bool_],
    dataset: Dataset,
    further: Further,
    *,
    aliases: bool,
) -> None:
    """Warn of genres that the dataset's catalog does not have, which rows lose.

    Genres of that catalog that were left out on purpose are not warned of.

    Args:
        usable: the further catalog.
        in_part: (rows,) bool: whether a row is in the part that is taken.
        dataset: the split catalog.
        further: with the excluded genres, which an earlier run may have had.
        aliases: whether common aliases of genres are read as these.
    """
    catalog = usable.catalog
    named = {name_key(name): name for name in (*further.exclude_genres, *dataset.excluded)}
    left_out = GenreIndex(list(named.values()), aliases=aliases)
    names = {name for cell in catalog.genres for name in cell} - set(dataset.names)
    unknown = {name for name in names if left_out.find(name) is None}
    has_labels = np.zeros(len(catalog), dtype=np.bool_)
    has_labels[usable.dataset.rows] = True
    looked_at = in_part & catalog.has_text
    looked_at[usable.dataset.rows[usable.is_soft]] = False
    rows = [row for row in np.flatnonzero(looked_at) if not unknown.isdisjoint(catalog.genres[row])]
    if not rows:
        return
    counts = Counter(name for row in rows for name in catalog.genres[row] if name in unknown)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{str(name)!r} ({count:,})" for name, count in ranked[:_SHOWN])
    more = f" and {len(ranked) - _SHOWN:,} others" if len(ranked) > _SHOWN else ""
    unused = int((~has_labels[rows]).sum())
    alone = f", with {counted(unused, 'row')} of no other genre" if unused else ""
    used = len(rows) - unused
    others = f", or {counted(used, 'row')} will teach films without those" if used else ""
    warnings.warn(
        f"{catalog.name}: {len(rows):,} of {counted(int(looked_at.sum()), 'row')} have genres that "
        f"the catalog lacks: {shown}{more}; these are left out{alone}: if they are other names of "
        f"the catalog's genres, map them with `genre_map`{others}",
        GenreBatchWarning,
        stacklevel=3,
    )


def _nothing_left_error(name: str, rows: ExtraRows, part: str) -> TrainingError:
    """Build the error for a catalog without a row to train on, with the reasons."""
    counts = {
        f"whose column 'part' is not {part}": rows.other_parts,
        "without a text or a genre that the catalog has": rows.unlabeled,
        "whose overview or film is in its dev or test part": len(rows.held_out),
    }
    reasons = ", ".join(
        f"{counted(count, 'row')} {reason}" for reason, count in counts.items() if count
    )
    advice = ""
    if rows.other_parts:
        advice = f": write {part} into 'part' in the rows to train on, or rename the column"
    return TrainingError(
        f"{name}: no row is usable for training: {reasons or 'it has no rows'}{advice}"
    )
