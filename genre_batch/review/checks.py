"""Check that a review belongs to a catalog: its rows, their texts, their genres."""

from __future__ import annotations

import json
import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from genre_batch.catalog.genres import read_genres
from genre_batch.errors import CatalogError
from genre_batch.review.decisions import LabelDecision, Review
from genre_batch.review.labels import Labels
from genre_batch.review.lookup import Lookup

__all__ = ["check_copy", "check_kind", "no_such_row", "unknown_genre"]

_CUT = "…"
"""What a text of the report page ends with if the page only has its beginning."""
_SHOWN = 60
_TEXT = 20
"""Characters of a text that identifies a row."""
_FORMULA = ("=", "+", "-", "@")
"""How a formula of a spreadsheet begins; an apostrophe before it makes it a text."""
_LONGEST_CELL = 32_000
"""A spreadsheet cuts texts after 32,767 characters."""
_DIGITS = 15
"""Digits of a number that a spreadsheet keeps; it may show fewer, as in 1.23457E+19."""
_LONGEST_NUMBER = 400
"""Digits of the longest number that is compared."""
_TIME = re.compile(r"(\d+-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(?:(\d+?))??0*)?(Z|[+-].*)?")
"""A time; programs write different numbers of zeros at its end."""
_REWRITTEN = re.compile(
    r"[=+@-].*|[(+-]?\d[\d\s:/.,%+()eETZ'-]*|true|false"
    r"|[\d\s./-]*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[\d\s./,-]*",
    re.IGNORECASE,
)
"""Texts that a spreadsheet may take for a number, a date, a time, a formula or a logical value."""


def no_such_row(review: Review, decision: LabelDecision, rows: int, name: str) -> CatalogError:
    """Build the error for a row that the catalog does not have.

    Args:
        review: the review.
        decision: about the row.
        rows: the number of rows of the catalog.
        name: of the catalog.
    """
    return review.error(
        decision.record,
        "row",
        f"{name} has no row {decision.row}: it has {rows:,} rows, counted from 0: is this the "
        f"review of another catalog?",
    )


def check_copy(review: Review, decision: LabelDecision, lookup: Lookup) -> None:
    """Check that the review's copy of a row is what the catalog has.

    Args:
        review: the review.
        decision: one of its decisions.
        lookup: has the row of the catalog.

    Raises:
        CatalogError: they differ; the message has the row and the column.
    """
    row, labels = lookup.found[decision.row], lookup.labels
    assert labels is not None
    has_text = False
    others = []
    for name, column in lookup.copied_columns().items():
        if name not in decision.copy:
            continue
        ours, theirs = row.values.get(column), decision.copy[name]
        if ours is None and theirs in row.nulls:
            theirs = None
        if column in labels.columns and len(labels.columns) == 1:
            has = {labels.key(genre) for genre in labels.genres(row.values)}
            same = has in _genres(theirs, labels) or _is_same(ours, theirs)
        else:
            same = _is_same(ours, theirs)
            has_text = has_text or (same and len(_text(theirs)) >= _TEXT)
        if not same:
            others.append((name, column, ours, theirs))
    for name, column, ours, theirs in others:
        if has_text and column not in labels.columns and _may_be_rewritten(ours, theirs):
            continue  # the text shows that it is the row
        in_catalog, in_review = _difference(_text(ours), _text(theirs))
        raise review.error(
            decision.record,
            name,
            f"{lookup.place(decision.row)} has {in_catalog!r} in {column!r}, not {in_review!r}: is "
            f"this the review of another catalog, or was one of them edited?",
        )


def _genres(value: Any, labels: Labels) -> list[set[str]]:
    """Return the keys of the genres of a review's copy, in the catalog's style and in its own."""
    readings = [labels.genres({labels.columns[0]: value})]
    if isinstance(value, str):
        readings.append(read_genres([value]).genres[0])
    return [{labels.key(name) for name in names} for names in readings]


