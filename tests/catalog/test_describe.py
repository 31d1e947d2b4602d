"""The description of a catalog that `inspect` shows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog import describe
from genre_batch.catalog.describe import ColumnDescription, describe_catalog
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading import parquet_arrow
from support.genres import parse_column


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


MAP = pa.map_(pa.string(), pa.int64())
FLAGS, COUNTS = [{"Drama": 1, "War": 0}, {"Drama": 1}], [{"Drama": 7}, {"War": 3}, {"War": 1}]
JSON = ['"Drama"', '["War", "Comedy"]', None, '"War"', '{"name": "Western"}', "[18]", '"Drama"']


@pytest.mark.parametrize(
    ("column", "read"),
    [
        (pa.array([list(cell.items()) for cell in FLAGS], MAP), 2),
        (pa.array([list(cell.items()) for cell in FLAGS + COUNTS], MAP), 0),
        (pa.array([list(cell.items()) for cell in COUNTS + FLAGS], MAP), 0),
        (pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(JSON)), 5),
        (pa.array([["Drama", "War"], None, [], ["18"], ["War"]]), 3),
        (pa.array([{"id": 18, "name": "Drama"}, {"id": 18, "name": None}, None]), 1),
        (pa.array(["Drama, War", None, "War", "", "[1, 2]"]), 2),
    ],
    ids=["flags", "flags, then counts", "counts, then flags", "JSON", "lists", "objects", "texts"],
)
def test_cells_are_counted_as_the_whole_column_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: pa.Array, read: int
) -> None:
    genres = parse_column(column)
    expected = Counter(name for names in genres for name in names)
    assert sum(map(bool, genres)) == read
    path = tmp_path / "films.parquet"
    pq.write_table(pa.table({"genres": column}), path)
    for size in (1, 2, len(column)):
        monkeypatch.setattr(parquet_arrow, "ROWS_PER_CHUNK", size)
        assert describe_catalog(input_location(str(path))).genres == expected


def test_objects_of_counts_are_shown_with_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_arrow, "ROWS_PER_CHUNK", 10)
    path = tmp_path / "films.parquet"
    cells = [list(cell.items()) for cell in FLAGS * 5 + COUNTS * 5]
    pq.write_table(pa.table({"genres": pa.array(cells, MAP)}), path)
    described = describe_catalog(input_location(str(path)))
    assert (described.genres, described.cells_without_genre) == ({}, 25)
    assert described.example == "[('Drama', 1), ('War', 0)]"
    assert described.reason


def test_cells_beyond_those_that_are_held_are_counted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describe, "_CELLS_HELD", 2)
    monkeypatch.setattr(parquet_arrow, "ROWS_PER_CHUNK", 1)
    lists: list[Any] = [["Drama", "War"], ["War"], ["Comedy"], None, ["Drama"], ["War", "Drama"]]
    path = tmp_path / "films.parquet"
    pq.write_table(pa.table({"genres": lists}), path)
    described = describe_catalog(input_location(str(path)))
    assert described.genres == {"Drama": 3, "War": 3, "Comedy": 1}
