"""Which row of a catalog is in which part: drawn at random, or read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.columns import listed, missing_column_error
from genre_batch.catalog.formats import Location
from genre_batch.catalog.reading.several import integers_in, row_place
from genre_batch.catalog.reading.whole import read_table
from genre_batch.errors import CatalogError, ColumnError, TrainingError
from genre_batch.model.text_keys import TEXT_KEY_VERSION

__all__ = [
    "DRAWN_GROUPS",
    "PARTS",
    "SplitFile",
    "draw_dev",
    "draw_split",
    "find_part_column",
    "read_part",
    "read_split_file",
    "split_file_text",
    "split_of_column",
]

PARTS = ("train", "dev", "test")

_FOLDS = ("test", "dev", "dev", *["train"] * 7)
"""The part of each of ten equal folds: the paper's 70/20/10 (section "Data")."""
DRAWN_GROUPS = len(_FOLDS)
"""The fewest groups that `draw_split` splits."""


def draw_split(
    labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.uint64], seed: int
) -> list[str]:
    """Draw a part for every row: 70 % train, 20 % dev, 10 % test, with equal shares of each genre.

    Groups are split, not rows; each group counts once, with the genres of all its rows (iterative
    stratification: Sechidis, Tsoumakas and Vlahavas 2011).

    Args:
        labels: (rows, genres) 0 or 1.
        groups: (rows,); rows of one group are put into one part.
        seed: same seed, same split.

    Returns:
        (rows,) parts, of `PARTS`.

    Raises:
        TrainingError: there are too few distinct rows to fill three parts.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    distinct, group_of = np.unique(groups, return_inverse=True)
    if len(distinct) < DRAWN_GROUPS:
        raise TrainingError(
            f"{len(distinct)} distinct texts cannot be split 70/20/10: "
            f"at least {DRAWN_GROUPS} are needed: add films, or set `split`"
        )
    group_labels = np.zeros((len(distinct), labels.shape[1]), dtype=np.uint8)
    np.maximum.at(group_labels, group_of, labels)
    if group_labels.shape[1] == 1:  # the stratifier takes two genres or more
        group_labels = np.hstack([group_labels, 1 - group_labels])
    folds = MultilabelStratifiedKFold(n_splits=DRAWN_GROUPS, shuffle=True, random_state=seed)
    part_of = np.empty(len(distinct), dtype=object)
    for part, (_, held_out) in zip(_FOLDS, folds.split(group_labels, group_labels), strict=True):
        part_of[held_out] = part
    _move_to_training(part_of, group_labels)
    return [str(part) for part in part_of[group_of]]


def draw_dev(labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.uint64], seed: int) -> list[str]:
    """Draw dev from the training films of a split that has none: 20 % of them.

    Args:
        labels, groups, seed: as for `draw_split`, of the training films.

    Returns:
        (rows,) `train` or `dev`.

    Raises:
        TrainingError: as `draw_split` raises it.
    """
    return ["dev" if part == "dev" else "train" for part in draw_split(labels, groups, seed)]


def _move_to_training(part_of: npt.NDArray[np.object_], labels: npt.NDArray[np.uint8]) -> None:
    """Move the first group of each genre without a training group to the training part.

    The last group of another part stays in it.

    Args:
        part_of: (groups,) parts, changed in place.
        labels: (groups, genres) 0 or 1.
    """
    has = labels.astype(np.bool_)
    for genre in np.flatnonzero(has.any(axis=0) & ~has[part_of == "train"].any(axis=0)).tolist():
        groups = np.flatnonzero(has[:, genre])
        if "train" in part_of[groups]:
            continue
        for group in groups.tolist():
            if (part_of == part_of[group]).sum() > 1:
                part_of[group] = "train"
                break


@dataclass(frozen=True)
class SplitFile:
    """Rows of a catalog and their parts.

    Attributes:
        name: the file's name, for messages.
        parts: row (0-based) -> part, of `PARTS`.
        keys: row -> 16 hexadecimal digits of the overview's `text_key`; empty if the file has none.
        key_version: the version of the keys, of `TEXT_KEY_VERSIONS`.
    """

    name: str
    parts: dict[int, str]
    keys: dict[int, str]
    key_version: int = TEXT_KEY_VERSION

    def check(self, count: int, rows: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64]) -> None:
        """Check that the file is of this catalog.

        Args:
            count: the number of the catalog's rows.
            rows: (films,) each film's row in the catalog.
            keys: (films,) the `text_key` of each film's overview, of the version `key_version`.

        Raises:
            CatalogError: the catalog lacks a row, or a row has another overview.
        """
        last = max(self.parts, default=0)
        if last >= count:
            raise CatalogError(
                f"{self.name} is the split of another catalog: it has row {last:,} (counted from "
                f"0) and the catalog {count:,} rows: use the split of this catalog"
            )
        for row, key in zip(rows.tolist(), keys.tolist(), strict=True):
            if self.keys.get(row, f"{key:016x}") != f"{key:016x}":
                raise CatalogError(
                    f"{self.name} is the split of another catalog: row {row} has another "
                    f"overview: use the split of this catalog"
                )


def read_split_file(location: Location) -> SplitFile:
    """Read a file with the columns `row`, `part` and, optionally, keys of the overviews.

    Rows without a part are left out.

    Keys are in `text_key`; in `overview_key` if they are of version 1; or in `group` of a run's
    splits.parquet, which states their version.

    Raises:
        ColumnError: a column is missing.
        CatalogError: a row is not a number, or a value is not a part (`read_part`).
    """
    table = read_table(location)
    for column in ("row", "part"):
        if column not in table.column_names:
            raise ColumnError(
                f"{location.name}: a split file needs the columns row and part; "
                f"columns: {listed(table.column_names)}"
            )
    try:
        rows = integers_in(table, "row")
    except ValueError as error:
        raise CatalogError(
            f"{location.name}: {error}: write the numbers of the catalog's rows, from 0"
        ) from error
    parts = _parts_of_rows(location.name, table, rows)
    key_column, version = _key_column(table)
    keys: dict[int, str] = {}
    if key_column is not None:
        keys = dict(zip(rows, table.column(key_column).to_pylist(), strict=True))
    return SplitFile(location.name, parts, keys, version)


def _parts_of_rows(name: str, table: pa.Table, rows: Sequence[int]) -> dict[int, str]:
    """Return the part of each row that has one.

    Raises:
        CatalogError: a part is another word, or a row is below 0 or has two parts.
    """
    parts: dict[int, str] = {}
    for position, (row, value) in enumerate(
        zip(rows, table.column("part").to_pylist(), strict=True)
    ):
        part = read_part(value)
        if part == "":
            raise CatalogError(
                f"{name}: unknown part {value!r} in {row_place(table, position)}: use "
                f"{', '.join(PARTS)}"
            )
        if row < 0:
            raise CatalogError(f"{name}: there is no row {row}: rows are counted from 0")
        if part is not None and parts.setdefault(row, part) != part:
            raise CatalogError(
                f"{name}: row {row} is in two parts, {parts[row]!r} and {part!r}: keep one of them"
            )
    return parts


def _key_column(table: pa.Table) -> tuple[str | None, int]:
    """Return the column of a split file that holds keys, None without one, and their version."""
    metadata = table.schema.metadata or {}
    if "group" in table.column_names and b"template" in metadata:
        return "group", int(metadata.get(b"text_key_version", b"1"))
    for column, version in (("text_key", TEXT_KEY_VERSION), ("overview_key", 1)):
        if column in table.column_names:
            return column, version
    return None, TEXT_KEY_VERSION


_PART_COLUMNS = ("part", "split", "fold", "subset", "set", "partition")
_SPELLINGS = {
    **{name: name for name in PARTS},
    **dict.fromkeys(("training",), "train"),
    **dict.fromkeys(("valid", "val", "validation", "development", "eval"), "dev"),
    **dict.fromkeys(("testing", "held-out", "heldout", "holdout", "hold-out"), "test"),
}
"""How catalogs write the parts, in lower case."""


def find_part_column(table: pa.Table) -> str | None:
    """Return a column of a usual name in which each row has a part, and train and test occur."""
    for name in table.column_names:
        if name.strip().lower() in _PART_COLUMNS:
            values = {read_part(value) for value in table.column(name).unique().to_pylist()}
            if values >= {"train", "test"} and values <= {*PARTS, None}:
                return str(name)
    return None


def read_part(value: object) -> str | None:
    """Return the part that a value stands for, in any case, such as dev for `Validation`.

    Returns:
        One of `PARTS`; None for blank and null, "" for any other value.
    """
    text = "" if value is None else str(value).strip().lower()
    return _SPELLINGS.get(text, "") if text else None


def split_of_column(table: pa.Table, column: str, name: str) -> SplitFile:
    """Return the parts that a column of the catalog assigns; rows without one are left out.

    Args:
        table: the catalog.
        column: its column of parts, which may be spelled as `validation` or `valid`.
        name: the catalog's name, for messages.

    Raises:
        ColumnError: there is no such column.
        CatalogError: a value is not a part.
    """
    if column not in table.column_names:
        raise missing_column_error(table.column_names, (), column, "part_column")
    parts: dict[int, str] = {}
    for row, value in enumerate(table.column(column).to_pylist()):
        part = read_part(value)
        if part == "":
            raise CatalogError(
                f"{name}: {row_place(table, row)} has {value!r} in the column {column!r} of "
                f"`part_column`: use {', '.join(PARTS)}"
            )
        if part is not None:
            parts[row] = part
    return SplitFile(f"the column {column!r} of {name}", parts, {})


def split_file_text(
    rows: npt.NDArray[np.int64], parts: list[str], keys: npt.NDArray[np.uint64]
) -> str:
    """Return a split file as CSV, with the columns `row`, `part` and `text_key`.

    Args:
        rows: (films,) each film's row in the catalog (0-based).
        parts: (films,) of `PARTS`.
        keys: (films,) the `text_key` of each film's overview.
    """
    lines = [
        f"{row},{part},{key:016x}\n"
        for row, part, key in zip(rows.tolist(), parts, keys.tolist(), strict=True)
    ]
    return "".join(["row,part,text_key\n", *lines])
