"""What the model reads of a film, and the key by which two texts count as the same."""

from __future__ import annotations

import hashlib
import re
import string

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["OVERVIEW_ONLY", "TITLE_AND_OVERVIEW", "compose", "text_key", "uses_title"]

OVERVIEW_ONLY = "{overview}"
TITLE_AND_OVERVIEW = "{title}. {overview}"

_NOT_KEPT = re.compile(r"[^a-z0-9]+")


def uses_title(template: str) -> bool:
    """Whether the template has a place for the title.

    Raises:
        ValueError: the template is malformed or has any other placeholder, or no `{overview}`.
    """
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    if sorted(fields) not in (["overview"], ["overview", "title"]):
        raise ValueError(f"a text template holds {{overview}} and may hold {{title}}: {template!r}")
    return "title" in fields


def _trimmed(texts: pa.Array) -> pa.Array:
    """The texts without outer white space; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def compose(template: str, overviews: pa.Array, titles: pa.Array | None = None) -> pa.Array:
    """What the model reads of each film.

    Args:
        template: `{overview}`, or `{overview}` and `{title}` with text around them.
        overviews: (films,) strings; null or blank where a film has none.
        titles: (films,) strings, or None where the catalog has no titles.

    Returns:
        (films,) strings: the filled template; the overview alone where the template wants a title
        and the film has none; null where it has no overview.
    """
    overviews = _trimmed(overviews)
    if titles is None or not uses_title(template):
        return overviews
    values = {"overview": overviews, "title": _trimmed(titles)}
    pieces: list[pa.Array | pa.Scalar] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        if literal:
            pieces.append(pa.scalar(literal))
        if field is not None:
            pieces.append(values[field])
    filled = pc.binary_join_element_wise(*pieces, "", null_handling="emit_null")
    return pc.coalesce(filled, overviews)


def text_key(overview: str) -> int:
    """A 64-bit key that overviews share when they differ only in case, spacing or punctuation.

    The first 8 bytes, big-endian, of the SHA-256 of the lower-cased overview reduced to a-z and
    0-9; as 16 hexadecimal digits it is the `overview_key` of a split file.
    """
    reduced = _NOT_KEPT.sub("", overview.lower())
    return int.from_bytes(hashlib.sha256(reduced.encode("ascii")).digest()[:8], "big")
