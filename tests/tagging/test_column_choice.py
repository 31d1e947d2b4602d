"""tagging/column_choice.py: columns are chosen once, from the first rows that have them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.errors import ColumnError
from genre_batch.tagging.column_choice import text_choice, title_choice


def _objects(*rows: dict[str, Any]) -> JsonLinesChunk:
    return JsonLinesChunk([json.dumps(row).encode() for row in rows], list(rows))


def test_a_table_decides_at_once() -> None:
    choice = text_choice(None)
    assert choice.find(TableChunk(pa.table({"text": ["a"], "Plot": ["b"]}))) == "Plot"


def test_the_first_object_with_a_candidate_decides() -> None:
    choice = text_choice(None)
    assert choice.find(_objects({}, {"id": 1})) is None
    assert choice.find(_objects({"id": 2}, {"text": "a"}, {"overview": "b"})) == "text"
    assert choice.find(_objects({"overview": "c"})) == "text"
    choice.finish()


def test_objects_without_a_candidate_are_refused_at_the_end() -> None:
    choice = text_choice(None)
    choice.find(_objects({"id": 1}, {"name": "x"}))
    with pytest.raises(ColumnError, match="columns: id, name"):
        choice.finish()


def test_a_thousand_objects_without_one_are_enough_however_they_are_chunked() -> None:
    choice = text_choice(None)
    choice.find(_objects(*[{"id": 1}] * 999, {}))
    with pytest.raises(ColumnError):
        choice.find(_objects({"id": 1}, {"overview": "too late"}))


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
