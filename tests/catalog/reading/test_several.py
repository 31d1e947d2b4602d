"""Rows of several files in one table: all columns, types that hold all values, and places."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.several import (
    files_of,
    integers_in,
    joined,
    missing_columns,
    row_place,
)


def _joined(*tables: dict[str, object]) -> TableChunk:
    chunks = [TableChunk(pa.table(table)) for table in tables]
    return joined(chunks, [f"{letter}.csv" for letter in "abcdef"[: len(chunks)]])


def test_one_file_stays_as_it_is() -> None:
    chunk = TableChunk(pa.table({"a": [1]}))
    assert joined([chunk], ["a.csv"]) is chunk
    assert row_place(chunk.table, 3) == "row 3 (counted from 0)"


def test_columns_are_those_of_all_files_in_order_of_appearance() -> None:
    rows = _joined({"a": ["x"], "b": [1]}, {"c": ["y"], "a": ["z"]}, {"b": [2]})
    assert rows.table.to_pydict() == {
        "a": ["x", "z", None],
        "b": [1, None, 2],
        "c": [None, "y", None],
    }
    assert missing_columns(rows.table) == {"a.csv": ["c"], "b.csv": ["b"], "c.csv": ["a", "c"]}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pa.array([1], pa.int8()), pa.array([300], pa.int16()), [1, 300]),
        (pa.array(["x"], pa.large_string()), pa.array(["y"], pa.string_view()), ["x", "y"]),
        (pa.array(["x"]).dictionary_encode(), pa.array(["y"]), ["x", "y"]),
        (
            pa.array([["Drama"]]),
            pa.array([["War"]], pa.large_list(pa.string())),
            [["Drama"], ["War"]],
        ),
        (
            pa.array([["Drama", "War"]]),
            pa.array(["Drama, War"]),
            ['["Drama", "War"]', "Drama, War"],
        ),
        (pa.array([18]), pa.array(["18"]), ["18", "18"]),
        (pa.array([1.5]), pa.array([2]), ["1.5", "2"]),
        (pa.array([{"name": "剧情"}]), pa.array(["剧情"]), ['{"name": "剧情"}', "剧情"]),
        (pa.array([True]), pa.array(["yes"]), ["true", "yes"]),
        (pa.array([b"text"]), pa.array(["more"]), ["text", "more"]),
        (pa.nulls(1), pa.array(["y"]), [None, "y"]),
        (pa.array([None], pa.list_(pa.string())), pa.array([7]), [None, "7"]),
    ],
)
def test_types_without_a_common_one_become_text(
    first: pa.Array, second: pa.Array, expected: list[object]
) -> None:
    assert _joined({"x": first}, {"x": second}).table.column("x").to_pylist() == expected


def test_numbers_of_one_file_are_no_texts_beside_those_of_another() -> None:
    assert _joined({"x": [7]}, {"x": ["seven"]}).strings("x").to_pylist() == [None, "seven"]


EMPTY = pa.array([{}], pa.struct([]))
FILLED = pa.array([{"genres": ["Drama"]}])
NOTHING, DRAMA = {"genres": None}, {"genres": ["Drama"]}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ((EMPTY, FILLED), [NOTHING, DRAMA]),
        ((FILLED, EMPTY), [DRAMA, NOTHING]),
        ((EMPTY, pa.nulls(1), FILLED), [NOTHING, None, DRAMA]),
        ((pa.ListArray.from_arrays([0, 1], EMPTY), pa.array([[DRAMA]])), [[NOTHING], [DRAMA]]),
        ((EMPTY, pa.array(["x"]), FILLED), ["{}", "x", '{"genres": ["Drama"]}']),
        ((EMPTY, EMPTY), [{}, {}]),
    ],
)
def test_objects_without_members_lose_nothing_of_those_of_another_file(
    pieces: tuple[pa.Array, ...], expected: list[object]
) -> None:
    assert _joined(*({"x": piece} for piece in pieces)).table.column("x").to_pylist() == expected


def test_a_column_of_objects_without_members_is_null_in_a_file_that_lacks_it() -> None:
    table = _joined({"x": [1]}, {"y": EMPTY}).table
    assert table.to_pydict() == {"x": [1, None], "y": [None, {}]}
    assert table.schema.field("y").type == pa.struct([])


@pytest.mark.parametrize("values", [[3, -1], [3.0, -1.0], ["3", " -1"], [Decimal(3), Decimal(-1)]])
def test_integers_are_read_from_any_column_that_holds_them(values: list[object]) -> None:
    assert integers_in(pa.table({"row": values}), "row") == [3, -1]


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), float("inf"), 1e300, True, False, None, Decimal("1.5"), "1.5", "x"]
)
def test_a_value_that_is_no_integer_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"row 0 \(counted from 0\) has .* not a whole number"):
        integers_in(pa.table({"row": [value]}), "row")


def test_a_row_is_found_in_its_file() -> None:
    table = _joined({"x": ["a", "b"]}, {"x": pa.array([], pa.string())}, {"x": ["c"]}).table
    assert files_of(table) == [("a.csv", 2), ("b.csv", 0), ("c.csv", 1)]
    assert row_place(table, 1) == "row 1 of a.csv (counted from 0)"
    assert row_place(table, 2) == "row 0 of c.csv (counted from 0)"
