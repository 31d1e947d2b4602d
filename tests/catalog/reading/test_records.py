from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.reading.csv_dialect import Dialect
from genre_batch.catalog.reading.delimited import read_delimited
from genre_batch.catalog.reading.jsonlines import read_json_lines
from genre_batch.catalog.reading.records import CsvRecords, LineRecords
from genre_batch.catalog.reading.rereadable import rereadable
from genre_batch.catalog.rejects import ignore_reject
from genre_batch.errors import CatalogError

PIECES = [",", '"', '""', "\n", "\r\n", "\r", "a", "b,c", "\x1a", "é", "\\", " ", "\xff"]
HEADER = "text,genres,x\n"


class Slowly(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def read1(self, size: int | None = -1) -> bytes:
        return self.read(7)


def csv_records(data: bytes, dialect: Dialect, *, slowly: bool = False) -> CsvRecords:
    stream: BinaryIO = Slowly(data) if slowly else io.BytesIO(data)
    return CsvRecords(stream, "films.csv", dialect)


def rows_of(data: bytes, dialect: Dialect) -> list[dict[str, str | None]]:
    chunks: Iterator[TableChunk] = read_delimited(
        io.BytesIO(data), "films.csv", dialect, ignore_reject
    )
    try:
        return [row for chunk in chunks for row in chunk.table.to_pylist()]
    except CatalogError as error:
        if "line ends are mixed" in str(error):
            reject()  # such a catalog is refused, so that nothing is applied to it
        raise


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join), st.booleans())
def test_the_blocks_of_a_file_are_all_its_bytes(text: str, slowly: bool) -> None:
    data = (HEADER + text).encode("latin-1" if "\xff" in text else "utf-8")
    dialect = Dialect()
    blocks = list(csv_records(data, dialect, slowly=slowly).blocks())
    assert b"".join(block.replaced({}) for block in blocks) == data
    assert sum(block.rows for block in blocks) == len(rows_of(data, dialect))
    assert all(len(block.record_spans) == block.rows for block in blocks if block.rows)


@given(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.sampled_from(["New", 'a "b"', "a, b", "", "two\nlines"]),
    st.sampled_from([Dialect(), Dialect(quote="'"), Dialect(escape="\\")]),
)
def test_a_cell_that_is_replaced_is_read_back_and_no_other_changes(
    text: str, new: str, dialect: Dialect
) -> None:
    data = (HEADER + text).encode()
    before = rows_of(data, dialect)
    out, seen = [], 0
    records = csv_records(data, dialect)
    for block in records.blocks():
        edits = {}
        for index in range(block.rows):
            if (seen + index) % 2 == 0:
                try:
                    span, record = records.record(block, index, {1: new})
                except CatalogError:  # an open quote at the end of the file
                    return
                edits[span] = record
        try:
            records.check(block, edits)
        except CatalogError:  # an open quote takes in those of a new cell
            return
        out.append(block.replaced(edits))
        seen += block.rows
    after = rows_of(b"".join(out), dialect)
    expected = [
        {**row, "genres": new} if number % 2 == 0 else row for number, row in enumerate(before)
    ]
    assert [_plain(row) for row in after] == [_plain(row) for row in expected]


def _plain(row: dict[str, str | None]) -> dict[str, str]:
    """Return a row with null as an empty text, which an unquoted cell cannot tell apart.

    Polars drops a carriage return before a separator, but not at the end of a record.
    """
    return {name: (value or "").rstrip("\r") for name, value in row.items()}


@given(
    st.lists(
        st.sampled_from(['{"a": 1}', '{"g": ["x"]}', "no", "", " ", "{", "[1]", "\t{}\r"]),
        max_size=12,
    ),
    st.booleans(),
)
def test_the_lines_of_a_file_are_all_its_bytes(lines: list[str], slowly: bool) -> None:
    data = ('{"first": 1}\n' + "\n".join(lines)).encode()
    stream: BinaryIO = Slowly(data) if slowly else io.BytesIO(data)
    records = LineRecords(stream, "films.jsonl")
    assert records.is_lines
    blocks = list(records.blocks())
    assert b"".join(block.replaced({}) for block in blocks) == data
    spans = [block.data[a:b] for block in blocks for a, b in block.record_spans]
    chunks: Iterator[JsonLinesChunk] = read_json_lines(
        io.BytesIO(data), "films.jsonl", ignore_reject
    )
    assert spans == [line for chunk in chunks for line in chunk.lines]


def test_a_line_is_counted_from_the_start_of_the_file() -> None:
    data = b'text,genres,x\n"a\n\nb",c,d\n\ne,f,g\n'
    (_, block, _) = csv_records(data, Dialect()).blocks()
    assert [block.line(index) for index in range(block.rows)] == [2, 6]


@pytest.mark.parametrize("name", ["films.csv", "-"])
def test_a_pipe_is_copied_so_that_it_can_be_read_again(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes(b"text\na\n")
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        location = Location(name if name == "-" else str(path), Format.CSV)
        with rereadable([location]) as (again,):
            for _ in range(2):
                with again.open_raw() as raw:
                    assert raw.read() == b"text\na\n"
            assert again.name == ("stdin" if name == "-" else str(path))


def test_every_record_of_a_block_can_be_replaced() -> None:
    data = HEADER.encode() + b"".join(b"text %d,War,x\n" % number for number in range(30_000))
    (block,) = [
        block for block in csv_records(data, Dialect(encoding="cp1252")).blocks() if block.rows
    ]
    edits = dict.fromkeys(block.record_spans, b"new,Drama,x\n")
    assert block.replaced(edits) == b"new,Drama,x\n" * 30_000


def test_a_cell_that_the_encoding_cannot_hold_is_placed() -> None:
    data = HEADER.encode() + b"a,b,c\n\n\nd,e,f\n"
    (block,) = [
        block for block in csv_records(data, Dialect(encoding="cp1252")).blocks() if block.rows
    ]
    first, second = block.record_spans
    edits = {first: b"A,B,C\n", second: "д,e,f\n".encode()}
    with pytest.raises(CatalogError, match="line 5: its encoding, cp1252, has no"):
        block.replaced(edits)
