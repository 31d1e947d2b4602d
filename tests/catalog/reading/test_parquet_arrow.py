"""Parquet and Arrow: types, nullability and metadata are kept, and memory is bounded."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.parquet_arrow import ROWS_PER_CHUNK
from genre_batch.catalog.reading.reader import CatalogReader
from genre_batch.catalog.reading.whole import read_table
from genre_batch.errors import CatalogError

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False, metadata={"of": "the field"}),
        pa.field("overview", pa.large_string()),
        pa.field("code", pa.dictionary(pa.int8(), pa.string())),
        pa.field("digest", pa.binary(2)),
        pa.field("price", pa.decimal128(10, 2)),
        pa.field("seen", pa.timestamp("ms", tz="Asia/Tokyo")),
        pa.field("cast", pa.list_(pa.struct([("name", pa.string())]))),
    ],
    metadata={"owner": "somebody else"},
)


def _table(rows: int) -> pa.Table:
    columns = {
        "id": list(range(rows)),
        "overview": [None if row % 7 == 0 else f"film {row}" for row in range(rows)],
        "code": ["ab"[row % 2] for row in range(rows)],
        "digest": [b"xy"] * rows,
        "price": [None] * rows,
        "seen": [row * 1000 for row in range(rows)],
        "cast": [[{"name": "A"}]] * rows,
    }
    arrays = [pa.array(columns[field.name], field.type) for field in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _write(path: Path, table: pa.Table) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=3000)
    else:
        new = pa.ipc.new_stream if path.stem == "stream" else pa.ipc.new_file
        with new(path, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.mark.parametrize("name", ["file.parquet", "file.arrow", "stream.arrow"])
def test_rows_and_types_are_kept(tmp_path: Path, name: str) -> None:
    table = _table(5000)
    read = read_table(input_location(str(_write(tmp_path / name, table))))
    # Parquet's own dictionary indices are int32 wherever they were written as int8.
    assert read.equals(table.cast(read.schema))
    assert read.schema.metadata[b"owner"] == b"somebody else"
    assert not read.schema.field("id").nullable
    assert read.schema.field("digest").type == pa.binary(2)
    assert pa.types.is_dictionary(read.schema.field("code").type)


@pytest.mark.parametrize("name", ["file.parquet", "file.arrow"])
def test_a_large_file_is_read_in_small_chunks_in_order(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path / name, _table(5000))
    with CatalogReader([input_location(str(path))]) as reader:
        chunks = list(reader.chunks())
    assert max(map(len, chunks)) <= ROWS_PER_CHUNK
    assert [row for chunk in chunks for row in chunk.table["id"].to_pylist()] == list(  # type: ignore[union-attr]
        range(5000)
    )


@pytest.mark.parametrize("name", ["file.parquet", "file.arrow", "stream.arrow"])
def test_a_file_without_rows_still_has_columns(tmp_path: Path, name: str) -> None:
    read = read_table(input_location(str(_write(tmp_path / name, _table(0)))))
    assert read.column_names == SCHEMA.names
    assert read.num_rows == 0


@pytest.mark.parametrize("name", ["file.parquet", "file.arrow"])
@pytest.mark.parametrize(
    "content", [b"not such a file at all", b"xPAR1ARROW1\x00\x00" * 9, bytes(range(256)) * 20]
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CatalogError, match="not a readable"):
        read_table(input_location(str(path)))


@pytest.mark.parametrize("name", ["file.parquet", "file.arrow"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (gzip.compress(b"PAR1" * 9, mtime=0), "is compressed with gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "is a Git LFS pointer"),
        (b"ORC\n\x03" * 9, "is an ORC file"),
        (b"FEA1\0\0\0\0", "is a Feather file of version 1"),
        (b"overview,title\nwar,x\n", "is text: set `input_format` to csv"),
        (b'{"overview":"war"}\n', "is JSON: set `input_format` to jsonl"),
    ],
)
def test_a_file_of_a_known_other_kind_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=f"{name} {said}"):
        read_table(input_location(str(path)))


@pytest.mark.parametrize("name", ["file.parquet", "file.arrow"])
def test_a_file_cut_short_is_an_error(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path / name, _table(5000))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(CatalogError, match=name):
        read_table(input_location(str(path)))


def test_a_page_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    path = _write(tmp_path / "file.parquet", _table(5000))
    content = bytearray(path.read_bytes())
    content[40:4000] = bytes(3960)
    path.write_bytes(content)
    with pytest.raises(CatalogError, match="damaged"):
        read_table(input_location(str(path)))


@pytest.mark.slow
def test_a_file_that_would_expand_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"overview": ["x" * (300 << 20)]}), path, compression="zstd")
    with pytest.raises(CatalogError, match=r"bomb\.parquet is too large .* row group 1 expands"):
        read_table(input_location(str(path)))


@pytest.mark.parametrize("column", ["overview", "inner"])
def test_a_name_that_is_not_utf_8_is_an_error(tmp_path: Path, column: str) -> None:
    table = pa.table({"overview": ["film"], "cast": [{"inner": "A"}]})
    with pa.ipc.new_file(path := tmp_path / "films.arrow", table.schema) as writer:
        writer.write_table(table)
    damaged = column.encode().replace(b"n", b"\x80").replace(b"o", b"\x80")
    path.write_bytes(path.read_bytes().replace(column.encode(), damaged))
    with pytest.raises(CatalogError, match="is damaged: the name of a column is not UTF-8: copy"):
        read_table(input_location(str(path)))
