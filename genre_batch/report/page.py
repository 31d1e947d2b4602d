"""What a report consists of, and the one HTML file it becomes.

The page holds everything it shows: tables, the figures' data, the library that draws them and its
own script, the only two scripts that its content security policy lets run; nothing may be fetched.
The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import os
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import vl_convert
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from genre_batch.errors import CatalogError
from genre_batch.files import replacing
from genre_batch.version import __version__

__all__ = ["Cell", "Column", "Figure", "Report", "Section", "Table", "render", "write_report"]

Cell = str | int | float | None
"""What a table shows in one place; None and numbers that are none: a dash, sorted last."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading.
        digits: places behind the point of its numbers; None: its cells are text.
        says: what it means, shown when the heading is pointed at.
    """

    name: str
    digits: int | None = None
    says: str = ""

    def shown(self, cell: Cell) -> str:
        """A cell as people read it."""
        if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
            return "–"  # noqa: RUF001 - a dash, not a minus
        return str(cell) if self.digits is None else f"{cell:,.{self.digits}f}"


@dataclass(frozen=True)
class Table:
    """A table that the reader can sort by any column.

    Attributes:
        caption: what it shows.
        columns: the first one names the rows.
        rows: in the order they are first shown in, a cell for each column.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            for column, cell in zip(self.columns, row, strict=True):
                if column.digits is not None and isinstance(cell, str):
                    raise ValueError(f"{column.name} holds numbers, not {cell!r}")


@dataclass(frozen=True)
class Figure:
    """A chart.

    Attributes:
        title: what it shows.
        description: how to read it; also what is read out to those who cannot see it.
        spec: Vega-Lite, `width` the container's; made by figures.py.
        choices: what the reader may choose between, the values of the spec's parameter `choice`;
            figures of one page that offer the same value follow each other.
        chosen: the first choice shown; of `choices`.
        of: what is chosen: `Genre`.
    """

    title: str
    description: str
    spec: dict[str, Any]
    choices: tuple[str, ...] = ()
    chosen: str | None = None
    of: str = "Genre"


@dataclass(frozen=True)
class Section:
    """A part of the page, with an entry of its own in the navigation.

    Attributes:
        title: its heading.
        says: paragraphs before its figures and tables.
        figures, tables: shown in this order.
    """

    title: str
    says: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Report:
    """A page.

    Attributes:
        title: its heading.
        lead: paragraphs under it: what was done, to what.
        sections: in order.
        warnings: what a reader has to know before believing a figure.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = ()


def write_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Writes a report whole or not at all; one that is there is replaced.

    Args:
        report: what to show.
        path: a file or a cloud URL.

    Raises:
        CatalogError: it cannot be written there.
    """
    content = render(report)
    try:
        with replacing(os.fspath(path)) as stream:
            stream.write(content)
    except OSError as error:
        raise CatalogError(f"cannot write {path}: {error.strerror or error}") from error


def render(report: Report) -> bytes:
    """The page: UTF-8 HTML, every text in it escaped."""
    library, script = _library(), _resource("page.js")
    template = _environment().from_string(_resource("page.html"))
    page = template.render(
        report=report,
        style=Markup(_resource("page.css")),
        library=Markup(library),
        script=Markup(script),
        hashes=[_hash(library), _hash(script)],
        version=__version__,
    )
    return page.encode()


@functools.cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed, 0.9 MB of script."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # What would end the script element, inside a string of the library, and line ends that a
    # browser reads as others: the hash is taken of what it reads.
    return bundle.replace("</script", "<\\/script").replace("\r\n", "\n")


@functools.cache
def _resource(name: str) -> str:
    return files("genre_batch.report").joinpath(name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["embedded"] = _embedded
    return environment


def _embedded(value: Any) -> Markup:
    """JSON for a script element of data: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _hash(script: str) -> str:
    """A script's name in the content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
