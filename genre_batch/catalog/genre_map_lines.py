"""The lines of a file that maps genre names: CSV, JSON or TOML."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genre_batch.errors import CatalogError, first_line
from genre_batch.names import clean_name, is_name

__all__ = ["MapLine", "form_of", "map_lines"]

FORM = "lines of THEIR NAME,OUR GENRE"
_FORMS = {
    ".json": '{"THEIR NAME": "OUR GENRE", ...}',
    ".toml": 'lines of "THEIR NAME" = "OUR GENRE"',
}
_THEIRS = frozenset(
    (
        *("theirs", "their", "their name", "their genre", "name", "genre", "from", "source"),
        *("label", "alias", "old", "old name", "original", "catalog"),
    )
)
_OURS = frozenset(
    (
        *("ours", "our", "our name", "our genre", "genre", "genres", "to", "target", "model"),
        *("name", "label", "new", "new name", "mapped to"),
    )
)
"""Headings of the two columns, in lower case: a first line with one of each is a header."""
_DELIMITERS = (",", ";", "\t")
_NAME_SHOWN = 40
"""Characters of a name that an error shows."""

_TABLE = re.compile(r"^\s*\[|=\s*\{", re.MULTILINE)
"""The start of a TOML table, other than that of a name with dots."""


@dataclass(frozen=True)
class MapLine:
    """What a map states of one name.

    Attributes:
        name: the name in the catalog.
        genres: what it stands for; empty: nothing, so that the name is left out.
        line: its line in the file, 1-based; 0 if it is not known.
    """

    name: str
    genres: tuple[str, ...]
    line: int

    @property
    def place(self) -> str:
        """Where it is, for a message."""
        return f"line {self.line}" if self.line else f"the entry {self.name!r}"


def form_of(file: str) -> str:
    """Return what to write into a map, by the suffix of its file."""
    return _FORMS.get(os.path.splitext(file)[1].lower(), FORM)


def map_lines(file: str, text: str) -> Iterator[MapLine]:
    """Yield the lines of a map, in order, repeated names included.

    Args:
        file: its name, for messages; the form is that of its suffix, else JSON or CSV.
        text: its content.

    Raises:
        CatalogError: the content is of another form.
    """
    suffix = os.path.splitext(file)[1].lower()
    if suffix == ".toml":
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise CatalogError(
                f"{file} of `genre_map` is not valid TOML: {first_line(error)}: fix it"
            ) from error
        yield from _entries(file, text, list(values.items()))
    elif suffix == ".json" or (text.lstrip()[:1] in ("{", "[") and suffix not in (".csv", ".tsv")):
        try:
            value = json.loads(text, object_pairs_hook=_Pairs) if text.strip() else _Pairs()
        except (ValueError, RecursionError) as error:
            raise CatalogError(
                f"{file} of `genre_map` is not valid JSON: {first_line(error)}: fix it"
            ) from error
        if not isinstance(value, _Pairs):
            raise CatalogError(f"{file} of `genre_map` is not an object: write {_FORMS['.json']}")
        yield from _entries(file, text, value)
    else:
        yield from _delimited(file, text, "\t" if suffix == ".tsv" else None)


class _Pairs(list[tuple[str, Any]]):
    """The entries of a JSON object, repeated keys included."""


def _entries(file: str, text: str, pairs: list[tuple[str, Any]]) -> Iterator[MapLine]:
    """Yield the entries of a JSON object or a TOML table; one in another one is that one."""
    inner = pairs[0][1] if len(pairs) == 1 else None
    if isinstance(inner, _Pairs):
        pairs = inner
    elif isinstance(inner, Mapping) and _TABLE.search(text):  # not a name with a dot in it
        pairs = list(inner.items())
    ends: dict[str, int] = {}
    for name, value in pairs:
        start = _position(text, name, ends.get(name, 0))
        ends[name] = start + 1
        line = text.count("\n", 0, start) + 1 if start >= 0 else 0
        genres = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(genres, list) or isinstance(genres, _Pairs):
            genres = [None]
        if not all(isinstance(genre, str) for genre in genres):
            is_table = isinstance(value, Mapping)
            advice = "write all names in one table, and a name that has a dot in quotes"
            raise CatalogError(
                f"{file} of `genre_map`, {MapLine(name, (), line).place}: {name!r} is mapped to "
                f"neither a genre nor a list of genres: "
                + (advice if is_table else 'write "OUR GENRE", or "" for none')
            )
        yield _line(file, name, genres, line)


def _position(text: str, name: str, start: int) -> int:
    """Return where the key of an entry is in JSON or TOML text, from a position on; -1: unknown."""
    spellings = (json.dumps(name), json.dumps(name, ensure_ascii=False), f"'{name}'", name)
    for spelling in spellings:
        found = re.compile(rf"(?<![^\s{{,]){re.escape(spelling)}\s*[:=]").search(text, start)
        if found is not None:
            return found.start()
    found = re.compile(rf"^\s*\[*{re.escape(name)}\s*[\].]", re.MULTILINE).search(text, start)
    return -1 if found is None else found.start() + len(found[0]) - len(found[0].lstrip())


def _delimited(file: str, text: str, delimiter: str | None) -> Iterator[MapLine]:
    filled = [line for line in text.splitlines() if line.strip()]
    if delimiter is None:
        counts = {mark: sum(mark in line for line in filled) for mark in _DELIMITERS}
        delimiter = max(_DELIMITERS, key=lambda mark: counts[mark])
    stated = re.match(r"\s*sep=(.)(?=[\r\n])", text)  # written by spreadsheets
    if stated is not None:
        delimiter, text = stated[1], text[: stated.end() - len("sep=,")] + text[stated.end() :]
    is_first = True
    for line, row in _rows(file, text, delimiter):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        is_header = is_first and len(cells) > 1 and cells[0].lower() in _THEIRS
        is_first = False
        if is_header and cells[1].lower() in _OURS:
            continue
        if len(cells) < 2:
            name = clean_name(cells[0])[:_NAME_SHOWN]
            raise CatalogError(
                f"{file} of `genre_map`, line {line}: {name!r} is mapped to nothing: "
                + (
                    "write a tab and OUR GENRE after it, or a tab alone to leave it out"
                    if delimiter == "\t"
                    else f"write {name}{delimiter}OUR GENRE, or {name}{delimiter} to leave it out"
                )
            )
        yield _line(file, cells[0], cells[1:], line)


def _rows(file: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows of delimited text, each with its line.

    Raises:
        CatalogError: a quote is not closed, or a cell is too long.
    """
    # A line after the last one is part of a cell whose quote is not closed.
    stream = io.StringIO(f"{text}\n{FORM}", newline="")
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for row in reader:
            # So is a line up to the next quote, which no name has.
            if any("\n" in cell and (delimiter in cell or FORM in cell) for cell in row):
                raise CatalogError(
                    f"{file} of `genre_map`, line {start}: a quote is not closed: close it, or "
                    f"remove it"
                )
            rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise CatalogError(
            f"{file} of `genre_map`, line {start}: {first_line(error)}: write {FORM}"
        ) from error
    return rows[:-1]


def _line(file: str, name: str, genres: Sequence[str], line: int) -> MapLine:
    """Check the names of a line, and clean them.

    Raises:
        CatalogError: a name is empty, or none that a genre can have.
    """
    cleaned = MapLine(
        clean_name(name), tuple(clean for genre in genres if (clean := clean_name(genre))), line
    )
    if not cleaned.name:
        form = form_of(file)
        raise CatalogError(f"{file} of `genre_map`, {cleaned.place}: no name to map: write {form}")
    for text in (cleaned.name, *cleaned.genres):
        if not is_name(text):
            raise CatalogError(
                f"{file} of `genre_map`, {cleaned.place}: {text[:40]!r} cannot be a genre: names "
                f"have up to 200 characters, and no control characters"
            )
    return cleaned
