"""Find a column by its usual names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from genre_batch.errors import ColumnError

__all__ = [
    "GENRE_COLUMNS",
    "TEXT_COLUMNS",
    "TITLE_COLUMNS",
    "column_exists_error",
    "find_column",
    "listed",
    "matching_columns",
    "missing_column_error",
    "no_text_error",
    "require_column",
]

TEXT_COLUMNS = (
    "overview",
    "plot",
    "synopsis",
    "description",
    "summary",
    "storyline",
    "plot_summary",
    "text",
)
_OTHER_MARKS = re.compile(r"[\x01-\x1f !#-&*+/:;<=>?@^`|~]")
"""A character that may separate the cells of a file, if its header is a single name."""
_LIKELY_MARKS = re.compile(r"[\t;|]")
"""A character that may separate the cells of a file, if its header is several names."""
_RULE = re.compile(r"[+|]?[-=]{2,}[-=+| ]*")
"""A line between the rows of a table as a terminal prints it."""
_NO_NAME = re.compile(r"#|[-+]?\d+(\.\d+)?$|unnamed_\d")
_LONGEST_NAME = 60

TITLE_COLUMNS = ("title", "name", "original_title")
GENRE_COLUMNS = ("genres", "genre", "genre_names", "labels", "categories", "tags")


def listed(columns: Sequence[str]) -> str:
    """Format column names for a message: the first twenty."""
    shown = ", ".join(name if name.isprintable() else repr(name) for name in columns[:20])
    return f"{shown}, ... ({len(columns)} in all)" if len(columns) > 20 else shown


def missing_column_error(
    columns: Sequence[str],
    candidates: Sequence[str],
    requested: str | None,
    parameter: str,
    trained_column: str | None = None,
) -> ColumnError:
    """Build the error for a missing column; arguments as in `find_column`."""
    names = candidates if trained_column in (None, *candidates) else (trained_column, *candidates)
    wanted = f"named {', '.join(map(str, names))}"
    if requested is not None:
        spellings = {name.lower(): name for name in columns}
        nearest = difflib.get_close_matches(requested.lower(), spellings, n=1)
        wanted = repr(requested) + (f" (nearest: {spellings[nearest[0]]!r})" if nearest else "")
    if not columns:
        return ColumnError(f"no column {wanted}: there are no columns and no rows: check the input")
    return ColumnError(
        f"no column {wanted}: name one with `{parameter}`; columns: {listed(columns)}"
        f"{_header_advice(columns)}"
    )


def _header_advice(columns: Sequence[str]) -> str:
    """Return what to type if these are hardly the names of columns; empty if they may be."""
    if any(_RULE.fullmatch(name.strip()) for name in columns):
        return (
            "; if this is a table as a terminal prints it, export it as CSV or TSV instead, for "
            "example with mysql --batch or psql --csv"
        )
    if any(len(name) > _LONGEST_NAME or _NO_NAME.match(name) for name in columns):
        return (
            "; if these are no names of columns: set `skip_lines` if the header is further down, "
            "or put one before the first row"
        )
    marks = _OTHER_MARKS if len(columns) == 1 else _LIKELY_MARKS
    found = (mark for name in columns if (mark := marks.search(name)) is not None)
    if (mark := next(found, None)) is not None:
        return (
            f"; if {mark[0]!r} separates the cells, set `delimiter`; if the header is further "
            f"down, set `skip_lines`"
        )
    if any(not name.strip() for name in columns):
        return "; if the header is further down, set `skip_lines`"
    return ""


def column_exists_error(name: str) -> ColumnError:
    """Build the error for an output column that the input already has."""
    return ColumnError(
        f"the input already has {name!r}: add `replace` to replace it, or rename it first"
    )


def no_text_error(name: str, kind: object, parameter: str) -> ColumnError:
    """Build the error for a column of a type that holds no text.

    Args:
        name: the column.
        kind: its Arrow type.
        parameter: the name of the parameter that chooses another column.
    """
    return ColumnError(
        f"the column {name!r} is of type {kind}, not text: choose another with `{parameter}`, "
        f"or convert it to strings first"
    )


def find_column(
    columns: Sequence[str],
    candidates: Sequence[str],
    requested: str | None = None,
    parameter: str = "text_column",
    trained_column: str | None = None,
) -> str | None:
    """Find the requested column, else the one of training, else the first candidate in any case.

    Args:
        columns: the catalog's column names.
        candidates: usual names, lower case, most preferred first.
        requested: the exact name of the column; None: look for the candidates.
        parameter: the parameter that names the column, for messages.
        trained_column: the exact name of the column that the model was trained on, used if the
            catalog has it.

    Returns:
        The name as the catalog spells it; None if no candidate matches and none is requested.

    Raises:
        ColumnError: the requested column is missing, or two columns match the same candidate.
    """
    if requested is not None:
        if requested in columns:
            return requested
        raise missing_column_error(columns, candidates, requested, parameter, trained_column)
    if trained_column is not None and trained_column in columns:
        return trained_column
    matching = matching_columns(columns, candidates)
    if len(matching) > 1:
        raise ColumnError(
            f"the columns {' and '.join(map(repr, matching))} both match: "
            f"choose one with `{parameter}`; columns: {listed(columns)}"
        )
    return matching[0] if matching else None


def matching_columns(columns: Sequence[str], candidates: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that match the first candidate which any matches, in any case."""
    for candidate in candidates:
        spellings = tuple(name for name in columns if name.strip().lower() == candidate)
        if spellings:
            return spellings
    return ()


def require_column(
    columns: Sequence[str],
    candidates: Sequence[str],
    requested: str | None,
    parameter: str,
    trained_column: str | None = None,
) -> str:
    """Find a column as `find_column` does, and raise if there is none.

    Raises:
        ColumnError: the column is missing, or two columns match the same candidate.
    """
    name = find_column(columns, candidates, requested, parameter, trained_column)
    if name is None:
        raise missing_column_error(columns, candidates, requested, parameter, trained_column)
    return name
