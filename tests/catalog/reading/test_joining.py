"""Catalogs of different types are joined only where every value comes back as it was."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.joining import common_type
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.errors import CatalogError

UTC = dt.UTC
STRUCT = pa.struct([("a", pa.int32())])
WIDER = pa.struct([("b", pa.string()), ("a", pa.int64())])

DAY = dt.datetime(2020, 1, 2)  # noqa: DTZ001 - a timestamp without a zone

JOINED: list[tuple[pa.DataType, list[Any], pa.DataType, list[Any]]] = [
    (pa.null(), [None], pa.string(), ["x"]),
    (pa.null(), [None], STRUCT, [{"a": 1}]),
    (pa.null(), [None], pa.list_(pa.int8()), [[1], None]),
    (pa.int8(), [-1], pa.int64(), [2**62]),
    (pa.uint8(), [255], pa.int8(), [-128]),
    (pa.uint32(), [2**32 - 1], pa.int32(), [-1]),
    (pa.float32(), [0.5], pa.float64(), [0.1]),
    (pa.string(), ["x"], pa.large_string(), ["y"]),
    (pa.large_string(), ["x"], pa.string_view(), ["y"]),
    (pa.binary(), [b"x"], pa.large_binary(), [b"y"]),
    (pa.dictionary(pa.int8(), pa.string()), ["x"], pa.string(), ["y", None]),
    (pa.string(), ["x"], pa.dictionary(pa.int32(), pa.large_string()), ["y"]),
    (pa.decimal128(5, 2), [Decimal("123.45")], pa.decimal128(12, 4), [Decimal("1.2345")]),
    (pa.decimal128(38, 0), [Decimal(10**37)], pa.decimal128(5, 4), [Decimal("1.2345")]),
    (pa.timestamp("s"), [DAY], pa.timestamp("us"), [DAY + dt.timedelta(hours=3)]),
    (pa.timestamp("ms", "UTC"), [dt.datetime(2020, 1, 2, tzinfo=UTC)],
     pa.timestamp("us", "+00:00"), [dt.datetime(2020, 1, 2, 3, tzinfo=UTC)]),
    (pa.time32("s"), [dt.time(1)], pa.time64("us"), [dt.time(1, 2, 3, 4)]),
    (pa.duration("s"), [dt.timedelta(1)], pa.duration("us"), [dt.timedelta(microseconds=1)]),
    (pa.list_(pa.int32()), [[1], None, []], pa.large_list(pa.int64()), [[2**40]]),
    (pa.list_(pa.int32(), 2), [[1, 2]], pa.list_(pa.int32()), [[1]]),
    (pa.map_(pa.string(), pa.int8()), [[("k", 1)]], pa.map_(pa.string(), pa.int64()), [[("l", 2)]]),
]  # fmt: skip
FILLED: list[tuple[pa.DataType, list[Any], pa.DataType, list[Any], list[Any]]] = [
    (STRUCT, [{"a": 1}, None], WIDER, [{"b": "x", "a": 2**40}],
     [{"a": 1, "b": None}, None, {"a": 2**40, "b": "x"}]),
    (WIDER, [{"b": "x", "a": 1}], STRUCT, [{"a": 2}], [{"b": "x", "a": 1}, {"b": None, "a": 2}]),
    (pa.list_(STRUCT), [[{"a": 1}], []], pa.list_(WIDER), [[{"b": "x", "a": 2}], None],
     [[{"a": 1, "b": None}], [], [{"a": 2, "b": "x"}], None]),
    (pa.struct([("s", STRUCT)]), [{"s": {"a": 1}}], pa.struct([("s", WIDER)]),
     [{"s": {"b": "x", "a": 2}}], [{"s": {"a": 1, "b": None}}, {"s": {"a": 2, "b": "x"}}]),
]  # fmt: skip
REFUSED = [
    (pa.int64(), pa.float64()),
    (pa.int32(), pa.float64()),
    (pa.uint64(), pa.int8()),
    (pa.int64(), pa.string()),
    (pa.string(), pa.int64()),
    (pa.bool_(), pa.int8()),
    (pa.bool_(), pa.string()),
    (pa.string(), pa.binary()),
    (pa.timestamp("us"), pa.timestamp("us", "UTC")),
    (pa.timestamp("us", "Europe/Berlin"), pa.timestamp("us", "UTC")),
    (pa.timestamp("us"), pa.date32()),
    (pa.timestamp("us"), pa.string()),
    (pa.string(), pa.date32()),
    (pa.decimal128(10, 2), pa.float64()),
    (pa.decimal128(10, 2), pa.int64()),
    (pa.decimal256(76, 0), pa.decimal128(5, 4)),
    (STRUCT, pa.struct([("a", pa.string())])),
    (STRUCT, pa.string()),
    (pa.list_(pa.int32()), pa.list_(pa.string())),
    (pa.list_(pa.string()), pa.string()),
    (pa.map_(pa.string(), pa.int32()), STRUCT),
    (pa.duration("s"), pa.int64()),
]


def _write(path: Path, kind: pa.DataType, values: list[Any], nullable: bool = True) -> Path:
    field = pa.field("c", kind, nullable)
    texts = pa.array(["laugh"] * len(values))
    schema = pa.schema([pa.field("overview", pa.string()), field], {"kept": "yes"})
    table = pa.table([texts, pa.array(values, kind)], schema)
    if path.suffix == ".arrow":
        feather.write_feather(table, path, compression="uncompressed")
    else:
        pq.write_table(table, path)
    return path


def _joined(*paths: Path, **options: Any) -> pa.Table:
    locations = [input_location(str(path)) for path in paths]
    with CatalogReader(locations, ReadOptions(as_table=True, **options)) as reader:
        return pa.concat_tables([chunk.table for chunk in reader.chunks()])  # type: ignore[union-attr]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("left", "first", "right", "second", "expected"),
    [(*case, [*case[1], *case[3]]) for case in JOINED]
    + [(case[2], case[3], case[0], case[1], [*case[3], *case[1]]) for case in JOINED]
    + FILLED,
)
def test_every_value_of_both_comes_back(
    tmp_path: Path,
    suffix: str,
    left: pa.DataType,
    first: list[Any],
    right: pa.DataType,
    second: list[Any],
    expected: list[Any],
) -> None:
    if suffix == "parquet" and pa.types.is_string_view(left):
        pytest.skip("Parquet files do not say that a text is a view")
    table = _joined(
        _write(tmp_path / f"a.{suffix}", left, first),
        _write(tmp_path / f"b.{suffix}", right, second),
    )
    assert table["c"].to_pylist() == expected
    assert table.schema.metadata[b"kept"] == b"yes"


@pytest.mark.parametrize(("left", "right"), REFUSED + [pair[::-1] for pair in REFUSED])
def test_types_without_a_common_one_are_refused_before_the_first_row(
    tmp_path: Path, left: pa.DataType, right: pa.DataType
) -> None:
    assert common_type(left, right) is None
    first, second, third = (
        _write(tmp_path / f"{name}.arrow", kind, [None])
        for name, kind in (("a", left), ("b", left), ("c", right))
    )
    with pytest.raises(CatalogError) as caught:
        _joined(first, second, third)
    message = str(caught.value)
    assert f"{third}: column 'c' is {right}, but {left} in {first}: write to a folder" in message


def test_text_of_digits_is_not_joined_with_numbers(tmp_path: Path) -> None:
    numbers = _write(tmp_path / "a.parquet", pa.int64(), [7])
    (tmp_path / "b.csv").write_text("overview,c\nlaugh,007\n")
    for paths in ((numbers, tmp_path / "b.csv"), (tmp_path / "b.csv", numbers)):
        with pytest.raises(CatalogError, match="column 'c' is "):
            _joined(*paths)
    (tmp_path / "b.csv").write_text("overview,c\nlaugh,8\n")
    table = _joined(numbers, tmp_path / "b.csv", infer_types=True)
    assert table["c"].to_pylist() == [7, 8]


def test_numbers_of_json_are_joined_with_narrower_ones(tmp_path: Path) -> None:
    numbers = _write(tmp_path / "a.parquet", pa.int16(), [7])
    (tmp_path / "b.jsonl").write_text('{"overview":"laugh","c":4000000000}\n')
    (tmp_path / "empty.jsonl").write_text("")
    paths = (numbers, tmp_path / "b.jsonl", tmp_path / "empty.jsonl")
    assert _joined(*paths)["c"].to_pylist() == [7, 4_000_000_000]
    assert _joined(numbers, tmp_path / "empty.jsonl")["c"].to_pylist() == [7]


def test_a_column_that_may_not_be_null_is_joined_with_one_that_may(tmp_path: Path) -> None:
    first = _write(tmp_path / "a.parquet", pa.int64(), [1], nullable=False)
    table = _joined(first, _write(tmp_path / "b.parquet", pa.int64(), [None]))
    assert table["c"].to_pylist() == [1, None]


def test_a_value_that_does_not_fit_the_common_type_is_refused(tmp_path: Path) -> None:
    late = _write(tmp_path / "a.arrow", pa.timestamp("s"), [dt.datetime(9999, 1, 1, tzinfo=UTC)])
    fine = _write(tmp_path / "b.arrow", pa.timestamp("ns"), [DAY])
    with pytest.raises(CatalogError, match=r"a\.arrow does not fit the column types of all inputs"):
        _joined(late, fine)


def test_with_a_limit_catalogs_behind_it_are_not_looked_at(tmp_path: Path) -> None:
    first = _write(tmp_path / "a.parquet", pa.int64(), [1, 2])
    second = _write(tmp_path / "b.parquet", pa.string(), ["x"])
    with pytest.raises(CatalogError):
        _joined(first, second)
    locations = [input_location(str(path)) for path in (first, second)]
    with CatalogReader(locations, ReadOptions(as_table=True, limit=2)) as reader:
        chunks = reader.chunks()
        assert [len(next(chunks)), len(next(chunks))] == [0, 2]
    with pytest.raises(CatalogError, match="column 'c' is string, but int64"):
        _joined(first, second, limit=2)
