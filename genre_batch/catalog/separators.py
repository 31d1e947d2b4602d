"""Find the separator of a column of texts with several genres each; split and join such texts.

The whole column decides: a separator is a mark whose parts recur. In `Action, Adventure|Drama`, the
comma gives more distinct genres over the column than the bar does, so the comma is part of a name.
The marks and the evidence for each kind of them are in `separator_marks.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from genre_batch.catalog.genre_values import opens_list, read_text
from genre_batch.catalog.separator_marks import (
    COMMON,
    JOINING,
    RARE,
    SPACE,
    STRONG,
    WEAK,
    are_codes,
    combine,
    is_codes,
    pattern_of,
    recur,
    stand_alone,
)

__all__ = ["Evidence", "Separators", "find_separators", "join_genres", "quoted"]

_SAMPLE = 20_000
"""The number of distinct cells that decide, the first ones of the column."""
_FIRST, _MOST_QUOTED = 0xF0000, 0xFFFE
"""The first private character that stands for a quoted genre, and the number of them."""
_JOINED = 0.8
"""The share of the parts of a further mark that must be genres of cells without it (by hand)."""


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
class _Masked:
    """A text in which each quoted genre is replaced by a private character between two markers."""

    text: str
    marker: str = ""
    names: tuple[str, ...] = ()

    def parts(self, pattern: re.Pattern[str], text: str | None = None) -> list[str]:
        """Return the non-empty genres between the separators, quoted ones without quotes.

        Args:
            pattern: of the separators.
            text: a part of the text; None: all of it.
        """
        parts = [part.strip() for part in pattern.split(self.text if text is None else text)]
        if self.names:
            parts = [self._restored(part) for part in parts]
        return [part for part in parts if part]

    def written(self, part: str) -> str:
        """Return a part of the text as it was before quoted genres were replaced."""
        number = re.compile(f"{self.marker}([\U000f0000-\U000ffffd]){self.marker}")
        return number.sub(lambda found: self._in_quotes(found[1]), part) if self.names else part

    def _in_quotes(self, stand_in: str) -> str:
        return '"' + self.names[ord(stand_in) - _FIRST].replace('"', '""') + '"'

    def _restored(self, part: str) -> str:
        number = re.compile(f"{self.marker}([\U000f0000-\U000ffffd]){self.marker}")
        if (whole := number.fullmatch(part)) is not None:
            return self.names[ord(whole[1]) - _FIRST]
        return number.sub(lambda found: self._in_quotes(found[1]), part)


def _masked(text: str, separator: str | None = None) -> _Masked:
    if '"' not in text:
        return _Masked(text)
    # Noncharacters of Unicode: one that the text does not have.
    marker = next((chr(c) for c in range(0xFDD0, 0xFDF0) if chr(c) not in text), "\ufdd0")
    names: list[str] = []
    pattern, out, position = _quoted_parts(separator), [], 0
    while (found := pattern.search(text, position)) is not None and len(names) < _MOST_QUOTED:
        out += [text[position : found.start("name") - 1], marker, chr(_FIRST + len(names)), marker]
        names.append(found["name"].replace('""', '"'))
        position = found.end()
    return _Masked("".join([*out, text[position:]]), marker, tuple(names))


@dataclass(frozen=True)
class Evidence:
    """What a column would be with one separator.

    Attributes:
        mark: the separator.
        cells: the number of cells that have it.
        labels: the number of distinct genres that it would give.
    """

    mark: str
    cells: int
    labels: int


@dataclass(frozen=True)
class Separators:
    """The separators of a column, and why they are.

    Attributes:
        marks: the separators; empty: each cell is one genre.
        given: the separator that the user named, which is then the only one; None: found.
        evidence: what the marks in the column would give, the chosen ones first.
        cells: the number of cells looked at.
        doubtful: the separators whose parts never occur in another cell, in too few rows to tell
            whether they are parts of names.
    """

    marks: tuple[str, ...] = ()
    given: str | None = None
    evidence: tuple[Evidence, ...] = ()
    cells: int = 0
    doubtful: tuple[str, ...] = ()

    @property
    def alternative(self) -> tuple[str, str] | None:
        """What the separator may be instead, and the separator to name then; None: nothing else."""
        if self.given is not None:
            return None
        if self.doubtful:
            present = {entry.mark for entry in self.evidence}
            unused = next((mark for mark in "|;" if mark not in present), "~~")
            return f"{self.doubtful[0]!r} may belong to names, as no part recurs", unused
        for entry in self.evidence:
            if entry.mark not in self.marks and entry.mark not in STRONG:
                return f"{entry.mark!r} may separate genres too", entry.mark
        return None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return pattern_of(self.marks) if self.given is None else re.compile(re.escape(self.given))

    def split(self, text: str) -> list[str]:
        """Return the distinct genres of a text, in its order."""
        if self.given in ("><", "][") and text[:1] == self.given[1] and text[-1:] == self.given[0]:
            text = text[1:-1]
        return list(dict.fromkeys(_masked(text, self.given).parts(self._pattern)))

    def pieces(self, text: str) -> list[tuple[str, str, str]]:
        """Return each part of a text as (how it is written, its genre, the separator before it).

        The separators include white space around them; parts without a genre are empty.
        """
        masked = _masked(text, self.given)
        spans, position = list[tuple[str, str]](), 0
        before = ""
        for found in self._pattern.finditer(masked.text):
            spans.append((masked.text[position : found.start()], before))
            before, position = found[0], found.end()
        spans.append((masked.text[position:], before))
        pieces, space = list[tuple[str, str, str]](), ""
        for part, mark in spans:
            bare = part.strip()
            start = part[: len(part) - len(part.lstrip())]
            raw = masked.written(bare)
            name = masked.parts(re.compile(r"(?!)"), bare)
            pieces.append((raw, name[0] if name else "", space + mark + start))
            space = part[len(start) + len(bare) :]
        return [*pieces, ("", "", space)]

    def __str__(self) -> str:
        """Return the separators and the evidence as a clause."""
        if self.given is not None:
            return f"separator {self.given!r}, as given"
        chosen = [entry for entry in self.evidence if entry.mark in self.marks]
        others = [entry for entry in self.evidence if entry.mark not in self.marks]
        if not chosen:
            whole = "each cell is one genre" if self.cells else "no cell is a text to split"
            text = f"no separator: {whole}"
        else:
            text = " and ".join(
                f"separator {entry.mark!r} in {entry.cells:,} of {self.cells:,} cells"
                for entry in chosen
            )
        rejected = ", ".join(
            f"{entry.mark!r} (in {entry.cells:,} cells) would give {entry.labels:,}"
            for entry in others[:3]
        )
        return text + (f"; {rejected} distinct genres" if rejected else "")


def find_separators(cells: Mapping[str, int]) -> Separators:
    """Find the separators of a column from all its cells.

    The first separator is the mark that gives the fewest distinct genres. Another mark separates as
    well if it never occurs in a cell beside the first one and its parts are genres of other cells.
    Of the marks of `separator_marks.py` that names have too, `WEAK` ones separate if nearly all of
    their parts recur in other cells, `JOINING` ones if these also stand in several combinations; a
    space, if nothing else separates and all words are codes that recur. A mark of `COMMON` is part
    of the names where none of its parts ever occurs in another cell (`stand_alone`).

    Args:
        cells: distinct texts -> number of rows; those that are lists already are not among them.

    Returns:
        The separators; the same for the same cells in the same order.
    """
    sample = [(_masked(text), rows) for text, rows in list(cells.items())[:_SAMPLE]]
    evidence = [_evidence(mark, sample) for mark in STRONG]
    evidence = [entry for entry in evidence if entry.cells]
    evidence.sort(key=lambda entry: entry.labels)  # stable: of equal ones, the first in `STRONG`
    cells_of = {cell.text: rows for cell, rows in sample}
    strong = [
        entry.mark
        for entry in evidence
        if entry.mark not in COMMON or not stand_alone(pattern_of((entry.mark,)), cells_of)
    ]
    marks = strong[:1]
    for mark in strong[1:]:
        if _joins(mark, tuple(marks), [text for text, _ in sample]):
            marks.append(mark)
    labels = _labels(sample, tuple(marks))
    for mark in (*WEAK, *JOINING):
        if (recur if mark in WEAK else combine)(pattern_of((mark,)), labels):
            marks.append(mark)
            labels = _labels(sample, tuple(marks))
    if not marks and are_codes(labels):
        marks.append(SPACE)
    for mark in (*WEAK, *JOINING, *RARE, SPACE):
        entry = _evidence(mark, sample, tuple(marks))
        # A mark that names have too is worth mentioning if it would halve the number of genres, or
        # if its parts are genres already.
        if entry.cells and (
            mark in marks
            or 2 * entry.labels <= len(labels)
            or (mark != SPACE and recur(pattern_of((mark,)), labels))
        ):
            evidence.append(entry)
    evidence.sort(key=lambda entry: (entry.mark not in marks, entry.labels))
    return Separators(
        tuple(marks),
        None,
        tuple(evidence),
        sum(rows for _, rows in sample),
        tuple(mark for mark in marks if mark in COMMON and _never_recurs(mark, sample)),
    )


def _never_recurs(mark: str, sample: list[tuple[_Masked, int]]) -> bool:
    """Return whether no part of the cells that have a mark occurs in another one, be they few."""
    pattern = pattern_of((mark,))
    return stand_alone(pattern, {cell.text: rows for cell, rows in sample}, few=True)


def _evidence(
    mark: str, sample: list[tuple[_Masked, int]], chosen: tuple[str, ...] = ()
) -> Evidence:
    """Return what a mark would give besides those chosen."""
    pattern = pattern_of((mark,))
    rows = sum(count for cell, count in sample if pattern.search(cell.text))
    labels = _labels(sample, tuple(dict.fromkeys((*chosen, mark)))) if rows else ()
    return Evidence(mark, rows, len(labels))


def _labels(sample: list[tuple[_Masked, int]], marks: tuple[str, ...]) -> Counter[str]:
    """Return genre -> number of distinct cells that have it."""
    pattern = pattern_of(marks)
    return Counter(part for cell, _ in sample for part in set(cell.parts(pattern)))


def _joins(mark: str, marks: tuple[str, ...], cells: list[_Masked]) -> bool:
    """Return whether a mark separates in other cells than the marks do, into the same genres."""
    pattern, chosen = pattern_of((mark,)), pattern_of(marks)
    known: set[str] = set()
    parts: set[str] = set()
    for cell in cells:
        if pattern.search(cell.text) is None:
            known.update(cell.parts(chosen))
        elif chosen.search(cell.text) is not None:
            return False
        else:
            parts.update(cell.parts(pattern))
    return len(parts & known) >= _JOINED * len(parts) > 0


def join_genres(genres: Iterable[str], separator: str) -> str:
    """Join genres so that `Separators.split` gives them back exactly: some in quotes."""
    return separator.join(quoted(name, separator) for name in genres)


def quoted(name: str, separator: str) -> str:
    """Return a genre as it is written in a joined text, in double quotes if it has to be.

    Quoted are names that have the separator, a mark that may be one, a quote, or space at an end,
    and names that would be read as a list, as several codes or as a text that stands for null.
    """
    mark = separator.strip() or separator
    needs_quotes = (
        read_text(name) != name  # blank, null, or a list
        or '"' in name
        or mark in name
        or (len(mark) > 1 and (name[0] in mark or name[-1] in mark))
        or opens_list(name)
        or pattern_of(tuple(STRONG)).search(f" {name} ") is not None
        or any(_is_several(pattern_of((weak,)).split(name)) for weak in WEAK)
        or is_codes(name.split())
    )
    return '"' + name.replace('"', '""') + '"' if needs_quotes else name


def _is_several(parts: list[str]) -> bool:
    return sum(bool(part.strip()) for part in parts) > 1
