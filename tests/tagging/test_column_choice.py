"""tagging/column_choice.py: columns are chosen once, from the first rows that have them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.errors import ColumnError
from genre_batch.tagging.column_choice import only_missing_choice, text_choice, title_choice


def _objects(*rows: dict[str, Any]) -> JsonLinesChunk:
    return JsonLinesChunk([json.dumps(row).encode() for row in rows], list(rows))


def test_a_table_decides_at_once() -> None:
    choice = text_choice(None)
    assert choice.find(TableChunk(pa.table({"text": ["a"], "Plot": ["b"]}))) == "Plot"


def test_the_first_object_with_a_candidate_decides() -> None:
    choice = text_choice(None)
    assert choice.find(_objects({}, {"id": 1})) is None
    assert choice.find(_objects({"id": 2}, {"plot": "a"}, {"text": "b"})) == "plot"
    assert choice.find(_objects({"Text": "c"})) == "plot"
    choice.finish()


LATE = [
    ([{"text": "a"}, {"overview": "b"}], r"rows before had 'text', and now a row has 'overview'"),
    ([{"overview": "a"}, {"Overview": "b"}], "'overview' and 'Overview' both match"),
    ([{"id": 1}, {"plot": "a", "x": 1}, {"PLOT": "b"}], "'plot' and 'PLOT' both match"),
]


@pytest.mark.parametrize(("rows", "said"), LATE)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_better_candidate_in_a_later_object_is_refused_however_rows_are_chunked(
    rows: list[dict[str, Any]], said: str, size: int
) -> None:
    def read() -> None:
        choice = text_choice(None)
        for start in range(0, len(rows), size):
            choice.find(_objects(*rows[start : start + size]))

    with pytest.raises(ColumnError, match=said):
        read()


@pytest.mark.parametrize("requested", [None, "overview"])
def test_a_key_may_come_late_and_be_rare(requested: str | None) -> None:
    choice = text_choice(requested)
    assert choice.find(_objects(*[{"id": 1}] * 3000)) is None
    assert choice.find(_objects({"id": 1}, {"overview": "late"})) == "overview"
    assert choice.find(_objects(*[{"id": 1}] * 3000)) == "overview"
    choice.finish()


def test_a_requested_key_is_read_whatever_other_candidates_there_are() -> None:
    choice = text_choice("text")
    assert choice.find(_objects({"overview": "a"}, {"text": "b"}, {"Text": "c"})) == "text"


def test_each_table_is_read_by_its_own_best_candidate() -> None:
    choice = text_choice(None)
    assert choice.find(TableChunk(pa.table({"text": ["a"]}))) == "text"
    assert choice.find(TableChunk(pa.table({"text": ["a"], "plot": ["b"]}))) == "plot"


def test_objects_without_a_candidate_are_refused_at_the_end() -> None:
    choice = text_choice(None)
    choice.find(_objects({"id": 1}, {"name": "x"}))
    with pytest.raises(ColumnError, match="columns: id, name"):
        choice.finish()


@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.bool_(),
        pa.list_(pa.string()),
        pa.struct([("en", pa.string())]),
        pa.map_(pa.string(), pa.string()),
        pa.dictionary(pa.int32(), pa.int64()),
        pa.uuid(),
    ],
    ids=str,
)
def test_a_column_of_a_type_that_holds_no_text_is_refused_with_the_type(kind: pa.DataType) -> None:
    table = TableChunk(pa.schema([("overview", kind)]).empty_table())
    with pytest.raises(ColumnError, match=r"'overview' is of type .*, not text: .*`text_column`"):
        text_choice(None).find(table)
    with pytest.raises(ColumnError, match=r"'overview' is of type .*, not text: .*`title_column`"):
        title_choice("overview").find(table)


def test_a_title_that_was_not_requested_may_be_of_any_type() -> None:
    choice = title_choice(None)
    assert choice.find(TableChunk(pa.table({"title": [1917]}))) == "title"


def test_only_missing_needs_its_column_in_some_row() -> None:
    choice = only_missing_choice("genrs")
    assert choice is not None
    assert choice.find(_objects({"genres": []}, {"id": 1})) is None
    with pytest.raises(ColumnError, match=r"'genrs' \(nearest: 'genres'\): .*only_missing"):
        choice.finish()
    assert only_missing_choice(None) is None


def test_empty_objects_are_rows_without_text_and_not_an_error() -> None:
    choice = text_choice(None)
    assert choice.find(_objects({}, {})) is None
    choice.finish()


def test_a_title_may_be_missing_unless_it_is_requested() -> None:
    table = TableChunk(pa.table({"overview": ["a"]}))
    choice = title_choice(None)
    assert choice.find(table) is None
    choice.finish()
    with pytest.raises(ColumnError, match="no column 'Name': name one with `title_column`"):
        title_choice("Name").find(table)


def test_one_name_in_two_spellings_is_refused() -> None:
    with pytest.raises(ColumnError, match="'Overview' and 'OVERVIEW'"):
        text_choice(None).find(_objects({"Overview": "a", "OVERVIEW": "b"}))


def test_a_text_inside_another_column_is_named_with_what_to_type() -> None:
    row = {"_id": "7", "_source": {"overview": "A diver finds a bell."}}
    choice = text_choice(None)
    choice.find(_objects(row))
    with pytest.raises(ColumnError, match="inside '_source': move it up first: jq -c "):
        choice.finish()
    with pytest.raises(ColumnError, match="inside '_source': move it up first, for example in Du"):
        text_choice(None).find(TableChunk(pa.Table.from_pylist([row])))
