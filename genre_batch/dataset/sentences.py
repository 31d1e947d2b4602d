"""Where the sentences of an English text end."""

from __future__ import annotations

import re

__all__ = ["sentences"]

# Behind the end of a sentence, and the quotes or brackets that close with it, something begins.
_BETWEEN = re.compile(r"(?<=[.!?…])([\"'\u201d\u2019)\]]*)\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9])")
_NO_END = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Lt|Col|Gen|Sgt|Capt|Prof|vs|No)\.$")


def sentences(text: str) -> list[str]:
    """The sentences of an English text; an initial or a title (`Dr.`) ends none."""
    found: list[str] = []
    start = 0
    for between in _BETWEEN.finditer(text):
        if not _NO_END.search(text[start : between.start()]):
            found.append(text[start : between.end(1)])
            start = between.end()
    return [*found, text[start:]]
