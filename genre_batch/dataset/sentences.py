"""Splitting an English text into sentences."""

from __future__ import annotations

import re

__all__ = ["sentences"]

# The space after a sentence and its closing quotes or brackets, if something starts after it.
_BETWEEN = re.compile(r"(?<=[.!?…])([\"'\u201d\u2019)\]]*)\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9])")
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Lt|Col|Gen|Sgt|Capt|Prof|vs|No)\.$")
_LONGEST = 12
"""More characters than an abbreviation and the letter before it have."""


def sentences(text: str) -> list[str]:
    """Split an English text into sentences, but not after an initial or a title (`Dr.`)."""
    parts: list[str] = []
    start = 0
    for between in _BETWEEN.finditer(text):
        end = between.start()
        # Searched in all of a long sentence, many initials would take quadratic time.
        if not _ABBREVIATION.search(text[max(start, end - _LONGEST) : end]):
            parts.append(text[start : between.end(1)])
            start = between.end()
    return [*parts, text[start:]]
