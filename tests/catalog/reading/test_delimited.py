"""CSV and TSV: every cell is kept as a string, and a bad row is reported, not lost."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pytest

from genre_batch.catalog.reading.csv_dialect import Dialect
from genre_batch.catalog.reading.delimited import read_delimited
from genre_batch.catalog.rejects import Reject, raise_on_reject
from genre_batch.errors import CatalogError

GOOD = b"".join(b"%d,film %d\n" % (row, row) for row in range(25))


def _read(data: bytes, separator: str = ",") -> tuple[list[dict[str, Any]], list[Reject]]:
    rejects: list[Reject] = []
    tables = [
        chunk.table
        for chunk in read_delimited(io.BytesIO(data), "f.csv", Dialect(separator), rejects.append)
    ]
    return [row for table in tables for row in table.to_pylist()], rejects


def _cells(data: bytes) -> list[list[str | None]]:
    rows, rejects = _read(b"a,b\n" + data)
    assert rejects == []
    return [list(row.values()) for row in rows]


def test_cells_stay_the_strings_they_are() -> None:
    assert _cells(b"007,1.50\n=1+1, x \n") == [["007", "1.50"], ["=1+1", " x "]]


def test_an_empty_cell_is_null_and_a_quoted_empty_cell_is_the_empty_string() -> None:
    assert _cells(b'1,\n2,""\n,\n') == [["1", None], ["2", ""], [None, None]]


def test_a_row_with_too_few_fields_is_padded_with_nulls() -> None:
    assert _cells(b"1\n2,b\n") == [["1", None], ["2", "b"]]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_blank_line_is_skipped(end: bytes) -> None:
    data = end.join([b"", b"1,x", b"", b"", b'2,"y', b'z"', b""])
    assert [row[0] for row in _cells(data)] == ["1", "2"]


def test_a_bare_carriage_return_belongs_to_its_cell() -> None:
    assert _cells(b'1,a\rb\n2,"c\rd"\n') == [["1", "a\rb"], ["2", "c\rd"]]
    assert _cells(b'\r,a\nb\r,\r\r\n"c\r","\r,\x01"\n') == [
        ["\r", "a"],
        ["b\r", "\r"],
        ["c\r", "\r,\x01"],
    ]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("rows", ["1,{0}\r2,{0}\r\n3,{0}\r\n", "1,{0}\r2,{0}\r3,{0}\r"])
def test_rows_that_a_bare_carriage_return_ends_are_refused(rows: str, quote: str) -> None:
    data = rows.format(f"{quote}a robot{quote}").encode()
    with pytest.raises(CatalogError, match=r"line 2: .* line ends are mixed: .* tr '\\r' '\\n'"):
        _read(b"a,b\n" + data)
    far = (b"0," + b"film" * 2000 + b"\n") * 160
    read, rejects = _read(b"a,b\n" + far + data)
    assert len(read) < 163
    assert rejects


def test_a_bare_carriage_return_in_a_row_with_too_many_fields_is_no_line_end() -> None:
    rows, rejects = _read(b"a,b\n1,x\ry,z\rv\n2,w\n")
    assert rows == [{"a": "2", "b": "w"}]
    assert [reject.reason for reject in rejects] == ["too_many_fields"]


def test_windows_line_endings_and_a_byte_order_mark_are_removed() -> None:
    rows, _ = _read(b"\xef\xbb\xbfa,b\r\n1,x\r\n")
    assert rows == [{"a": "1", "b": "x"}]


def test_quotes_hold_separators_newlines_and_doubled_quotes() -> None:
    assert _cells(b'1,"a,b\nc ""d"""\n') == [["1", 'a,b\nc "d"']]


def test_the_last_line_needs_no_newline() -> None:
    assert _cells(b"1,x\n2,y") == [["1", "x"], ["2", "y"]]


def test_tabs_separate_a_tsv() -> None:
    rows, _ = _read(b"a\tb\n1,5\tx\n", separator="\t")
    assert rows == [{"a": "1,5", "b": "x"}]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"9,x,y", "too_many_fields"),
        (b"9,\xff\xfe", "invalid_utf8"),
        (b'9,"ab"c', "bad_quoting"),
    ],
)
def test_a_bad_row_is_reported_with_its_location_and_the_rows_around_it_are_kept(
    bad: bytes, reason: str
) -> None:
    header = b"a,b\n"
    rows, rejects = _read(header + GOOD + bad + b"\n" + GOOD)
    assert [row["a"] for row in rows] == [str(row) for row in range(25)] * 2
    assert rejects == [
        Reject("f.csv", 1 + 25 + 1, len(header) + len(GOOD), reason, bad)  # type: ignore[arg-type]
    ]


def test_bad_rows_are_reported_in_order() -> None:
    _, rejects = _read(b"a,b\n1,2,3\n" + GOOD + b"4,\xff\n5,6,7\n")
    assert [reject.line for reject in rejects] == [2, 28, 29]


def test_the_strict_policy_stops_at_the_first_with_its_line() -> None:
    with pytest.raises(CatalogError, match=r"f\.csv, line 3 \(byte 8\) has more fields"):
        list(read_delimited(io.BytesIO(b"a,b\n1,2\n1,2,3\n"), "f.csv", Dialect(), raise_on_reject))


