"""Take a genre cell apart into its genres and what is between them, and put it together again.

A cell keeps its style: separators, brackets, quotes, spaces, and members of objects beside the
name. What is read from the new cell is checked against what it shall hold (`cells.py`), so that a
style which is not understood is an error and never a wrong label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from genre_batch.catalog.genre_objects import NAME_KEYS
from genre_batch.catalog.genre_values import CellState, read_text, unescaped
from genre_batch.catalog.genres import GenreReader
from genre_batch.catalog.separators import quoted

__all__ = ["Items", "take_apart"]

_CALL = re.compile(r"(?:array|frozenset|set|list|tuple|Index|c)\(\s*")
_DTYPE = re.compile(r"(?:,\s*dtype=[^)]*)?\)\s*\Z")
_CLOSING = {"[": "]", "{": "}", "(": ")"}
_STRING = re.compile(r"""[bu]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", re.DOTALL)
_ELEMENT = re.compile(r"<([\w.-]+)>([^<>]*)</\1>|<[^<>]+>|\[[^\[\]]+\]")
_BARE = re.compile(r"[^\s,{}\"'\\\[\]]+")
_JSON_NAME = re.compile(
    rf"""(['"](?:{"|".join(NAME_KEYS)})['"]\s*:\s*)"""
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""",
    re.DOTALL,
)


@dataclass(frozen=True)
class Items:
    """A genre cell in pieces: the prefix, the items with the gaps between them, and the suffix.

    Attributes:
        items: as they are written.
        names: of each item, the genre.
        gaps: between two items, one less than items.
        prefix, suffix: around them.
        style: `plain` (joined by separators), `list`, or `elements` (each in its own brackets).
    """

    items: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    prefix: str = ""
    suffix: str = ""
    style: str = "plain"

    def __str__(self) -> str:
        pieces = [self.prefix]
        for index, item in enumerate(self.items):
            pieces += [self.gaps[index - 1] if index else "", item]
        return "".join([*pieces, self.suffix])

    def without(self, is_removed: Callable[[str], bool]) -> Items:
        """Return the cell without the items whose names are removed."""
        items, names, gaps = list(self.items), list(self.names), list(self.gaps)
        for index in reversed(range(len(items))):
            if is_removed(names[index]):
                del items[index], names[index]
                if gaps:
                    del gaps[max(0, index - 1)]
        suffix = self.suffix
        if not items and self.style == "list":  # of a tuple with a comma after its only item
            suffix = suffix.lstrip(", ")
        return replace(
            self, items=tuple(items), names=tuple(names), gaps=tuple(gaps), suffix=suffix
        )

    def with_genre(self, name: str, like: Items, gap: str, known: Mapping[str, str]) -> Items:
        """Return the cell with another item at its end.

        Args:
            name: the genre.
            like: a cell of the same column whose items show how to write one.
            gap: what to write between two items where the cell does not show it.
            known: items that are objects, by name, as other cells of the column have them.
        """
        examples = self.items or like.items
        mark = self.gaps[-1] if self.gaps else gap
        if self.style == "plain":
            item = quoted(name, mark)
        elif self.style == "elements":
            item = _element(name, examples)
        else:
            item = known.get(name) or _item(name, examples)
        gaps = (*self.gaps, mark) if self.items else ()
        return replace(self, items=(*self.items, item), names=(*self.names, name), gaps=gaps)


def _element(name: str, examples: tuple[str, ...]) -> str:
    example = examples[-1] if examples else "<x>"
    found = _ELEMENT.fullmatch(example)
    if found is not None and found[1] is not None:
        return f"<{found[1]}>{name}</{found[1]}>"
    return f"{example[0]}{name}{example[-1]}"


def _item(name: str, examples: tuple[str, ...]) -> str:
    """Return an item of a list, written like another one; in JSON without one."""
    example = examples[-1] if examples else '""'
    if example.startswith("{"):
        quote = '"' if example[1:].lstrip()[:1] == '"' else "'"
        found = _JSON_NAME.search(example)
        if found is None:
            return _string(name, quote)
        return "{" + found[1] + _string(name, quote) + "}"
    start = example.lstrip("bu")[:1]
    if start in ("'", '"') and _STRING.fullmatch(example):
        mixed = {item[:1] for item in examples} - {start}
        if mixed and _BARE.fullmatch(name) and any(map(_BARE.fullmatch, examples)):
            return name  # PostgreSQL quotes only what needs it
        return example[: example.index(start)] + _string(name, start)
    return name if _BARE.fullmatch(name) else _string(name, '"')


def _string(name: str, quote: str) -> str:
    if quote == '"':
        return json.dumps(name, ensure_ascii=False)
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def take_apart(text: str, reader: GenreReader) -> Items | None:
    """Return the pieces of a cell; None if its style is not understood.

    Args:
        text: of the cell.
        reader: reads the column.
    """
    names = reader.read(text)
    if reader.separators.given is None:
        bare = text.strip()
        parsed = read_text(text)
        is_list = bool(bare) and (not isinstance(parsed, str) or reader.style is not None)
        if is_list and bare.lower() not in ("", "null", "nan") and parsed is not CellState.UNKNOWN:
            items = _elements(text) or _list(text, reader)
            if items is not None and (items.items or names is CellState.EMPTY):
                return items
            if names is not CellState.EMPTY:
                return None
    if not isinstance(names, list):
        return Items()
    return _plain(text, reader)


def _plain(text: str, reader: GenreReader) -> Items | None:
    pieces = reader.separators.pieces(text)
    kept = [(raw, name) for raw, name, _ in pieces if name]
    gaps, gap = list[str](), ""
    for _, name, before in pieces:
        gap += before
        if name:
            gaps.append(gap)
            gap = ""
    if not kept:
        return None
    return Items(
        tuple(raw for raw, _ in kept),
        tuple(unescaped(name) for _, name in kept),
        tuple(gaps[1:]),
        gaps[0],
        gap,
    )


def _elements(text: str) -> Items | None:
    """Return the pieces of `<a><b>`, `[a][b]` and `<genre>a</genre>`."""
    start = len(text) - len(text.lstrip())
    position, items, gaps, names = start, list[str](), list[str](), list[str]()
    while (found := _ELEMENT.match(text, position)) is not None:
        items.append(found[0])
        names.append((found[2] if found[1] is not None else found[0][1:-1]).strip())
        space = re.compile(r"\s*").match(text, found.end())
        assert space is not None
        gaps.append(space[0])
        position = space.end()
    if position < len(text) or not items:
        return None
    if len(items) == 1 and items[0].startswith("["):
        return None  # a list of one
    return Items(tuple(items), tuple(names), tuple(gaps[:-1]), text[:start], gaps[-1], "elements")


def _list(text: str, reader: GenreReader) -> Items | None:
    """Return the pieces of a list of strings, numbers, objects with a name, or bare words."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    called = _CALL.match(text, start)
    if called is not None:
        closed = _DTYPE.search(text, called.end(), end)
        if closed is None:
            return None
        start, end = called.end(), closed.start()
    if text[start : start + 1] in _CLOSING:
        if text[end - 1 : end] != _CLOSING[text[start]]:
            return None
        start, end = start + 1, end - 1
    spans = _item_spans(text, start, end)
    if spans is None:
        return None
    items = tuple(text[first:last] for first, last in spans)
    names = tuple(map(_name, items))
    if not all(names):
        return None
    if not spans:
        return Items((), (), (), text[:start], text[end:], "list")
    gaps = tuple(text[a[1] : b[0]] for a, b in pairwise(spans))
    first, last = spans[0][0], spans[-1][1]
    return Items(items, names, gaps, text[:first], text[last:], "list")


def _item_spans(text: str, start: int, end: int) -> list[tuple[int, int]] | None:
    spans: list[tuple[int, int]] = []
    position = start
    while position < end:
        if text[position] in ", \t\r\n":
            position += 1
            continue
        found = _STRING.match(text, position, end)
        if found is not None:
            last = found.end()
        elif text[position] in _CLOSING:
            last = _closed(text, position, end)
        else:
            comma = text.find(",", position, end)
            last = len(text[: end if comma < 0 else comma].rstrip())
        if last <= position or text[last:end].lstrip()[:1] == ":":
            return None  # a member of an object, not an item
        spans.append((position, last))
        position = last
    return spans


def _closed(text: str, start: int, end: int) -> int:
    """Return the end of a bracket's content, its closing bracket included; 0 without one."""
    open_brackets, position = list[str](), start
    while position < end:
        found = _STRING.match(text, position, end) if text[position] in "'\"" else None
        if found is not None:
            position = found.end()
            continue
        if text[position] in _CLOSING:
            open_brackets.append(_CLOSING[text[position]])
        elif open_brackets and text[position] == open_brackets[-1]:
            open_brackets.pop()
            if not open_brackets:
                return position + 1
        position += 1
    return 0


def _name(item: str) -> str:
    """Return the genre that an item names; empty if it names none."""
    read = read_text(f"[{item}]")
    if isinstance(read, list):
        return read[0] if len(read) == 1 else ""
    return item.strip() if isinstance(read, str) else ""
