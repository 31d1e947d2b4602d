"""CSV and TSV files as other programs write them: read, or refused with the cause."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.reading.csv_dialect import Dialect
from genre_batch.catalog.reading.delimited import read_delimited
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError
from support.delivery import Pieces

BOM = b"\xef\xbb\xbf"


def _read(
    data: bytes, dialect: Dialect | None = None, size: int = 1 << 20
) -> tuple[list[dict[str, Any]], list[Reject]]:
    rejects: list[Reject] = []
    chunks = list(
        read_delimited(Pieces(data, size), "f.csv", dialect or Dialect(), rejects.append)  # type: ignore[arg-type]
    )
    return [row for chunk in chunks for row in chunk.table.to_pylist()], rejects


ROW = [{"id": "1", "text": "a b"}]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    "data",
    [
        BOM + b"id,text\n1,a b\n",
        BOM + BOM + BOM + b"id,text\n1,a b\n",
        b"\nid,text\n1,a b\n",
        b"\r\n\r\nid,text\r\n1,a b\r\n",
        b"  \t\nid,text\n1,a b\n",
        BOM + b"\n" + BOM + b"id,text\n1,a b\n",
        b",,,\n;;\nid,text\n1,a b\n",
        b"sep=,\nid,text\n1,a b\n",
        BOM + b"SEP=;\r\nid;text\r\n1;a b\r\n",
        b'"sep=|"\nid|text\n1|a b\n',
        b"sep=\t\nid\ttext\n1\ta b\n",
        b"\nsep=;\n\nid;text\n1;a b\n",
        b"id,text\r1,a b\r",
        b"id,text\r1,a b",
        b"\r\rid,text\r\r1,a b\r\r",
        b'"id","text"\r"1","a b"\r',
        b"sep=;\rid;text\r1;a b\r",
        b"id,text\n1,a b\n\x1a",
        b"id,text\r\n1,a b\r\n\x1a\r\n",
        b"id,text\n1,a b\n\x1a\x1a\n",
        b"id,text\n1,a b\n\0\0\0\0\0\0",
        b"\x1a\nid,text\n1,a b\n",
        b"id,text\n1,a b,\n",
        b"id,text\n1,a b,,,,\r\n",
        b'id,text\n"1","a b",\n',
        b'"id","text"\n"1","a b",\n',
        b"id,text\n\n1,a b\n\n\n",
        b"id,text\n1,a b",
        b"id\ttext\n1\ta b\n\\.\n",
        b"id,text\r\n1,a b\r\n\\.",
        b'"id","text"\n"1","a b",""\n',
        b'"id";"text"\n"1";"a b";" "\n',
    ],
    ids=range(32),
)
def test_the_row_is_read_whatever_surrounds_it(data: bytes, size: int) -> None:
    assert _read(data, size=size) == (ROW, [])


@pytest.mark.parametrize("size", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    ("data", "dialect", "cells"),
    [
        # Files that never quote.
        (b'id\ttext\n1\t"open\n2\tsay "hi"\n', Dialect("\t", quote=None), ['"open', 'say "hi"']),
        (b'id\ttext\r\n1\t"Giulia"\r\n', Dialect("\t", quote=None), ['"Giulia"']),
        (b'id,text\n1,""\n2,\n', Dialect(quote=None), ['""', None]),
        (b'id,te"xt"\n1,a\n', Dialect(quote=None), ["a"]),
        # Other quotes.
        (b"id,text\n1,'a, \"b\"\nc'\n", Dialect(quote="'"), ['a, "b"\nc']),
        (b"id,text\n1,'it''s'\n", Dialect(quote="'"), ["it's"]),
        (b"'id','text'\n'1',''\n", Dialect(quote="'"), [""]),
        (b"id;text\n1;$a;b$\n", Dialect(quote="$"), ["a;b"]),
        # Escapes.
        (b'id,text\n1,"say \\"hi\\", ok"\n', Dialect(escape="\\"), ['say "hi", ok']),
        (b'id,text\n1,"ends \\\\"\n', Dialect(escape="\\"), ["ends \\"]),
        (b'id,text\n1,"a \\\\" \n2,b\n', Dialect(escape="\\"), ["b"]),
        (b"id,text\n1,a\\, b\n", Dialect(escape="\\"), ["a, b"]),
        (b"id,text\n1,a\\\nb\n", Dialect(escape="\\"), ["a\nb"]),
        (b"id\ttext\n1\ta\\\tb\n", Dialect("\t", escape="\\", quote=None), ["a\tb"]),
        (b"id,text\n1,C:\\new \\N\n", Dialect(escape="\\"), ["C:\\new \\N"]),
        (b"id,text\n1,\\N\n", Dialect(escape="\\"), ["\\N"]),
        (b'id,text\n1,"a ""b"" \\"c\\""\n', Dialect(escape="\\"), ['a "b" "c"']),
        ('id,text\n1,"\x80 \\"é\\""\n'.encode(), Dialect(escape="\\"), ['\x80 "é"']),
        (b"id,text\n1,'a^'b'\n", Dialect(quote="'", escape="^"), ["a'b"]),
        (b'id,text\n1,"a""b"\n', Dialect(escape='"'), ['a"b']),
        (b"id,text\r\n1,a\\\r\nb\r\n", Dialect(escape="\\"), ["a\r\nb"]),
        (b"id,text\r1,a\\\rb\r", Dialect(escape="\\"), ["a\rb"]),
        (b"id,text\n1,a\\\\\r\n2,b\n", Dialect(escape="\\"), ["a\\", "b"]),
        # Spaces before a quote.
        (b'id, text\n1, "a, b"\n2, c\n', Dialect(), ["a, b", " c"]),
        (b'id,text\n1,  "a, ""b"", "\n2," c, "\n', Dialect(), ['a, "b", ', " c, "]),
        (b'"id", "te\nxt"\r\n1, "a\r\nb"\r\n', Dialect(), ["a\r\nb"]),
        (b"id| text\r1| 'a| \"b\"'\r", Dialect(quote="'"), ['a| "b"']),
        (b'id, text\n1, "a\\", b"\n', Dialect(escape="\\"), ['a", b']),
        (b'id, text\n1, "open\n2, "b"\n', Dialect(), ["b"]),
        (b'id,text\n1, "a" b\n2,c\n', Dialect(), [' "a" b', "c"]),
        (b'id, text\n1, "a"\n', Dialect(quote=None), [' "a"']),
        # Lines before the header.
        (b"Export of films\n2026-01-01\nid,text\n1,a\n", Dialect(skip_lines=2), ["a"]),
        (b'a "title\n\nid,text\n1,a\n', Dialect(skip_lines=1), ["a"]),
        (BOM + b"x;y;z\r\nid,text\r\n1,a\r\n", Dialect(skip_lines=1), ["a"]),
        (b"made by hand\rid,text\r1,a\r", Dialect(skip_lines=1), ["a"]),
        # Carriage returns and newlines within cells are kept.
        (b'id,text\r1,"a\nb"\r', Dialect(), ["a\nb"]),
        (b'id,text\r1,"a\rb"\r', Dialect(), ["a\rb"]),
        (b'id,text\n1,"a\rb"\n', Dialect(), ["a\rb"]),
        # Bytes that are unusual, but text.
        (b"id,text\n1,a\0b\n", Dialect(), ["a\0b"]),
        (b'id,text\n1,"\0"\n', Dialect(), ["\0"]),
        (b"id,text\n1,a\x1a\n", Dialect(), ["a\x1a"]),
        (b'id,text\n1,"a\n\x1a\nb"\n', Dialect(), ["a\n\x1a\nb"]),
    ],
    ids=range(42),
)
def test_cells_have_the_value_that_was_written(
    data: bytes, dialect: Dialect, cells: list[str | None], size: int
) -> None:
    rows, _ = _read(data, dialect, size)
    assert [list(row.values())[-1] for row in rows] == cells


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (b"id,text,,\n1,a,b,c\n", ["id", "text", "unnamed_3", "unnamed_4"]),
        (b",id,\n1,a,b\n", ["unnamed_1", "id", "unnamed_3"]),
        (b"id,,unnamed_2,\n1,a,b,c\n", ["id", "unnamed_2_", "unnamed_2", "unnamed_4"]),
        (b",id\n1,a\n", ["", "id"]),
        (b'"","id"\n"1","a"\n', ["", "id"]),
        (b'"id","text"\n"r1","1","a"\n"r2","2","b"\n', ["", "id", "text"]),
        (b'"id","text"\r\n"r1",1,"a"\r\n', ["", "id", "text"]),
        (b'"id","text"\n"r1","1","a"\n"r2","2",""\n', ["", "id", "text"]),
        (b'"id","text"\n"1","a",""\n"2","b"," "\n', ["id", "text"]),
    ],
)
def test_columns_without_a_name_get_one(data: bytes, columns: list[str]) -> None:
    for size in (1, 1 << 20):
        rows, rejects = _read(data, size=size)
        assert list(rows[0]) == columns
        assert rejects == []


@pytest.mark.parametrize(
    "rows",
    [
        b'1,"a",b\n2,"c",d\n',  # the names are not quoted: perhaps a comma within a text
        b'"1","a","b"\n2,c\n',
        b'"1","a","b"\n"2","c"\n"3","d","e"\n',
    ],
)
def test_a_cell_too_many_is_a_row_name_only_if_every_first_row_is_quoted_and_has_one(
    rows: bytes,
) -> None:
    read, rejects = _read(b'"id","text"\n' + rows)
    assert all(list(row) == ["id", "text"] for row in read)
    assert {reject.reason for reject in rejects} == {"too_many_fields"}


@pytest.mark.parametrize(
    ("data", "dialect", "said"),
    [
        (b"\n\n\n", Dialect(), "has no header: there are only blank lines"),
        (b"a\nb\n", Dialect(skip_lines=5), "lines that `skip_lines` skips"),
        (b"id,te\rxt\n1,a\n", Dialect(), "carriage return without a newline"),
        (b"id,te\0xt\n1,a\n", Dialect(), "not a text file"),
        ("id,text\n1,a\n".encode("utf-16-le"), Dialect(), "set `encoding` to utf-16-le"),
        ("id,text\n1,a\n".encode("utf-16-be"), Dialect(), "set `encoding` to utf-16-be"),
        ("id,text\n1,a\n".encode("utf-32-le"), Dialect(), "set `encoding` to utf-32-le"),
        ("id,täxt\n1,a\n".encode("utf-16-le"), Dialect(), "set `encoding` to utf-16-le"),
        ("id,text\n".encode("utf-16"), Dialect(), "set `encoding` to utf-16"),
        ("id,täxt\n".encode("cp1252"), Dialect(), "set `encoding` to cp1252"),
        (b"id,t\x81xt\n", Dialect(encoding="cp1252"), "not valid CP1252"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_option(
    data: bytes, dialect: Dialect, said: str
) -> None:
    for size in (1, 1 << 20):
        with pytest.raises(CatalogError, match=said):
            _read(data, dialect, size)


def test_rejects_of_translated_files_have_their_own_bytes_lines_and_offsets() -> None:
    data = b"id,text\r1,'a\nb',c\r2,d\r"
    _, rejects = _read(data, Dialect(quote="'"))
    assert [(reject.line, reject.byte_offset, reject.raw) for reject in rejects] == [
        (2, 8, b"1,'a\nb',c")
    ]
    data = b'id,text\n1,"\\"a\\"",b\n2,"c\n'
    _, rejects = _read(data, Dialect(escape="\\"))
    assert [reject.raw for reject in rejects] == [b'1,"\\"a\\"",b', b'2,"c']
    assert [reject.byte_offset for reject in rejects] == [8, 20]


def test_a_reject_names_the_encoding_that_was_used_and_the_option() -> None:
    _, rejects = _read(b"id,text\n1,\x81\n2,a\n", Dialect(encoding="cp1252"))
    assert "is not valid CP1252" in str(rejects[0])
    assert rejects[0].advice == "set `encoding` to the encoding of the file"
    _, rejects = _read(b"id,text\n1,\xe9\n2,a\n")
    assert "is not valid UTF-8" in str(rejects[0])
    assert "set `encoding` to cp1252" in (rejects[0].advice or "")
    _, rejects = _read(b'id,text\n1,"a" b\n2,a\n')
    assert "`quote` to none" in (rejects[0].advice or "")


CELL = st.text(st.sampled_from("ab \"'\\,;\t\r\n\0\x1aé\x80"), max_size=6)
"""Cells of every character that a dialect gives a meaning."""


def _written(cell: str, quote: str, escape: str | None, separator: str, end: str) -> str:
    """Write a cell in a dialect, quoted, with escapes or doubled quotes."""
    if escape is not None:
        for mark in (escape, quote, separator, end[-1]):
            cell = cell.replace(mark, escape + mark)
    return quote + (cell if escape else cell.replace(quote, quote * 2)) + quote


@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=5),
    quote=st.sampled_from(['"', "'"]),
    escape=st.sampled_from([None, "\\"]),
    separator=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    before=st.sampled_from(["", "\ufeff", "\n", "\ufeff\ufeff"]),
    size=st.integers(1, 9) | st.just(1 << 20),
)
def test_any_cells_come_back_from_any_dialect(
    rows: list[list[str]],
    quote: str,
    escape: str | None,
    separator: str,
    end: str,
    before: str,
    size: int,
) -> None:
    lines = [["x", "y"], *rows]
    data = before.replace("\n", end) + "".join(
        separator.join(_written(cell, quote, escape, separator, end) for cell in line) + end
        for line in lines
    )
    dialect = Dialect(delimiter=separator, quote=quote, escape=escape)
    read, rejects = _read(data.encode(), dialect, size)
    assert [list(row.values()) for row in read] == rows
    assert rejects == []
