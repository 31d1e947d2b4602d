"""Where files were joined end to end, the header of the second one is no row."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.csv_dialect import Dialect
from genre_batch.catalog.reading.delimited import read_delimited
from genre_batch.catalog.reading.records import CsvRecords
from genre_batch.catalog.reading.whole import read_table
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError, GenreBatchWarning

HEADER = b"id,overview\n"


def _read(
    data: bytes, limit: int | None = None, dialect: Dialect | None = None
) -> tuple[list[list[str | None]], list[tuple[int, int, str, bytes]]]:
    rejects: list[Reject] = []
    stream, dialect = io.BytesIO(data), dialect or Dialect()
    chunks = list(read_delimited(stream, "f.csv", dialect, rejects.append, limit))
    rows = [list(row.values()) for chunk in chunks for row in chunk.table.to_pylist()]
    return rows, [(one.line, one.byte_offset, one.reason, one.raw) for one in rejects]


@pytest.mark.parametrize(
    "again",
    [
        b"id,overview",
        b'"id","overview"',
        b"\xef\xbb\xbfid,overview",
        b'\xef\xbb\xbf"id","overview"',
        b"ID, Overview",
        b"id,overview,,",
    ],
)
def test_a_header_among_the_rows_is_reported_with_its_place(again: bytes) -> None:
    rows, rejects = _read(HEADER + b"1,a\n" + again + b"\n2,b\n")
    assert rows == [["1", "a"], ["2", "b"]]
    assert rejects == [(3, 16, "repeated_header", again)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_it_is_found_between_other_bad_rows_in_their_order(end: bytes) -> None:
    lines = [
        b"id,overview",
        b"1,a,b",
        b"",
        b"id,overview",
        b'2,"c',
        b'd"',
        b"3,a,b",
        b"id,overview",
    ]
    rows, rejects = _read(end.join(lines))
    assert rows == [["2", f"c{end.decode()}d"]]
    assert [(line, reason) for line, _, reason, _ in rejects] == [
        (2, "too_many_fields"),
        (4, "repeated_header"),
        (7, "too_many_fields"),
        (8, "repeated_header"),
    ]


def test_the_first_padded_row_keeps_its_place() -> None:
    data = HEADER + HEADER + b"1,a\n" + HEADER + b"2\n"
    chunks = list(read_delimited(io.BytesIO(data), "f.csv", Dialect(), lambda reject: None))
    assert [chunk.first_short for chunk in chunks if chunk.short_rows] == [
        "f.csv, line 5 (byte 40): '2'"
    ]


def test_columns_without_a_name_have_empty_cells_in_it() -> None:
    data = b"id,overview,,\n1,a,x,y\nid,overview,,\n2,b,x,y\n"
    rows, rejects = _read(data)
    assert [row[0] for row in rows] == ["1", "2"]
    assert [reason for _, _, reason, _ in rejects] == ["repeated_header"]


def test_a_name_in_some_cells_makes_no_header() -> None:
    data = HEADER + b"id,id\nid,\n,overview\noverview,a\n"
    rows, rejects = _read(data)
    assert len(rows) == 4
    assert rejects == []


def test_what_comes_after_the_limit_is_not_looked_at() -> None:
    assert _read(HEADER + b"1,a\n" + HEADER, limit=1) == ([["1", "a"]], [])
    assert _read(HEADER + b"1,a\noverview,id\nb,2\n", limit=1) == ([["1", "a"]], [])


def test_other_quotes_and_encodings_are_those_of_the_file() -> None:
    rows, rejects = _read(HEADER + b"1,'a,'\n'id','overview'\n", dialect=Dialect(quote="'"))
    assert (rows, rejects[0][3]) == ([["1", "a,"]], b"'id','overview'")
    data = (HEADER + b"1,a\n" + HEADER).decode().encode("utf-16-le")
    rows, rejects = _read(data, dialect=Dialect(encoding="utf-16-le"))
    assert (rows, rejects[0][:2]) == ([["1", "a"]], (3, 32))


def test_a_header_with_its_columns_in_another_order_is_an_error() -> None:
    said = "f.csv, line 3 .* is a header with the columns in another order: 'overview,id'"
    with pytest.raises(CatalogError, match=said):
        _read(HEADER + b"1,a\noverview,id\nb,2\n")


def test_headers_alone_are_a_catalog_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + HEADER)
    with pytest.warns(GenreBatchWarning, match=r"1 row could not be read .*repeats the header"):
        assert len(read_table(input_location(str(path)))) == 0
    with pytest.raises(CatalogError, match=r"line 2 .* repeats the header"):
        read_table(input_location(str(path)), ReadingOptions(strict=True))


def test_its_bytes_are_copied_where_others_are_replaced() -> None:
    data = HEADER + b"1,a\n" + HEADER + b"2,b,c\n3,d\n"
    records = CsvRecords(io.BytesIO(data), "f.csv", Dialect())
    blocks = list(records.blocks())
    assert b"".join(block.original for block in blocks) == data
    (block,) = [block for block in blocks if block.rows]
    spans = [block.data[start:end] for start, end in block.record_spans]
    assert spans == [b"1,a\n", b"3,d\n"]
    assert [block.line(index) for index in range(block.rows)] == [2, 5]
