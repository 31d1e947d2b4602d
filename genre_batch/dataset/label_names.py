"""Files that name the genres which a catalog has only numbers or codes of."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genre_batch.catalog.name_file import read_name_file
from genre_batch.errors import CatalogError, first_line
from genre_batch.options import StrPath

__all__ = ["name_labels", "read_label_names"]

_IDS = ("id", "code", "key", "label", "index")
_NAMES = ("name", "title", "genre", "text", "value")


def read_label_names(path: StrPath) -> dict[str, str] | list[str]:
    """Read the genre names.

    Args:
        path: a file with one name per line; CSV or TSV with lines of id and name, with or without a
            header; or JSON: an object of names by id, a list of names, or a list of objects with
            `id` and `name`, also inside an object, as TMDB's API returns them.

    Returns:
        id -> name, or a list of names whose numbers are their positions.

    Raises:
        UsageError: there is no such file, or it is a folder.
        CatalogError: it cannot be read, is not UTF-8, is of another form, or names an id twice.
    """
    name = os.fspath(path)
    text = read_name_file(path, "label_names")
    if text.lstrip()[:1] in ("{", "["):
        try:
            names = _from_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise CatalogError(
                f"{name} of `label_names` is not valid JSON: {first_line(error)}: fix it"
            ) from error
    else:
        names = _from_lines(text, name)
    if not names:
        raise CatalogError(
            f"{name} of `label_names` has no names: write one per line, or lines of id,name"
        )
    return names


def _from_json(value: Any) -> dict[str, str] | list[str]:
    if isinstance(value, dict):
        if all(isinstance(name, str) for name in value.values()):
            return dict(value)
        if all(isinstance(number, int) for number in value.values()):  # id by name
            return {str(number): name for name, number in value.items()}
        lists = [entry for entry in value.values() if isinstance(entry, list)]
        return _from_json(lists[0]) if len(lists) == 1 else {}
    if all(isinstance(name, str) for name in value):
        return list(value)
    pairs: dict[str, str] = {}
    for entry in value:
        if not isinstance(entry, dict):
            return {}
        number = next((entry[key] for key in _IDS if key in entry), None)
        name = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), None)
        if number is None or name is None:
            return {}
        pairs[str(number)] = name
    return pairs


def _from_lines(text: str, file: str) -> dict[str, str] | list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    marks = (mark for mark in ("\t", ",", ";") if all(mark in line for line in lines))
    delimiter = next(marks, None)
    if delimiter is None:
        return [line.strip() for line in lines]
    if not lines:
        return {}
    rows = [row for row in csv.reader(io.StringIO(text, newline=None), delimiter=delimiter) if row]
    header = [cell.strip().lower() for cell in rows[0]]
    id_at = next((header.index(name) for name in _IDS if name in header), 0)
    name_at = next((header.index(name) for name in _NAMES if name in header), 1)
    if any(name in header for name in (*_IDS, *_NAMES)):
        rows = rows[1:]
    pairs: dict[str, str] = {}
    for row in rows:
        if len(row) <= max(id_at, name_at):
            return [line.strip() for line in lines]
        number = row[id_at].strip()
        if number in pairs:
            raise CatalogError(f"{file} of `label_names` has the id {number!r} twice: remove one")
        pairs[number] = row[name_at].strip()
    return pairs


def name_labels(
    genres: Iterable[Sequence[str]], names: Mapping[str, str] | Sequence[str], file: str
) -> list[list[str]]:
    """Replace the ids of genres by their names.

    Names without ids have the numbers from 0; or from 1, if the catalog has no 0 but their count.

    Args:
        genres: (rows,) ids.
        names: as `read_label_names` returns them.
        file: the file of the names, for messages.

    Raises:
        CatalogError: an id has no name.
    """
    rows = [list(cell) for cell in genres]
    ids = {number for row in rows for number in row}
    if not isinstance(names, Mapping):
        start = 1 if "0" not in ids and str(len(names)) in ids else 0
        names = {str(start + position): name for position, name in enumerate(names)}
    known = dict(names)
    missing = sorted(ids - known.keys() - set(known.values()))
    if missing:
        raise CatalogError(
            f"{file} of `label_names` has no name for {', '.join(map(repr, missing[:5]))}"
            f"{' and others' if len(missing) > 5 else ''}, which the catalog has: add a line for it"
        )
    return [list(dict.fromkeys(known.get(number, number) for number in row)) for row in rows]
