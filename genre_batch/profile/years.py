"""The year of each row, from a column of dates or years of any type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.columns import matching_columns
from genre_batch.catalog.texts import as_strings, holds_text

__all__ = ["NO_YEAR", "YEAR_COLUMNS", "year_column", "year_columns", "years_of"]

YEAR_COLUMNS = (
    *("release_date", "release_year", "year", "release date", "release year", "date", "released"),
    *("startyear", "start_year", "publication_date", "publication_year", "published", "pub_date"),
    *("premiere", "first_air_date", "created_at", "created", "update_date"),
)
"""Usual names of columns of dates, the preferred ones first."""
NO_YEAR = 0
_FIRST, _LAST = 1800, 2199
_YEAR = r"(?:^|[^0-9])(?P<year>(?:18|19|20|21)[0-9]{2})(?:[^0-9]|$)"


def year_column(columns: Sequence[str]) -> str | None:
    """Return the column of dates or years; None if no column has a usual name."""
    found = matching_columns(columns, YEAR_COLUMNS)
    return found[0] if found else None


def year_columns(columns: Sequence[str]) -> list[str]:
    """Return every column that has a usual name of dates or years, in the catalog's order."""
    return [name for name in columns if matching_columns((name,), YEAR_COLUMNS)]


def years_of(chunk: Chunk, name: str) -> npt.NDArray[np.int64]:
    """Return (rows,) int64: the year of each row, 1800 to 2199; `NO_YEAR` where there is none.

    Of a text, the year is the first number of four digits in that range.

    Args:
        chunk: the rows.
        name: the column; a chunk without it has no years.
    """
    if isinstance(chunk, JsonLinesChunk):
        values = [_text_of(row.get(name)) for row in chunk.objects]
        return _of_texts(pa.array(values, pa.string()))
    if name not in chunk.columns:
        return np.full(len(chunk), NO_YEAR, dtype=np.int64)
    column = chunk.column(name).combine_chunks()
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _bounded(_years_of_times(column))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _bounded(column)
    if not holds_text(kind):
        return np.full(len(chunk), NO_YEAR, dtype=np.int64)
    return _of_texts(as_strings(column))


def _text_of(value: object) -> str | None:
    """Return the start of a JSON value as text, without lone surrogates, invalid in UTF-8."""
    return None if value is None else str(value)[:40].encode("utf-8", "replace").decode("utf-8")


def _years_of_times(column: pa.Array) -> pa.Array:
    """Return the years of dates or times; in UTC where a time zone is not known here."""
    try:
        return pc.year(column)
    except pa.ArrowInvalid:
        return pc.year(column.cast(pa.timestamp(column.type.unit)))


def _of_texts(texts: pa.Array) -> npt.NDArray[np.int64]:
    found = pc.struct_field(pc.extract_regex(texts, _YEAR), "year")
    return _bounded(found.cast(pa.int64()))


def _bounded(years: pa.Array) -> npt.NDArray[np.int64]:
    numbers = years.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    inside = np.isfinite(numbers) & (numbers >= _FIRST) & (numbers <= _LAST)
    return np.where(inside, np.where(inside, numbers, 0), NO_YEAR).astype(np.int64)
