"""The texts in a column of lists, of any layout."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.nested import is_list, without_views
from genre_batch.catalog.texts import as_strings, holds_text

__all__ = ["item_counts"]


def item_counts(column: pa.ChunkedArray) -> Counter[str] | None:
    """Return text -> how often the lists of a column have it; None for a column of another type.

    Args:
        column: rows of any type; those of lists of texts are counted, whatever their layout.
    """
    if not is_list(column.type) or not holds_text(column.type.value_type):
        return None
    items = pc.list_flatten(without_views(column.combine_chunks()))
    counts = as_strings(items).drop_null().value_counts()
    pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
    return Counter(dict(pairs))
