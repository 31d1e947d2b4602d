"""Read one value of a genre column: lists, objects and maps, and texts that are written as such."""

from __future__ import annotations

import enum
import html
import re
from collections.abc import Iterable, Mapping
from html.entities import html5

from genre_batch.catalog.genre_objects import (
    NAME_KEYS,
    Flagged,
    Weighted,
    are_weights,
    flags_of,
    has_scores,
    holding,
    is_entry,
    names_are_keys,
)
from genre_batch.catalog.literals import KNOWN_CALLS, opens_call, parse_literal

__all__ = [
    "NULL_TEXTS",
    "NUMBERS_BESIDE_NAMES",
    "UNKNOWN_OBJECTS",
    "CellState",
    "Names",
    "Number",
    "enclosed",
    "opens_list",
    "read_text",
    "read_value",
    "unescaped",
    "unread_reason",
]


class CellState(enum.IntEnum):
    """What a cell states about its row."""

    LABELED = 0
    EMPTY = 1
    """The row has no genre: an empty list or an empty text."""
    UNKNOWN = 2
    """Nothing is known about the row's genres: null, or a text that stands for it."""
    UNREADABLE = 3
    """The cell has content, but no genre could be read."""


class Number(str):
    """The digits of an integer, which is a genre only if a file names it."""

    __slots__ = ()


Names = list[str] | CellState
"""The genres of a cell, or why it has none."""

NUMBERS_BESIDE_NAMES = "numbers beside names"
UNKNOWN_OBJECTS = "objects without a known key"
"""Reasons that a cell cannot be read."""

NULL_TEXTS = frozenset(
    ("nan", "null", "<na>", "n/a", "#n/a", "nat", "\\n", "[null]", "(no genres listed)")
)
"""Texts, in lower case, that state that nothing is known; the last one is MovieLens's."""
_LONGEST_NULL = max(map(len, NULL_TEXTS))
_EMPTY_TEXTS = frozenset(("", "[]", "{}", "()", "set()", "list()", '""', "''"))

_SHORTENED = re.compile(r"\[(?>.*\s\.\.\.\s).*\]", re.DOTALL)
"""A long list as numpy prints it, with dots in place of most names."""
_OPENING = re.compile(
    rf"[\[{{(<']|{KNOWN_CALLS}|\w*(?:Array|ArraySeq|Buffer|List|Vector|Seq|Set)\("
)
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|lt|gt|[A-Za-z][A-Za-z0-9]{2,30});")
_ELEMENTS = re.compile(r"(?:<([\w.-]+)>[^<>]*</\1>\s*)+")
_ELEMENT = re.compile(r"<([\w.-]+)>([^<>]*)</\1>")
_PRINTED = re.compile(
    r"(?:Wrapped|Immutable|Mutable)?(?:Array|ArraySeq|ArrayBuffer|List|ListBuffer|Vector|Seq|Set)"
    r"\((.*)\)",
    re.DOTALL,
)
"""A collection as Scala, and so Spark, prints it: `WrappedArray(Drama, War)`."""
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]")
_LINKS = re.compile(rf"{_LINK.pattern}(?:[\s,;|/]*{_LINK.pattern})*")
_NESTED = re.compile(
    r"<(?P<all>[\w.-]+)>\s*((?:<(?P<one>[\w.-]+)>[^<>]*</(?P=one)>\s*)+)</(?P=all)>"
)
"""Elements in one: `<ul><li>Drama</li><li>War</li></ul>`."""
_TAGS = re.compile(r"(?:<[^<>]+>\s*)+")
_BRACKETS = re.compile(r"(?:\[[^\[\]]+\]\s*)+")
# Possessive: spaces that several parts could take would take exponential time.
_ARRAY_ITEM = r'(?:\s*+"((?:[^"\\]|\\.)*+)"\s*+|([^,{}"]++))'
_ARRAY = re.compile(rf"\{{{_ARRAY_ITEM}(?:,{_ARRAY_ITEM})*+\}}")
_ITEM = re.compile(_ARRAY_ITEM)


