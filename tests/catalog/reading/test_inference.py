"""Type inference: a CSV column gets a type only if all of its cells have it."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.inference import cast_columns, infer_types

NOON = datetime(2020, 2, 29, 12)  # noqa: DTZ001 - a cell without a time zone is of no time zone


def _typed(*chunks: list[str | None]) -> pa.ChunkedArray:
    tables = [TableChunk(pa.table({"c": pa.array(cells, pa.string())})) for cells in chunks]
    types = infer_types(tables)
    return pa.concat_tables([cast_columns(table, types).table for table in tables])["c"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["7", "-5", None, "0"], [7, -5, None, 0]),
        (["0137523", "1375666"], ["0137523", "1375666"]),
        (["-07"], ["-07"]),
        (["+4912345", "7"], ["+4912345", "7"]),
        (["+1.5", "2.5"], ["+1.5", "2.5"]),
        (["+07"], ["+07"]),
        (["-0", "5"], ["-0", "5"]),
        (["-0", "1.5"], ["-0", "1.5"]),
        (["-0.5", "1e+3"], [-0.5, 1000.0]),
        (["007.5", "1.5"], ["007.5", "1.5"]),
        (["1", "2.5"], [1.0, 2.5]),
        (["true", "False"], [True, False]),
        (["2020-02-29", None], [date(2020, 2, 29), None]),
        (["2020-02-29 12:00:00"], [NOON]),
        (["2020-02-29T12:00:00"], [NOON]),
        (["1", "x"], ["1", "x"]),
        (["2020-02-30"], ["2020-02-30"]),
        (["99999999999999999999999"], ["99999999999999999999999"]),
        (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
        (["9007199254740993", "5"], [9007199254740993, 5]),
        (["3.14159265358979323846"], ["3.14159265358979323846"]),
        (["0.30000000000000004", "12.50"], [0.30000000000000004, 12.5]),
        (["-2.2250738585072014E-308", "0.000"], [-2.2250738585072014e-308, 0.0]),
        (["0.98765432109876543"], ["0.98765432109876543"]),
        (["4503599627370497.25"], ["4503599627370497.25"]),
        (["1e-400"], ["1e-400"]),
        (["inf", "1.5"], [float("inf"), 1.5]),
        (["1e400"], ["1e400"]),
        (["1e5", ".5", "5."], [1e5, 0.5, 5.0]),
        (["1", ""], ["1", ""]),
        ([None, None], [None, None]),
    ],
)
def test_a_column_gets_the_first_type_that_fits(
    cells: list[str | None], values: list[object]
) -> None:
    assert _typed(cells).to_pylist() == values


def test_the_texts_and_the_padded_rows_are_those_of_the_cells() -> None:
    chunk = TableChunk(pa.table({"overview": ["0.50", None], "id": ["1", "2"]}), short=(1,))
    typed = cast_columns(chunk, infer_types([chunk]))
    assert typed.table.to_pylist() == [{"overview": 0.5, "id": 1}, {"overview": None, "id": 2}]
    assert typed.strings("overview").to_pylist() == ["0.50", None]
    assert typed.short_rows == 1


def test_a_column_without_a_name_gets_a_type_too() -> None:
    chunk = TableChunk(pa.table({"": ["1", "2"], "overview": ["a", "b"]}))
    typed = cast_columns(chunk, infer_types([chunk]))
    assert typed.table.to_pylist() == [{"": 1, "overview": "a"}, {"": 2, "overview": "b"}]


def test_a_file_may_lack_a_column_that_has_a_type_in_another() -> None:
    both = TableChunk(pa.table({"overview": ["a"], "year": ["1999"]}))
    one = TableChunk(pa.table({"overview": ["b"]}))
    types = infer_types([both, one])
    assert types == {"year": "integer"}
    assert cast_columns(both, types).table.to_pylist() == [{"overview": "a", "year": 1999}]
    assert cast_columns(one, types).table.to_pylist() == [{"overview": "b"}]


def test_a_late_cell_of_another_type_keeps_the_whole_column_text() -> None:
    assert _typed(["1", "2"], ["3", "four"]).to_pylist() == ["1", "2", "3", "four"]


def test_a_first_chunk_without_values_decides_nothing() -> None:
    assert _typed([None], ["3"]).to_pylist() == [None, 3]
