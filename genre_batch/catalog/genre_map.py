"""Files that map the names of a catalog's genres to other genres: CSV, JSON or TOML."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.errors import CatalogError, first_line
from genre_batch.failures import reason_of
from genre_batch.files import read_input
from genre_batch.names import clean_name, is_name, name_key
from genre_batch.options import StrPath

__all__ = ["GenreMap", "MapLine", "read_genre_map"]

_FORM = "lines of THEIR NAME,OUR GENRE"
_THEIRS = frozenset(
    ("theirs", "their name", "their genre", "name", "genre", "from", "source", "label", "alias")
)
_OURS = frozenset(
    ("ours", "our name", "our genre", "genre", "genres", "to", "target", "model", "name", "label")
)
"""Headings of the two columns, in lower case: a first line with one of each is a header."""
_DELIMITERS = (",", ";", "\t")
_SHOWN = 20
"""Genres of a model that an error lists."""
_NAME_SHOWN = 40
"""Characters of a name that an error shows."""


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


@dataclass(frozen=True)
class GenreMap:
    """A map that states each name once, without cycles.

    Attributes:
        file: its name, for messages.
        lines: in the order of the file.
        order: the keys (`name_key`) of the names, each after those that it leads to.
    """

    file: str
    lines: tuple[MapLine, ...]
    order: tuple[str, ...]

    def resolve(
        self, index: GenreIndex | None = None, *, closed: bool = True
    ) -> dict[str, tuple[str, ...]]:
        """Return the genres of every name, by `name_key`.

        A genre of the model is final. Another one that the map names too is looked up again.

        Args:
            index: the genres of the model; None: any name may be a genre.
            closed: whether only genres of the model may be.

        Raises:
            CatalogError: the model does not have a genre.
        """
        by_key = {name_key(line.name): line for line in self.lines}
        resolved: dict[str, tuple[str, ...]] = {}
        for key in self.order:
            genres: list[str] = []
            for genre in by_key[key].genres:
                found = None if index is None else index.find(genre)
                following = resolved.get(name_key(genre))
                if found is not None:
                    genres += found.genres
                elif following is not None:
                    genres += following
                elif index is None or not closed:
                    genres.append(genre)
                else:
                    raise self._unknown(by_key[key], genre, index)
            resolved[key] = tuple(dict.fromkeys(genres))
        return resolved

    def _unknown(self, line: MapLine, genre: str, index: GenreIndex) -> CatalogError:
        near = index.nearest(genre)
        others = ", ".join(index.labels[:_SHOWN]) + (", ..." if len(index.labels) > _SHOWN else "")
        hint = f"did you mean {near!r}?" if near else f"the model has {others}"
        if any(mark in genre for mark in ",;|/"):
            hint = f"write each genre in a cell of its own; {hint}"
        keys = set(map(name_key, index.labels))
        if 2 * sum(name_key(line.name) in keys for line in self.lines) > len(self.lines):
            hint += "; the names to replace come first, the model's genres second"
        return CatalogError(
            f"{self.file} of `genre_map`, {line.place}: the model has no genre {genre!r}, which "
            f"{line.name!r} is mapped to: {hint}"
        )


def read_genre_map(path: StrPath) -> GenreMap:
    """Read a map of genre names.

    Args:
        path: a CSV or TSV file of lines with a name and what it stands for: a genre, several in
            further cells, or nothing; JSON or TOML: an object of names, whose values are a genre, a
            list of genres, or an empty text, an empty list or null. A file without one of the
            suffixes .json and .toml is JSON if it starts with a bracket, else CSV.

    Raises:
        UsageError: there is no such file, or it is a folder.
        CatalogError: it cannot be read, is not UTF-8, is empty or of another form, states two
            things of one name, or leads back to where it started.
    """
    file = os.fspath(path)
    content = read_input(
        file,
        missing=f"no such file: {file}: `genre_map` names one",
        wanted="a file of genre names",
        unreadable=lambda error: CatalogError(
            f"cannot read {file} of `genre_map`: {reason_of(error)}"
        ),
    )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CatalogError(
            f"{file} of `genre_map`, line {line}: not UTF-8: save it as UTF-8 text"
        ) from error
    lines = tuple(_without_repeats(file, _lines_of(file, text)))
    if not lines:
        raise CatalogError(f"{file} of `genre_map` is empty: write {_FORM}")
    return GenreMap(file, lines, _order(file, lines))


def _lines_of(file: str, text: str) -> Iterator[MapLine]:
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
            raise CatalogError(
                f'{file} of `genre_map` is not an object: write {{"THEIR NAME": "OUR GENRE", ...}}'
            )
        yield from _entries(file, text, value)
    else:
        yield from _delimited(file, text, "\t" if suffix == ".tsv" else None)


class _Pairs(list[tuple[str, Any]]):
    """The entries of a JSON object, repeated keys included."""


def _entries(file: str, text: str, pairs: list[tuple[str, Any]]) -> Iterator[MapLine]:
    """Yield the entries of a JSON object or a TOML table; one in another one is that one."""
    if len(pairs) == 1 and isinstance(pairs[0][1], _Pairs | Mapping):
        inner = pairs[0][1]
        pairs = list(inner.items()) if isinstance(inner, Mapping) else inner
    ends: dict[str, int] = {}
    for name, value in pairs:
        start = _position(text, name, ends.get(name, 0))
        ends[name] = start + 1
        line = text.count("\n", 0, start) + 1 if start >= 0 else 0
        genres = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(genres, list) or isinstance(genres, _Pairs):
            genres = [None]
        if not all(isinstance(genre, str) for genre in genres):
            raise CatalogError(
                f"{file} of `genre_map`, {MapLine(name, (), line).place}: {name!r} is mapped to "
                f'neither a genre nor a list of genres: write "OUR GENRE", or "" for none'
            )
        yield _line(file, name, genres, line)


def _position(text: str, name: str, start: int) -> int:
    """Return where the key of an entry is in JSON or TOML text, from a position on; -1: unknown."""
    spellings = (json.dumps(name), json.dumps(name, ensure_ascii=False), f"'{name}'", name)
    for spelling in spellings:
        found = re.compile(rf"(?<![^\s{{,]){re.escape(spelling)}\s*[:=]").search(text, start)
        if found is not None:
            return found.start()
    return -1


def _delimited(file: str, text: str, delimiter: str | None) -> Iterator[MapLine]:
    filled = [line for line in text.splitlines() if line.strip()]
    if delimiter is None:
        counts = {mark: sum(mark in line for line in filled) for mark in _DELIMITERS}
        delimiter = max(_DELIMITERS, key=lambda mark: counts[mark])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    is_first = True
    start = 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
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
                    f"{file} of `genre_map`, line {line}: {name!r} is mapped to nothing: write "
                    f"{name},OUR GENRE, or {name}, with nothing after the comma to leave it out"
                )
            yield _line(file, cells[0], cells[1:], line)
    except csv.Error as error:
        raise CatalogError(
            f"{file} of `genre_map`, line {reader.line_num}: {first_line(error)}: write {_FORM}"
        ) from error


def _line(file: str, name: str, genres: Sequence[str], line: int) -> MapLine:
    """Check the names of a line, and clean them.

    Raises:
        CatalogError: a name is empty, or none that a genre can have.
    """
    cleaned = MapLine(
        clean_name(name), tuple(clean for genre in genres if (clean := clean_name(genre))), line
    )
    if not cleaned.name:
        raise CatalogError(f"{file} of `genre_map`, {cleaned.place}: no name to map: write {_FORM}")
    for text in (cleaned.name, *cleaned.genres):
        if not is_name(text):
            raise CatalogError(
                f"{file} of `genre_map`, {cleaned.place}: {text[:40]!r} cannot be a genre: names "
                f"have up to 200 characters, and no control characters"
            )
    return cleaned


def _without_repeats(file: str, lines: Iterator[MapLine]) -> Iterator[MapLine]:
    """Yield the lines of distinct names.

    Raises:
        CatalogError: one name stands for two things.
    """
    known: dict[str, MapLine] = {}
    for line in lines:
        first = known.setdefault(name_key(line.name), line)
        if first is line:
            yield line
        elif set(map(name_key, first.genres)) != set(map(name_key, line.genres)):
            raise CatalogError(
                f"{file} of `genre_map`, {line.place}: {line.name!r} is mapped to "
                f"{_listed(line.genres)}, and in {first.place} to {_listed(first.genres)}: remove "
                f"one; several genres of one name are further cells of its line, or a list"
            )


def _listed(genres: Sequence[str]) -> str:
    return " and ".join(map(repr, genres)) or "nothing"


def _order(file: str, lines: Sequence[MapLine]) -> tuple[str, ...]:
    """Return the keys of the names, each after those that it leads to.

    Raises:
        CatalogError: a name leads back to itself by way of others.
    """
    by_key = {name_key(line.name): line for line in lines}
    order: dict[str, None] = {}
    for line in lines:
        path: dict[str, None] = {}
        # A stack of iterators, because a long chain would exceed the limit of recursion.
        stack = [iter((name_key(line.name),))]
        while stack:
            key = next(stack[-1], None)
            if key is None:
                stack.pop()
                order.update([path.popitem()] if path else [])
            elif key in path:
                raise _cycle(file, [by_key[name] for name in dropwhile(key.__ne__, path)])
            elif key in by_key and key not in order:
                path[key] = None
                genres = map(name_key, by_key[key].genres)
                stack.append(iter([genre for genre in genres if genre != key]))
    return tuple(order)


def _cycle(file: str, circle: Sequence[MapLine]) -> CatalogError:
    names = " -> ".join(repr(line.name) for line in (*circle, circle[0]))
    return CatalogError(
        f"{file} of `genre_map`, {' and '.join(line.place for line in circle)}: a cycle, {names}: "
        f"remove one of them"
    )
