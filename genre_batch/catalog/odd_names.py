"""Recognize genre names that are rather program output or markup than names."""

from __future__ import annotations

import re
from collections.abc import Collection

from genre_batch.names import MAX_CHARACTERS

__all__ = ["is_odd", "odd_names_problem"]

_ODD = re.compile(
    r"<[^<>]+>"  # a tag, or an object as Python prints it
    r"|\\[\"']|=|:\s*\""  # an escape, an attribute, a member
    r"|&(?:#\w+|[A-Za-z]\w+);"  # an HTML entity
    r"|[^\s\d].*[(\[]\s*\d+(?:[.,]\d+)?\s*%?\s*[)\]]\Z"  # a count or a share in brackets
    r"|[^\s\d].*:\s*[+-]?(?:\d+(?:[.,]\d+)?|\.\d+)\s*%?\Z",  # a weight after a colon
    re.DOTALL,
)
_YEAR = re.compile(r"[(\[:]\s*(?:1[89]|20)\d\d\s*[)\]]?\Z")
"""The end of names such as `Horror (1990)`."""
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))
_FEW, _FEW_SHARE = 2, 0.1
"""Names that may be meant so: below this number, and below this share of all."""


def is_odd(name: str) -> bool:
    """Return whether a name has what program output or markup has; a long text is no name."""
    if len(name) > MAX_CHARACTERS:
        return False
    if any(name.count(start) != name.count(end) for start, end in _PAIRS):
        return True
    if name.count('"') % 2:
        return True
    return _ODD.search(name) is not None and _YEAR.search(name) is None


def odd_names_problem(names: Collection[str], column: str) -> str | None:
    """Return a message if many names look like program output or markup; None if not.

    Args:
        names: the genres of a catalog.
        column: that they are read from.
    """
    odd = [name for name in names if is_odd(name)]
    if len(odd) < max(_FEW, _FEW_SHARE * len(names)):
        return None
    shown = ", ".join(repr(name[:40]) for name in odd[:3])
    return (
        f"{len(odd):,} of the {len(names):,} genres of {column!r} look like program output or "
        f"markup: {shown}: clean the column, name the mark between genres with "
        f"`genre_separator`, or rename them with `genre_map`"
    )
