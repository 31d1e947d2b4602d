"""Marks that join genres as in prose, `Drama, Comedy and War`, and the names that have them.

`Rock and Roll` stays one name beside `Drama and War`: a mark separates two parts only if both occur
without each other in the column.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from genre_batch.catalog.separator_marks import JOINING, Present, combine_parts, pattern_of

__all__ = ["Positions", "Span", "breaks", "names_kept_whole"]

_PAIRS, _PARTS = 2, 3
"""How many distinct names, of how many distinct parts, must end a cell as prose does (by hand)."""
_SHARE = 2
"""One of this many cells with several parts must end so (by hand)."""
_MANY = 16
"""Parts of a text from which on the search for names that span several of them is bounded."""
_BLANKS = re.compile(r"\s*")
_IN_NO_NAME = ("::", "--")
"""Marks of `JOINING` that no name has where they separate."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Positions:
    """Where the parts of a column's cells stand that other marks separate.

    Attributes:
        labels: part -> number of distinct cells that have it.
        before: the parts that stand before the last one of a cell.
        last: part -> number of distinct cells with several parts that end with it.
    """

    labels: Counter[str]
    before: frozenset[str]
    last: Counter[str]

    @cached_property
    def alone(self) -> dict[str, list[str]]:
        """Part -> the part alone."""
        return {label: [label] for label in self.labels}

    @cached_property
    def joined(self) -> dict[str, list[str]]:
        """The marks of `JOINING` that parts have -> these parts, the most frequent mark first."""
        present = Present(self.labels)
        patterns = {mark: pattern_of((mark,)) for mark in JOINING if mark in present}
        names = {
            mark: [label for label in self.labels if pattern.search(label) is not None]
            for mark, pattern in patterns.items()
        }
        marks = sorted(filter(names.__getitem__, names), key=lambda mark: -len(names[mark]))
        return {mark: names[mark] for mark in marks}

    @classmethod
    def of(cls, cells: Iterable[Sequence[str]]) -> Positions:
        """Count the parts of distinct cells."""
        cells = list(cells)
        several = [parts for parts in cells if len(parts) > 1]
        return cls(
            Counter(itertools.chain.from_iterable(map(set, cells))),
            frozenset(part for parts in several for part in parts[:-1]),
            Counter(parts[-1] for parts in several),
        )


def breaks(pattern: re.Pattern[str], text: str, whole: Collection[str]) -> list[Span]:
    """Return where the marks of a pattern separate a text: (start, end) of each of them.

    Args:
        pattern: of the marks.
        text: a part of a cell that no other mark separates.
        whole: names that have a mark and are not separated, the longest first where names overlap.
    """
    spans = [found.span() for found in pattern.finditer(text)]
    if not spans or not whole:
        return spans
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    reach = _reach(text, starts, ends, whole) if len(ends) > _MANY else [len(ends) - 1] * len(ends)
    kept: list[Span] = []
    first = 0
    while first < len(starts):
        last = next(
            (
                last
                for last in range(reach[first], first, -1)
                if text[starts[first] : ends[last]].strip() in whole
            ),
            first,
        )
        if last < len(spans):
            kept.append(spans[last])
        first = last + 1
    return kept


def _reach(
    text: str, starts: Sequence[int], ends: Sequence[int], whole: Collection[str]
) -> list[int]:
    """Return for each part of a text the last part that the longest name from there may end with.

    Args:
        text: the text.
        starts, ends: of its parts.
        whole: the names.
    """
    longest = max(map(len, whole))
    last_ends: list[int] = []  # of each part, or of what precedes it, without space
    begin = 0
    for end in ends:
        piece = text[begin:end].rstrip()
        last_ends.append(begin + len(piece) if piece or not last_ends else last_ends[-1])
        begin = end
    first_letters = (found.end() for start in starts if (found := _BLANKS.match(text, start)))
    return [bisect.bisect_right(last_ends, first + longest) - 1 for first in first_letters]


