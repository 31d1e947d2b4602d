"""What counts as text, and as empty, in a column of any type."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.catalog.texts import as_strings, holds_text, is_blank, is_blank_value
from support.arrow_types import SAMPLES

WORDS = ["a", None, "\u00e9"]
BYTES = [b"a", None, b"\xc3\xa9"]
MAP = pa.map_(pa.string(), pa.string())
CODES = pa.array([0, None, 1], pa.int32())


def _union(*children: list[Any]) -> pa.Array:
    codes = pa.array([0, 1, 1], pa.int8())
    return pa.UnionArray.from_sparse(codes, [pa.array(child) for child in children])


TEXTS: dict[str, tuple[pa.Array, list[str | None]]] = {
    "string": (pa.array(WORDS), WORDS),
    "large string": (pa.array(WORDS, pa.large_string()), WORDS),
    "string view": (pa.array(WORDS, pa.string_view()), WORDS),
    "bytes": (pa.array(BYTES, pa.binary()), WORDS),
    "large bytes": (pa.array(BYTES, pa.large_binary()), WORDS),
    "bytes view": (pa.array(BYTES, pa.binary_view()), WORDS),
    "fixed-size bytes": (
        pa.array([b"ab", None, b"\xc3\xa9"], pa.binary(2)),
        ["ab", None, "\u00e9"],
    ),
    "bytes, one not UTF-8": (pa.array([b"\xff", None, b"ok"], pa.binary()), [None, None, "ok"]),
    "dictionary": (pa.DictionaryArray.from_arrays(CODES, pa.array(["a", "\u00e9"])), WORDS),
    "dictionary of views": (
        pa.DictionaryArray.from_arrays(CODES, pa.array(["a", "\u00e9"], pa.string_view())),
        WORDS,
    ),
    "dictionary of bytes": (
        pa.DictionaryArray.from_arrays(CODES, pa.array([b"a", b"\xc3\xa9"])),
        WORDS,
    ),
    "runs": (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), ["a", "a", None]),
    "union": (_union([1, 2, 3], ["x", "y", None]), [None, "y", None]),
    "opaque": (
        pa.ExtensionArray.from_storage(pa.opaque(pa.string(), "t", "v"), pa.array(WORDS)),
        WORDS,
    ),
    "JSON": (
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"a"', None, '{"en": "b"}'])),
        ["a", None, None],
    ),
    "null": (pa.nulls(3), [None, None, None]),
}


@pytest.mark.parametrize(("column", "texts"), TEXTS.values(), ids=TEXTS)
def test_strings_and_utf_8_bytes_of_any_encoding_are_text(
    column: pa.Array, texts: list[str | None]
) -> None:
    assert holds_text(column.type)
    assert as_strings(column).to_pylist() == texts
    assert as_strings(column.slice(1, 2)).to_pylist() == texts[1:]
    assert as_strings(pa.chunked_array([column, column])).to_pylist() == texts * 2


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1]),
        pa.array([1.5]),
        pa.array([True]),
        pa.array([["a"]]),
        pa.array([{"en": "a"}]),
        pa.array([[("en", "a")]], pa.map_(pa.string(), pa.string())),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)], pa.binary(16))),
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())),
        _union([1, 2, 3], [1.5, 2.5, None]).slice(0, 1),
    ],
    ids=lambda column: str(column.type),
)
def test_other_types_hold_no_text(column: pa.Array) -> None:
    assert not holds_text(column.type)
    assert as_strings(column).to_pylist() == [None]


BLANK = [
    *("", " ", "\t\n", "[]", "[ ]", " [] ", "()", "( )", "{}", "''", '""', "set()", "list()"),
    *('[""]', "['', None]", "[null]", "[nan, ]", "array([], dtype=object)", "(no genres listed)"),
]
FULL = [
    *("a", "[1]", "null", "nan", "0", "[", ".", "\u00a0x", "{'a': None}", "[None, 'a']", "['x']"),
    *("array([1])", "set", "{}x", "[[1]]", "(Drama)"),
]


@pytest.mark.parametrize("text", BLANK + FULL)
def test_an_empty_list_in_any_spelling_is_empty_in_a_table_and_in_json(text: str) -> None:
    expected = text in BLANK
    assert is_blank(pa.array([text])).tolist() == [expected]
    assert is_blank(pa.array([text.encode()], pa.binary())).tolist() == [expected]
    assert is_blank_value(text) is expected


@pytest.mark.parametrize(
    ("column", "blank"),
    [
        (pa.array([[], ["a"], None]), [True, False, True]),
        (pa.array([[], ["a"], None], pa.large_list(pa.string())), [True, False, True]),
        (pa.array([[], ["a"], None], pa.list_view(pa.string())), [True, False, True]),
        (pa.array([["a"], None], pa.list_(pa.string(), 1)), [False, True]),
        (pa.array([[], [("k", 1)], None], pa.map_(pa.string(), pa.int64())), [True, False, True]),
        (pa.array([float("nan"), 0.0, None]), [True, False, True]),
        (pa.array([0, 1, None]), [False, False, True]),
        (pa.array([{"a": 1}, None]), [False, True]),
        (pa.array([{"a": None}, {"a": ["x"]}, {"a": [""]}]), [True, False, True]),
        (pa.array([[None], ["", None], ["", "x"], []]), [True, True, False, True]),
        (pa.array([[[]], [["x"]], None]), [True, False, True]),
        (pa.array([[None], [""], ["x"]], pa.list_view(pa.string())), [True, True, False]),
        (pa.array([[None], [""], ["x"]], pa.large_list_view(pa.string())), [True, True, False]),
        (pa.array([[None], [""], ["x"]], pa.list_(pa.string(), 1)), [True, True, False]),
        (pa.array([["", None], ["", "x"], None], pa.list_(pa.string(), 2)), [True, False, True]),
        (pa.array([[("k", None)], [("k", "x")], None], MAP), [True, False, True]),
        (pa.DictionaryArray.from_arrays(CODES, pa.array([None, "x"])), [True, True, False]),
        (pa.DictionaryArray.from_arrays(CODES, pa.array([[""], ["x"]])), [True, True, False]),
        (pa.DictionaryArray.from_arrays(CODES, pa.array([float("nan"), 0.0])), [True, True, False]),
        (pa.DictionaryArray.from_arrays(CODES, pa.array(["unused", ""])), [False, True, True]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], [None, "x"]), [True, True, False]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], [0, 1]), [False, False, False]),
        (_union([1, 2, 3], ["x", "", None]), [False, True, True]),
        (
            pa.StructArray.from_arrays([_union([1, 2, 3], ["x", "", None])], ["u"]),
            [False, True, True],
        ),
        (
            pa.ExtensionArray.from_storage(pa.json_(), pa.array(["[ ]", "[1]", '""', "null"])),
            [True, False, True, True],
        ),
    ],
    ids=str,
)
def test_empty_cells_of_each_type(column: pa.Array, blank: list[bool]) -> None:
    assert is_blank(column).tolist() == blank
    assert is_blank(column.slice(1)).tolist() == blank[1:]


@pytest.mark.parametrize("name", SAMPLES)
def test_cells_of_any_type_are_empty_however_they_are_stored(name: str) -> None:
    column = SAMPLES[name]
    blank = is_blank(column).tolist()
    assert len(blank) == len(column)
    assert [is_blank(column.slice(row, 1)).tolist()[0] for row in range(len(column))] == blank
    offsets = list(range(len(column) + 1))
    assert is_blank(pa.ListArray.from_arrays(offsets, column)).tolist() == blank
    assert is_blank(pa.StructArray.from_arrays([column], ["a"])).tolist() == blank


@pytest.mark.parametrize("start", ["", "[", "[''", "['',", "{None,", "array([", "set("])
def test_a_text_after_much_white_space_is_not_empty(start: str) -> None:
    assert not is_blank_value(start + " " * 200_000 + "x")


@pytest.mark.parametrize(
    ("value", "blank"),
    [
        (None, True),
        ([], True),
        (float("nan"), True),
        (0, False),
        (False, False),
        ({}, True),
        ([None, ""], True),
        ({"a": []}, True),
        ({"a": 0}, False),
    ],
)
def test_empty_json_values(value: object, blank: bool) -> None:
    assert is_blank_value(value) is blank
    chunk = JsonLinesChunk([b"{}", json.dumps({"g": value}).encode()], [{}, {"g": value}])
    assert chunk.blank("g").tolist() == [True, blank]


def test_the_texts_of_a_chunk_follow_its_rows() -> None:
    chunk = TableChunk(pa.table({"t": [7, 8, 9]}), texts={"t": pa.array(["007", "08", None])})
    assert chunk.head(2).strings("t").to_pylist() == ["007", "08"]
    assert chunk.take([2, 0, 0]).strings("t").to_pylist() == [None, "007", "007"]
