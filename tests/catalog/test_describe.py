"""The description of a catalog that `inspect` shows."""

from __future__ import annotations

from pathlib import Path

from genre_batch.catalog.describe import ColumnDescription, describe_catalog
from genre_batch.catalog.formats import input_location


def test_rows_columns_and_genres_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text('Title,Overview,Genre\nA,x,"Drama, War"\nB,,Drama\n,y,\n')
    described = describe_catalog(input_location(str(path)))
    assert described.rows == 3
    assert described.columns == (
        ColumnDescription("Title", "string", 2),
        ColumnDescription("Overview", "string", 2),
        ColumnDescription("Genre", "string", 2),
    )
    assert (described.text_column, described.title_column) == ("Overview", "Title")
    assert described.genres == {"Drama": 2, "War": 1}


def test_a_catalog_without_known_columns_has_none(tmp_path: Path) -> None:
    path = tmp_path / "films.jsonl"
    path.write_text('{"id":1}\n{"id":2}\n')
    described = describe_catalog(input_location(str(path)))
    assert (described.rows, described.text_column, described.genre_column) == (2, None, None)
    assert described.genres == {}
