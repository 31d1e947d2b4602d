from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.profile.years import year_column, years_of

DATE = datetime.date(1968, 10, 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1968-10-04", "04/10/1968", "Oct 4, 1968", "1968", "1968.0", "(1968)"], [1968] * 6),
        (["", "unknown", "68", "19681004", "3024", None], [0] * 6),
        ([1968, 68, None, 3024], [1968, 0, 0, 0]),
        ([1968.0, float("nan"), None], [1968, 0, 0]),
        ([DATE, None], [1968, 0]),
        ([datetime.datetime(1968, 10, 4, tzinfo=datetime.UTC), None], [1968, 0]),
        ([1_700_000_000_000_000_001, -(2**60), 1968], [0, 0, 1968]),
        (pa.array([2**64 - 1, 1968], pa.uint64()), [0, 1968]),
        (pa.array([-39_484_800, None], pa.timestamp("s", "Nowhere/Else")), [1968, 0]),
        ([["1968"], None], [0, 0]),
        ([None, None], [0, 0]),
    ],
)
def test_a_year_is_found_in_dates_of_any_type(values: list[object], expected: list[int]) -> None:
    assert years_of(TableChunk(pa.table({"year": values})), "year").tolist() == expected


def test_json_values_are_read_too() -> None:
    rows: list[dict[str, object]] = [{"year": 1968}, {"year": "2001-01-01"}, {}, {"year": None}]
    rows += [{"year": "\ud800"}, {"year": "1968 \udfff"}, {"year": 10**30}, {"year": ["\ud800"]}]
    chunk = JsonLinesChunk([b"{}"] * 8, rows)
    assert years_of(chunk, "year").tolist() == [1968, 2001, 0, 0, 0, 1968, 0, 0]


def test_the_column_is_found_by_its_usual_names() -> None:
    assert year_column(("id", "Year", "Release_Date")) == "Release_Date"
    assert year_column(("id", "text")) is None
    assert years_of(TableChunk(pa.table({"a": [1]})), "year").tolist() == [0]
