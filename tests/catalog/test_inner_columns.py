"""Columns inside another one: what to type to move them up."""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from genre_batch.catalog.columns import TEXT_COLUMNS
from genre_batch.catalog.inner_columns import advice_for_object, advice_for_table

TEXT = "A diver finds a bell under the ice."


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"_id": "7", "_source": {"overview": TEXT}}, "_source"),
        ({"id": "rec7", "fields": {"Overview": TEXT}}, "fields"),
        ({"cursor": "c", "node": {"id": 7, "plot": TEXT}}, "node"),
        ({"my row": {"overview": TEXT}}, "my row"),
        ({"a": {"b": {"overview": TEXT}}}, "a.b"),
        ({"Item": {"id": {"N": "7"}, "overview": {"S": TEXT}}}, "Item"),
    ],
)
def test_the_command_moves_an_object_s_text_up(
    row: dict[str, object], place: str, tmp_path: Path
) -> None:
    advice = advice_for_object(row, TEXT_COLUMNS)
    assert f"is inside {place!r}: move it up first: jq -c " in advice
    if shutil.which("jq") is None:
        return
    (tmp_path / "FILE").write_text(json.dumps(row), encoding="utf-8")
    command = advice.partition("first: ")[2]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    moved = json.loads((tmp_path / "rows.jsonl").read_text(encoding="utf-8"))
    assert TEXT in moved.values()
    assert {"_id", "id", "cursor"} & row.keys() <= moved.keys()


@pytest.mark.parametrize(
    "row",
    [
        {"id": 7, "body": TEXT},
        {"overview": TEXT, "collection": {"overview": TEXT}},
        {"id": 7, "people": {"director": "N. N."}},
        {"list": [{"overview": TEXT}]},
        {"a": {"b": {"c": {"d": {"overview": TEXT}}}}},
    ],
)
def test_other_objects_get_no_advice(row: dict[str, object]) -> None:
    assert advice_for_object(row, TEXT_COLUMNS) == ""


def test_a_field_of_a_struct_is_named_with_its_column() -> None:
    table = pa.table({"id": [7], "_source": [{"overview": TEXT}]})
    advice = advice_for_table(table.schema, TEXT_COLUMNS)
    assert "'overview' is inside '_source'" in advice
    assert 'SELECT * EXCLUDE ("_source"), unnest("_source") FROM \'FILE\'' in advice


def test_a_table_without_such_a_field_gets_no_advice() -> None:
    table = pa.table({"id": [7], "people": [{"director": "N. N."}]})
    assert advice_for_table(table.schema, TEXT_COLUMNS) == ""
