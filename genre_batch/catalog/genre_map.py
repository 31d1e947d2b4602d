"""Files that map the genre names of a catalog to other genres: CSV, JSON or TOML."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.catalog.genre_map_lines import MapLine, form_of, map_lines
from genre_batch.catalog.name_file import read_name_file
from genre_batch.errors import CatalogError
from genre_batch.names import name_key
from genre_batch.options import StrPath

__all__ = ["GenreMap", "MapLine", "read_genre_map"]

_SHOWN = 20
"""Genres of a model that an error lists."""


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
    text = read_name_file(path, "genre_map")
    lines = tuple(_without_repeats(file, map_lines(file, text)))
    if not lines:
        raise CatalogError(f"{file} of `genre_map` is empty: write {form_of(file)}")
    return GenreMap(file, lines, _order(file, lines))


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
