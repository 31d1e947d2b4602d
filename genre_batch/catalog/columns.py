"""Finding a column by what such columns are usually called."""

from __future__ import annotations

from collections.abc import Sequence

from genre_batch.errors import ColumnError

__all__ = [
    "GENRE_COLUMNS",
    "TEXT_COLUMNS",
    "TITLE_COLUMNS",
    "column_exists_error",
    "find_column",
    "listed",
    "missing_column_error",
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
TITLE_COLUMNS = ("title", "name", "original_title")
GENRE_COLUMNS = ("genres", "genre", "genre_names", "labels", "categories", "tags")


def listed(columns: Sequence[str]) -> str:
    """Column names for a message, the first twenty of them."""
    shown = ", ".join(columns[:20])
    return f"{shown}, ... ({len(columns)} in all)" if len(columns) > 20 else shown


def missing_column_error(
    columns: Sequence[str], candidates: Sequence[str], asked: str | None, parameter: str
) -> ColumnError:
    """The error for a column that is not there."""
    looked_for = repr(asked) if asked is not None else f"named {', '.join(candidates)}"
    return ColumnError(
        f"no column {looked_for}: name one with `{parameter}`; columns: {listed(columns) or 'none'}"
    )


def column_exists_error(name: str) -> ColumnError:
    """The error for a column of ours that the catalog already has."""
    return ColumnError(
        f"the input already has {name!r}: add --replace to replace it, or rename it first"
    )


def find_column(
    columns: Sequence[str],
    candidates: Sequence[str],
    asked: str | None = None,
    parameter: str = "text_column",
) -> str | None:
    """The column that was asked for, or the first candidate that the columns hold, in any case.

    Returns:
        The name as the catalog spells it; None when no candidate is there and none was asked for.

    Raises:
        ColumnError: the asked column is not there, or the candidate is there in two spellings.
    """
    if asked is not None:
        if asked in columns:
            return asked
        raise missing_column_error(columns, candidates, asked, parameter)
    for candidate in candidates:
        spellings = [name for name in columns if name.strip().lower() == candidate]
        if len(spellings) > 1:
            raise ColumnError(
                f"the columns {' and '.join(map(repr, spellings))} could both be meant: "
                f"choose one with `{parameter}`; columns: {listed(columns)}"
            )
        if spellings:
            return spellings[0]
    return None


def require_column(
    columns: Sequence[str], candidates: Sequence[str], asked: str | None, parameter: str
) -> str:
    """As `find_column`, of a column that has to be there.

    Raises:
        ColumnError: it is not there, or there in two spellings.
    """
    name = find_column(columns, candidates, asked, parameter)
    if name is None:
        raise missing_column_error(columns, candidates, asked, parameter)
    return name
