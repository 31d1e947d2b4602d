"""The size of a row depends on its values, not on how they are stored or cut into chunks."""

from __future__ import annotations

import pyarrow as pa
import pytest

from genre_batch.catalog.writing.row_sizes import row_sizes
from support.arrow_types import SAMPLES


def _sizes(column: pa.Array | pa.ChunkedArray) -> list[int]:
    sizes: list[int] = row_sizes(pa.table({"c": column})).tolist()
    return sizes


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_has_the_same_size_in_every_chunk(name: str) -> None:
    column = SAMPLES[name]
    whole = _sizes(column)
    assert len(whole) == len(column)
    assert [size for row in range(len(column)) for size in _sizes(column.slice(row, 1))] == whole
    assert _sizes(pa.chunked_array([column, column.slice(1)])) == whole + whole[1:]
    assert _sizes(column.slice(0, 0)) == []
    nested = pa.StructArray.from_arrays([column, column], ["a", "b"])
    assert _sizes(nested) == [2 * size for size in whole]


TEXTS = ["four", None, "", "é"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array([None if text is None else text.encode() for text in TEXTS]),
        pa.RunEndEncodedArray.from_arrays([1, 2, 3, 4], TEXTS),
    ],
    ids=lambda column: str(column.type),
)
def test_a_text_has_the_size_of_its_bytes(column: pa.Array) -> None:
    assert _sizes(column) == [8, 4, 4, 6]


def test_a_list_has_the_size_of_its_members() -> None:
    lists = [["four", ""], [], None, ["é"]]
    for kind in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view):
        assert _sizes(pa.array(lists, kind(pa.string()))) == [16, 4, 4, 10]
    maps = pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64()))
    assert _sizes(maps) == [17, 4, 4]


def test_members_that_a_null_hides_do_not_count() -> None:
    values = pa.array(["four", "é", ""])
    hidden = pa.ListArray.from_arrays([0, 2, 3], values, mask=pa.array([True, False]))
    assert _sizes(hidden) == [4, 8]
    structs = pa.StructArray.from_arrays([values], ["a"], mask=pa.array([True, False, False]))
    assert _sizes(structs) == [0, 6, 4]


def test_values_of_a_dictionary_that_no_row_has_do_not_count() -> None:
    codes = pa.array([0, None, 0], pa.int8())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["four", "x" * 1000]))
    assert _sizes(column) == [8, 0, 8]
