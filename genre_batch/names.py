"""What may be the name of a genre: one rule for catalogs, training and model files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from genre_batch.errors import UsageError

__all__ = [
    "MAX_CHARACTERS",
    "MAX_NAMES",
    "clean_name",
    "is_name",
    "known_names",
    "name_key",
    "name_problem",
    "nearest_known",
]

MAX_NAMES = 10_000
MAX_CHARACTERS = 200
_JOINERS = "\u200c\u200d"
"""Zero-width characters that spell words of Persian, Hindi and others, and emoji."""
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Characters without a glyph: soft hyphens, zero-width spaces, marks of direction."""


def is_name(name: object) -> bool:
    """Return whether a table and a terminal can show a name: one line, no control characters."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_CHARACTERS
        and all(character.isprintable() or character in _JOINERS for character in name)
    )


def clean_name(name: str) -> str:
    """Return a name in Unicode's composed form (NFC), without invisible characters.

    White space of any kind, such as no-break and ideographic spaces and line breaks, becomes one
    space. Invisible characters are removed, except the joiners that some scripts need.
    """
    if name.isascii() and name.isprintable() and "  " not in name:
        return name.strip()
    return " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", name)).split())


def name_key(name: str) -> str:
    """Return what names that differ only in case, space or width (NFKC) have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def nearest_known(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is most like another; None if none is."""
    by_key = {name_key(each): each for each in reversed(known)}
    near = get_close_matches(name_key(name), by_key, n=1)
    return by_key[near[0]] if near else None


def known_names(parameter: str, wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted names as the known ones are spelled, where `name_key` is the same.

    Args:
        parameter: the option that lists the wanted names.
        wanted: names in any case.
        known: all names.

    Raises:
        UsageError: a name is not known.
    """
    by_key = {name_key(name): name for name in reversed(known)}
    for name in wanted:
        if name not in known and name_key(name) not in by_key:
            near = nearest_known(name, known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
            raise UsageError(f"`{parameter}`: unknown genre {name!r}: {hint}")
    return tuple(name if name in known else by_key[name_key(name)] for name in wanted)


def name_problem(names: Iterable[str]) -> str | None:
    """Return why a model cannot have these names as genres; None if it can.

    Args:
        names: cleaned, distinct names.
    """
    listed = list(names)
    if len(listed) > MAX_NAMES:
        return f"{len(listed):,} distinct genres are more than the {MAX_NAMES:,} of a model"
    for name in listed:
        if len(name) > MAX_CHARACTERS:
            return f"the genre {name[:40]!r}... has {len(name):,} characters, not {MAX_CHARACTERS}"
        if not is_name(name):
            return f"the genre {name!r} has a control character"
    return None
