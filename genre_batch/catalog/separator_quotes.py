"""Genres in double quotes, `"Sci-Fi, Weird", Drama`, whose marks do not separate."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from genre_batch.catalog.separator_marks import STRONG, WEAK
from genre_batch.catalog.separator_words import Span

__all__ = ["Masked", "masked"]

_FIRST, _MOST_QUOTED = 0xF0000, 0xFFFE
"""The first private character that stands for a quoted genre, and the number of them."""


@lru_cache
def _quoted_parts(separator: str | None) -> re.Pattern[str]:
    """Return the pattern of a quoted genre at the start of a text or after a mark."""
    marks = [*STRONG.values(), *WEAK.values()]
    if separator is not None:
        marks.insert(0, re.escape(separator))
        if separator.strip():
            marks.insert(1, re.escape(separator.strip()))
    mark = "|".join(marks)
    return re.compile(
        rf'(?P<before>\A\s*|(?:{mark})\s*)"(?P<name>(?:[^"]|"")*)"(?=\s*(?:{mark}|\Z))'
    )


@dataclass(frozen=True)
class Masked:
    """A text in which each quoted genre is replaced by a private character between two markers."""

    text: str
    marker: str = ""
    names: tuple[str, ...] = ()

    def parts(self, spans: Sequence[Span]) -> list[str]:
        """Return the non-empty genres between the separators, quoted ones without quotes."""
        between = [(0, 0), *spans, (len(self.text), 0)]
        parts = [self.text[a:b].strip() for (_, a), (b, _) in itertools.pairwise(between)]
        if self.names:
            parts = [self.restored(part) for part in parts]
        return [part for part in parts if part]

    def written(self, part: str) -> str:
        """Return a part of the text as it was before quoted genres were replaced."""
        number = re.compile(f"{self.marker}([\U000f0000-\U000ffffd]){self.marker}")
        return number.sub(lambda found: self._in_quotes(found[1]), part) if self.names else part

    def _in_quotes(self, stand_in: str) -> str:
        return '"' + self.names[ord(stand_in) - _FIRST].replace('"', '""') + '"'

    def restored(self, part: str) -> str:
        """Return a part of the text with its quoted genres, without quotes if it is one."""
        if not self.names:
            return part
        number = re.compile(f"{self.marker}([\U000f0000-\U000ffffd]){self.marker}")
        if (whole := number.fullmatch(part)) is not None:
            return self.names[ord(whole[1]) - _FIRST]
        return number.sub(lambda found: self._in_quotes(found[1]), part)


def masked(text: str, separator: str | None = None) -> Masked:
    """Replace the quoted genres of a text; `separator`: the one that the user named, if any."""
    if '"' not in text:
        return Masked(text)
    # Noncharacters of Unicode: one that the text does not have.
    marker = next((chr(c) for c in range(0xFDD0, 0xFDF0) if chr(c) not in text), "\ufdd0")
    names: list[str] = []
    pattern, out, position = _quoted_parts(separator), [], 0
    while (found := pattern.search(text, position)) is not None and len(names) < _MOST_QUOTED:
        out += [text[position : found.start("name") - 1], marker, chr(_FIRST + len(names)), marker]
        names.append(found["name"].replace('""', '"'))
        position = found.end()
    return Masked("".join([*out, text[position:]]), marker, tuple(names))
