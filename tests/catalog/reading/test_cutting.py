"""The stretches of a catalog, one after the other, are the catalog: rows, rejects and places."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genre_batch.catalog.chunk import JsonLinesChunk
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading import blocks
from genre_batch.catalog.reading.cutting import Cutting, cut
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.catalog.stretches import Stretch
from genre_batch.errors import CatalogError

Read = tuple[list[Any], list[Reject], list[str]]


def _read(
    path: Path, stretch: Stretch | None = None, *, as_table: bool = True, **reading: Any
) -> Read:
    """Return the rows, the rejects and the columns."""
    rejects: list[Reject] = []
    options = ReadOptions(as_table=as_table, stretch=stretch, reading=ReadingOptions(**reading))
    rows: list[Any] = []
    columns: list[str] = []
    with CatalogReader([input_location(str(path))], options, rejects.append) as reader:
        for chunk in reader.chunks():
            if isinstance(chunk, JsonLinesChunk):
                rows.extend(chunk.lines)
            else:
                columns = list(chunk.columns)
                rows.extend(chunk.table.to_pylist())
    return rows, rejects, columns


def _cut(path: Path, size: int, *, as_table: bool = True, **reading: Any) -> Cutting:
    return cut(input_location(str(path)), ReadingOptions(**reading), size, as_table=as_table)


def _check(path: Path, size: int, *, as_table: bool = True, **reading: Any) -> int:
    """Compare the stretches with the whole; return their number."""
    try:
        rows, rejects, columns = _read(path, as_table=as_table, **reading)
    except CatalogError:
        return 0
    cutting = _cut(path, size, as_table=as_table, **reading)
    if not cutting.stretches:
        return 0
    count = len(cutting.stretches)
    assert count >= 2
    assert [one.index for one in cutting.stretches] == list(range(count))
    assert {one.count for one in cutting.stretches} == {count}
    parts = [_read(path, one, as_table=as_table, **reading) for one in cutting.stretches]
    assert [row for part in parts for row in part[0]] == rows
    found = [reject for part in parts for reject in part[1]]
    assert found == rejects
    assert [reject.as_json() for reject in found] == [reject.as_json() for reject in rejects]
    assert {tuple(part[2]) for part in parts} == {tuple(columns)}
    return count


CELL = st.sampled_from(
    [
        *(b"a", b"", b"laugh", b'"x"', b'"x,y"', b'"line\nbreak"', b'"a""b"', b'""'),
        *(b'x"y', b'"open', b'"open\n', b'"bad" x', b"\xff\xfe", b"\xc3\xa9", b"\r", b"'", b"\\"),
        *(b'"tail\r\n"', b'"a\\"b"', b"\x1a", b"\0"),
    ]
)
RECORD = st.lists(CELL, min_size=1, max_size=5).map(b",".join)
LINE_END = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b'"\n'])
DIRTY = st.lists(st.tuples(RECORD, LINE_END), min_size=1, max_size=40).map(
    lambda rows: b"".join(record + end for record, end in rows)
)
HEADER = st.sampled_from([b"a,b,c\n", b"\xef\xbb\xbfa,b,c\r\n", b"\n\na,b,c\n", b'"a","b","c"\n'])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cut")


@given(
    header=HEADER,
    body=DIRTY,
    block=st.integers(1, 90),
    size=st.integers(1, 200),
    reading=st.sampled_from(
        [{}, {}, {}, {"quote": "none"}, {"quote": "'"}, {"escape": "\\"}, {"delimiter": ";"}]
    ),
)
@example(header=b"a,b,c\n", body=b'"a\nx,"b\ny,z\n' * 9, block=7, size=9, reading={})
def test_any_csv_cut_anywhere(
    header: bytes, body: bytes, block: int, size: int, reading: dict[str, Any], folder: Path
) -> None:
    path = folder / "dirty.csv"
    path.write_bytes(header + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block)
        _check(path, size, **reading)


@given(
    lines=st.lists(
        st.sampled_from(
            [
                *(b'{"overview": "laugh"}', b'{"a": 1, "b": [1, {"c": 2}]}', b"{}", b"", b"  "),
                *(b"[1]", b"nope", b'{"a": "\xff"}', b"3", b'{"a": NaN}', b'\xef\xbb\xbf{"a": 2}'),
            ]
        ),
        min_size=1,
        max_size=40,
    ),
    end=st.sampled_from([b"", b"\n"]),
    block=st.integers(1, 90),
    size=st.integers(1, 200),
)
@pytest.mark.filterwarnings("ignore::genre_batch.errors.GenreBatchWarning")
def test_any_json_lines_cut_anywhere(
    lines: list[bytes], end: bytes, block: int, size: int, folder: Path
) -> None:
    path = folder / "dirty.jsonl"
    path.write_bytes(b'{"first": 0}\n' + b"\n".join(lines) + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block)
        _check(path, size, as_table=False)


def _large_csv(path: Path) -> None:
    rows = [f'{n},"film {n}\nsecond ""line""",x' for n in range(3000)]
    rows[1500] = '1500,"unclosed,x'
    rows[1501] = "1,2,3,4,5"
    path.write_text("id,overview,c\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "ndjson"])
def test_text_is_cut_near_the_size(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1 << 10)
    path = tmp_path / f"films.{suffix}"
    if suffix == "ndjson":
        path.write_text("".join(json.dumps({"overview": str(n)}) + "\n" for n in range(9000)))
    else:
        _large_csv(path)
        if suffix == "tsv":
            path.write_text(path.read_text().replace(",", "\t"))
    size = 10_000
    assert _check(path, size, as_table=suffix != "ndjson") >= 8
    cutting = _cut(path, size, as_table=suffix != "ndjson")
    assert sum(cutting.sizes) == path.stat().st_size - cutting.stretches[0].start
    assert all(size / 2 <= one <= size + (2 << 10) for one in cutting.sizes[:-1])
    for stretch in cutting.stretches[1:]:
        assert path.read_bytes()[stretch.start - 1 : stretch.start] == b"\n"
        assert path.read_bytes()[: stretch.start].count(b"\n") == stretch.line - 1


def test_tables_are_cut_between_row_groups_and_batches(tmp_path: Path) -> None:
    table = pa.table(
        {"n": range(10_000), "d": pa.array(["a", "b"] * 5000).dictionary_encode()},
        schema=None,
    ).replace_schema_metadata({"k": "v"})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=700)
    for name in ("a.parquet", "a.arrow"):
        path = tmp_path / name
        assert 4 <= _check(path, path.stat().st_size // 6) <= 8
        cutting = _cut(path, path.stat().st_size // 6)
        assert (cutting.stretches[0].start, cutting.stretches[-1].end) == (0, 15)
        assert [one.line for one in cutting.stretches] == [1] * len(cutting.stretches)


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("a.csv.gz", gzip.compress(b"a\n" + b"x\n" * 99, 0), {}, "a compressed file"),
        ("a.csv", bz2.compress(b"a\n" + b"".join(b"%d\n" % n for n in range(99))), {}, "a compr"),
        ("a.csv", ("a\n" + "x\n" * 99).encode("utf-16"), {"encoding": "utf-16"}, "only UTF-8"),
        ("a.jsonl", b'{"a": 1}\n' * 99, {"as_table": True}, "its columns are known after"),
        (
            "a.json",
            b'[{"a": 1},\n' + b'{"a": 1},\n' * 99 + b'{"a": 1}]',
            {"as_table": False},
            "it is not one",
        ),
        ("a.csv", b"a\n" + b"x\n" * 99, {}, "text is cut every 1 MiB at the finest"),
        ("a.csv", b'a\n"' + b"x\n" * (3 << 19) + b'"\n', {}, "its records are too large"),
        ("a.csv", b"a\nx\n", {}, ""),
        ("a.csv", b"a,a\n" + b"x\n" * 99, {}, ""),
        ("a.parquet", b"PAR1" * 99, {}, ""),
        ("a.arrow", b"ARROW1" * 99, {}, ""),
        ("a.csv", b"", {}, ""),
    ],
)
def test_what_cannot_be_cut_says_why(
    name: str, content: bytes, options: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    cutting = _cut(path, 50, **options)
    assert not cutting.stretches
    assert not cutting.sizes
    assert cutting.reason.startswith(reason)
    assert bool(cutting.reason) is bool(reason)


def test_types_and_single_row_groups_are_not_cut(tmp_path: Path) -> None:
    table = pa.table({"n": range(999)})
    pq.write_table(table, tmp_path / "a.parquet")
    with pa.ipc.new_stream(tmp_path / "s.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=9)
    with pa.ipc.new_file(tmp_path / "f.arrow", table.schema) as file:
        file.write_table(table)
    _large_csv(tmp_path / "a.csv")
    assert "one row group" in _cut(tmp_path / "a.parquet", 9).reason
    assert "stream" in _cut(tmp_path / "s.arrow", 9).reason
    assert "one batch" in _cut(tmp_path / "f.arrow", 9).reason
    location = input_location(str(tmp_path / "a.csv"))
    assert "infer_types" in cut(location, ReadingOptions(), 9, infer_types=True).reason


def test_a_stretch_without_a_readable_row_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n" + b"1,2,3,4\n" * 50 + b"3,4\n")
    assert _check(path, 100) >= 3
