"""Chunks and added columns become the bytes of each format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, output_location
from genre_batch.catalog.reading.jsonlines import read_json_lines
from genre_batch.catalog.writing.encoder import EncoderOptions, merge
from genre_batch.catalog.writing.writer import encoder_for, open_writer
from genre_batch.errors import CatalogError

GENRES = pa.array([["Drama", "War"], None, []], pa.list_(pa.string()))
TEXTS = st.text(st.sampled_from('",:[] \\ab\n\té\x00\x1f\x7f'), max_size=6)
ADDED = pa.table({"predicted_genres": GENRES})


def _encode(kind: Format, *chunks: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    encoder = encoder_for(kind, stream, EncoderOptions(**options))
    for chunk in chunks:
        encoder.write(chunk, ADDED)
    encoder.finish()
    return stream.getvalue()


def _lines(data: bytes) -> JsonLinesChunk:
    return next(read_json_lines(io.BytesIO(data), "f", lambda reject: None))


def test_added_columns_come_after_the_columns_of_the_catalog() -> None:
    table = pa.table({"id": [1, 2, 3]})
    assert merge(table, ADDED).column_names == ["id", "predicted_genres"]


def test_a_column_of_the_same_name_is_replaced_in_place() -> None:
    table = pa.table({"predicted_genres": ["a", "b", "c"], "id": [1, 2, 3]})
    merged = merge(table, ADDED)
    assert merged.column_names == ["predicted_genres", "id"]
    assert merged["predicted_genres"].combine_chunks().equals(GENRES)


def test_csv_writes_null_as_nothing_and_an_empty_list_as_two_quotes() -> None:
    chunk = TableChunk(pa.table({"id": ["1", None, ""]}))
    assert _encode(Format.CSV, chunk) == (b'id,predicted_genres\n1,"Drama, War"\n,\n"",""\n')


def test_the_header_is_written_once_even_without_a_row() -> None:
    chunk = TableChunk(pa.table({"id": ["1", "2", "3"]}))
    assert _encode(Format.TSV, chunk, chunk, genre_separator="|").count(b"id\t") == 1
    stream = io.BytesIO()
    encoder_for(Format.CSV, stream, EncoderOptions()).write(chunk.head(0), ADDED.slice(0, 0))
    assert stream.getvalue() == b"id,predicted_genres\n"


@pytest.mark.parametrize("names", [["", "id"], ["column_1", ""]])
def test_a_column_without_a_name_stays_without(names: list[str]) -> None:
    chunk = TableChunk(pa.table([[1, 2, 3], [4, 5, 6]], names))
    header = next(csv.reader(_encode(Format.CSV, chunk).decode().splitlines()))
    assert header == [*names, "predicted_genres"]
    row = json.loads(_encode(Format.JSONL, chunk).splitlines()[0])
    assert list(row) == [*names, "predicted_genres"]
    table = pq.read_table(io.BytesIO(_encode(Format.PARQUET, chunk)))
    assert table.column_names == [*names, "predicted_genres"]


def test_csv_quotes_what_would_otherwise_end_a_cell_or_a_row() -> None:
    cells = ['a,"b"', "c\nd", "e\rf"]
    data = _encode(Format.CSV, TableChunk(pa.table({"id": cells})))
    assert pl.read_csv(data)["id"].to_list() == cells


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b: ,"]), st.lists(TEXTS)), max_size=3))
@example([{"a": ['", ', "\\", '\\"', ",:", " "]}, {"b: ,": []}])
def test_json_in_a_csv_cell_is_spaced_as_by_python(
    value: list[dict[str, list[str]]],
) -> None:
    kind = pa.list_(pa.map_(pa.string(), pa.list_(pa.string())))
    maps = [list(entry.items()) for entry in value]
    table = pa.table({"cast": pa.array([maps, None, []], kind)})
    data = _encode(Format.CSV, TableChunk(table)).decode()
    cells = [row[0] for row in csv.reader(io.StringIO(data, newline=""))]
    assert cells == ["cast", json.dumps(value, ensure_ascii=False), "", "[]"]


def test_a_csv_cell_holds_lists_and_structs_as_json_and_bytes_as_base64() -> None:
    table = pa.table(
        {
            "cast": [[{"name": "Zoë"}], [], None],
            "raw": pa.array([b"\xff\x00", b"", None], pa.binary()),
        }
    )
    frame = pl.read_csv(_encode(Format.CSV, TableChunk(table)))
    assert frame["cast"].to_list() == ['[{"name": "Zoë"}]', "[]", None]
    assert frame["raw"].to_list() == ["/wA=", "", None]


@pytest.mark.parametrize(
    ("first", "written"),
    [
        pytest.param(
            b'{ "n" : 1.50, "t":"\\u00e9" }',
            b'{ "n" : 1.50, "t":"\\u00e9","predicted_genres":["Drama","War"]}',
            id="an added member comes last",
        ),
        pytest.param(
            b'{"a": 1.50, "predicted_genres" : ["x, }"], "b":[ 1 ]}',
            b'{"a":1.50,"predicted_genres":["Drama","War"],"b":[ 1 ]}',
            id="a member of the same name is replaced in place",
        ),
    ],
)
def test_an_object_keeps_the_spelling_of_its_values(first: bytes, written: bytes) -> None:
    assert _encode(Format.JSONL, _lines(first + b'\n{}\n{"a":1e400}\n')).splitlines() == [
        written,
        b'{"predicted_genres":null}',
        b'{"a":1e400,"predicted_genres":[]}',
    ]


def test_keys_that_an_object_has_twice_stay_and_ours_is_written_once() -> None:
    line = b'{"a":1,"predicted_genres":[],"a":2,"predicted_genres":["x"]}'
    written = b'{"a":1,"predicted_genres":["Drama","War"],"a":2}'
    stream = io.BytesIO()
    encoder = encoder_for(Format.JSONL, stream, EncoderOptions())
    encoder.write(_lines(line + b"\n"), ADDED.slice(0, 1))
    assert stream.getvalue() == written + b"\n"


def test_a_table_s_rows_become_objects() -> None:
    table = pa.table({"id": ["1", None, "é"], "raw": pa.array([b"\xff", b"", None], pa.binary())})
    assert _encode(Format.JSONL, TableChunk(table)).decode().splitlines() == [
        '{"id":"1","raw":"/w==","predicted_genres":["Drama","War"]}',
        '{"id":null,"raw":"","predicted_genres":null}',
        '{"id":"é","raw":null,"predicted_genres":[]}',
    ]


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
def test_types_nullability_and_metadata_are_kept_and_ours_is_added(kind: Format) -> None:
    schema = pa.schema(
        [
            pa.field("id", pa.int16(), nullable=False),
            pa.field("digest", pa.binary(2)),
            pa.field("code", pa.dictionary(pa.int32(), pa.string())),
        ],
        metadata={"owner": "you"},
    )
    arrays = [
        pa.array([1, 2, 3], pa.int16()),
        pa.array([b"ab", None, b"cd"], pa.binary(2)),
        pa.array(["x", "y", "x"]).dictionary_encode(),
    ]
    chunk = TableChunk(pa.Table.from_arrays(arrays, schema=schema))
    data = io.BytesIO(_encode(kind, chunk, chunk, metadata={"genre_batch.version": "1"}))
    read = pq.read_table(data) if kind is Format.PARQUET else pa.ipc.open_file(data).read_all()
    assert [read.schema.field(name) for name in schema.names] == list(schema)
    assert read.schema.metadata[b"owner"] == b"you"
    assert read.schema.metadata[b"genre_batch.version"] == b"1"
    assert read.num_rows == 6
    assert read["code"].to_pylist() == ["x", "y", "x"] * 2


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
def test_the_chunks_do_not_change_the_bytes(kind: Format) -> None:
    table = pa.table({"id": [1, 2, 3] * 30_000, "overview": [f"film {n}" for n in range(90_000)]})
    added = pa.concat_tables([ADDED] * 30_000)

    def encode(size: int) -> bytes:
        stream = io.BytesIO()
        encoder = encoder_for(kind, stream, EncoderOptions())
        for start in range(0, len(table), size):
            encoder.write(TableChunk(table.slice(start, size)), added.slice(start, size))
        encoder.finish()
        return stream.getvalue()

    assert encode(90_000) == encode(7001) == encode(40_000)


@pytest.mark.parametrize("call", ["os.replace", "os.fsync"])
def test_a_rename_or_sync_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(call, fail)
    location = output_location(str(tmp_path / "out.csv"))
    with (
        pytest.raises(CatalogError, match=r"cannot write .*out\.csv: Input/output error"),
        open_writer(location, EncoderOptions()),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text_holds_the_text_and_the_same_bytes_each_time(
    tmp_path: Path, suffix: str
) -> None:
    chunk = TableChunk(pa.table({"id": ["1", "2"]}))
    added = pa.table({"g": ["a", "b"]})
    made = []
    for name in ("one", "two"):
        location = output_location(str(tmp_path / f"{name}.csv.{suffix}"))
        with open_writer(location, EncoderOptions()) as encoder:
            encoder.write(chunk, added)
        made.append(Path(location.path).read_bytes())
    assert made[0] == made[1]
    text = (
        gzip.decompress(made[0])
        if suffix == "gz"
        else pa.CompressedInputStream(location.path, "zstd").read()
    )
    assert text == b"id,g\n1,a\n2,b\n"
