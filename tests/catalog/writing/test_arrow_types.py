"""Promise: every Arrow type is written to every format as the page says, at any depth."""

from __future__ import annotations

import gc
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import Format, output_location
from genre_batch.catalog.reading.parquet_arrow import read_arrow, read_parquet
from genre_batch.catalog.writing import columnar
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.refusal import UnwritableTypeError
from genre_batch.catalog.writing.schema_metadata import with_metadata
from genre_batch.catalog.writing.writer import encoder_for, open_writer
from genre_batch.errors import CatalogError
from support.arrow_types import PAGE, SAMPLES, page, read_back, write

pytestmark = pytest.mark.slow

KINDS = (Format.ARROW, Format.PARQUET, Format.JSONL, Format.CSV, Format.TSV)
UNREADABLE = {"Type_INTERVAL_MONTHS", "Type_INTERVAL_DAY_TIME"}
SPARK = b"org.apache.spark.sql.parquet.row.metadata"


def _write_or_none(kind: Format, column: pa.Array, rows_at_once: int = 3) -> bytes | None:
    """The encoded column; None if its type is refused. Nothing else may be raised."""
    try:
        return write(kind, column, rows_at_once=rows_at_once)
    except UnwritableTypeError:
        return None


def test_the_page_says_what_is_written() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/support/arrow_types.py"


