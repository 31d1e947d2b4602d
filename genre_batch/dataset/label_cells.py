"""What the label cells of a catalog state about its rows: names, negatives, and rows joined."""

from __future__ import annotations

import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.genre_values import CellState
from genre_batch.catalog.genres import GenreCells
from genre_batch.catalog.options import ColumnOptions
from genre_batch.catalog.reading.several import files_of
from genre_batch.dataset.label_names import name_labels, read_label_names
from genre_batch.errors import CatalogError, GenreBatchWarning
from genre_batch.names import clean_name

__all__ = [
    "EmptyRows",
    "check_empty",
    "decide_empty",
    "grouped",
    "grouped_if",
    "looks_ungrouped",
    "named",
    "with_empty_nulls",
]

_FEW, _FEW_ROWS = 0.05, 10
"""Up to this share of the rows, or this number of them, may be empty without a question."""
_MOSTLY = 0.5
"""From this share on, a column is mostly empty: the rows have not been labeled yet."""
_UNGROUPED = 0.2
"""The share of texts in several rows with other genres, from which rows seem to be pairs."""


def named(cells: GenreCells, options: ColumnOptions) -> GenreCells:
    """Return the cells with the names of `label_names`, cleaned (`names.clean_name`).

    Raises:
        CatalogError: a number or code has no name.
    """
    genres = cells.genres
    if options.label_names is not None:
        names = read_label_names(options.label_names)
        genres = name_labels(genres, names, os.fspath(options.label_names))
    distinct = {name for cell in genres for name in cell}
    cleaned = {name: name if name == (clean := clean_name(name)) else clean for name in distinct}
    changed = sorted(name for name, clean in cleaned.items() if name != clean)
    if changed:
        genres = [
            list(dict.fromkeys(clean for name in cell if (clean := cleaned[name])))
            for cell in genres
        ]
        shown = ", ".join(f"{name!r} as {cleaned[name]!r}" for name in changed[:3])
        warnings.warn(
            f"genres with invisible characters, unusual spaces or accents in parts are read "
            f"without them: {shown}{' and others' if len(changed) > 3 else ''}",
            GenreBatchWarning,
            stacklevel=3,
        )
    return cells if genres is cells.genres else replace(cells, genres=genres)


def with_empty_nulls(
    cells: GenreCells, rows: TableChunk, column: str, location: Location
) -> GenreCells:
    """Return the cells with null as empty, where a format has no other way to write an empty text.

    CSV writes a null and an empty text alike, unless the file has empty texts in quotes too.
    """
    nulls = np.asarray(rows.column(column).is_null(), dtype=np.bool_)
    is_empty = np.asarray(pc.fill_null(pc.equal(rows.strings(column), ""), False), dtype=np.bool_)
    start = 0
    for file, (_, count) in zip(
        location.each_file, files_of(rows.table) or [("", len(rows))], strict=True
    ):
        own = slice(start, start + count)
        start += count
        if file.format not in (Format.CSV, Format.TSV) or is_empty[own].any():
            nulls[own] = False
    if not nulls.any():
        return cells
    states = np.where(nulls, CellState.EMPTY, cells.states).astype(np.int8)
    return replace(cells, states=states)


@dataclass(frozen=True)
class EmptyRows:
    """What rows with an empty genre cell are.

    Attributes:
        rows: their number, of the rows with a text.
        share: their share of the rows with a text whose cell is empty or has genres.
        negative: whether they are films without any genre; if not, they are left out.
        given: whether an option decided it.
    """

    rows: int
    share: float
    negative: bool
    given: bool

    @property
    def few(self) -> bool:
        """Whether they are too few to matter."""
        return self.share <= _FEW or self.rows <= _FEW_ROWS


def decide_empty(
    cells: GenreCells, has_text: npt.NDArray[np.bool_], options: ColumnOptions
) -> EmptyRows:
    """Decide what rows with an empty genre cell are.

    Args:
        cells: the genre cells.
        has_text: (rows,) bool.
        options: `empty` and `label_columns`, in which 0 for every genre is a statement.
    """
    empty = int(((cells.states == CellState.EMPTY) & has_text).sum())
    labeled = int(((cells.states == CellState.LABELED) & has_text).sum())
    share = empty / max(1, empty + labeled)
    negative = options.empty == "negative" if options.empty else bool(options.label_columns)
    return EmptyRows(empty, share, negative, options.empty is not None or negative)