def opens_list(text: str) -> bool:
    """Return whether a text starts as a list or object in any style does."""
    return _OPENING.match(text) is not None


def read_value(value: object) -> Names | str:
    """Read a value of a list, object, map, number or text column.

    Returns:
        The distinct genres in the value's order, or why it has none. Of an object of 0 and 1 they
        are `Flagged`; other numbers beside names are `Weighted`. A text that is not written as
        a list is returned as it is, stripped, to be split by `separators.Separators`.
    """
    if value is None or value != value:
        return CellState.UNKNOWN
    if isinstance(value, str):
        return read_text(value)
    if isinstance(value, list) and value and all(map(is_entry, value)):
        value = dict(value)  # a map, or pairs
    if isinstance(value, Mapping):
        return _of_object(value) if value else CellState.EMPTY
    if isinstance(value, list | tuple | set | frozenset):
        return _of_items(value) if len(value) else CellState.EMPTY
    name = _name(value)
    return CellState.UNREADABLE if name is None else [name]


def read_text(cell: str) -> Names | str:
    """Read a text cell that is written as a list or object; return any other text, stripped.

    JSON, Python, numpy's and R's lists, objects with a name or of names by id, and elements
    (`<genre>Drama</genre>`) are read in any cell. Styles that a name could have as well
    (`enclosed`) depend on the column.
    """
    text = cell.strip()
    if "&" in text and ";" in text and text[0] not in "[{('\"":
        text = unescaped(text)
    if text in _EMPTY_TEXTS:
        return CellState.EMPTY
    if len(text) <= _LONGEST_NULL and text.lower() in NULL_TEXTS:
        return CellState.UNKNOWN
    start = text[0]
    if start not in "[{('\"<" and (text[-1] != ")" or not opens_call(text)):
        return text
    if start == "[" and _SHORTENED.fullmatch(text):
        return CellState.UNREADABLE
    if start == "<":
        if (nested := _NESTED.fullmatch(text)) is not None:
            text = nested[2]
        if _ELEMENTS.fullmatch(text) is None:
            return text
        return _of_items([name for _, name in _ELEMENT.findall(text)])
    if start == '"' and not text.startswith('"[\\"') and not text.startswith('"{\\"'):
        return unescaped(text)  # quoted genres, as `separators.quoted` writes them
    parsed = parse_literal(text)
    if parsed is None and (plain := unescaped(text)) != text:  # `[&quot;Drama&quot;]`
        text, parsed = plain, parse_literal(plain)
    if isinstance(parsed, str):
        inner = read_text(parsed) if parsed[:1] in ("[", "{") else text
        return text if isinstance(inner, str) else inner
    return text if parsed is None else read_value(parsed)


def unescaped(text: str) -> str:
    """Return a text with the characters that its HTML entities stand for, `&amp;` and others."""
    if "&" not in text or ";" not in text:
        return text
    return _ENTITY.sub(_character, text).strip()


def _character(entity: re.Match[str]) -> str:
    is_known = entity[1].startswith("#") or f"{entity[1]};" in html5
    return html.unescape(entity[0]) if is_known else entity[0]


def _of_object(value: Mapping[str, object]) -> Names:
    """Return the genres of an object: one with a name, names by id or ids by name, or flags."""
    if any(key in value for key in NAME_KEYS):
        return _of_items([value])
    found = flags_of(value)
    if found is not None:
        flags, are_numbers = found
        names = _of_items([name for name, holds in flags.items() if holds])
        return Flagged(names) if are_numbers and isinstance(names, list) else names
    if are_weights(value):
        read = (_name(_as_number(item)) for item in value.values())
        return Weighted([name for name in read if isinstance(name, Number)])
    return _of_items(value if names_are_keys(value) else value.values())


