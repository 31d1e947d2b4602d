"""Several catalogs are read as one, or refused with a reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError


def _table(*paths: Path, infer_types: bool = False) -> pa.Table:
    options = ReadOptions(as_table=True, infer_types=infer_types)
    with CatalogReader([input_location(str(path)) for path in paths], options) as reader:
        tables = [chunk.table for chunk in reader.chunks() if isinstance(chunk, TableChunk)]
        assert reader.fraction_read == 1.0
    return pa.concat_tables(tables)


def test_rows_are_in_order_and_columns_ordered_as_in_the_first_catalog(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,overview\n1,x\n")
    (tmp_path / "b.csv").write_text("overview;id\ny;2\n")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"id,overview\n3,z\n"))
    table = _table(tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv.gz")
    assert table.to_pydict() == {"id": ["1", "2", "3"], "overview": ["x", "y", "z"]}


def test_a_type_is_one_that_fits_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n":1}\n')
    (tmp_path / "b.jsonl").write_text('{"n":2.5,"late":"x"}\n')
    table = _table(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert table.to_pydict() == {"n": [1.0, 2.5], "late": [None, "x"]}
    (tmp_path / "a.csv").write_text("n\n1\n")
    (tmp_path / "b.csv").write_text("n\ntwo\n")
    assert _table(tmp_path / "a.csv", tmp_path / "b.csv", infer_types=True)["n"].to_pylist() == [
        "1",
        "two",
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [("id\n1\n", r"b\.csv has no column 'overview'"), ("id,overview,x\n", "no column 'x'")],
)
def test_other_columns_are_refused_by_name(tmp_path: Path, other: str, said: str) -> None:
    (tmp_path / "a.csv").write_text("id,overview\n1,x\n")
    (tmp_path / "b.csv").write_text(other)
    with pytest.raises(CatalogError, match=said):
        _table(tmp_path / "a.csv", tmp_path / "b.csv")


def test_types_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("id\none\n")
    with pytest.raises(CatalogError, match=r"b\.csv: column 'id' is string, but int64 in .*a\."):
        _table(tmp_path / "a.parquet", tmp_path / "b.csv")


def test_rejects_name_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n2,3\n")
    (tmp_path / "b.jsonl").write_text('{"id":"4"}\noops\n')
    rejects: list[Reject] = []
    places = [input_location(str(tmp_path / name)) for name in ("a.csv", "b.jsonl")]
    with CatalogReader(places, ReadOptions(as_table=True), rejects.append) as reader:
        assert sum(len(chunk) for chunk in reader.chunks()) == 2
    assert [(Path(reject.file).name, reject.line) for reject in rejects] == [
        ("a.csv", 3),
        ("b.jsonl", 2),
    ]
    assert json.loads(rejects[1].as_json())["raw"] == "oops"


def test_a_gzip_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    whole = gzip.compress(
        b"id,overview\n" + b"".join(b"%d,film %d\n" % (n, n) for n in range(9999))
    )
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CatalogError, match=r"a\.csv\.gz: cannot be read after line"):
        _table(tmp_path / "a.csv.gz")


def test_a_gzip_of_one_endless_line_stops_at_its_limit(tmp_path: Path) -> None:
    zeros = gzip.compress(b"0" * (80 << 20), 1)
    (tmp_path / "a.jsonl.gz").write_bytes(zeros)
    with pytest.raises(CatalogError, match="line 1 does not end within 64 MB"):
        _table(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize(
    ("start", "rejected"),
    [
        ('1,"open\n', 1),
        ('"1,open\n', 1),
        ('0,one\n0,two\n1,"open\n', 1),
        ('0,one,and more\n1,"open\n', 2),
    ],
)
@pytest.mark.parametrize("limit", [3, 5])
def test_a_limit_holds_after_a_quote_that_is_never_closed(
    tmp_path: Path, start: str, rejected: int, limit: int
) -> None:
    rows = "".join(f"{number},text {number}\n" for number in range(100))
    file = tmp_path / "a.csv"
    file.write_text(f"id,overview\n{start}{rows}7,8,9\n1\n")
    rejects: list[Reject] = []
    with CatalogReader([input_location(str(file))], ReadOptions(), rejects.append) as reader:
        whole = [row for chunk in reader.chunks() for row in chunk.table.to_pylist()]  # type: ignore[union-attr]
    first = rejects[:rejected]
    rejects.clear()
    options = ReadOptions(limit=limit)
    with CatalogReader([input_location(str(file))], options, rejects.append) as reader:
        chunks = list(reader.chunks())
    assert [row for chunk in chunks for row in chunk.table.to_pylist()] == whole[:limit]  # type: ignore[union-attr]
    assert rejects == first
    assert not any(chunk.short_rows for chunk in chunks)  # type: ignore[union-attr]
