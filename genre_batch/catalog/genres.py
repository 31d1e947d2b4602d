"""Parse genre cells, in every style common in movie catalogs, into lists of genre names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence

import pyarrow as pa

from genre_batch.catalog.texts import as_strings

__all__ = ["cell_without_genre", "parse_cell", "parse_column"]

_NAME_KEYS = ("name", "Name", "genre")
_NOT_LISTED = "(no genres listed)"
"""How MovieLens writes that a film has no genre."""
_WITHOUT_GENRES = ("", "[]", "{}", "()", "null", "None", "nan", "[null]", _NOT_LISTED)
_QUOTED = re.compile(r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_PRINTED_ARRAY = re.compile(rf"\[\s*{_QUOTED.pattern}(?:\s+{_QUOTED.pattern})+\s*\]")
"""A list as numpy prints it: quoted names in brackets, without commas between them."""


def _names(values: Sequence[object]) -> list[str]:
    """Return the distinct names in a list of strings or of objects with a name."""
    names: list[str] = []
    for value in values:
        if isinstance(value, dict):
            value = next((value[key] for key in _NAME_KEYS if key in value), None)
        if isinstance(value, str) and value.strip():
            names.append(value.strip())
    names = list(dict.fromkeys(names))
    return [] if names == [_NOT_LISTED] else names


def _parsed_list(text: str) -> list[object] | None:
    """Parse a cell written as a JSON, Python or numpy list; return None if it is none of them."""
    if _PRINTED_ARRAY.fullmatch(text):
        # Python would join the strings into one.
        return [ast.literal_eval(quoted) for quoted in _QUOTED.findall(text)]
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if isinstance(parsed, dict):
        return _members(parsed)
    if isinstance(parsed, set):  # in the order of the cell
        return sorted(parsed, key=lambda value: text.find(repr(value)))
    return list(parsed) if isinstance(parsed, list | tuple) else None


def _members(value: dict[str, object]) -> list[object]:
    """Return the genres of an object: one with a name, or names by id, as in CMU's corpus."""
    return [value] if any(key in value for key in _NAME_KEYS) else list(value.values())


def parse_cell(cell: str, separator: str | None = None) -> list[str]:
    """Return the distinct genres of one cell, in the cell's order.

    Supported styles: `Drama, Comedy`; `Drama|Comedy`; `Drama; Comedy`; `Drama / Comedy`;
    `["Drama", "Comedy"]`; `['Drama', 'Comedy']`; `['Drama' 'Comedy']`, as numpy prints it;
    `[{"id": 18, "name": "Drama"}]`; `{"/m/07s9rl0": "Drama"}`. `(no genres listed)` is no genre.

    Args:
        cell: the text of the cell.
        separator: the string between two genres; default: the first of `|`, `;`, `,` and ` / `
            that occurs in the cell.
    """
    text = cell.strip()
    if separator is None and text[:1] in ("[", "{", "("):
        parsed = _parsed_list(text)
        if parsed is not None:
            return _names(parsed)
    if separator is None:
        separator = next((mark for mark in ("|", ";", ",", " / ") if mark in text), ",")
    return _names(text.split(separator))


def parse_column(
    column: pa.ChunkedArray | pa.Array, separator: str | None = None
) -> list[list[str]]:
    """Return the genres of each row of a column; an empty list where the cell is null or blank.

    Args:
        column: strings in any style of `parse_cell`, Arrow lists of strings or of structs with a
            name, or structs or maps of names by id.
        separator: as in `parse_cell`.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_map(column.type):
        return [_names([name for _, name in cell or ()]) for cell in column.to_pylist()]
    if hasattr(column, "value_lengths"):  # a list of any kind
        return [_names(cell) if cell else [] for cell in column.to_pylist()]
    if pa.types.is_struct(column.type):
        return [_names(_members(cell)) if cell else [] for cell in column.to_pylist()]
    # A catalog repeats its few hundred genre combinations: each distinct cell is parsed once.
    encoded = as_strings(column).dictionary_encode()
    distinct = [parse_cell(cell, separator) for cell in encoded.dictionary.to_pylist()]
    return [[] if code is None else distinct[code] for code in encoded.indices.to_pylist()]


def cell_without_genre(
    column: pa.ChunkedArray | pa.Array, genres: Sequence[Sequence[str]]
) -> tuple[int, str]:
    """Count the cells that have content but no genre, as `parse_column` returned them.

    Args:
        column: the cells.
        genres: (rows,) the genres of each.

    Returns:
        Their number, and the first of them as text; 0 and an empty string if there is none.
    """
    cells = [_shown(column[row].as_py()) for row, names in enumerate(genres) if not names]
    cells = [cell for cell in cells if cell.strip() not in _WITHOUT_GENRES]
    return len(cells), cells[0] if cells else ""


def _shown(cell: object) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else str(cell)
