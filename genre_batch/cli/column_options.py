"""Options of which columns of a catalog are used, and how its genres are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from genre_batch.catalog.columns import GENRE_COLUMNS, TEXT_COLUMNS, TITLE_COLUMNS
from genre_batch.cli.list_option import ListOption

if TYPE_CHECKING:
    from genre_batch.catalog.options import ColumnOptions

__all__ = [
    "Command",
    "Decorator",
    "column_options",
    "columns_from",
    "genre_name_options",
    "label_place_options",
    "learned_label_options",
    "option_with_default",
    "together",
]

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]
EMPTIES = ("negative", "skip")
"""`catalog.options.EMPTIES`, named here so that `--help` need not import pyarrow."""


def together(*options: Decorator) -> Decorator:
    """Return one decorator that adds several options, in this order in the help text."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def option_with_default(
    name: str,
    kind: click.ParamType[Any] | None,
    metavar: str | None,
    text: str,
    default: Any = None,
) -> Decorator:
    """Return a decorator that adds an option and shows its default, unless that is None."""
    shown = default is not None
    return click.option(
        name, type=kind, metavar=metavar, help=text, default=default, show_default=shown
    )


def _column(role: str, names: Sequence[str]) -> str:
    return f"{role}  [default: the first of {', '.join(names)}, in any case]"


_CELL_OPTIONS = (
    click.option("--genre-column", metavar="NAME", help=_column("Genre column.", GENRE_COLUMNS)),
    click.option(
        "--genre-separator",
        metavar="STR",
        help="String between two genres of a cell.  [default: detected from the whole column]",
    ),
)
_PLACE_OPTIONS = (
    click.option(
        "--label-columns",
        cls=ListOption,
        metavar="A,B,...",
        help="Columns of 0 and 1, one for each genre, or of one genre name each, in place of a "
        "genre column: names, patterns such as 'is_*', or FIRST..LAST.  [default: a genre column]",
    ),
    click.option(
        "--label-names",
        metavar="FILE",
        help="File of genre names for cells that contain numbers or codes: one name per line, or "
        "id and name as CSV or JSON.  [default: cells contain names]",
    ),
)
_LABEL_OPTIONS = (
    *_PLACE_OPTIONS,
    click.option(
        "--empty",
        type=click.Choice(EMPTIES),
        help="Meaning of an empty genre cell. negative: the film has none of the genres; skip: its "
        "genres are unknown, and the row is left out.  [default: skip; negative with "
        "--label-columns]",
    ),
)

_GROUP_ROWS = click.option(
    "--group-rows",
    is_flag=True,
    help="Join rows with the same text, each with one genre of a film.  [default: each row is a "
    "film]",
)


def genre_name_options(map_help: str, aliases_help: str) -> Decorator:
    """Return a decorator that adds `--genre-map` and `--no-aliases` with these help texts."""
    return together(
        click.option("--genre-map", metavar="FILE", help=f"{map_help}  [default: no map]"),
        click.option("--no-aliases", is_flag=True, help=aliases_help),
    )


_GENRE_NAMES = genre_name_options(
    "CSV, JSON or TOML file that maps the catalog's genre names to other genres: to one, several "
    "or none.",
    "Do not read common aliases of the model's genres, such as Sci-Fi, as these.  [default: read "
    "them, except where the catalog's own genres are learned]",
)


def column_options(
    *, titles: bool = True, genres: bool = True, labels: bool = True, rows: bool = True
) -> Decorator:
    """Return a decorator that adds options of `catalog.options.ColumnOptions`.

    Args:
        titles: add `--title-column`.
        genres: add `--genre-column`, `--genre-separator` and the options of genre names.
        labels: with `genres`, add the other options of how genres are read.
        rows: with `labels`, add `--group-rows`.
    """
    options: list[Decorator] = [
        click.option("--text-column", metavar="NAME", help=_column("Text column.", TEXT_COLUMNS))
    ]
    if titles:
        role = "Title column, used only if the model reads titles."
        options.append(
            click.option("--title-column", metavar="NAME", help=_column(role, TITLE_COLUMNS))
        )
    if genres:
        options += [*_CELL_OPTIONS, _GENRE_NAMES, *(_LABEL_OPTIONS if labels else ())]
        if labels and rows:
            options.append(_GROUP_ROWS)
    return together(*options)


label_place_options = together(*_CELL_OPTIONS, *_PLACE_OPTIONS)
"""Add the options of where genres are and what they are called."""

learned_label_options = together(
    option_with_default(
        "--min-films", click.IntRange(min=1), "N", "Leave out genres with fewer films.", 5
    ),
    click.option(
        "--merge-labels",
        is_flag=True,
        help="Read spellings of a genre that differ only in case, space or width as the most "
        "frequent one.  [default: each is a genre]",
    ),
)
"""Add the options of `dataset.label_choice.LabelOptions`."""


def columns_from(options: dict[str, Any]) -> ColumnOptions:
    """Move the values of `column_options` out of a command's options; None where it has none."""
    from genre_batch.catalog.options import ColumnOptions

    names = [field.name for field in fields(ColumnOptions)]
    return ColumnOptions(
        **{name: value for name in names if (value := options.pop(name, None)) is not None}
    )
