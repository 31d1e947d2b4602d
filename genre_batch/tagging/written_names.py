"""The names under which predicted genres are written: the model's own, or those of a map."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.formats import Format
from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.catalog.genre_map import GenreMap, MapLine, read_genre_map
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError
from genre_batch.names import name_key
from genre_batch.tagging.job import TagJob

__all__ = ["WrittenNames", "written_names"]

_SHOWN = 5
"""Genres that a warning names."""


@dataclass(frozen=True)
class WrittenNames:
    """The names of a model's genres in the output.

    Attributes:
        labels: the model's genres.
        names: (genres,) what each is written as.
        left_out: the genres that are not written, because the map states that their name is none.
        excluded: the genres that the job excludes, by the names of the map or the model.
        choices: which of several names of a genre are not written, in words; empty: there are none.
        mapped: key (`name_key`) of a name in the map -> the genres that it stands for.
        aliases: whether common aliases of genres are read.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    choices: str = ""
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: bool = True

    @cached_property
    def _index(self) -> GenreIndex:
        return GenreIndex(self.labels, aliases=self.aliases)

    def read(self, name: str) -> tuple[str, ...]:
        """Return the genres that a name of the catalog stands for; itself if that is not known."""
        mapped = self.mapped.get(name_key(name))
        if mapped is not None:
            return mapped
        found = self._index.find(name)
        return (name,) if found is None else found.genres

    def warn(self) -> None:
        """Warn of names that are not written, where a genre has several."""
        if self.choices:
            warnings.warn(self.choices, GenreBatchWarning, stacklevel=3)

    def job(self, job: TagJob) -> TagJob:
        """Return the job without the genres that are not written."""
        excluded = dict.fromkeys((*self.excluded, *self.left_out))
        return replace(job, decision=replace(job.decision, exclude_genres=tuple(excluded) or None))

    def apply(self, genres: pa.ListArray) -> pa.ListArray:
        """Return (rows,) lists of the model's genres under the names of the output."""
        if self.names == self.labels:
            return genres
        positions = pc.index_in(genres.values, pa.array(self.labels, pa.string()))
        names = pa.array(self.names, pa.string()).take(positions)
        mask = genres.is_null() if genres.null_count else None
        return pa.ListArray.from_arrays(genres.offsets, names, mask=mask)

    def check_separator(self, separator: str, formats: Iterable[Format]) -> None:
        """Check that joined names can be split again.

        Raises:
            UsageError: a name has the separator in it, and a format joins names.
        """
        if not {Format.CSV, Format.TSV}.intersection(formats):
            return
        for name, label in zip(self.names, self.labels, strict=True):
            if name != label and separator in name:
                raise UsageError(
                    f"the name {name!r} of `genre_map` has the `separator` {separator!r} in it: "
                    f"choose another, such as '|'"
                )


def written_names(job: TagJob, labels: Sequence[str]) -> WrittenNames:
    """Return the names under which a job's genres are written.

    A genre has the first name in the file that stands for it alone. A genre without such a name has
    the model's own.

    Args:
        job: its `genre_map`, `no_aliases` and `exclude_genres`.
        labels: the model's genres.

    Raises:
        UsageError: there is no such map.
        CatalogError: the map cannot be used, names a genre that the model does not have, or gives
            the model's own name of a genre to another one.
    """
    own = tuple(labels)
    excluded = tuple(job.decision.exclude_genres or ())
    if job.genre_map is None:
        return WrittenNames(own, own, excluded=excluded, aliases=not job.no_aliases)
    genre_map = read_genre_map(job.genre_map)
    resolved = genre_map.resolve(GenreIndex(own, aliases=not job.no_aliases))
    lines = {name_key(line.name): line for line in genre_map.lines}
    candidates: defaultdict[str, list[MapLine]] = defaultdict(list)
    for key, line in lines.items():
        if len(resolved[key]) == 1:
            candidates[resolved[key][0]].append(line)
    names: list[str] = []
    left_out: list[str] = []
    for label in own:
        genres = resolved.get(name_key(label))
        if label in candidates:
            names.append(candidates[label][0].name)
            continue
        names.append(label)
        if genres == ():
            left_out.append(label)
        elif genres is not None and label not in genres:
            line = lines[name_key(label)]
            raise CatalogError(
                f"{genre_map.file} of `genre_map`, {line.place}: {line.name!r} is mapped to "
                f"{' and '.join(map(repr, genres))}, so that the model's own {label!r} has no "
                f"name: add a line with its name, NAME,{label}"
            )
    theirs = [resolved.get(name_key(name), (name,)) for name in excluded]
    return WrittenNames(
        own,
        tuple(names),
        tuple(left_out),
        tuple(name for several in theirs for name in several),
        _choices(genre_map, candidates),
        resolved,
        aliases=not job.no_aliases,
    )


def _choices(genre_map: GenreMap, candidates: dict[str, list[MapLine]]) -> str:
    """Return in words which of several names of a genre are not written."""
    several = [lines for lines in candidates.values() if len(lines) > 1]
    if not several:
        return ""
    shown = "; ".join(
        f"{first.name!r} ({first.place}), not {', '.join(repr(line.name) for line in others)}"
        for first, *others in several[:_SHOWN]
    )
    more = f"; and {len(several) - _SHOWN:,} others" if len(several) > _SHOWN else ""
    return (
        f"{genre_map.file} of `genre_map` has several names of one genre, and the first in the "
        f"file is written: {shown}{more}"
    )
