"""How the genre names of a catalog are read: by a map, by spelling, and by common aliases."""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.catalog.genre_map import GenreMap, read_genre_map
from genre_batch.catalog.genre_values import Number
from genre_batch.catalog.options import ColumnOptions
from genre_batch.errors import CatalogError, GenreBatchWarning, counted
from genre_batch.names import name_key

__all__ = ["GenreNames", "NameReading", "maps_numbers"]

_SHOWN = 5
"""Names that a message shows."""


def maps_numbers(options: ColumnOptions) -> bool:
    """Return whether the map of a job names genres whose numbers the cells have.

    Raises:
        UsageError, CatalogError: the map cannot be used.
    """
    if options.genre_map is None:
        return False
    return any(line.name.isdecimal() for line in read_genre_map(options.genre_map).lines)


@dataclass(frozen=True)
class NameReading:
    """How one name of a catalog is read.

    Attributes:
        name: as the catalog has it.
        rows: the number of rows that have it.
        genres: what it is read as; empty: nothing, it is left out; a name that is not known is
            read as itself.
        by: `map`, `spelling`, `alias`; `same` if the catalog's name is the model's, or if there is
            no model; `unknown` if the model does not have it.
        line: the line of the map; 0: another reason, or it is not known.
        nearest: the genre whose name is most like one that is not known; None: none is.
    """

    name: str
    rows: int
    genres: tuple[str, ...]
    by: Literal["same", "spelling", "alias", "map", "unknown"]
    line: int = 0
    nearest: str | None = None

    def __str__(self) -> str:
        """Return the name and what it is read as."""
        return f"{self.name!r} as {' and '.join(map(repr, self.genres)) or 'nothing'}"


class GenreNames:
    """The genre names of a catalog, replaced by those of a model or a map as rows are read.

    A name in the map is what the map states, whatever the model calls its genres. Any other name is
    the genre of the model that is spelled alike (`names.name_key`), else the one that it is a usual
    other name of (`catalog/genre_aliases.py`). Without a model there are no aliases: the catalog's
    own names are what is learned.
    """

    def __init__(
        self,
        genre_map: GenreMap | None = None,
        labels: Sequence[str] | None = None,
        *,
        aliases: bool = True,
        closed: bool = True,
    ) -> None:
        """Combine a map and a model.

        Args:
            genre_map: what names stand for; None: there is no map.
            labels: the genres of the model; None: there is none, and any name may be a genre.
            aliases: read common aliases of the model's genres.
            closed: whether the map may only name genres of the model.

        Raises:
            CatalogError: the map names a genre that the model does not have.
        """
        self._index = None if labels is None else GenreIndex(labels, aliases=aliases)
        self._map = genre_map
        self._mapped = {} if genre_map is None else genre_map.resolve(self._index, closed=closed)
        self._lines = (
            {name_key(line.name): line.line for line in genre_map.lines} if genre_map else {}
        )
        self._readings: dict[str, NameReading] = {}
        self._rows: Counter[str] = Counter()

    @classmethod
    def of(
        cls, options: ColumnOptions, labels: Sequence[str] | None = None, *, closed: bool = True
    ) -> GenreNames:
        """Return the names as a job's options have them; further arguments as in `__init__`.

        Raises:
            UsageError, CatalogError: the file of `genre_map` cannot be used.
        """
        genre_map = None if options.genre_map is None else read_genre_map(options.genre_map)
        return cls(genre_map, labels, aliases=not options.no_aliases, closed=closed)

    @property
    def changes_nothing(self) -> bool:
        """Whether every name is read as itself."""
        return self._index is None and self._map is None

    @property
    def readings(self) -> tuple[NameReading, ...]:
        """How each name read so far is read, most rows first, ties by name."""
        ranked = sorted(self._rows.items(), key=lambda item: (-item[1], item[0]))
        found = ((self._readings[name], rows) for name, rows in ranked)
        return tuple(
            NameReading(one.name, rows, one.genres, one.by, one.line, one.nearest)
            for one, rows in found
        )

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of the map that no cell read so far has, nor another line leads to."""
        if self._map is None:
            return ()
        used = set(map(name_key, self._rows))
        used.update(name_key(genre) for line in self._map.lines for genre in line.genres)
        return tuple(line.name for line in self._map.lines if name_key(line.name) not in used)

    def read(
        self, cells: Iterable[Sequence[str]], rows: Iterable[int] | None = None
    ) -> list[list[str]]:
        """Return the distinct genres in cells, in their order, and count the names.

        Args:
            cells: (cells,) lists of distinct names.
            rows: (cells,) the number of rows that have each cell; None: one has it.

        Raises:
            CatalogError: a number is no name, and the map does not have it.
        """
        genres = []
        for names, count in zip(cells, itertools.repeat(1) if rows is None else rows, strict=False):
            for name in names:
                self._rows[name] += count
            readings = [self._readings.get(name) or self._find(name) for name in names]
            genres.append(
                list(dict.fromkeys(genre for reading in readings for genre in reading.genres))
            )
        return genres

    def _find(self, name: str) -> NameReading:
        reading = self._reading(str(name))
        if reading.by != "map" and isinstance(name, Number):
            file = self._map.file if self._map else ""
            raise CatalogError(
                f"{file} of `genre_map` has no name for {str(name)!r}, which the catalog has: add "
                f"a line for it"
            )
        self._readings[name] = reading
        return reading

    def _reading(self, name: str) -> NameReading:
        mapped = self._mapped.get(name_key(name))
        if mapped is not None:
            return NameReading(name, 0, mapped, "map", self._lines[name_key(name)])
        if self._index is None:
            return NameReading(name, 0, (name,), "same")
        found = self._index.find(name)
        if found is not None:
            return NameReading(name, 0, found.genres, found.manner)
        return NameReading(name, 0, (name,), "unknown", nearest=self._index.nearest(name))

    def warn(self, catalog: str) -> None:
        """Warn of a map that names nothing, and of names that are read as others.

        Args:
            catalog: its name, for messages.
        """
        readings = self.readings
        if self._map is not None and readings and all(reading.by != "map" for reading in readings):
            names = ", ".join(repr(reading.name) for reading in readings[:_SHOWN])
            warnings.warn(
                f"{self._map.file} of `genre_map` names none of the genres of {catalog}, such as "
                f"{names}",
                GenreBatchWarning,
                stacklevel=3,
            )
        spelled = [reading for reading in readings if reading.by == "spelling"]
        aliases = [reading for reading in readings if reading.by == "alias"]
        if spelled:
            shown, more = ", ".join(map(str, spelled[:3])), " and others" * (len(spelled) > 3)
            warnings.warn(
                f"{catalog}: genres are read as the model spells them: {shown}{more}",
                GenreBatchWarning,
                stacklevel=3,
            )
        if aliases:
            shown = ", ".join(
                f"{alias} ({counted(alias.rows, 'row')})" for alias in aliases[:_SHOWN]
            )
            more = f" and {len(aliases) - _SHOWN:,} others" if len(aliases) > _SHOWN else ""
            warnings.warn(
                f"{catalog}: common aliases are read as the model's genres: {shown}{more}; map "
                f"them otherwise with `genre_map`, or add `no_aliases`",
                GenreBatchWarning,
                stacklevel=3,
            )
