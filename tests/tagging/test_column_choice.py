"""The columns that the model reads are chosen once, from the first rows that tell."""

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
    assert choice.look(TableChunk(pa.table({"text": ["a"], "Plot": ["b"]}))) == "Plot"


def test_the_first_object_that_holds_a_candidate_decides() -> None:
    choice = text_choice(None)
    assert choice.look(_objects({}, {"id": 1})) is None
    assert choice.look(_objects({"id": 2}, {"text": "a"}, {"overview": "b"})) == "text"
    assert choice.look(_objects({"overview": "c"})) == "text"
    choice.finish()


def test_objects_that_never_hold_one_are_refused_at_the_end() -> None:
    choice = text_choice(None)
    choice.look(_objects({"id": 1}, {"name": "x"}))
    with pytest.raises(ColumnError, match="columns: id, name"):
        choice.finish()


def test_a_thousand_objects_without_one_are_enough_however_they_come() -> None:
    choice = text_choice(None)
    choice.look(_objects(*[{"id": 1}] * 999, {}))
    with pytest.raises(ColumnError):
        choice.look(_objects({"id": 1}, {"overview": "too late"}))


def test_empty_objects_are_rows_without_text_and_no_error() -> None:
    choice = text_choice(None)
    assert choice.look(_objects({}, {})) is None
    choice.finish()


def test_a_title_may_be_missing_unless_it_was_asked_for() -> None:
    table = TableChunk(pa.table({"overview": ["a"]}))
    choice = title_choice(None)
    assert choice.look(table) is None
    choice.finish()
    with pytest.raises(ColumnError, match="no column 'Name': name one with `title_column`"):
        title_choice("Name").look(table)


def test_one_name_in_two_spellings_is_refused() -> None:
    with pytest.raises(ColumnError, match="'Overview' and 'OVERVIEW'"):
        text_choice(None).look(_objects({"Overview": "a", "OVERVIEW": "b"}))
