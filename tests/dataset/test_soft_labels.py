"""Soft labels are read from lists and JSON, checked, and never measured."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.dataset.load import Further
from genre_batch.dataset.soft_labels import read_soft_labels
from genre_batch.errors import CatalogError, GenreBatchWarning, TrainingError
from support.catalogs import load, overviews, write_csv

NAMES = ["Comedy", "Drama", "Horror"]
NAN = float("nan")
LISTS = [[0.25, 1, None], None, [0, NAN, 0.5]]
EXPECTED = np.array([[0.25, 1, NAN], [-1, -1, -1], [0, NAN, 0.5]], dtype=np.float32)


def _read(column: pa.Array) -> npt.NDArray[np.float32]:
    found = read_soft_labels(pa.table({"p": column}), "p", NAMES, "films")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "column",
    [
        pa.array(LISTS, pa.list_(pa.float32())),
        pa.array(LISTS, pa.large_list(pa.float64())),
        pa.array(LISTS, pa.list_(pa.float64(), 3)),
        pa.array([None, *LISTS], pa.list_(pa.float32()))[1:],
        pa.array(["[0.25, 1, null]", " ", "[0, NaN, 0.5]"]),
        pa.array(["[0.25, 1, None]", None, "[0, nan, 0.5]"], pa.large_string()),
    ],
    ids=["list", "large list", "fixed size", "sliced", "JSON", "Python"],
)
def test_lists_of_any_kind_are_probabilities(column: pa.Array) -> None:
    np.testing.assert_array_equal(_read(column), EXPECTED)


def test_integers_are_probabilities_too() -> None:
    found = _read(pa.array([[0, 1, None]], pa.list_(pa.int64())))
    np.testing.assert_array_equal(found, [[0, 1, NAN]])


def test_decimals_are_probabilities_too() -> None:
    half = pa.array([[Decimal("0.50"), None, Decimal(1)]], pa.list_(pa.decimal128(4, 2)))
    np.testing.assert_array_equal(_read(half), [[0.5, NAN, 1]])


def test_json_lines_may_hold_lists(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"overview": text, "genres": ["Drama", "Comedy", "Horror"][at % 3]}
        for at, text in enumerate(overviews(60))
    ]
    rows[0] |= {"p": [0.5, None, 1]}
    path = tmp_path / "films.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.warns(GenreBatchWarning, match="1 row with soft labels"):
        dataset = load(input_location(str(path)), further=Further(soft_labels="p"))
    np.testing.assert_array_equal(dataset.training_labels[0], [0.5, NAN, 1])


def test_a_column_of_nulls_has_no_soft_labels() -> None:
    assert (_read(pa.nulls(2)) == -1).all()


def test_without_the_column_there_are_none() -> None:
    assert read_soft_labels(pa.table({"q": [1]}), "p", NAMES, "films") is None


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([None, [0.1, 0.2]]), "row 1 .* 2 probabilities for 3 genres.*Comedy, Drama"),
        (pa.array([[0.1, 0.2, 1.5]]), "row 0 .* is 1.5 for 'Horror': use 0..1 or null"),
        (pa.array([[0.1, -0.2, 1]]), "row 0 .* is -0.2 for 'Drama'"),
        (pa.array([[float("inf"), 0, 1]]), "row 0 .* is inf for 'Comedy'"),
        (pa.array([["a", "b", "c"]]), "row 0 .* lists of string, not of numbers"),
        (pa.array([0.5]), "row 0 .* holds double, not lists"),
        (pa.array(["", "0.5"]), "row 1 .* is not a list of probabilities: '0.5'"),
        (pa.array(["[0.5, 1"]), "row 0 .* is not a list"),
        (pa.array(['{"Comedy": 1}']), "row 0 .* is not a list"),
        (pa.array(['[0, 0, "1"]']), "row 0 .* holds '1', which is not a number"),
        (pa.array(["[0, 0, true]"]), "row 0 .* holds True, which is not a number"),
        (pa.array(["[0, 0]"]), "row 0 .* 2 probabilities"),
        (pa.array(["[0, 0, 1" + "0" * 400 + "]"]), "row 0 .* outside 0..1"),
        (pa.array(["[" * 100_000]), "row 0 .* is not a list"),
    ],
)
def test_anything_else_is_an_error_of_one_line_with_the_row(column: pa.Array, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as raised:
        _read(column)
    assert str(raised.value).startswith("films: row ")
    assert "\n" not in str(raised.value)


def test_rows_with_soft_labels_are_in_the_training_part_only(tmp_path: Path) -> None:
    texts = overviews(60)
    cells = ["Drama, Comedy", "Comedy", "Drama", "Horror"]
    rows = [(text, cells[at % 4], "[1, 0, 0]" if at < 12 else "") for at, text in enumerate(texts)]
    rows += [(texts[at].upper(), "", "[0, 0, 1]") for at in range(12, 60)]  # of hard films
    catalog = write_csv(tmp_path / "films.csv", ("overview", "genres", "p"), rows)
    with pytest.warns(GenreBatchWarning, match="60 rows with soft labels only for training"):
        dataset = load(catalog, further=Further(soft_labels="p"))
    held_out = dataset.part("dev", "test")
    assert set(held_out.rows.tolist()) <= set(range(12, 60))
    assert set(range(12)) <= set(dataset.part("train").rows.tolist())
    assert not set(held_out.keys.tolist()) & set(dataset.part("train").keys.tolist())
    split = tmp_path / "split.csv"
    parts = dict.fromkeys(range(60), "train") | {0: "test", 1: "dev", 12: "test", 13: "dev"}
    split.write_text("row,part\n" + "".join(f"{row},{part}\n" for row, part in parts.items()))
    with pytest.warns(GenreBatchWarning, match=r"of which 2 would be in .* dev or test: 2"):
        dataset = load(
            catalog, further=Further(soft_labels="p"), split_file=input_location(str(split))
        )
    assert dataset.part("test").rows.tolist() == [12]
    assert {0, 1} <= set(dataset.part("train").rows.tolist())


def test_a_catalog_of_soft_labels_alone_leaves_nothing_to_measure_on(tmp_path: Path) -> None:
    rows = [(text, "Drama", "[0.5, 1]" if row else "") for row, text in enumerate(overviews(30))]
    catalog = write_csv(
        tmp_path / "films.csv", ("overview", "genres", "p"), [*rows, ("A", "War", "")]
    )
    message = (
        r"films\.csv: 29 rows with soft labels, which are for training only, and 2 distinct texts "
        r"without, of which at least 10 are needed for train, dev and test"
    )
    with pytest.raises(TrainingError, match=message):
        load(catalog, further=Further(soft_labels="p"))


def test_soft_labels_of_parquet_are_read(tmp_path: Path) -> None:
    lists = [None] * 59 + [[0.0, 0.5, 1.0]]
    genres = [["Drama"], ["Comedy"], ["Horror"]] * 20
    table = pa.table({"overview": overviews(60), "genres": genres, "p": lists})
    pq.write_table(table, tmp_path / "films.parquet")
    with pytest.warns(GenreBatchWarning, match="1 row with"):
        dataset = load(
            input_location(str(tmp_path / "films.parquet")), further=Further(soft_labels="p")
        )
    assert dataset.training_labels[-1].tolist() == [0.0, 0.5, 1.0]
