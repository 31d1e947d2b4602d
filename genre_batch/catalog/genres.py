"""Parse genre cells, in every style common in movie catalogs, into lists of genre names."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

import pyarrow as pa

from genre_batch.catalog.texts import as_strings

__all__ = ["parse_cell", "parse_column"]


def _names(values: Sequence[object]) -> list[str]:
    """Return the distinct names in a list of strings or of objects with a name."""
    names: list[str] = []
    for value in values:
        if isinstance(value, dict):
            value = next((value[key] for key in ("name", "Name", "genre") if key in value), None)
        if isinstance(value, str) and value.strip():
            names.append(value.strip())
    return list(dict.fromkeys(names))


def _parsed_list(text: str) -> list[object] | None:
    """Parse a cell written as a JSON or Python list; return None if it is neither."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if isinstance(parsed, dict):
        return [parsed]
    return list(parsed) if isinstance(parsed, list | tuple | set) else None


def parse_cell(cell: str, separator: str | None = None) -> list[str]:
    """Return the distinct genres of one cell, in the cell's order.

    Supported styles: `Drama, Comedy`; `Drama|Comedy`; `Drama; Comedy`; `Drama / Comedy`;
    `["Drama", "Comedy"]`; `['Drama', 'Comedy']`; `[{"id": 18, "name": "Drama"}]`.

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
        column: strings in any style of `parse_cell`, or Arrow lists of strings or of structs with
            a name.
        separator: as in `parse_cell`.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if hasattr(column, "value_lengths"):  # a list of any kind
        return [_names(cell) if cell else [] for cell in column.to_pylist()]
    # A catalog repeats its few hundred genre combinations: each distinct cell is parsed once.
    encoded = as_strings(column).dictionary_encode()
    distinct = [parse_cell(cell, separator) for cell in encoded.dictionary.to_pylist()]
    return [[] if code is None else distinct[code] for code in encoded.indices.to_pylist()]
