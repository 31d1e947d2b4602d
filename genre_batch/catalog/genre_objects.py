"""What an object in a genre cell states about genres: names by id, flags, or weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "NAME_KEYS",
    "Flagged",
    "Weighted",
    "are_weights",
    "flags_of",
    "has_scores",
    "holding",
    "is_entry",
    "names_are_keys",
]

NAME_KEYS = ("name", "Name", "genre", "label", "tag", "title", "term", "display_name")

_FLAGS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), True),
    **dict.fromkeys(("0", "0.0", "false", "no"), False),
}
"""Texts that are flags where all values of an object are."""
_FLAG_KEY = re.compile(
    r"(?:is_?)?(?:applicable|assigned|checked|included|positive|present|selected|set|true)",
    re.IGNORECASE,
)
"""Members beside a name that state whether the genre holds.

Others, such as `is_primary` or `active`, describe the genre.
"""
_SCORE_KEYS = frozenset(
    ("score", "probability", "confidence", "weight", "prob", "p", "likelihood", "percent")
)
_ID = re.compile(
    r"/\w+/\w+|[A-Za-z]{1,4}[-_:]?\d{3,}|[a-z]*:?Q\d+|https?://\S+|"
    r"[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}|(?=\D*\d)[0-9A-Fa-f]{12,}"
)
"""Ids of Freebase, IMDb, Wikidata and others, addresses, UUIDs and other hexadecimal ids."""
_ID_KEY = re.compile(r"(?:.*[_-])?ids?|.*I[dD]s?|pk|uuid")
_DIGITS = re.compile(r"[+-]?\d+(?:\.\d*)?%?|[+-]?\.\d+%?")


class Flagged(list[str]):
    """The names of an object of 0 and 1: counts or weights, if other cells have other numbers."""


class Weighted(list[str]):
    """The integers of an object from name to number, which are genres only if a file names them."""


def is_entry(value: object) -> bool:
    """Return whether a value is an entry of a map, or a pair of a name and a number."""
    if isinstance(value, tuple):
        return len(value) == 2 and isinstance(value[0], str | int)
    if not isinstance(value, list) or len(value) != 2:
        return False
    key, member = value
    return (
        isinstance(key, str | int)
        and isinstance(key, str) is not isinstance(member, str)
        and (isinstance(member, str | int | float))
    )


def flags_of(value: Mapping[str, object]) -> tuple[dict[str, bool], bool] | None:
    """Return what an object of flags by name states; None if it is no such object.

    Returns:
        Name -> whether it holds; and whether the flags are numbers, which may be counts.
    """
    members = {name: flag for name, flag in value.items() if not _is_null(flag)}
    flags = {name: flag for name, item in members.items() if (flag := _flag(item)) is not None}
    if not flags or len(flags) < len(members) or "id" in value:
        return None
    return flags, any(_number(item) is not None for item in members.values())


def are_weights(value: Mapping[str, object]) -> bool:
    """Return whether an object is one from name to number, which are not flags."""
    members = {str(name): item for name, item in value.items() if not _is_null(item)}
    return bool(members) and all(
        _number(item) is not None and _ID_KEY.fullmatch(name) is None and not name.isdecimal()
        for name, item in members.items()
    )


def names_are_keys(value: Mapping[str, object]) -> bool:
    """Return whether an object is one from name to id; if not, it may be one from id to name."""
    ids = [item for item in value.values() if not _is_null(item)]
    return (
        bool(ids)
        and all(isinstance(item, str) and _ID.fullmatch(item.strip()) for item in ids)
        and not any(_ID.fullmatch(str(key)) or _ID_KEY.fullmatch(str(key)) for key in value)
    )


def has_scores(values: Iterable[object]) -> bool:
    """Return whether objects have a score beside the name, which states no genre by itself."""
    objects = [value for value in values if isinstance(value, Mapping)]
    return any(
        (key.lower() in _SCORE_KEYS and _number(item) is not None)
        or (key.lower() == "value" and isinstance(item, float) and not item.is_integer())
        for value in objects
        for key, item in value.items()
        if isinstance(key, str)
    )


def holding(values: Sequence[object]) -> list[object]:
    """Return the values without the objects that state that their genre does not hold.

    That is a false flag beside the name, or a count of 0. Numbers under `value` may be ids, which
    do not repeat: they are flags if all of a cell are 0 or 1, and one of them is there twice.
    """
    numbers = [
        value["value"]
        for value in values
        if isinstance(value, Mapping) and type(value.get("value")) in (int, float)
    ]
    are_flags = set(numbers) <= {0, 1} and len(numbers) > len(set(numbers))
    return [
        value
        for value in values
        if not isinstance(value, Mapping)
        or not any(_is_false(key, item, are_flags) for key, item in value.items())
    ]


def _is_false(key: object, item: object, numbers_are_flags: bool) -> bool:
    if not isinstance(key, str) or _is_null(item):
        return False
    if key.lower() == "count":
        return _number(item) == 0
    if key.lower() == "value":
        is_number = _number(item) is not None
        return (numbers_are_flags or not is_number) and _flag(item) is False
    return _FLAG_KEY.fullmatch(key) is not None and _flag(item) is False


def _flag(value: object) -> bool | None:
    """Return what a flag states, be it a float, as pandas writes it, or a text; None: no flag."""
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    return _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """Return a number, also one in a text; None for flags and all else."""
    if isinstance(value, str):
        text = value.strip()
        return float(text.rstrip("%")) if _DIGITS.fullmatch(text) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_null(value: object) -> bool:
    return value is None or value != value