def _as_number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _flat(items: Iterable[object]) -> list[object]:
    """Return the items, or those of lists in a list, if these are of names or of objects."""
    values = list(items)
    lists = [value for value in values if value is not None]
    if not lists or not all(isinstance(value, list | tuple) for value in lists):
        return values
    inner = [item for value in lists if isinstance(value, list | tuple) for item in value]
    is_named = all(item is None or isinstance(item, str | bytes | Mapping) for item in inner)
    return inner if is_named else values


def _of_items(items: Iterable[object]) -> Names:
    """Return the distinct names in strings, numbers and objects with a name.

    A list of nulls only is unknown, and one in which no name is found, or numbers beside names,
    cannot be read; one of blank names only, or of flags that are all 0, is empty.
    """
    values = _flat(items)
    if not values:
        return CellState.EMPTY
    if all(value is None or value != value for value in values):
        return CellState.UNKNOWN
    if any(isinstance(value, Mapping) for value in values):
        if has_scores(values):
            return Weighted()
        values = holding(values)
        if not values:
            return CellState.EMPTY
    found = [name for value in values if (name := _name(value)) is not None]
    names = list(dict.fromkeys(name for name in found if name))
    if len(names) == 1 and names[0].lower() in NULL_TEXTS:
        return CellState.UNKNOWN
    if names:
        return names
    return CellState.EMPTY if found else CellState.UNREADABLE


def _name(value: object) -> str | None:
    """Return the name of one genre, which may be blank; None if the value is not a name."""
    if isinstance(value, Mapping):
        objects = (value.get(key) for key in NAME_KEYS)
        value = next((inner for inner in objects if isinstance(inner, Mapping)), value)
        keys = [key for key in NAME_KEYS if isinstance(value.get(key), str)]
        texts = [text for text in value.values() if isinstance(text, str)]
        value = value[keys[0]] if keys else texts[0] if len(texts) == 1 else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Number(value)
    return unescaped(value.strip()) if isinstance(value, str) else None


def unread_reason(value: object) -> str:
    """Return why the genres of a cell cannot be read, as a clause; empty if that is not known.

    Args:
        value: of the cell, a text or any other.
    """
    if isinstance(read_value(value), Flagged | Weighted):
        return NUMBERS_BESIDE_NAMES
    parsed = parse_literal(value.strip()) if isinstance(value, str) and value.strip() else value
    values = parsed if isinstance(parsed, list | tuple | set) else [parsed]
    objects = [item for item in values if isinstance(item, Mapping)]
    if has_scores(objects) or any(map(are_weights, objects)):
        return NUMBERS_BESIDE_NAMES
    return UNKNOWN_OBJECTS if objects else ""


def enclosed(text: str) -> tuple[str, list[str] | str] | None:
    """Read a text in a style that a single name could have too.

    Returns:
        The style, and the names or the text between the brackets, which is to be split;
        None for any other text. Styles: `<a><b>` (StackExchange), `[a][b]`, `{a,"b, c"}`
        (PostgreSQL), `[[a]], [[b]]` (links of a wiki), `List(a, b)` (Scala), and `[a, b]`, a list
        without quotes.
    """
    if _LINKS.fullmatch(text):
        return "[[a]]", [name.strip() for name in _LINK.findall(text)]
    if (printed := _PRINTED.fullmatch(text)) is not None:
        return "List(a, b)", printed[1].strip() or []
    if _TAGS.fullmatch(text):
        return "<a><b>", [name.strip() for name in re.findall(r"<([^<>]+)>", text)]
    if _BRACKETS.fullmatch(text):
        if "]" in text[:-1]:
            return "[a][b]", [name.strip() for name in re.findall(r"\[([^\[\]]+)\]", text)]
        return "[a, b]", text[1:-1]
    if text.startswith("{") and _ARRAY.fullmatch(text):
        names = []
        for item in _ITEM.finditer(text, 1, len(text) - 1):
            if item[1] is not None:
                names.append(re.sub(r"\\(.)", r"\1", item[1], flags=re.DOTALL))
            elif item[2].strip() not in ("", "NULL"):
                names.append(item[2].strip())
        return '{a,"b"}', names
    return None