def _parts(pattern: re.Pattern[str], text: str, whole: Collection[str] = ()) -> list[str]:
    """Return the parts of a text that are not blank."""
    spans = breaks(pattern, text, whole)
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    parts = (text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return [part for part in parts if part]


def names_kept_whole(mark: str, positions: Positions) -> frozenset[str] | None:
    """Decide whether a mark separates, and which names have it all the same.

    It does if the parts of the names that have it stand alone and in several combinations
    (`combine`), or if cells are lists in prose: if the last part of cells often has the mark, in
    front of a genre of other cells (`A, B, and C`) or between two of them (`A, B and C`).

    Args:
        mark: a key of `JOINING`.
        positions: of the parts that other marks separate.

    Returns:
        The names that have the mark and are not separated; None: the mark does not separate.
    """
    pattern, names = pattern_of((mark,)), positions.joined.get(mark)
    if names is None:
        return None
    loose = positions.alone | {name: _parts(pattern, name) for name in names}
    if mark in _IN_NO_NAME:
        return frozenset() if _divides(loose) else None
    whole = _inseparable(pattern, loose, names)
    split = positions.alone | {name: _parts(pattern, name, whole) for name in names}
    several = {name for name in names if len(split[name]) > 1}
    # A list in prose has the mark at its end, a name anywhere.
    named = several & positions.before
    if named and not combine_parts(_without(split, several - named)):
        whole |= named
    else:
        named = set()
    if (
        combine_parts(_without(loose, named))
        or combine_parts(_without(split, named))
        or _is_prose(split, several - named, names, positions)
    ):
        return frozenset(whole)
    return None


def _divides(split: Mapping[str, list[str]]) -> bool:
    """Return whether a mark separates genres that no name has, rather than the levels of a topic.

    Half of its parts are genres alone, too, or they `combine`. Of `Sport::Tennis`, `Sport` may be.
    """
    alone = {parts[0] for parts in split.values() if len(parts) == 1}
    beside = {part for parts in split.values() if len(parts) > 1 for part in parts}
    return combine_parts(split) or 2 * len(alone & beside) >= len(beside) > 0


def _without(split: Mapping[str, list[str]], names: Collection[str]) -> Mapping[str, list[str]]:
    return {name: parts for name, parts in split.items() if name not in names} if names else split


def _inseparable(
    pattern: re.Pattern[str], split: Mapping[str, list[str]], names: Iterable[str]
) -> set[str]:
    """Return the names, and the runs of parts in them, whose parts occur only beside each other.

    Args:
        pattern: of the mark.
        split: label -> its parts.
        names: the labels that have the mark.
    """
    names = set(names)
    after, before = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for name in names:
        for first, second in itertools.pairwise(["", *split[name], ""]):
            after[first].add(second)
            before[second].add(first)

    def has_others(part: str, beside: set[str], other: str) -> bool:
        return (part in split and part not in names) or len(beside) > (other in beside)

    def apart(first: str, second: str) -> bool:
        return has_others(first, after[first], second) and has_others(second, before[second], first)

    return {run for name in names for run in _runs(pattern, name, apart)}


def _runs(pattern: re.Pattern[str], name: str, apart: Callable[[str, str], bool]) -> Iterable[str]:
    """Yield the texts of several parts of a name none of which may be separated."""
    spans = breaks(pattern, name, ())
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(name)]
    parts = [name[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    first = 0
    for index in range(1, len(parts) + 1):
        joined = index < len(parts) and parts[index - 1] and parts[index]
        if joined and not apart(parts[index - 1], parts[index]):
            continue
        if index - first > 1:
            yield name[starts[first] : ends[index - 1]].strip()
        first = index


def _is_prose(
    split: Mapping[str, list[str]],
    several: Collection[str],
    names: Collection[str],
    positions: Positions,
) -> bool:
    """Return whether cells end with a mark and a genre, or with two genres and a mark between."""
    led = {
        name: split[name][0]
        for name in names
        if name in positions.last and len(split[name]) == 1 and split[name][0] != name
    }
    known = {part for name, parts in split.items() if name not in led for part in parts}
    if led and 2 * sum(rest in known for rest in led.values()) >= len(led):
        return True
    ended = [name for name in several if name in positions.last]
    cells = sum(positions.last[name] for name in ended)
    parts = {part for name in ended for part in split[name]}
    return (
        len(ended) >= _PAIRS and len(parts) >= _PARTS and _SHARE * cells >= positions.last.total()
    )
