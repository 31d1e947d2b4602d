"""The columns of a further catalog: found by the options for the catalog, or by usual names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import GENRE_COLUMNS, TEXT_COLUMNS, listed, matching_columns
from genre_batch.catalog.label_columns import find_label_columns
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.label_names import read_label_names
from genre_batch.dataset.labelled_columns import LabelledColumns, find_labelled_columns
from genre_batch.errors import ColumnError

__all__ = ["fitting_columns", "has_text_column"]


def has_text_column(columns: Sequence[str], options: ColumnOptions) -> bool:
    """Return whether one of the columns has the given name of texts, or a usual one."""
    return options.text_column in columns or bool(matching_columns(columns, TEXT_COLUMNS))


def fitting_columns(
    rows: TableChunk,
    options: ColumnOptions,
    name: str,
    *,
    with_title: bool,
    soft_labels: str | None = None,
) -> tuple[TableChunk, ColumnOptions]:
    """Return the options for one catalog without those that do not fit the rows of another one.

    A column that the other catalog lacks is found by its usual names; so is a genre column in place
    of label columns. `genre_separator` holds if a genre cell has it, and `label_names` if a cell is
    one of its numbers or codes.

    Args:
        rows: all rows of the other catalog.
        options: for the first catalog.
        name: the other catalog, for messages.
        with_title: whether titles are read.
        soft_labels: a column of lists of probabilities; a catalog that has it needs no genres.

    Returns:
        The rows, with an empty genre column if they have only lists, and the options.

    Raises:
        ColumnError: a column cannot be found under any of these names.
        UsageError, CatalogError: the file of `label_names` or `genre_map` cannot be used.
    """
    if options.label_columns and not _has_label_columns(rows.columns, options.label_columns):
        missing, options = options.label_columns, replace(options, label_columns=None)
    else:
        missing = ()
    if soft_labels in rows.columns and not _has_genres(rows.columns, options):
        column = pa.nulls(len(rows), pa.string())
        rows = replace(rows, table=rows.table.append_column(GENRE_COLUMNS[0], column))
        options = replace(options, empty="skip", genre_column=None)
    named = {
        "text": options.text_column,
        "title": options.title_column,
        "genres": options.genre_column,
    }
    usual = replace(options, text_column=None, title_column=None, genre_column=None)
    try:
        used = find_labelled_columns(
            rows.columns, usual, "required" if with_title else "unused", named
        )
    except ColumnError as error:
        raise _not_found(error, name, rows.columns, missing) from error
    title = options.title_column if options.title_column in rows.columns else None
    found = replace(usual, text_column=used.text, title_column=title)
    if not used.label_columns:
        found = _fitting_genres(rows, used, replace(found, genre_column=used.genres))
    return rows, found


def _not_found(
    error: ColumnError, name: str, columns: Sequence[str], missing: Sequence[str]
) -> ColumnError:
    if not columns:
        return ColumnError(f"{name}: it has no columns and no rows: check the file")
    problem = re.split(": (?:name|choose) one with", str(error))[0]
    if missing:
        problem += f", nor the columns {', '.join(missing)} of `label_columns`"
    return ColumnError(
        f"{name}: {problem}; columns: {listed(columns)}: further catalogs are read by the column "
        f"options for the catalog, or by usual names: rename one"
    )


def _has_label_columns(columns: Sequence[str], wanted: Sequence[str]) -> bool:
    try:
        find_label_columns(columns, wanted)
    except ColumnError:
        return False
    return True


def _has_genres(columns: Sequence[str], options: ColumnOptions) -> bool:
    """Return whether there is a genre column, or label columns that are asked for."""
    usual = matching_columns(columns, GENRE_COLUMNS)
    return bool(options.label_columns or options.genre_column in columns or usual)


def _fitting_genres(
    rows: TableChunk, used: LabelledColumns, options: ColumnOptions
) -> ColumnOptions:
    """Return the options without those of how genre cells are read that do not fit these."""
    mark = options.genre_separator
    if mark is not None and not pc.any(pc.match_substring(rows.strings(used.genres), mark)).as_py():
        options = replace(options, genre_separator=None)
    if options.label_names is not None:
        names = read_label_names(options.label_names)
        if not isinstance(names, Mapping):
            names = {str(number): name for number, name in enumerate([*names, ""])}
        if not any(genre in names for cell in used.cells_in(rows).genres for genre in cell):
            options = replace(options, label_names=None)
    return options
