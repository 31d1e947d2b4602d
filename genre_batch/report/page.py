"""The building blocks of a report, and writing them as one HTML file.

The page is self-contained: tables, the figures' data, the drawing library and the page's own
script. The content security policy allows these two scripts only, and no network access. The same
report gives the same bytes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self, TypeVar

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from genre_batch.errors import CatalogError
from genre_batch.failures import reason_of
from genre_batch.files import replacing
from genre_batch.report.library import drawing_library
from genre_batch.version import __version__

__all__ = ["Cell", "Column", "Figure", "Report", "Section", "Table", "render", "write_report"]

Cell = str | int | float | None
"""A value of a table; None, NaN and infinity are shown as a dash and sorted last."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: the heading.
        digits: decimal places of the numbers; None for a column of text.
        meaning: the heading's tooltip.
    """

    name: str
    digits: int | None = None
    meaning: str = ""

    def formatted(self, cell: Cell) -> str:
        """Format a cell for people."""
        if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
            return "–"  # noqa: RUF001 - a dash, not a minus
        return str(cell) if self.digits is None else f"{cell:,.{self.digits}f}"


@dataclass(frozen=True)
class Table:
    """A table that the reader can sort by any column.

    Attributes:
        caption: what the table shows.
        columns: the first one names the rows.
        rows: in their initial order, a cell for each column.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            for column, cell in zip(self.columns, row, strict=True):
                if column.digits is not None and isinstance(cell, str):
                    raise ValueError(f"column {column.name} takes numbers, got {cell!r}")

    @classmethod
    def of(
        cls,
        caption: str,
        items: Iterable[Item],
        columns: Sequence[tuple[Column, Callable[[Item], Cell]]],
    ) -> Self:
        """Make a table with a row for each item.

        Args:
            caption: what the table shows.
            items: one for each row.
            columns: each column, and the function that computes its cell from an item.
        """
        rows = tuple(tuple(cell_of(item) for _, cell_of in columns) for item in items)
        return cls(caption, tuple(column for column, _ in columns), rows)


@dataclass(frozen=True)
class Figure:
    """A chart.

    Attributes:
        title: what the figure shows.
        description: how to read it; also the text for screen readers.
        spec: Vega-Lite, as wide as its container; built in figures.py.
        choices: the values of the spec's parameter `choice`, offered in a list. Choosing one
            changes every figure of the page that offers it.
        chosen: the initial choice, of `choices`.
        choice_label: the label of the list.
    """

    title: str
    description: str
    spec: dict[str, Any]
    choices: tuple[str, ...] = ()
    chosen: str | None = None
    choice_label: str = "Genre"


@dataclass(frozen=True)
class Section:
    """A part of the page, with its own entry in the navigation.

    Attributes:
        title: the heading.
        paragraphs: text before the figures and tables.
        figures, tables: figures are shown before tables.
        review: whether the report's queue is here.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    review: bool = False


@dataclass(frozen=True)
class Report:
    """A page.

    Attributes:
        title: the heading.
        lead: paragraphs below the heading: what was done, and with which data.
        sections: in order.
        warnings: what a reader must know before trusting the figures.
        queue: records to decide on, as `queue.queue_data` returns them, in the section that is
            marked for them; None: there are none.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = ()
    queue: dict[str, Any] | None = None


def write_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report completely or not at all, replacing an existing one.

    Args:
        report: the report to write.
        path: a local file.

    Raises:
        CatalogError: the file cannot be written.
    """
    content = render(report)
    try:
        with replacing(os.fspath(path)) as stream:
            stream.write(content)
    except OSError as error:
        raise CatalogError(f"cannot write {path}: {reason_of(error)}") from error


def render(report: Report) -> bytes:
    """Render the page as UTF-8 HTML, with every text escaped."""
    library, scripts = drawing_library(), [_resource("page.js")]
    if report.queue is not None:
        scripts.append(_resource("queue.js"))
    template = _environment().from_string(_resource("page.html"))
    page = template.render(
        report=report,
        style=Markup(_resource("page.css")),
        library=Markup(library),
        scripts=[Markup(script) for script in scripts],
        hashes=[_hash(script) for script in (library, *scripts)],
        version=__version__,
    )
    # The name of a file need not be Unicode.
    return page.encode("utf-8", "backslashreplace")


@functools.cache
def _resource(name: str) -> str:
    return files("genre_batch.report").joinpath(name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({"queue.html": _resource("queue.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = _embedded
    return environment


def _embedded(value: Any) -> Markup:
    """Encode JSON for a script element of data, so that no value can end the element."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _hash(script: str) -> str:
    """Return a script's source expression for the content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
