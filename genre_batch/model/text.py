"""The text that the model reads for a film, and when two texts count as the same."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "OVERVIEW_ONLY",
    "TITLE_AND_OVERVIEW",
    "compose",
    "predict_distinct",
    "text_key",
    "uses_title",
]

OVERVIEW_ONLY = "{overview}"
TITLE_AND_OVERVIEW = "{title}. {overview}"

_IGNORED_IN_KEYS = re.compile(r"[^a-z0-9]+")


def uses_title(template: str) -> bool:
    """Return whether the template contains the title.

    Raises:
        ValueError: the template is malformed, has no `{overview}` or has another placeholder.
    """
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    if sorted(fields) not in (["overview"], ["overview", "title"]):
        raise ValueError(f"a text template needs {{overview}} and may have {{title}}: {template!r}")
    return "title" in fields


def _trimmed(texts: pa.Array) -> pa.Array:
    """Strip white space; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def compose(template: str, overviews: pa.Array, titles: pa.Array | None = None) -> pa.Array:
    """Compose the text that the model reads for each film.

    Args:
        template: `{overview}`, or `{overview}` and `{title}` with text around them.
        overviews: (films,) strings; null or blank where a film has none.
        titles: (films,) strings, or None where the catalog has no titles.

    Returns:
        (films,) strings: the filled template; the overview alone where the template has a title
        and the film does not; null where the film has no overview.
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


def predict_distinct(
    texts: pa.Array, predict: Callable[[pa.Array], npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Predict each distinct text once, and return the probabilities of every text.

    Args:
        texts: (rows,) strings, as `compose` returns them; null where there is no text.
        predict: maps (distinct,) strings, none of them null, to their (distinct, genres) float32
            probabilities.

    Returns:
        (rows, genres) float32; a row of NaN where there is no text.
    """
    encoded = texts.dictionary_encode()
    distinct = predict(encoded.dictionary)
    without_text = np.full((1, distinct.shape[1]), np.nan, np.float32)
    indices = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    probabilities: npt.NDArray[np.float32] = np.concatenate([distinct, without_text])[indices]
    return probabilities


def text_key(overview: str) -> int:
    """Return a 64-bit key shared by overviews that only differ in case, spacing or punctuation.

    It is the first 8 bytes, big-endian, of the SHA-256 of the lower-cased overview reduced to a-z
    and 0-9. Written as 16 hexadecimal digits it is the `overview_key` of a split file.
    """
    reduced = _IGNORED_IN_KEYS.sub("", overview.lower())
    return int.from_bytes(hashlib.sha256(reduced.encode("ascii")).digest()[:8], "big")
