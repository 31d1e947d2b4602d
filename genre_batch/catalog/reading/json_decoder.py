"""Decode JSON as real files have it, and report deviations from JSON and objects without rows."""

from __future__ import annotations

import json
import re
import shlex
import warnings
from typing import Any

from genre_batch.catalog.columns import TEXT_COLUMNS
from genre_batch.errors import CatalogError, GenreBatchWarning, counted

__all__ = ["LONG_INTEGER", "JsonDecoder"]

LONG_INTEGER = 4000
"""Python converts integers of up to 4,300 digits; this many or more are read as a float."""

_KEY_OF_ROWS = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*\[\s*\{')
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEEPEST = 3


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < LONG_INTEGER else float(digits)


class JsonDecoder:
    """Decode the rows of one file.

    Attributes:
        found_token: whether a NaN or an infinity was read since the last `note_tokens`.
        repeated_key: a key that an object had twice since the last `note_repeated_key`, if keys are
            watched.

    The tokens NaN, Infinity and -Infinity, which Python and JavaScript programs write although
    JSON does not have them, are read as numbers; `warn` reports them. Integers of
    thousands of digits become floats: rows keep the bytes of their line.
    """

    def __init__(self, name: str, *, watches_keys: bool = False) -> None:
        """Start a file.

        Args:
            name: the file's name, for messages.
            watches_keys: whether to look for keys that an object has twice, of which a table has
                the last value only.
        """
        self._name = name
        self.found_token = False
        self.repeated_key: str | None = None
        self._first_repeated = ""
        self._rows_with_repeated = 0
        self._rows_with_tokens = 0
        self._first_line = 0
        hook = self._object if watches_keys else None
        self._decoder = json.JSONDecoder(parse_constant=self._constant, object_pairs_hook=hook)
        # What its methods call, after checks in Python.
        self._scan = self._decoder.scan_once  # type: ignore[attr-defined]
        self._long = json.JSONDecoder(parse_constant=self._constant, parse_int=_integer)

    def _constant(self, token: str) -> float:
        self.found_token = True
        return float(token)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs) and self.repeated_key is None:
            keys = [key for key, _ in pairs]
            self.repeated_key = next(key for key in keys if keys.count(key) > 1)
        return value

    def decode(self, text: str) -> Any:
        """Return the value of a text without white space around it.

        Raises:
            json.JSONDecodeError: it is not JSON.
            RecursionError: it is nested too deeply.
        """
        try:
            value, end = self._scan(text, 0)
        except StopIteration as error:
            self.found_token = False
            raise json.JSONDecodeError("Expecting value", text, error.value) from None
        except json.JSONDecodeError:
            self.found_token = False
            raise
        except ValueError:  # an integer of too many digits
            return self._long.decode(text)
        if end != len(text):
            self.found_token = False
            raise json.JSONDecodeError("Extra data", text, end)
        return value

    def decode_at(self, text: str, start: int) -> tuple[Any, int]:
        """Return the value that starts at a position, and its end; errors as in `decode`."""
        try:
            return self._decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            self.found_token = False
            raise
        except ValueError:
            return self._long.raw_decode(text, start)

    def note_tokens(self, line: int) -> None:
        """Count a row that had a NaN or an infinity, on this line."""
        self.found_token = False
        self._rows_with_tokens += 1
        self._first_line = self._first_line or line

    def note_repeated_key(self, line: int) -> None:
        """Count a row with an object that has a key twice, on this line."""
        self._first_repeated = self._first_repeated or f"{self.repeated_key!r}, line {line}"
        self.repeated_key = None
        self._rows_with_repeated += 1

    def warn_of_repeated_keys(self) -> None:
        """Warn if objects had a key twice."""
        if self._rows_with_repeated:
            warnings.warn(
                f"{self._name}: a key is twice in an object in "
                f"{counted(self._rows_with_repeated, 'row')} (the first: {self._first_repeated}): "
                f"the last value is used",
                GenreBatchWarning,
                stacklevel=2,
            )

    def warn(self) -> None:
        """Warn if rows had a NaN or an infinity."""
        if self._rows_with_tokens:
            warnings.warn(
                f"{self._name}: NaN or Infinity, which JSON does not have, in "
                f"{counted(self._rows_with_tokens, 'row')} (the first: line {self._first_line}): "
                f"read as numbers, and written as they are in JSON Lines",
                GenreBatchWarning,
                stacklevel=2,
            )

    def advice(self, text: str) -> str:
        """Return what to type for the start of an object that is too large to be a row."""
        match = _KEY_OF_ROWS.search(text, 0, 1 << 20)
        if match is None:
            return "is it a catalog?"
        return f"if its rows are in {match[1]!r}: {self._command([match[1]])}"

    def check_is_row(self, value: dict[str, Any]) -> None:
        """Check that the only object of a file is not one that holds the rows of a catalog.

        Raises:
            CatalogError: it holds rows under a key, or columns, as pandas writes them; the message
                has the command that extracts the rows.
        """
        if query := _query_of_columns(value):
            raise CatalogError(
                f"{self._name} is one JSON object of columns: make rows of them first: "
                f"{self._jq(query)}"
            )
        if {name.casefold() for name in value} & set(TEXT_COLUMNS):
            return
        path, count = _rows_in(value)
        if count:
            keys = " and ".join(map(repr, path)) if path else "its keys"
            raise CatalogError(
                f"{self._name} is one JSON object with the rows under {keys}: extract them "
                f"first: {self._command(path)}"
            )

    def _command(self, path: list[str]) -> str:
        """Return the shell command that writes the rows under some keys as JSON Lines."""
        rows = "".join(
            f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]" for key in path
        )
        rows = rows if rows.startswith(".") else f".{rows}"
        return self._jq(rows + ("[].properties" if path == ["features"] else "[]"))

    def _jq(self, query: str) -> str:
        """Return the shell command that writes what a query finds as JSON Lines."""
        query = shlex.quote(query)
        name = "" if self._name == "stdin" else f" {shlex.quote(self._name)}"
        if name.endswith(".gz"):
            return f"gzip -dc{name} | jq -c {query} > rows.jsonl"
        if name.endswith(".zst"):
            return f"zstd -dc{name} | jq -c {query} > rows.jsonl"
        return f"jq -c {query}{name} > rows.jsonl"


