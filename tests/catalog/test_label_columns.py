"""Columns of flags, one for each genre."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from genre_batch.catalog.label_columns import find_label_columns, read_label_columns
from genre_batch.errors import ColumnError, GenreBatchWarning
from support.arrow_types import SAMPLES

NAMES = ("id", "text", "is_a", "is_b", "other", "x,y")


@pytest.mark.parametrize(
    ("wanted", "columns"),
    [
        ("is_a,is_b", ("is_a", "is_b")),
        ("is_*", ("is_a", "is_b")),
        ("is_?, other", ("is_a", "is_b", "other")),
        ("is_a..other", ("is_a", "is_b", "other")),
        ("x,y", ("x,y",)),
        (["other", "is_*", "is_a"], ("other", "is_a", "is_b")),
    ],
)
def test_columns_are_named_matched_or_in_a_range(
    wanted: str | list[str], columns: tuple[str, ...]
) -> None:
    assert find_label_columns(NAMES, wanted) == columns


def test_a_missing_column_is_named_with_the_nearest() -> None:
    with pytest.raises(ColumnError, match=r"'is_c' \(nearest: 'is_.'\)"):
        find_label_columns(NAMES, "is_a,is_c")


def test_a_range_that_goes_backward_is_reported_with_the_one_to_name() -> None:
    with pytest.raises(ColumnError, match=r"'is_a' comes before 'is_b' .*: name is_a\.\.is_b$"):
        find_label_columns(NAMES, "is_b..is_a")


@pytest.mark.parametrize(
    "flags",
    [
        pa.array([1, 0, 0]),
        pa.array([1.0, 0.0, 0.0]),
        pa.array([True, False, False]),
        pa.array(["1", "0", ""]),
        pa.array(["true", "False", "no"]),
        pa.array(["YES", "n", "0.0"]),
        pa.array(["x", "", ""]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([1, 0, 0]), pa.array(["0", "1", "unused"])),
        pa.array([1, 0, 0]).dictionary_encode(),
        pa.RunEndEncodedArray.from_arrays([1, 3], ["1", "0"]),
        pa.RunEndEncodedArray.from_arrays([1, 3], [1, 0]),
        pa.array(["yes", "no", ""], pa.string_view()),
        pa.array([Decimal(1), Decimal(0), Decimal(0)], pa.decimal128(20, 2)),
        pa.array([Decimal(1), Decimal(0), Decimal(0)], pa.decimal32(5, 2)),
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0, 0], pa.int8())),
        pa.array(["1.00", "0.00", " 0 "]),
        pa.array(["On", "off", "-"]),
        pa.array(["\u2713", "\u2717", ""]),
    ],
)
def test_flags_of_every_type_are_read(flags: pa.Array) -> None:
    table = pa.table({"Drama": flags, "War": pa.array([1, 1, 0])})
    cells = read_label_columns(table, ("Drama", "War"))
    assert cells.genres == [["Drama", "War"], ["War"], []]
    assert cells.states.tolist() == [0, 0, 1]


@pytest.mark.parametrize("value", [None, -1])
def test_what_is_not_known_is_not_a_no(value: int | None) -> None:
    table = pa.table({"Drama": pa.array([1, value]), "War": pa.array([0, 1])})
    cells = read_label_columns(table, ("Drama", "War"))
    assert (cells.genres, cells.states.tolist()) == ([["Drama"], []], [0, 2])


def test_a_column_of_other_values_is_named_with_its_row() -> None:
    table = pa.table({"Drama": pa.array([1.0, 0.7])})
    with pytest.raises(ColumnError, match=r"'Drama' of `label_columns` holds 0.7 in row 1"):
        read_label_columns(table, ("Drama",))


@pytest.mark.parametrize("kind", [pa.int8(), pa.float64(), pa.string()])
def test_minus_one_is_a_no_beside_one_where_no_cell_is_0(kind: pa.DataType) -> None:
    table = pa.table({"Drama": pa.array([1, -1, -1, 1]), "War": pa.array([-1, 1, -1, None])})
    table = pa.table([column.cast(kind) for column in table.columns], table.column_names)
    cells = read_label_columns(table, ("Drama", "War"))
    assert (cells.genres, cells.states.tolist()) == ([["Drama"], ["War"], [], []], [0, 0, 1, 2])


def test_rows_of_minus_one_alone_stay_unknown() -> None:
    table = pa.table({"Drama": pa.array([1, -1, 1]), "War": pa.array([1, -1, 1])})
    cells = read_label_columns(table, ("Drama", "War"))
    assert cells.states.tolist() == [0, 2, 0]


@pytest.mark.parametrize("blank", [None, "NULL", "n/a"])
@pytest.mark.parametrize("yes", ["x", "1", "\u2714"])
def test_blank_is_a_no_beside_yes_where_no_cell_is_a_no(yes: str, blank: str | None) -> None:
    table = pa.table({"Drama": [yes, blank, blank, yes], "War": [blank, yes, blank, yes]})
    with pytest.warns(GenreBatchWarning, match="^the columns Drama, War of .* hold yes or nothing"):
        cells = read_label_columns(table, ("Drama", "War"))
    assert cells.genres == [["Drama"], ["War"], [], ["Drama", "War"]]
    assert cells.states.tolist() == [0, 0, 2, 0]


def test_yes_in_every_cell_is_no_guess() -> None:
    table = pa.table({"Drama": ["x", "x"], "War": ["x", "x"]})
    assert read_label_columns(table, ("Drama", "War")).genres == [["Drama", "War"]] * 2


def test_columns_of_one_name_each_are_joined() -> None:
    table = pa.table(
        {
            "genre_1": pa.array(["Drama", "War ", None, "Western"]).dictionary_encode(),
            "genre_2": ["War", "War", "", "nan"],
            "genre_3": [None, "-", "N/A", "Drama"],
        }
    )
    cells = read_label_columns(table, table.column_names)
    assert cells.genres == [["Drama", "War"], ["War"], [], ["Western", "Drama"]]
    assert cells.states.tolist() == [0, 0, 2, 0]


def test_names_among_flags_are_refused() -> None:
    table = pa.table({"Drama": ["1", "0"], "War": ["1", "Western"]})
    with pytest.raises(ColumnError, match="'War' of `label_columns` holds 'Western' in row 1"):
        read_label_columns(table, ("Drama", "War"))


def test_a_categorical_without_any_value_is_unknown() -> None:
    codes = pa.array([None, None], pa.int8())
    flags = pa.DictionaryArray.from_arrays(codes, pa.array(["maybe", "yes"]))
    cells = read_label_columns(
        pa.table({"Drama": flags, "War": pa.array([1, 0])}), ("Drama", "War")
    )
    assert cells.states.tolist() == [2, 2]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_column_of_any_type_is_read_or_refused_by_name(name: str) -> None:
    table = pa.table({"Drama": SAMPLES[name]})
    try:
        cells = read_label_columns(table, ("Drama",))
    except ColumnError as error:
        assert "the column 'Drama' of `label_columns` holds" in str(error)  # noqa: PT017
    else:
        assert len(cells.genres) == len(table)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["Drama"]]),
        pa.array([{"Drama": 1}]),
        pa.array([[("Drama", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([["Drama"]], pa.list_view(pa.string())),
        pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([["Drama"]])),
        pa.array([0], pa.timestamp("s")),
    ],
    ids=lambda column: str(column.type),
)
def test_types_that_hold_no_flags_are_refused(column: pa.Array) -> None:
    with pytest.raises(ColumnError, match=r"'x' of `label_columns` holds .*: name columns that"):
        read_label_columns(pa.table({"x": column}), ("x",))
