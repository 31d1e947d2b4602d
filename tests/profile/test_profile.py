from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.profile.profile import CatalogProfile, ProfileCollector, sum_of

GENRES = ("Action", "Drama", "War")
ROWS: list[dict[str, str | None]] = [
    {"release_date": "1999-05-01", "genres": "Drama, War"},
    {"release_date": "12 May 1999", "genres": "Comedy"},
    {"release_date": "", "genres": None},
    {"release_date": "2004", "genres": "Drama"},
]
PREDICTED = [["Drama", "War"], [], None, ["Action"]]
PROBABILITIES = np.array(
    [[0.1, 0.97, 0.5], [0.2, 0.3, 0.1], [np.nan] * 3, [1.0, 0.0, 0.2]], dtype=np.float32
)


def table(rows: slice) -> TableChunk:
    return TableChunk(pa.Table.from_pylist(ROWS).slice(rows.start, rows.stop - rows.start))


def objects(rows: slice) -> JsonLinesChunk:
    values: list[dict[str, Any]] = [dict(row) for row in ROWS[rows]]
    return JsonLinesChunk([json.dumps(row).encode() for row in values], values)


def gathered(chunks: list[tuple[Chunk, slice]]) -> ProfileCollector:
    collector = ProfileCollector(GENRES)
    for chunk, rows in chunks:
        predicted = pa.array(PREDICTED[rows], pa.list_(pa.string()))
        collector.add(chunk, predicted, PROBABILITIES[rows])
    return collector


def values_of(profile: CatalogProfile) -> dict[str, object]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else repr(value)
        for name, value in vars(profile).items()
    }


WHOLE = slice(0, 4)
HALVES = slice(0, 1), slice(1, 4)


def test_rows_genres_pairs_and_years_are_counted() -> None:
    profile = gathered([(table(WHOLE), WHOLE)]).profile()
    assert (profile.rows, profile.rows_with_text, profile.rows_without_genre) == (4, 3, 1)
    assert profile.predicted.tolist() == [1, 1, 1]
    assert profile.pairs.tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert profile.confidence.sum() == 3
    assert [profile.confidence[1, 19], profile.confidence[2, 10], profile.confidence[0, 19]] == [
        1,
        1,
        1,
    ]
    assert profile.labeled == {"Drama": 2, "Comedy": 1, "War": 1}
    assert {year: (rows, counts.tolist()) for year, (rows, counts) in profile.years.items()} == {
        1999: (2, [0, 1, 1]),
        2004: (1, [1, 0, 0]),
    }
    assert (profile.year_column, profile.genre_column) == ("release_date", "genres")


@pytest.mark.parametrize("read", [table, objects])
def test_how_rows_are_divided_does_not_matter(read: type) -> None:
    whole = gathered([(read(WHOLE), WHOLE)])
    halves = gathered([(read(rows), rows) for rows in HALVES])
    parts = [gathered([(read(rows), rows)]) for rows in HALVES]
    stored = [ProfileCollector.from_dict(json.loads(json.dumps(one.as_dict()))) for one in parts]
    total = sum_of(stored)
    assert total is not None
    expected = values_of(whole.profile())
    assert values_of(halves.profile()) == values_of(total.profile()) == expected
    assert values_of(gathered([(table(WHOLE), WHOLE)]).profile()) == expected


def test_lists_of_genres_are_counted_too() -> None:
    lists = [["Drama", "War"], ["Drama"], None, []]
    chunk = TableChunk(pa.table({"genres": pa.array(lists, pa.list_(pa.string()))}))
    rows: list[dict[str, object]] = [{"genres": value} for value in lists]
    for read in (chunk, JsonLinesChunk([b"{}"] * 4, rows)):
        assert gathered([(read, WHOLE)]).profile().labeled == {"Drama": 2, "War": 1}


def test_a_catalog_without_genres_or_years_has_neither() -> None:
    profile = gathered([(TableChunk(pa.table({"x": [1, 2, 3, 4]})), WHOLE)]).profile()
    assert (profile.labeled, profile.years, profile.year_column) == (None, {}, None)


def test_no_rows_make_a_profile_of_zeros() -> None:
    profile = ProfileCollector(GENRES).profile()
    assert profile.rows == 0
    assert sum_of([]) is None
