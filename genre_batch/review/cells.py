"""Change the genres of a cell in the cell's own style, whatever its type."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from genre_batch.catalog.genre_objects import NAME_KEYS
from genre_batch.catalog.genre_values import read_value
from genre_batch.catalog.genres import GenreReader
from genre_batch.catalog.separators import Separators
from genre_batch.names import clean_name, name_key
from genre_batch.review.items import Items, take_apart

__all__ = ["CellError", "ColumnStyle", "Reading", "Readings", "Spelling"]

_WIDE = re.compile(r"[^\x00-\x7f]")
_LOOKED_AT = 20_000
"""Distinct cells that show how a column is written, the first ones."""


class CellError(ValueError):
    """A cell is written in a style in which its genres cannot be changed."""


Reading = Callable[[str], tuple[str, ...]]
"""Returns the genres that a name is read as."""


class Readings(dict[str, tuple[str, ...]]):
    """Name -> genres, of names that a file names first, then of any name."""

    def __init__(self, genre_of: Mapping[str, str], read: Reading) -> None:
        """Start without a name.

        Args:
            genre_of: what cells hold -> its name.
            read: returns the genres that a name is read as.
        """
        self._genre_of = genre_of
        self._read = read

    def get(self, name: str, default: Any = None) -> Any:
        """Return the genres that a name is read as; every name has some reading."""
        if name not in self:
            self[name] = self._read(clean_name(self._genre_of.get(name, name)))
        return self[name]


@dataclass(frozen=True)
class Spelling:
    """How a catalog calls the genres of a review.

    Attributes:
        genres_of: name -> the genres that it is read as, none or more; other names are genres.
        written: key of a genre -> how the catalog writes it.
    """

    genres_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)

    def keys(self, name: str) -> frozenset[str]:
        """Return the keys (`name_key`) of the genres that a name is read as."""
        return frozenset(name_key(clean_name(genre)) for genre in self.genres_of.get(name, (name,)))

    def key(self, name: str) -> str:
        """Return what names that are read as the same genres have in common."""
        return "\t".join(sorted(self.keys(name)))

    def of(self, genre: str) -> str:
        """Return how the catalog writes a genre."""
        return self.written.get(self.key(genre), genre)

    def is_removed(self, name: str, remove: Collection[str]) -> bool:
        """Return whether a name goes if genres are removed.

        Args:
            name: as the catalog writes it.
            remove: keys of genres.

        Raises:
            CellError: it is read as several genres, of which only some are removed.
        """
        keys = self.keys(name)
        hit = keys.intersection(remove)
        if hit and hit != keys:
            raise CellError
        return bool(hit)


@dataclass(frozen=True)
class ColumnStyle:
    """How the genre cells of a column are written.

    Attributes:
        reader: reads the texts of the column.
        spelling: of its genres.
        like: the pieces of a typical text with a genre.
        gap: what is usually written between two genres of a text.
        objects: genre, as it is written -> an item of a list that is an object, as text.
        structs: the same for lists that are not text, as dictionaries.
        lists: whether a row without a value gets a list, where the format has both.
    """

    reader: GenreReader
    spelling: Spelling = field(default_factory=Spelling)
    like: Items = field(default_factory=Items)
    gap: str = ", "
    objects: Mapping[str, str] = field(default_factory=dict)
    structs: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    lists: bool = False

    @classmethod
    def of(
        cls,
        texts: Mapping[str, int],
        reader: GenreReader,
        spelling: Spelling,
        *,
        gap: str,
        structs: Mapping[str, dict[str, Any]],
        lists: bool,
    ) -> ColumnStyle:
        """Find the usual style.

        Args:
            texts: distinct texts of the column, JSON texts of lists included -> rows.
            reader, spelling, structs, lists: as the attributes.
            gap: between two genres, if no cell has two.
        """
        gaps: Counter[str] = Counter()
        objects: dict[str, str] = {}
        like = Items()
        for text, rows in list(texts.items())[:_LOOKED_AT]:
            items = take_apart(text, reader)
            if items is None or not (items.items or items.style == "list"):
                continue
            if len(items.items) > len(like.items) < 2 or like == Items():
                like = items
            for mark in items.gaps:
                gaps[mark] += rows
            for name, item in zip(items.names, items.items, strict=True):
                if item.startswith("{"):
                    objects.setdefault(name, item)
        usual = max(gaps, key=lambda mark: gaps[mark], default=None)
        if usual is None:
            usual = "" if like.style == "elements" else ", " if like.style == "list" else gap
        return cls(reader, spelling, like, usual, objects, structs, lists)

    def like_others(self, whole: ColumnStyle) -> ColumnStyle:
        """Return the style with what only other files of the catalog show.

        Args:
            whole: the style of all files.
        """
        like = whole.like if self.like == Items() else self.like
        return replace(self, like=like, objects={**whole.objects, **self.objects})

    @cached_property
    def _checker(self) -> GenreReader:
        """The reader of new cells: a column without two genres in a cell has no separator yet."""
        separators = self.reader.separators
        if not self.reader.is_plain or separators.marks or separators.given is not None:
            return self.reader
        return replace(self.reader, separators=Separators(marks=(self.gap.strip() or self.gap,)))

    def text(self, old: str | None, remove: Collection[str], add: Sequence[str]) -> str:
        """Return the text of a cell with other genres.

        Args:
            old: the cell's text; None or blank where it has none.
            remove: the genres to remove, as keys of `Spelling`.
            add: the genres to add, each of which the cell lacks.

        Raises:
            CellError: the cell's style is not understood.
        """
        items = self._empty() if old is None or not old.strip() else take_apart(old, self.reader)
        if items is None:
            raise CellError
        if not items.items and items.style == "plain":
            items = self._empty()
        is_removed = self.spelling.is_removed
        expected = [self.spelling.key(name) for name in items.names if not is_removed(name, remove)]
        changed = items.without(lambda name: is_removed(name, remove))
        for genre in add:
            name = self.spelling.of(genre)
            changed = changed.with_genre(name, self.like, self.gap, self.objects)
            expected.append(self.spelling.key(name))
        new = str(changed) if changed.items or changed.style == "list" else ""
        read = self._checker.read(new)
        names = read if isinstance(read, list) else []
        if [self.spelling.key(name) for name in names] != list(dict.fromkeys(expected)):
            raise CellError
        return new

    def _empty(self) -> Items:
        """Return a cell without genres in the column's style."""
        if self.like.style != "list":
            return Items(style=self.like.style)
        return self.like.without(lambda name: True)

    def value(self, old: Any, remove: Collection[str], add: Sequence[str], *, is_text: bool) -> Any:
        """Return a value with other genres: a text, or a list of texts or of dictionaries.

        Args:
            old: the value; None where the row has none.
            remove, add: as in `text`.
            is_text: whether a row without a value gets a text.

        Raises:
            CellError: the value is of a kind that is not understood.
        """
        if isinstance(old, str) or (old is None and is_text):
            return self.text(old, remove, add)
        if old is None:
            old = []
        if not isinstance(old, list):
            raise CellError
        names = [_name_of(item) for item in old]
        if None in names:
            raise CellError
        kept = [
            item
            for item, name in zip(old, names, strict=True)
            if not self.spelling.is_removed(name or "", remove)
        ]
        return kept + [self._item(self.spelling.of(genre), old) for genre in add]

    def _item(self, name: str, others: list[Any]) -> Any:
        entries = {item for item in others if isinstance(item, tuple)}
        if entries:  # of a map, whose values may state more than that a row has the genre
            values = {value for _, value in entries}
            if len(values) > 1:
                raise CellError
            return name, values.pop()
        if not self.structs and not any(isinstance(item, dict) for item in others):
            return name
        known = self.structs.get(name)
        if known is not None:
            return known
        example = next(item for item in (*others, *self.structs.values()) if isinstance(item, dict))
        key = next(key for key in NAME_KEYS if key in example)
        return {member: name if member == key else None for member in example}

    def json_text(
        self, old: str | None, remove: Collection[str], add: Sequence[str], *, ascii_only: bool
    ) -> str:
        """Return the JSON text of a value with other genres, spelled as it was.

        Args:
            old: the JSON text of a string, a list or null; None where the member is missing.
            remove, add: as in `text`.
            ascii_only: whether other characters are escaped.

        Raises:
            CellError: the value is of a kind that is not understood.
        """

        def string(text: str) -> str:
            return json.dumps(text, ensure_ascii=ascii_only)

        value = None if old is None else json.loads(old)
        if isinstance(value, str):
            return string(self.text(value, remove, add))
        if value is None:
            if not self.lists:
                return string(self.text(None, remove, add))
            old = "[]"
        elif not isinstance(value, list):
            raise CellError
        assert old is not None
        new = self._json_list(old, remove, add)
        return _WIDE.sub(lambda found: json.dumps(found[0])[1:-1], new) if ascii_only else new

    def _json_list(self, old: str, remove: Collection[str], add: Sequence[str]) -> str:
        reader = GenreReader(numbers=self.reader.numbers)
        items = take_apart(old, reader)
        if items is None:
            raise CellError
        gap = self.gap if "," in self.gap and self.lists else ", "
        is_removed = self.spelling.is_removed
        expected = [name for name in items.names if not is_removed(name, remove)]
        changed = items.without(lambda name: is_removed(name, remove))
        for genre in add:
            name = self.spelling.of(genre)
            changed = changed.with_genre(name, self.like, gap, self.objects)
            expected.append(name)
        new = str(changed)
        try:
            read = read_value(json.loads(new))
        except ValueError as error:
            raise CellError from error
        if (read if isinstance(read, list) else []) != list(dict.fromkeys(expected)):
            raise CellError
        return new


def _name_of(item: Any) -> str | None:
    """Return the genre that an item of a list names; None if it names none."""
    names = read_value([item])
    return names[0] if isinstance(names, list) and len(names) == 1 else None