def _is_same(ours: Any, theirs: Any) -> bool:
    if ours == theirs or _is_same_json(ours, theirs):
        return True
    one, other = _text(ours), _text(theirs)
    if one == other:
        return True
    if other.endswith(_CUT):
        return one.startswith(other[: -len(_CUT)].rstrip())
    if other == f"'{one}" and one.startswith(_FORMULA):
        return True
    if len(other) >= _LONGEST_CELL and one.startswith(other):
        return True
    if (time := _TIME.fullmatch(one)) and (written := _TIME.fullmatch(other)):
        return time.groups("") == written.groups("")
    number, value = _number(one), _number(other)
    return number is not None and number == value


def _is_same_json(ours: Any, theirs: Any) -> bool:
    """Return whether a list or an object is the other value, or what its text states."""
    values = (ours, theirs)
    if not any(isinstance(value, list | dict) for value in values):
        return False
    one, other = (_from_json(value) if isinstance(value, str) else value for value in values)
    return bool(one == other)


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _may_be_rewritten(ours: Any, theirs: Any) -> bool:
    """Return whether a spreadsheet may have changed a cell when it opened or saved the review."""
    if not _REWRITTEN.fullmatch(_text(ours)):
        return False
    number, written = _number(_text(ours)), _number(_text(theirs))
    if number is None or written is None:
        return True
    return _is_rounded(number, _text(theirs))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_rounded(number: Decimal, written: str) -> bool:
    """Return whether a spreadsheet shows a number so: with few digits, or zeros after fifteen.

    Programs that read it as a float64 write it with seventeen.
    """
    if {".", "e"} & set(written.lower()) and float(number) == float(written):
        return True
    if "e" not in written.lower() and number.adjusted() < _DIGITS:
        return False
    mantissa = written.lower().partition("e")[0]
    digits = min(_DIGITS, sum(character.isdecimal() for character in mantissa))
    place = Decimal((0, (1,), number.adjusted() - digits + 1))
    with localcontext(prec=_LONGEST_NUMBER):
        roundings = (ROUND_HALF_UP, ROUND_DOWN)
        return Decimal(written) in [number.quantize(place, rounding) for rounding in roundings]


def _text(value: Any) -> str:
    """Return a value as text without differences of white space, which editors change."""
    if isinstance(value, bool):
        value = json.dumps(value)  # as audit writes it
    return "" if value is None else " ".join(str(value).split())


def _difference(ours: str, theirs: str) -> tuple[str, str]:
    """Return both texts, cut to the part in which they begin to differ."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    shortest = min(len(ours), len(theirs))
    common = next((index for index, (one, other) in pairs if one != other), shortest)
    start = common - _SHOWN // 2 if common >= _SHOWN else 0

    def shown(text: str) -> str:
        part = text[start : start + _SHOWN]
        before, after = start > 0, start + _SHOWN < len(text)
        return f"{_CUT if before else ''}{part}{_CUT if after else ''}"

    return shown(ours), shown(theirs)


def check_kind(review: Review, decision: LabelDecision, place: str, has_genre: bool) -> None:
    """Check that a row has a doubtful genre, and lacks a missing one.

    Args:
        review: the review.
        decision: one of its decisions.
        place: the row, for messages.
        has_genre: whether it has the genre.

    Raises:
        CatalogError: it is the other way around.
    """
    if decision.kind == "missing" and has_genre:
        problem = f"has {decision.genre!r}, which the review lists as missing"
    elif decision.kind == "doubtful" and not has_genre:
        problem = f"does not have {decision.genre!r}, which the review lists as doubtful"
    else:
        return
    raise review.error(
        decision.record,
        "genre",
        f"{place} {problem}: was this review applied already, or is it that of another catalog?",
    )


def unknown_genre(review: Review, decision: LabelDecision, hint: str) -> CatalogError:
    """Build the error for a genre that neither the catalog nor the model knows."""
    return review.error(decision.record, "genre", f"unknown genre {decision.genre!r}: {hint}")
