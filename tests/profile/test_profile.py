from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.profile import own_genres
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


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_list(pa.large_string()),
        pa.list_view(pa.string()),
        pa.large_list_view(pa.string_view()),
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
        pa.large_list(pa.binary()),
        pa.large_list(pa.struct([("id", pa.int64()), ("name", pa.string())])),
    ],
    ids=str,
)
def test_lists_of_every_layout_are_counted(kind: pa.DataType) -> None:
    lists: list[Any] = [["Drama", "War"], ["Drama"], None, []]
    if pa.types.is_struct(kind.value_type):
        lists = [value and [{"id": 1, "name": name} for name in value] for value in lists]
    column = pa.array(lists, kind)
    assert gathered([(TableChunk(pa.table({"genres": column})), WHOLE)]).profile().labeled == {
        "Drama": 2,
        "War": 1,
    }


@pytest.mark.parametrize("ends", [[4], [1, 4], [2, 3, 4], [1, 2, 3, 4]], ids=str)
def test_columns_that_only_later_objects_have_are_chosen_for_all(ends: list[int]) -> None:
    rows: list[dict[str, Any]] = [
        {"tags": "Seen", "created_at": "2020-01-01"},
        {"tags": "Seen", "genres": "Drama, War", "release_date": "1999"},
        {"created_at": "2020-01-01", "genres": "Drama"},
        {"tags": "Seen", "genres": "Drama"},
    ]
    parts = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    chunks = [(JsonLinesChunk([b"{}"] * len(rows[part]), rows[part]), part) for part in parts]
    stored = [ProfileCollector.from_dict(gathered([each]).as_dict()) for each in chunks]
    for collector in (gathered(list(chunks)), sum_of(stored)):
        assert collector is not None
        profile = collector.profile()
        assert (profile.genre_column, profile.labeled) == ("genres", {"Drama": 3, "War": 1})
        assert (profile.year_column, list(profile.years)) == ("release_date", [1999])


def test_the_column_that_the_model_was_trained_on_comes_first() -> None:
    rows: list[dict[str, Any]] = [{"genres": "War"}, {"mood": "Dark"}, {"mood": "Dark"}, {}]
    collector = ProfileCollector(GENRES, genre_column="mood")
    for index in range(4):
        part = slice(index, index + 1)
        predicted = pa.array(PREDICTED[part], pa.list_(pa.string()))
        collector.add(JsonLinesChunk([b"{}"], rows[part]), predicted, PROBABILITIES[part])
    total = sum_of([ProfileCollector.from_dict(collector.as_dict())])
    assert total is not None
    assert (total.profile().genre_column, total.profile().labeled) == ("mood", {"Dark": 2})


def test_a_column_of_too_many_texts_is_none_of_genres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_genres, "_MOST_TEXTS", 2)
    parts = [gathered([(table(rows), rows)]) for rows in HALVES]
    total = sum_of(parts)
    assert total is not None
    assert (total.profile().genre_column, total.profile().labeled) == (None, None)


def test_a_catalog_without_genres_or_years_has_neither() -> None:
    profile = gathered([(TableChunk(pa.table({"x": [1, 2, 3, 4]})), WHOLE)]).profile()
    assert (profile.labeled, profile.years, profile.year_column) == (None, {}, None)


def test_no_rows_make_a_profile_of_zeros() -> None:
    profile = ProfileCollector(GENRES).profile()
    assert profile.rows == 0
    assert sum_of([]) is None