def test_the_page_has_every_type_of_arrow() -> None:
    def types(kind: pa.DataType) -> set[int]:
        storage = types(kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else set()
        return {kind.id} | storage

    ids = {value for name, value in vars(pa.lib).items() if name.startswith("Type_")}
    unreadable = {vars(pa.lib)[name] for name in UNREADABLE}
    sampled = {kind for column in SAMPLES.values() for kind in types(column.type)}
    assert ids - unreadable <= sampled


WRAPPED: dict[str, Callable[[pa.Array], pa.Array]] = {
    "column": lambda values: values,
    "list": lambda values: pa.ListArray.from_arrays([0, 2, 2, 3], values),
    "large list": lambda values: pa.LargeListArray.from_arrays([0, 2, 2, 3], values),
    "list view": lambda values: pa.ListViewArray.from_arrays([2, 0, 0], [1, 0, 2], values),
    "fixed-size list": lambda values: pa.FixedSizeListArray.from_arrays(values, 1),
    "struct": lambda values: pa.StructArray.from_arrays(
        [values, pa.array([1, 2, 3])], names=["v", "n"], mask=pa.array([False, True, False])
    ),
    "map": lambda values: pa.MapArray.from_arrays([0, 2, 2, 3], ["k", "l", "m"], values),
    "union": lambda values: pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [values, pa.array([1, 2, 3])]
    ),
    "list of structs": lambda values: pa.ListArray.from_arrays(
        [0, 2, 2, 3], pa.StructArray.from_arrays([values], names=["v"])
    ),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("name", SAMPLES)
def test_each_type_is_written_at_any_depth(
    name: str, wrap: Callable[[pa.Array], pa.Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "_ROW_GROUP_ROWS", 2)
    values = SAMPLES[name]
    column = wrap(values)
    for kind in KINDS:
        whole = _write_or_none(kind, column)
        pieces = _write_or_none(kind, column, rows_at_once=1)
        if name != "dictionary of strings with a null":  # which is encoded anew, chunk by chunk
            assert whole == pieces
        assert (whole is None) == (pieces is None)
        if whole is not None and kind in (Format.ARROW, Format.PARQUET):
            assert len(read_back(kind, whole)) == 3
        if whole is not None and kind is Format.JSONL:
            assert len([json.loads(line) for line in whole.splitlines()]) == 3


def test_a_list_in_json_holds_what_a_column_would() -> None:
    for name, values in SAMPLES.items():
        alone, listed = (
            _write_or_none(Format.JSONL, column)
            for column in (values, pa.ListArray.from_arrays([0, 2, 2, 3], values))
        )
        if alone is not None and listed is not None:
            cells = [json.loads(line)["c"] for line in alone.splitlines()]
            lists = [json.loads(line)["c"] for line in listed.splitlines()]
            assert lists == [cells[:2], [], cells[2:]], name


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("size", [1, 3])
def test_files_of_each_type_are_read_and_written(name: str, size: int) -> None:
    table = pa.table({"c": SAMPLES[name], "id": [1, 2, 3]})
    stream = io.BytesIO()
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table, max_chunksize=size)
    stream.seek(0)
    chunks = list(read_arrow(stream, "f"))
    assert chunks[0].table.shape == (0, 2)
    assert sum(map(len, chunks)) == 3
    for kind in KINDS:
        encoder = encoder_for(kind, io.BytesIO(), EncoderOptions())
        try:
            for chunk in chunks:
                encoder.write(chunk, pa.table({"g": pa.nulls(len(chunk), pa.string())}))
        except UnwritableTypeError:
            assert name == "struct with two fields of one name"
        else:
            encoder.finish()


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_before_standard_time_are_in_utc(unit: str) -> None:
    # Amsterdam was 19 min 32 s ahead of Greenwich until 1937, a gap that ISO 8601 cannot write.
    noon = datetime(1911, 6, 1, 12, tzinfo=UTC)
    later = datetime(1965, 1, 1, 12, tzinfo=UTC)
    zone = pa.timestamp(unit, "Europe/Amsterdam")
    column = pa.array([noon, None, later], pa.timestamp(unit, "UTC")).cast(zone)
    rows = [json.loads(line)["c"] for line in _rows(Format.JSONL, column)]
    assert rows == ["1911-06-01T12:00:00+00:00", None, "1965-01-01T13:00:00+01:00"]
    cells = _rows(Format.CSV, column)
    assert cells[1].startswith("1911-06-01T12:00:00")
    assert cells[1].endswith("+0000,")
    assert cells[3].endswith("+0100,")
    for text in (rows[0], rows[2]):
        assert datetime.fromisoformat(text) in (noon, later)
    far = pa.array([-(10**11), noon.timestamp(), 0], pa.int64()).cast(pa.timestamp("s", zone.tz))
    rows = [json.loads(line)["c"] for line in _rows(Format.JSONL, far)]
    assert rows[0].startswith("-1199-")
    assert rows[1:] == ["1911-06-01T12:00:00+00:00", "1970-01-01T01:00:00+01:00"]


@pytest.mark.parametrize("kind", [Format.JSONL, Format.CSV])
def test_a_map_with_a_key_twice_is_refused(kind: Format) -> None:
    maps = pa.map_(pa.string(), pa.int64())
    good = pa.array([[("x", 1), ("y", 2)], None, [("x", 3), ("y", 4)], []], maps)
    assert _rows(kind, good)[-1].startswith(('{"c":{},', "{},"))
    bad = pa.array([[("x", 1)], [("y", 1), ("z", 2), ("y", 3)]], maps)
    with pytest.raises(UnwritableTypeError, match=r"column 'c' .* a map has a key twice"):
        _rows(kind, bad)
    with pytest.raises(UnwritableTypeError, match="a map has a key twice"):
        _rows(kind, pa.ListArray.from_arrays([0, 1, 2], bad))


def _rows(kind: Format, column: pa.Array) -> list[str]:
    return write(kind, column, rows_at_once=len(column)).decode().splitlines()


def test_a_column_is_refused_before_the_first_row() -> None:
    column = SAMPLES["struct with two fields of one name"]
    encoder = encoder_for(Format.JSONL, io.BytesIO(), EncoderOptions())
    with pytest.raises(UnwritableTypeError, match="the column 'c' of type struct<a: int64, a"):
        encoder.write(TableChunk(pa.table({"c": column}).slice(0, 0)), pa.table({}))


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
def test_two_columns_of_one_name_are_refused(kind: Format) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    stream = io.BytesIO()
    if kind is Format.PARQUET:
        pq.write_table(table, stream)
    else:
        with pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(table)
    stream.seek(0)
    with pytest.raises(CatalogError, match="duplicate column 'x': rename one"):
        list(read_parquet(stream, "f")[1] if kind is Format.PARQUET else read_arrow(stream, "f"))


@pytest.mark.parametrize(("unit", "name"), [(0, "month_interval"), (1, "day_time_interval")])
def test_an_interval_that_pyarrow_cannot_read_is_named(unit: int, name: str) -> None:
    table = pa.table({"c": SAMPLES["interval of months, days and nanoseconds"]})
    stream = io.BytesIO()
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
    data = stream.getvalue()
    files = []
    for at in range(len(data) - 1):  # the unit is one of the file's numbers 2
        if data[at : at + 2] == b"\x02\x00":
            changed = io.BytesIO(data[:at] + bytes([unit, 0]) + data[at + 2 :])
            try:
                if str(pa.ipc.open_file(changed).schema.field(0).type) == name:
                    files.append(changed)
            except (pa.ArrowException, OSError):
                continue
    assert files
    files[0].seek(0)
    with pytest.raises(CatalogError, match=f"the column 'c' of type {name} cannot be read"):
        list(read_arrow(files[0], "f"))


@pytest.mark.parametrize(
    ("kind", "column", "lost"),
    [
        (Format.JSONL, pa.array([float("nan"), 1.0, None, float("-inf")]), 2),
        (Format.CSV, pa.array([float("nan"), 1.0, None, float("-inf")]), 0),
        (Format.CSV, pa.array([[float("nan")], None, [1.0], [float("inf")]]), 2),
        (Format.JSONL, pa.array([{"x": float("nan")}, None, {"x": 1.0}, {"x": None}]), 1),
        (Format.PARQUET, pa.array([float("nan"), 1.0, None, float("-inf")]), 0),
    ],
    ids=str,
)
def test_what_json_cannot_hold_is_counted(kind: Format, column: pa.Array, lost: int) -> None:
    encoder = encoder_for(kind, io.BytesIO(), EncoderOptions())
    added = pa.table({"p": pa.array([None] * len(column), pa.float32())})
    encoder.write(TableChunk(pa.table({"c": column})), added)
    assert encoder.lost == lost


def test_an_unknown_extension_type_is_written_as_its_storage() -> None:
    field = pa.field("c", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    table = pa.table([pa.array([b"\x01"])], pa.schema([field]))
    stream = io.BytesIO()
    for kind, written in ((Format.JSONL, b'{"c":"AQ=="}\n'), (Format.CSV, b"c\nAQ==\n")):
        stream = io.BytesIO()
        encoder_for(kind, stream, EncoderOptions()).write(TableChunk(table), pa.table({}))
        assert stream.getvalue() == written
    text = pa.field("c", pa.string(), metadata={"ARROW:extension:name": "x.y"})
    stream = io.BytesIO()
    encoder = encoder_for(Format.PARQUET, stream, EncoderOptions())
    encoder.write(TableChunk(pa.table([pa.array(["a"])], pa.schema([text]))), pa.table({}))
    encoder.finish()
    assert pq.read_schema(stream).field("c").metadata[b"ARROW:extension:name"] == b"x.y"


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
def test_dictionaries_may_differ_from_chunk_to_chunk_and_from_group_to_group(kind: Format) -> None:
    stream = io.BytesIO()
    encoder = encoder_for(kind, stream, EncoderOptions())
    values: list[str] = []
    for start in range(0, 80_000, 2000):
        words = [f"word {start + row % 7}" for row in range(2000)]
        values += words
        lists = pa.ListArray.from_arrays(
            pa.array(np.arange(2001), pa.int32()), pa.array(words).dictionary_encode()
        )
        table = pa.table({"c": pa.array(words).dictionary_encode(), "l": lists})
        encoder.write(TableChunk(table), pa.table({}))
    encoder.finish()
    stream.seek(0)
    table = pq.read_table(stream) if kind is Format.PARQUET else pa.ipc.open_file(stream).read_all()
    assert table["c"].to_pylist() == values
    assert table["l"].to_pylist() == [[word] for word in values]


def test_a_dictionary_may_be_empty_in_the_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "_ROW_GROUP_ROWS", 2)
    for values in (["a", "b"], [7, 8], [b"x", b"y"], [1.5, 2.5]):
        stream = io.BytesIO()
        encoder = encoder_for(Format.ARROW, stream, EncoderOptions())
        empty = pa.DictionaryArray.from_arrays(
            pa.array([None, None], pa.int32()), pa.array([], pa.array(values).type)
        )
        for column in (empty, pa.array(values).dictionary_encode()):
            lists = pa.ListArray.from_arrays([0, 1, 2], column)
            encoder.write(TableChunk(pa.table({"c": column, "l": lists})), pa.table({}))
        encoder.finish()
        table = pa.ipc.open_file(stream.getvalue()).read_all()
        assert table["c"].to_pylist() == [None, None, *values]
        assert table["l"].to_pylist() == [[None], [None], *([value] for value in values)]


def test_a_value_that_cannot_be_written_names_its_column_and_type() -> None:
    far = pa.array([2**62], pa.int64()).cast(pa.timestamp("s"))  # Parquet counts milliseconds
    encoder = encoder_for(Format.PARQUET, io.BytesIO(), EncoderOptions())
    encoder.write(TableChunk(pa.table({"id": [1], "shot": far})), pa.table({}))
    with pytest.raises(CatalogError, match=r"the column 'shot' of type timestamp\[s\] cannot be"):
        encoder.finish()


@pytest.mark.parametrize("name", ["out.parquet", "out.arrow", "out.csv.gz"])
def test_a_failing_block_leaves_no_file_and_no_writer(
    tmp_path: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)

    def fail() -> None:
        with open_writer(output_location(str(tmp_path / name)), EncoderOptions()) as encoder:
            rows = pa.table({"id": list(range(40_000))})
            encoder.write(TableChunk(rows), pa.table({}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    gc.collect()
    assert not unraisable
    assert not list(tmp_path.iterdir())


def _spark(*fields: dict[str, Any]) -> bytes:
    return json.dumps({"type": "struct", "fields": list(fields)}).encode()


ID = {"name": "id", "type": "long", "nullable": True, "metadata": {"comment": "key"}}
GENRES = pa.field("predicted_genres", pa.list_(pa.string()))


def test_spark_sees_the_added_columns() -> None:
    fields = [pa.field("id", pa.int64()), GENRES, pa.field("probability_War", pa.float32())]
    schema = pa.schema(fields, metadata={SPARK: _spark(ID), b"org.apache.spark.version": b"3.5.0"})
    metadata = with_metadata(schema, {"genre_batch.version": "1"}).metadata
    array = {"type": "array", "elementType": "string", "containsNull": True}
    assert json.loads(metadata[SPARK])["fields"] == [
        ID,
        {"name": "predicted_genres", "type": array, "nullable": True, "metadata": {}},
        {"name": "probability_War", "type": "float", "nullable": True, "metadata": {}},
    ]
    assert metadata[b"org.apache.spark.version"] == b"3.5.0"
    assert metadata[b"genre_batch.version"] == b"1"


@pytest.mark.parametrize(
    "spark",
    [b"", b"no JSON", b"[]", b'{"fields":[{}]}', b'{"fields":3}'],
)
def test_a_damaged_schema_of_spark_is_left_out(spark: bytes) -> None:
    schema = pa.schema([GENRES], metadata={SPARK: spark})
    assert with_metadata(schema, {}).metadata in (None, {})


def test_a_schema_of_spark_that_lacks_a_column_of_another_type_is_left_out() -> None:
    schema = pa.schema([pa.field("x", pa.duration("s")), GENRES], metadata={SPARK: _spark(ID)})
    assert SPARK not in (with_metadata(schema, {}).metadata or {})


def test_a_replaced_column_of_another_type_is_described_anew() -> None:
    old = {"name": "predicted_genres", "type": "string", "nullable": True, "metadata": {}}
    schema = pa.schema([GENRES], metadata={SPARK: _spark(old)})
    [field] = json.loads(with_metadata(schema, {}).metadata[SPARK])["fields"]
    assert field["type"]["type"] == "array"


def test_schemas_that_hide_the_added_columns_are_left_out_and_others_kept() -> None:
    metadata = {"parquet.avro.schema": "{}", "iceberg.schema": "{}", "pandas": "{}", "geo": "{}"}
    schema = pa.schema([GENRES], metadata=metadata)
    assert set(with_metadata(schema, {}).metadata) == {b"pandas", b"geo"}
