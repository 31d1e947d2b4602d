"""Read one value of a genre column: lists, objects and maps, and texts that are written as such."""

from __future__ import annotations

import ast
import enum
import json
import re
from collections.abc import Iterable, Mapping

__all__ = [
    "NULL_TEXTS",
    "CellState",
    "Names",
    "Number",
    "enclosed",
    "opens_list",
    "read_text",
    "read_value",
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

_NAME_KEYS = ("name", "Name", "genre", "label", "tag", "title", "term", "display_name")
NULL_TEXTS = frozenset(
    ("nan", "null", "<na>", "n/a", "#n/a", "nat", "\\n", "[null]", "(no genres listed)")
)
"""Texts, in lower case, that state that nothing is known; the last one is MovieLens's."""
_EMPTY_TEXTS = frozenset(("", "[]", "{}", "()", "set()", "list()", '""', "''"))

_FLAGS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), True),
    **dict.fromkeys(("0", "0.0", "false", "no"), False),
}
"""Texts that are flags where all values of an object are."""

_STRING = r"""[bu]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_PRINTED_ARRAY = re.compile(rf"\[\s*{_STRING}(?:\s+{_STRING})+\s*\]", re.DOTALL)
"""A list as numpy prints it: quoted names in brackets, without commas between them."""
_SHORTENED = re.compile(r"\[.*\s\.\.\.\s.*\]", re.DOTALL)
"""A long list as numpy prints it, with dots in place of most names."""
_BARE_STRINGS = re.compile(rf"{_STRING}(?:\s*,\s*{_STRING})*\s*,?", re.DOTALL)
_CALLS = r"(?:array|frozenset|set|list|tuple|Index|c)\("
_CALL = re.compile(rf"{_CALLS}(.*?)(?:,\s*dtype=[^)]*)?\)", re.DOTALL)
"""The Python or R expression of a list: `array([...], dtype=object)`, `c("Drama", "War")`."""
_OPENING = re.compile(rf"[\[{{(<']|{_CALLS}|\w*(?:Array|ArraySeq|Buffer|List|Vector|Seq|Set)\(")
_NAN = re.compile(r"(?<=[\[(,\s])(?:nan|NaN|NULL|NA)(?=[\]),\s])")
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
_ARRAY_ITEM = r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,{}"]+))\s*'
_ARRAY = re.compile(rf"\{{{_ARRAY_ITEM}(?:,{_ARRAY_ITEM})*\}}")
_ITEM = re.compile(_ARRAY_ITEM)


def opens_list(text: str) -> bool:
    """Return whether a text starts as a list or object in any style does."""
    return _OPENING.match(text) is not None


def read_value(value: object) -> Names | str:
    """Read a value of a list, object, map, number or text column.

    Returns:
        The distinct genres in the value's order, or why it has none; a text that is not written as
        a list is returned as it is, stripped, to be split by `separators.Separators`.
    """
    if value is None or value != value:
        return CellState.UNKNOWN
    if isinstance(value, str):
        return read_text(value)
    if isinstance(value, list) and value and all(map(_is_entry, value)):
        value = dict(value)  # a map
    if isinstance(value, Mapping):
        return _of_items(_members(value)) if value else CellState.EMPTY
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
    if text in _EMPTY_TEXTS:
        return CellState.EMPTY
    if text.lower() in NULL_TEXTS:
        return CellState.UNKNOWN
    start = text[0]
    if start not in "[{('\"<afsltIc":
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
        return text  # quoted genres, as `separators.quoted` writes them
    parsed = _parsed(text)
    if isinstance(parsed, str):
        inner = read_text(parsed) if parsed[:1] in ("[", "{") else text
        return text if isinstance(inner, str) else inner
    return text if parsed is None else read_value(parsed)


def _is_entry(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str | int)


def _parsed(text: str) -> object:
    """Parse a JSON, Python, numpy or R value; return None if the text is none of them."""
    called = _CALL.fullmatch(text)
    if called is not None:
        text = called[1].strip() if called[1].lstrip()[:1] in ("[", "{", "(") else f"[{called[1]}]"
    elif text[0] not in "[{('\"":
        return None
    if _PRINTED_ARRAY.fullmatch(text):
        # Python would join the strings into one.
        return [ast.literal_eval(quoted[0]) for quoted in re.finditer(_STRING, text, re.DOTALL)]
    if text[0] == "'" and _BARE_STRINGS.fullmatch(text) is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if text[0] == '"':
            return None
    try:
        parsed = ast.literal_eval(_NAN.sub("None", text) if text[0] in "[(" else text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(parsed, set):  # in the order of the cell
        return sorted(parsed, key=lambda value: text.find(repr(value)))
    return [parsed] if isinstance(parsed, str | bytes) else parsed


def _members(value: Mapping[str, object]) -> Iterable[object]:
    """Return the genres of an object: one with a name, names by id, or flags by name."""
    if any(key in value for key in _NAME_KEYS):
        return [value]
    flags = {name: _flag(flag) for name, flag in value.items() if flag is not None and flag == flag}
    if flags and "id" not in value and None not in flags.values():
        return [name for name, flag in flags.items() if flag]
    return value.values()


def _flag(value: object) -> bool | None:
    """Return what a flag states, be it a float, as pandas writes it, or a text; None: no flag."""
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    return _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None


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

    A list of nulls only is unknown, and one in which no name is found cannot be read; one of
    blank names only, or of flags that are all 0, is empty.
    """
    values = _flat(items)
    if not values:
        return CellState.EMPTY
    if all(value is None or value != value for value in values):
        return CellState.UNKNOWN
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
        objects = (value.get(key) for key in _NAME_KEYS)
        value = next((inner for inner in objects if isinstance(inner, Mapping)), value)
        keys = [key for key in _NAME_KEYS if isinstance(value.get(key), str)]
        texts = [text for text in value.values() if isinstance(text, str)]
        value = value[keys[0]] if keys else texts[0] if len(texts) == 1 else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Number(value)
    return value.strip() if isinstance(value, str) else None


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