def test_a_header_alone_gives_a_table_without_rows() -> None:
    tables = [
        c.table
        for c in read_delimited(io.BytesIO(b"id,overview\n"), "f", Dialect(), raise_on_reject)
    ]
    assert [table.column_names for table in tables] == [["id", "overview"]]
    assert sum(table.num_rows for table in tables) == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"a,b,a\n", "duplicate column 'a': rename one"),
        (b"a\xff,b\n", "header is not valid UTF-8"),
        (bytes(range(256)), "not a text file"),
        (b"a,b\r\r\n1,2\r\r\n", r"line 1: .* two carriage returns, .* tr -d '\\r'"),
        ("a,b\n".encode("utf-32"), "set `encoding` to utf-32"),
        (b'{"overview": "a"}\n', "looks like JSON: set `input_format` to jsonl"),
        (b'[{"overview": "a"}]', "looks like JSON: set `input_format` to jsonl"),
    ],
)
def test_a_malformed_header_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        _read(data)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_most_frequent_one_in_the_header(separator: str) -> None:
    data = separator.join(["id", '"a, b; c"', "overview"]) + "\n" + separator.join("1xy") + "\n"
    rows, _ = _read(data.encode())
    assert list(rows[0].values()) == ["1", "x", "y"]


def test_a_header_without_any_separator_is_one_column() -> None:
    assert _read(b"overview\na film\n")[0] == [{"overview": "a film"}]


def test_rows_with_too_few_fields_are_counted() -> None:
    chunks = list(
        read_delimited(io.BytesIO(b"a,b\n1\n2,\n3,x\n4"), "f", Dialect(), raise_on_reject)
    )
    assert sum(chunk.short_rows for chunk in chunks) == 2


def test_another_encoding_is_read_with_offsets_in_its_own_bytes() -> None:
    rejects: list[Reject] = []
    data = "id,überblick\n1,größe\n2,a,b\n".encode("latin-1")
    dialect = Dialect(encoding="iso8859-1")
    chunks = list(read_delimited(io.BytesIO(data), "f", dialect, rejects.append))
    assert [row for chunk in chunks for row in chunk.table.to_pylist()] == [
        {"id": "1", "überblick": "größe"}
    ]
    assert (rejects[0].line, rejects[0].byte_offset) == (3, data.index(b"2,a,b"))


def test_utf_16_is_read_if_requested_and_suggested_if_not() -> None:
    data = "id,überblick\n1,größe\n2,a,b\n".encode("utf-16")
    with pytest.raises(CatalogError, match="set `encoding` to utf-16"):
        _read(data)
    rejects: list[Reject] = []
    dialect = Dialect(encoding="utf-16")
    chunks = list(read_delimited(io.BytesIO(data), "f", dialect, rejects.append))
    assert next(row for chunk in chunks for row in chunk.table.to_pylist())["überblick"] == "größe"
    assert rejects[0].byte_offset == data.index("2,a,b".encode("utf-16-le"))


def test_bytes_invalid_in_the_encoding_are_a_bad_row() -> None:
    rejects: list[Reject] = []
    data = b"id,overview\n1,\x81\n2,ok\n"
    list(read_delimited(io.BytesIO(data), "f", Dialect(encoding="cp1252"), rejects.append))
    assert [(reject.line, reject.reason) for reject in rejects] == [(2, "invalid_utf8")]


def test_each_of_many_bad_rows_is_placed() -> None:
    rows = [f"{number},größe,{'x' * (1 + number % 7)}\n" for number in range(20_000)]
    data = "".join(["id,überblick\n", *rows]).encode("cp1252")
    rejects: list[Reject] = []
    dialect = Dialect(encoding="cp1252")
    list(read_delimited(io.BytesIO(data), "f", dialect, rejects.append))
    starts = itertools.accumulate(map(len, rows), initial=len("id,überblick\n"))
    assert [reject.byte_offset for reject in rejects] == list(starts)[:-1]
    assert [reject.line for reject in rejects] == list(range(2, 20_002))


def test_a_header_with_an_unclosed_quote_is_refused() -> None:
    with pytest.raises(CatalogError, match="line 1: the header has broken quoting"):
        _read(b'id,"overview\n1,x\n')


def test_a_bare_carriage_return_in_the_header_does_not_end_it() -> None:
    rows, _ = _read(b'id,"over\rview"\n1,x\n')
    assert rows == [{"id": "1", "over\rview": "x"}]
    with pytest.raises(CatalogError, match="line 1: the header has a carriage return"):
        _read(b"id,over\rview\n1,x\n")


@pytest.mark.parametrize("delimiter", ["^", "\x01", "!", "#", "~", "x", "0", " "])
def test_any_character_can_separate_cells(delimiter: str) -> None:
    # Some of them, after a letter, are how compressed data starts.
    data = "".join(delimiter.join(cells) + "\n" for cells in (("id", "name"), ("1", "a-b")))
    stream = io.BytesIO(data.encode())
    chunks = read_delimited(stream, "f", Dialect(delimiter), raise_on_reject)
    rows = [row for chunk in chunks for row in chunk.table.to_pylist()]
    assert rows == [{"id": "1", "name": "a-b"}]
