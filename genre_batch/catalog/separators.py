"""Find the separator of a column of texts with several genres each; split and join such texts.

The whole column decides: a separator is a mark whose parts recur. In `Action, Adventure|Drama`, the
comma gives more distinct genres over the column than the bar does, so the comma is part of a name.
The marks and the evidence for each kind of them are in `separator_marks.py`.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from genre_batch.catalog.genre_values import opens_list, read_text
from genre_batch.catalog.separator_marks import (
    COMMON,
    DOUBLED,
    JOINING,
    RARE,
    SPACE,
    STRONG,
    WEAK,
    Present,
    are_codes,
    doubled,
    is_codes,
    pattern_of,
    recur,
    recur_parts,
    split_parts,
)
from genre_batch.catalog.separator_quotes import Masked, masked
from genre_batch.catalog.separator_sample import Sample, spans
from genre_batch.catalog.separator_words import Positions, Span, names_kept_whole

__all__ = ["Evidence", "Separators", "find_separators", "join_genres", "quoted"]

_JOINED = 0.8
"""The share of the parts of a further mark that must be genres of cells without it (by hand)."""


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
        whole: names that have a separator of `JOINING` and stay whole, as `Rock and Roll` does.
    """

    marks: tuple[str, ...] = ()
    given: str | None = None
    evidence: tuple[Evidence, ...] = ()
    cells: int = 0
    doubtful: tuple[str, ...] = ()
    whole: frozenset[str] = frozenset()

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

    def _spans(self, text: str) -> list[Span]:
        """Return where the separators of a text are."""
        if self.given is not None:
            return [found.span() for found in re.finditer(re.escape(self.given), text)]
        return spans(text, self.marks, self.whole)

    def split(self, text: str) -> list[str]:
        """Return the distinct genres of a text, in its order."""
        if self.given in ("><", "][") and text[:1] == self.given[1] and text[-1:] == self.given[0]:
            text = text[1:-1]
        masked_text = masked(text, self.given)
        return list(dict.fromkeys(masked_text.parts(self._spans(masked_text.text))))

    def pieces(self, text: str) -> list[tuple[str, str, str]]:
        """Return each part of a text as (how it is written, its genre, the separator before it).

        The separators include white space around them; parts without a genre are empty.
        """
        masked_text = masked(text, self.given)
        found, position = list[tuple[str, str]](), 0
        before = ""
        for start, end in self._spans(masked_text.text):
            found.append((masked_text.text[position:start], before))
            before, position = masked_text.text[start:end], end
        found.append((masked_text.text[position:], before))
        pieces, space = list[tuple[str, str, str]](), ""
        for part, mark in found:
            bare = part.strip()
            lead = part[: len(part) - len(part.lstrip())]
            pieces.append(
                (masked_text.written(bare), masked_text.restored(bare), space + mark + lead)
            )
            space = part[len(lead) + len(bare) :]
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
        if self.whole:
            first, more = min(self.whole), len(self.whole) - 1
            text += f"; {first!r}" + (f" and {more:,} more" if more else "")
            text += f" {'stay' if more else 'stays'} one name"
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
    their parts recur in other cells, `JOINING` ones if these also stand in several combinations or
    as in prose (`names_kept_whole`); a space, if nothing else separates and all words are codes
    that recur. A mark of `COMMON` is part of names where no part ever occurs in another cell
    (`stand_alone`). A doubled mark separates unless it stands for an empty genre (`doubled`).

    Args:
        cells: distinct texts -> number of rows; those that are lists already are not among them.

    Returns:
        The separators; the same for the same cells in the same order.
    """
    sample = Sample(cells)
    evidence = _strong_evidence(sample)
    strong = [
        entry.mark
        for entry in evidence
        if entry.mark not in COMMON or not sample.stand_alone(entry.mark)
    ]
    marks = strong[:1]
    for mark in strong[1:]:
        if _joins(mark, tuple(marks), sample.cells):
            marks.append(mark)
    # Beside a list's own mark, `C++ and Drama` ends a list in prose.
    whole, labels = _add_joining(marks, sample) if marks else (frozenset(), sample.labels(()))
    tried = list(marks)
    present = Present(labels)
    for mark in WEAK:
        if mark in present and recur(pattern_of((mark,)), labels):
            marks.append(mark)
            labels = sample.labels(marks, whole)
    if not marks or (marks != tried and not set(JOINING).intersection(marks)):
        whole, labels = _add_joining(marks, sample)
    if not marks and are_codes(labels):
        marks.append(SPACE)
    evidence += _further_evidence(marks, sample, labels)
    evidence.sort(key=lambda entry: (entry.mark not in marks, entry.labels))
    doubtful = (mark for mark in marks if mark in COMMON and sample.stand_alone(mark, few=True))
    return Separators(
        marks=tuple(marks),
        evidence=tuple(evidence),
        cells=sum(sample.rows),
        doubtful=tuple(doubtful),
        whole=whole,
    )


def _strong_evidence(sample: Sample) -> list[Evidence]:
    """Return what each mark of `STRONG` would give, the fewest genres first."""
    found = {mark: rows for mark in STRONG if (rows := sample.rows_with(mark))}
    labels = {mark: sample.labels((mark,)) for mark in found}
    for mark, single in DOUBLED.items():
        if mark in found:
            found.pop(single if doubled(mark, labels[mark]) else mark, None)
    entries = [Evidence(mark, rows, len(labels[mark])) for mark, rows in found.items()]
    return sorted(entries, key=lambda entry: entry.labels)  # of equal ones, the first in `STRONG`


def _add_joining(marks: list[str], sample: Sample) -> tuple[frozenset[str], Counter[str]]:
    """Add the marks of `JOINING` that separate.

    The mark that the most genres have is decided first: it may separate names that have another.

    Returns:
        The names that stay whole; genre -> number of distinct cells that have it.
    """
    whole = frozenset[str]()
    while True:
        positions = Positions.of(sample.parts(marks, whole))
        for mark in positions.joined:
            names = None if mark in marks else names_kept_whole(mark, positions)
            if names is not None:
                marks.append(mark)
                whole |= names
                break
        else:
            return whole, positions.labels


def _further_evidence(
    marks: Collection[str], sample: Sample, labels: Counter[str]
) -> Iterator[Evidence]:
    """Yield what the marks that names have too give, or would give besides those chosen.

    One that is not chosen is worth mentioning if it would halve the number of genres, or if its
    parts are genres already.

    Args:
        marks: the separators.
        sample: the cells.
        labels: genre -> number of distinct cells, with these separators.
    """
    for mark in (*WEAK, *JOINING, *RARE, SPACE):
        if not (rows := sample.rows_with(mark)):
            continue
        if mark in marks:
            yield Evidence(mark, rows, len(labels))
            continue
        split = split_parts(pattern_of((mark,)), labels)
        count = len(set(itertools.chain.from_iterable(split.values())))
        if 2 * count <= len(labels) or (mark != SPACE and recur_parts(split)):
            yield Evidence(mark, rows, count)


def _joins(mark: str, marks: tuple[str, ...], cells: list[Masked]) -> bool:
    """Return whether a mark separates in other cells than the marks do, into the same genres."""
    pattern, chosen = pattern_of((mark,)), pattern_of(marks)
    known: set[str] = set()
    parts: set[str] = set()
    for cell in cells:
        if pattern.search(cell.text) is None:
            known.update(cell.parts(spans(cell.text, marks)))
        elif chosen.search(cell.text) is not None:
            return False
        else:
            parts.update(cell.parts(spans(cell.text, (mark,))))
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
        or ("\n" in separator and pattern_of(("line break",)).search(name) is not None)
        or any(_is_several(pattern_of((weak,)).split(name)) for weak in WEAK)
        or is_codes(name.split())
    )
    return '"' + name.replace('"', '""') + '"' if needs_quotes else name


def _is_several(parts: list[str]) -> bool:
    return sum(bool(part.strip()) for part in parts) > 1
