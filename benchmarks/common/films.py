"""Catalogs that speed benchmarks run on: films of a CSV file, repeated to a given length."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from genre_batch.catalog.columns import TEXT_COLUMNS, require_column

__all__ = ["distinct_films", "read_films", "text_column", "write_repeated"]


def read_films(path: Path) -> pl.DataFrame:
    """Read a CSV file, every column as text."""
    return pl.read_csv(path, infer_schema=False)


def text_column(films: pl.DataFrame) -> str:
    """Return the name of the column that holds the overviews."""
    return require_column(films.columns, TEXT_COLUMNS, None, "text_column")


def distinct_films(films: pl.DataFrame, text: str) -> pl.DataFrame:
    """Return the films that have a text, the first one of each text."""
    has_text = pl.col(text).str.strip_chars().str.len_chars() > 0
    return films.filter(has_text).unique(text, keep="first", maintain_order=True)


def write_repeated(
    films: pl.DataFrame, rows: int, path: Path, *, numbered: str | None = None
) -> None:
    """Write a CSV file that repeats the films.

    Args:
        films: at least one.
        rows: rows of the file; the last repetition is cut off there.
        path: of the file.
        numbered: a column whose cells get the number of the repetition appended, so that no two
            repetitions have a text in common.
    """
    with path.open("wb") as file:
        for start in range(0, rows, len(films)):
            batch = films.head(rows - start)
            if numbered is not None:
                batch = batch.with_columns(pl.col(numbered) + f" ({start // len(films)})")
            batch.write_csv(file, include_header=start == 0)