def check_empty(empty: EmptyRows, name: str, column: str, *, ask: bool) -> None:
    """Report what rows with an empty genre cell are, unless they are few or an option decided it.

    Args:
        empty: the decision.
        name: the catalog, for messages.
        column: its genre column.
        ask: raise an error if the rows may be either.

    Raises:
        CatalogError: a part of the rows is empty, and no option decides what they are.
    """
    if empty.given or empty.few:
        return
    rows = f"{name}: {empty.rows:,} rows ({empty.share:.0%}) have an empty cell in {column!r}"
    if ask and empty.share <= _MOSTLY:
        raise CatalogError(
            f"{rows}: set `empty` to negative if they have none of the genres, or to skip to leave "
            f"them out"
        )
    warnings.warn(
        f"{rows} and are left out: if they have none of the genres, set `empty` to negative, or "
        f"precision is overstated",
        GenreBatchWarning,
        stacklevel=3,
    )


def _texts_of(texts: Sequence[str | None], titles: pa.Array | None) -> list[tuple[str, str]]:
    names = [None] * len(texts) if titles is None else titles.to_pylist()
    return [(text or "", (title or "").strip()) for text, title in zip(texts, names, strict=True)]


def looks_ungrouped(cells: GenreCells, texts: Sequence[str | None]) -> int:
    """Return in how many texts several rows have one other genre each; 0 if these are few.

    Args:
        cells: the genre cells.
        texts: (rows,) overviews.
    """
    genres_of: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rows_of: Counter[str] = Counter()
    several = 0
    for text, names in zip(texts, cells.genres, strict=True):
        if text is not None and names:
            genres_of[text].update(names)
            rows_of[text] += 1
            several += len(names) > 1
    if several > _FEW * rows_of.total():
        return 0
    split = sum(rows_of[text] > 1 and max(genres_of[text].values()) == 1 for text in rows_of)
    return split if split >= _UNGROUPED * len(genres_of) > 0 else 0


def grouped(cells: GenreCells, texts: Sequence[str | None], titles: pa.Array | None) -> GenreCells:
    """Give the first row of each text and title the genres of all its rows; empty the others.

    The other rows become unknown, so that they are left out.
    """
    first: dict[tuple[str, str], int] = {}
    genres = [list(names) for names in cells.genres]
    states = cells.states.copy()
    for row, key in enumerate(_texts_of(texts, titles)):
        if not key[0]:
            continue
        start = first.setdefault(key, row)
        if start == row:
            continue
        genres[start] = list(dict.fromkeys(genres[start] + genres[row]))
        if states[row] == CellState.EMPTY and states[start] == CellState.UNKNOWN:
            states[start] = CellState.EMPTY
        genres[row], states[row] = [], CellState.UNKNOWN
    labeled = np.array([bool(names) for names in genres], dtype=np.bool_)
    states[labeled] = CellState.LABELED
    return replace(cells, genres=genres, states=states)


def grouped_if(
    options: ColumnOptions,
    cells: GenreCells,
    texts: Sequence[str | None],
    titles: pa.Array | None,
    name: str,
) -> GenreCells:
    """Return the cells, joined with `group_rows`; without it, warn if rows seem to be pairs.

    Args:
        options: `group_rows`.
        cells: the genre cells.
        texts, titles: (rows,) overviews and titles.
        name: the catalog, for messages.
    """
    if options.group_rows:
        return grouped(cells, texts, titles)
    pairs = looks_ungrouped(cells, texts)
    if pairs:
        warnings.warn(
            f"{name}: {pairs:,} texts are in several rows with one genre each: if a row is one "
            f"genre of a film, add `group_rows` to join them",
            GenreBatchWarning,
            stacklevel=3,
        )
    return cells
