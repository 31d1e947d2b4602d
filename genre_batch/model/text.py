"""The text that the model reads for a film."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "OVERVIEW_ONLY",
    "TITLE_AND_OVERVIEW",
    "compose",
    "predict_distinct",
    "text_array",
    "uses_title",
]

OVERVIEW_ONLY = "{overview}"
TITLE_AND_OVERVIEW = "{title}. {overview}"

_MISSING_IN_PANDAS = ("NAType", "NaTType")


def uses_title(template: str) -> bool:
    """Return whether the template contains the title.

    Raises:
        ValueError: the template is malformed, has no `{overview}` or has another placeholder.
    """
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    if sorted(fields) not in (["overview"], ["overview", "title"]):
        raise ValueError(f"a text template needs {{overview}} and may have {{title}}: {template!r}")
    return "title" in fields


def text_array(values: Any, name: str) -> pa.Array:
    """Convert texts to an Arrow array; None, NaN and pandas' NA become null.

    Lone surrogates, which UTF-8 cannot hold, are replaced with question marks.

    Args:
        values: a list, an array or a Series of strings.
        name: the parameter that holds them, for messages.

    Raises:
        TypeError: it is one string, or something else than a list of strings.
    """
    if isinstance(values, str | bytes) or values is None:
        raise TypeError(f"`{name}` must be a list of strings, got {type(values).__name__}: [text]")
    if isinstance(values, Mapping | Set) or hasattr(values, "columns"):  # a table, too
        raise TypeError(f"`{name}` must be a list of strings, got {type(values).__name__}")
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return _arrow_strings(values, name)
    if not isinstance(values, Sequence) and not hasattr(values, "__array__"):
        try:
            values = list(values)
        except TypeError as error:
            raise TypeError(
                f"`{name}` must be a list of strings, got {type(values).__name__}"
            ) from error
    try:
        return pa.array(values, pa.string(), from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError):
        checked = [_checked_text(value, f"`{name}`[{i}]") for i, value in enumerate(values)]
        return pa.array(checked, pa.string())


def _arrow_strings(values: pa.Array | pa.ChunkedArray, name: str) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    ):
        raise TypeError(f"`{name}` must be an array of strings, got one of {kind}")
    return values.cast(pa.string())


def _checked_text(value: object, name: str) -> str | None:
    if isinstance(value, bytes | str):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return text.encode("utf-8", "replace").decode("utf-8")
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if type(value).__name__ in _MISSING_IN_PANDAS:
        return None
    raise TypeError(f"{name} must be a string or None, got {value!r}")


def _trimmed(texts: pa.Array) -> pa.Array:
    """Strip white space; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def compose(template: str, overviews: pa.Array, titles: pa.Array | None = None) -> pa.Array:
    """Compose the text that the model reads for each film.

    Args:
        template: `{overview}`, or `{overview}` and `{title}`, with text around them.
        overviews: (films,) strings; null or blank where a film has none.
        titles: (films,) strings, or None where the catalog has no titles.

    Returns:
        (films,) strings: the filled template; the overview alone where the template has a title
        and the film does not; null where the film has no overview.
    """
    overviews = _trimmed(overviews)
    if template == OVERVIEW_ONLY or (uses_title(template) and titles is None):
        return overviews
    values = {"overview": overviews}
    if titles is not None:
        values["title"] = _trimmed(titles)
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
