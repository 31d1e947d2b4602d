"""The distinct cells of a column that decide its separators, and where marks separate a text."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from genre_batch.catalog.separator_marks import JOINING, Present, pattern_of, stand_alone
from genre_batch.catalog.separator_quotes import masked
from genre_batch.catalog.separator_words import Span, breaks

__all__ = ["Sample", "spans"]

_SIZE = 20_000
"""The number of distinct cells that decide, the first ones of the column."""


@lru_cache
def _patterns(marks: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """Return the patterns of the marks that are not of `JOINING`, and of those that are."""
    joining = tuple(mark for mark in marks if mark in JOINING)
    others = tuple(mark for mark in marks if mark not in JOINING)
    return pattern_of(others), pattern_of(joining) if joining else None


def spans(text: str, marks: tuple[str, ...], whole: Collection[str] = ()) -> list[Span]:
    """Return where the marks separate a text; those of `JOINING`, between the others.

    Args:
        text: a cell whose quoted genres are replaced.
        marks: the separators.
        whole: names that have a mark of `JOINING` and are not separated.
    """
    pattern, joining = _patterns(marks)
    found = [match.span() for match in pattern.finditer(text)]
    if joining is None:
        return found
    inner = list[Span]()
    for (_, start), (end, _) in itertools.pairwise([(0, 0), *found, (len(text), 0)]):
        between = breaks(joining, text[start:end], whole)
        inner += [(start + first, start + last) for first, last in between]
    return sorted(found + inner)


class Sample:
    """The distinct cells of a column that decide its separators.

    Attributes:
        cells: the texts, with quoted genres replaced.
        rows: the number of rows of each.
    """

    def __init__(self, cells: Mapping[str, int]) -> None:
        """Take the first `_SIZE` distinct cells; `cells`: text -> number of rows."""
        self.cells = [masked(text) for text in itertools.islice(cells, _SIZE)]
        self.rows = list(itertools.islice(cells.values(), _SIZE))

    @cached_property
    def _present(self) -> Present:
        return Present([cell.text for cell in self.cells])

    @cached_property
    def _rows_of(self) -> dict[str, int]:
        return {cell.text: rows for cell, rows in zip(self.cells, self.rows, strict=True)}

    def rows_with(self, mark: str) -> int:
        """Return the number of rows whose text has a mark."""
        if mark not in self._present:
            return 0
        search = pattern_of((mark,)).search
        pairs = zip(self.cells, self.rows, strict=True)
        return sum(rows for cell, rows in pairs if search(cell.text) is not None)

    def stand_alone(self, mark: str, *, few: bool = False) -> bool:
        """Return whether no part of the cells that have a mark occurs in another one."""
        return stand_alone(pattern_of((mark,)), self._rows_of, few=few)

    def parts(
        self, marks: Sequence[str], whole: Collection[str] = frozenset()
    ) -> Iterator[list[str]]:
        """Yield the genres of each distinct cell."""
        marks = tuple(marks)
        for cell in self.cells:
            yield cell.parts(spans(cell.text, marks, whole))

    def labels(self, marks: Sequence[str], whole: Collection[str] = frozenset()) -> Counter[str]:
        """Return genre -> number of distinct cells that have it."""
        return Counter(itertools.chain.from_iterable(map(set, self.parts(marks, whole))))
