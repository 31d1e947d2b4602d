"""Decode JSON as real files have it, and report deviations from JSON and objects without rows."""

from __future__ import annotations

import json
import re
import shlex
import warnings
from collections import Counter
from typing import Any

from genre_batch.catalog.columns import TEXT_COLUMNS
from genre_batch.catalog.jq import jq_path
from genre_batch.errors import CatalogError, GenreBatchWarning, counted

__all__ = ["LONG_INTEGER", "JsonDecoder"]

LONG_INTEGER = 4000
"""Python converts integers of up to 4,300 digits; this many or more are read as a float."""

_KEY_OF_ROWS = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*\[\s*\{')
_DEEPEST = 3
_FLOAT_DIGITS = 15
"""A float64 gives back all numbers of at most this many significant digits."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_EXPONENT = re.compile("[eE].*")
_LOSSES = {
    "key": ("a key is twice in an object", "the last value is used"),
    "digits": ("more digits than a float has", "the number is rounded; JSON Lines keep it"),
    "surrogate": ("half of a surrogate pair", "written as ?; JSON Lines keep it"),
}
"""What a table loses -> the two halves of the warning."""


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < LONG_INTEGER else float(digits)


def _significant(text: str) -> str:
    """Return the digits of a number without sign, point, exponent and zeros at either end."""
    return _EXPONENT.sub("", text).replace(".", "").lstrip("-0").rstrip("0")


class JsonDecoder:
    """Decode the rows of one file.

    Attributes:
        found: what was found that deviates from JSON, or that a table loses, since the last
            `note`: kind -> the first of it.

    The tokens NaN, Infinity and -Infinity, which Python and JavaScript programs write although
    JSON does not have them, are read as numbers; `warn` reports them. Integers of
    thousands of digits become floats: rows keep the bytes of their line.
    """

    def __init__(self, name: str, *, finds_losses: bool = False) -> None:
        """Start a file.

        Args:
            name: the file's name, for messages.
            finds_losses: whether to look for values that a table cannot have: of keys that an
                object has twice, of numbers with many digits, of halves of surrogate pairs.
        """
        self._name = name
        self._finds_losses = finds_losses
        self.found: dict[str, str] = {}
        self._rows: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._decoder = json.JSONDecoder(
            parse_constant=self._constant,
            parse_float=self._float if finds_losses else None,
        )
        # What its methods call, after checks in Python.
        self._scan = self._decoder.scan_once  # type: ignore[attr-defined]
        self._long = json.JSONDecoder(parse_constant=self._constant, parse_int=_integer)

    def _constant(self, token: str) -> float:
        self.found.setdefault("token", "")
        return float(token)

    def _float(self, text: str) -> float:
        value = float(text)
        if len(text) > _FLOAT_DIGITS and repr(value) != text:
            digits = _significant(text)
            if len(digits) > _FLOAT_DIGITS and digits != _significant(repr(value)):
                self.found.setdefault("digits", f"{text[:40]}, ")
        return value

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            keys = [key for key, _ in pairs]
            repeated = next(key for key in keys if keys.count(key) > 1)
            self.found.setdefault("key", f"{repeated!r}, ")
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
            self.found.clear()
            raise json.JSONDecodeError("Expecting value", text, error.value) from None
        except (json.JSONDecodeError, RecursionError):
            self.found.clear()
            raise
        except ValueError:  # an integer of too many digits
            value = self._long.decode(text)
            end = len(text)
        if end != len(text):
            self.found.clear()
            raise json.JSONDecodeError("Extra data", text, end)
        if self._finds_losses:
            self._find_losses(text, value)
        return value

    def decode_at(self, text: str, start: int) -> tuple[Any, int]:
        """Return the value that starts at a position, and its end; errors as in `decode`."""
        try:
            value, end = self._decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            self.found.clear()
            raise
        except ValueError:
            value, end = self._long.raw_decode(text, start)
        if self._finds_losses:
            self._find_losses(text[start:end], value)
        return value, end

    def _find_losses(self, text: str, value: Any) -> None:
        if not isinstance(value, dict):
            return
        # Looking at every object while it is decoded would take as long again as decoding it.
        marks = text.count('":')
        if marks != len(value) and marks != _number_of_keys(value):
            json.loads(text, object_pairs_hook=self._object, parse_int=float)
        if "\\u" in text and _SURROGATE.search(text):
            try:
                json.dumps(value, ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError:
                self.found.setdefault("surrogate", "")

    def note(self, line: int) -> None:
        """Count a row in which something was found, on this line."""
        for kind, what in self.found.items():
            self._rows[kind] += 1
            self._first.setdefault(kind, f"{what}line {line}")
        self.found.clear()

    def warn_of_losses(self) -> None:
        """Warn of the values that a table loses."""
        for kind, words in _LOSSES.items():
            if self._rows[kind]:
                self._warn(f"{words[0]} in {self._counted(kind)}: {words[1]}")

    def warn(self) -> None:
        """Warn if rows had a NaN or an infinity."""
        if self._rows["token"]:
            self._warn(
                f"NaN or Infinity, which JSON does not have, in {self._counted('token')}: read as "
                f"numbers, and written as they are in JSON Lines"
            )

    def _counted(self, kind: str) -> str:
        return f"{counted(self._rows[kind], 'row')} (the first: {self._first[kind]})"

    def _warn(self, message: str) -> None:
        warnings.warn(f"{self._name}: {message}", GenreBatchWarning, stacklevel=3)

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
        return self._jq(jq_path(path) + ("[].properties" if path == ["features"] else "[]"))

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


def _number_of_keys(value: Any) -> int:
    """Return the number of keys of a JSON value, of all objects in it."""
    is_object = type(value) is dict
    number = len(value) if is_object else 0
    if is_object or type(value) is list:
        for item in value.values() if is_object else value:
            if type(item) is dict or type(item) is list:
                number += _number_of_keys(item)
    return number


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
