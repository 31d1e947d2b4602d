"""auditing/labels.py: the genre cells of a catalog mean the same however its rows are divided."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from genre_batch import AuditJob, audit
from genre_batch.auditing.labels import CellCodes
from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.labelled import LabelledColumns
from genre_batch.errors import ColumnError, GenreBatchWarning

NAMES = ("Drama", "War")


def _states(
    *chunks: Mapping[str, object], delimited: bool = False
) -> tuple[list[list[str]], list[bool]]:
    """Return the names of every row, and whether its genres are known."""
    codes = CellCodes(
        LabelledColumns("overview", "Drama, War", label_columns=NAMES),
        ColumnOptions(label_columns=NAMES),
        delimited=delimited,
    )
    tables = [TableChunk(pa.table(chunk)) for chunk in chunks]
    rows = np.concatenate([codes.add(chunk, np.ones(len(chunk), np.bool_)) for chunk in tables])
    labels = codes.finish(NAMES)
    assert labels.rows.sum() == len(rows)
    return [labels.names[code] for code in rows], labels.labeled[rows].tolist()


@pytest.mark.parametrize("delimited", [False, True])
@pytest.mark.parametrize("no", [0, "0"])
def test_a_row_with_an_unknown_flag_is_left_out_in_every_format(
    no: int | str, delimited: bool
) -> None:
    yes = type(no)(1)
    rows = {"Drama": [yes, no, None], "War": [no, yes, no]}
    assert _states(rows, delimited=delimited) == ([["Drama"], ["War"], []], [True, True, False])


def test_rows_of_no_alone_have_no_genre() -> None:
    assert _states({"Drama": ["0", "1"], "War": ["0", "0"]}, delimited=True)[1] == [True, True]


@pytest.mark.parametrize(
    ("drama", "war"),
    [
        ([1, -1, 0, 1], [1, 1, 0, -1]),
        ([1, -1, 1, -1], [-1, 1, 1, -1]),
        ([1, None, 1, 1], [1, 1, None, 0]),
        (["x", None, "x", None], ["x", "x", None, None]),
        (["x", "n/a", "x", ""], ["x", "x", None, ""]),
        (["War", None, "nan", "Drama"], [None, "Drama", "-", "War"]),
    ],
    ids=["-1 and 0", "1 and -1", "null and 0", "yes and null", "yes and nothing", "names"],
)
@pytest.mark.filterwarnings("ignore:.*hold yes or nothing")
def test_what_a_flag_states_does_not_depend_on_where_chunks_end(
    drama: list[object], war: list[object]
) -> None:
    kind = pa.string() if isinstance(drama[0], str) else pa.int64()
    columns = {"Drama": pa.array(drama, kind), "War": pa.array(war, kind)}
    whole = _states(columns)
    for size in (1, 2, 3):
        chunks = [
            {name: column.slice(start, size) for name, column in columns.items()}
            for start in range(0, 4, size)
        ]
        assert _states(*chunks) == whole


def test_blank_flags_that_are_read_as_no_are_warned_of_once() -> None:
    chunk = {"Drama": ["x", None], "War": [None, "x"]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _states(chunk, chunk, chunk)
    assert [each.category for each in caught] == [GenreBatchWarning]


def test_a_cell_that_is_no_flag_is_named_with_its_row_in_the_catalog() -> None:
    first, second = {"Drama": [1, 0, 1], "War": [0, 0, 0]}, {"Drama": [0, 7], "War": [0, 0]}
    with pytest.raises(ColumnError, match="'Drama' of `label_columns` holds 7 in row 4 "):
        _states(first, second)


@pytest.mark.usefixtures("default_model")
def test_an_audit_of_flags_is_the_same_in_csv_and_parquet(tmp_path: Path) -> None:
    words = {"fight": "Action", "laugh": "Comedy", "cry": "Drama"}
    texts = [f"{word} film{row}" for row in range(20) for word in words]
    flags: dict[str, list[int | None]] = {
        name: [int(text.startswith(word)) for text in texts] for word, name in words.items()
    }
    flags["Drama"][3], flags["Comedy"][7] = None, -1
    films = pl.DataFrame({"overview": texts, **flags})
    films.write_csv(tmp_path / "films.csv")
    films.write_parquet(tmp_path / "films.parquet")
    found = {}
    for suffix in ("csv", "parquet"):
        output = tmp_path / f"{suffix}.jsonl"
        columns = ColumnOptions(label_columns=tuple(words.values()))
        result = audit(AuditJob(tmp_path / f"films.{suffix}", output, columns=columns, all=True))
        assert (result.rows_audited, result.rows_without_genres) == (58, 2)
        found[suffix] = [json.loads(line) for line in output.read_text().splitlines()]
    assert found["csv"] == found["parquet"]


@pytest.mark.usefixtures("default_model")
def test_records_have_the_genres_that_the_whole_catalog_decides(tmp_path: Path) -> None:
    texts = [f"{'laugh' if row % 2 else 'cry'} film{row}" for row in range(40)]
    comedy = [1 if row % 2 else -1 for row in range(40)]
    drama = [-value for value in comedy]
    comedy[4] = drama[4] = 1
    films = pl.DataFrame({"overview": texts, "Comedy": comedy, "Drama": drama})
    films.write_parquet(tmp_path / "films.parquet")
    output = tmp_path / "records.jsonl"
    columns = ColumnOptions(label_columns=("Comedy", "Drama"))
    audit(AuditJob(tmp_path / "films.parquet", output, columns=columns, min_score=0))
    records = map(json.loads, output.read_text().splitlines())
    genres = {each["row"]: each["genres"] for each in records}
    assert genres[4] == ["Comedy", "Drama"]
    assert genres[5] == ["Comedy"]