def _query_of_columns(value: dict[str, Any]) -> str:
    """Return the jq query that makes rows of an object of columns; empty for other objects.

    Each column is an object of its cells by row, a list of them, or a place in the lists of rows.
    """
    names, rows = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(rows, list) and rows and isinstance(rows[0], list):
        return ".columns as $c | .data[] | [$c, .] | transpose | map({(.[0]): .[1]}) | add"
    if not {name.casefold() for name in value} & set(TEXT_COLUMNS):
        return ""
    columns = list(value.values())
    if all(isinstance(column, dict) for column in columns):
        same = all(column.keys() == columns[0].keys() for column in columns) and columns[0]
    else:
        same = all(isinstance(column, list) for column in columns) and columns[0]
        same = same and len(set(map(len, columns))) == 1
    return ". as $c | first(.[]) | keys_unsorted[] as $i | $c | map_values(.[$i])" if same else ""


def _rows_in(value: dict[str, Any], depth: int = 1) -> tuple[list[str], int]:
    """Return the keys that lead to the longest list of objects, and its length; 0: none."""
    best: tuple[list[str], int] = ([], 0)
    for key, item in value.items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            best = max(best, ([key], len(item)), key=lambda found: found[1])
        elif isinstance(item, dict) and depth < _DEEPEST:
            path, count = _rows_in(item, depth + 1)
            if path:
                best = max(best, ([key, *path], count), key=lambda found: found[1])
    if not best[1] and len(value) > 1 and all(isinstance(item, dict) for item in value.values()):
        return [], len(value)
    return best
