"""Promise: every record of a text catalog is a row or a reject, and every cell stays as it is.

However the file is written: its dialect, encoding, compression, and the pieces in which it arrives.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, input_location, output_location
from genre_batch.catalog.options import ReadingOptions, WritingOptions
from genre_batch.catalog.reading.charset import resolved, transcoded
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.catalog.writing.writer import open_writer
from support.delivery import COMPRESSED, Delivered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::genre_batch.errors.GenreBatchWarning"),
]

INVALID: dict[str, tuple[str, bytes | None]] = {
    "utf-8": ("é漢😀\x80", b"\xff"),
    "utf-8-sig": ("é漢😀\x80", b"\xc3("),
    "utf-16": ("é漢😀\x80", "\ud800".encode("utf-16-le", "surrogatepass")),
    "utf-16-le": ("é漢😀\x80", "\udc00".encode("utf-16-le", "surrogatepass")),
    "utf-16-be": ("é漢😀\x80", "\ud800".encode("utf-16-be", "surrogatepass")),
    "utf-32-be": ("é漢😀\x80", "\ud800".encode("utf-32-be", "surrogatepass")),
    "latin-1": ("é\x80", None),
    "cp1252": ("é€", b"\x81"),
    "koi8-r": ("жё", None),
    "shift_jis": ("漢ア表", b"\xa0"),
    "gb18030": ("漢é😀", b"\xff"),
    "big5": ("漢功", b"\xff"),
}
"""Encoding -> characters of it beside ASCII, and bytes that it does not have."""
MARKS = {"utf-16": b"\xff\xfe", "utf-8-sig": b"\xef\xbb\xbf"}
SIZES = st.integers(1, 9) | st.sampled_from([64, 1000, 1 << 20])
IDS = ["id", "text", "more", "last"]


@dataclass(frozen=True)
class _File:
    """A file of text, and what reading it must give.

    Attributes:
        data: its bytes, not compressed.
        rows: the rows that can be read.
        rejects: offset, line and bytes of each record that cannot be read.
        reading: the options that it is read with.
    """

    data: bytes
    rows: list[Any]
    rejects: list[tuple[int, int, bytes]]
    reading: ReadingOptions


def _encoded(text: str, encoding: str) -> bytes:
    """Encode without a byte order mark."""
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}
    return text.encode(plain.get(encoding, encoding))


@st.composite
def csv_files(draw: st.DrawFn) -> _File:
    """A CSV or TSV file in any dialect and encoding, with records that cannot be read."""
    encoding = draw(st.sampled_from(list(INVALID)))
    quote = draw(st.sampled_from(['"', "'", None]))
    escape = draw(st.sampled_from([None, "\\"])) if quote else None
    separator = draw(st.sampled_from(",;|\t"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    always = draw(st.booleans())
    width = draw(st.integers(2, 4))
    more, invalid = INVALID[encoding]
    letters = "ab 0=\x1a\"'\\,;|\t" + more + ("\r\n\0" if quote else "")
    forbidden = "" if quote else separator
    cells = st.text(st.sampled_from([c for c in letters if c not in forbidden]), max_size=6)

    def written(cell: str | None) -> str:
        if cell is None:
            return ""
        marks = (separator, quote, escape, "\r", "\n")
        if quote is None or not (
            always or not cell or any(mark in cell for mark in marks if mark is not None)
        ):
            return cell
        if escape is None:
            return quote + cell.replace(quote, quote * 2) + quote
        for mark in (escape, quote, separator, end[-1]):
            cell = cell.replace(mark, escape + mark)
        return quote + cell + quote

    bad = ["too many", *(["quoting"] if quote else []), *(["invalid"] if invalid else [])]
    records = draw(
        st.lists(
            st.lists(cells | st.none(), min_size=width - 1, max_size=width - 1)
            | st.sampled_from(bad),
            max_size=6,
        )
    )
    data = MARKS.get(encoding, b"") + _encoded(separator.join(IDS[:width]) + end, encoding)
    rows: list[list[str | None]] = []
    rejects: list[tuple[int, int, bytes]] = []
    for number, record in enumerate(records):
        last = "" if number == len(records) - 1 and draw(st.booleans()) else end
        if isinstance(record, list):
            values = [f"r{number}", *record]
            rows.append([value or None if quote is None else value for value in values])
            data += _encoded(separator.join(map(written, values)) + last, encoding)
            continue
        text = separator.join(["x"] * (width + (record == "too many")))
        if record == "quoting":
            text = f"{quote}x{quote}y{text[1:]}"
        raw = _encoded(text, encoding)
        if record == "invalid" and invalid is not None:
            raw += invalid
        line = 1 + _lines(data, encoding, end)
        rejects.append((len(data), line, raw))
        data += raw + _encoded(last, encoding)
    reading = ReadingOptions(
        encoding=encoding,
        quote=quote or "none",
        escape=escape,
        delimiter=separator if draw(st.booleans()) else None,
        null_values=(),
    )
    return _File(data, rows, rejects, reading)


def _lines(data: bytes, encoding: str, end: str) -> int:
    """Count the line ends in some bytes."""
    plain = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    errors = "surrogatepass" if plain.startswith(("utf-16", "utf-32")) else "replace"
    return data.decode(plain, errors).count(end[-1])


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text("ab\"\\'é", max_size=2), values)
    ),
    max_leaves=6,
)


@st.composite
def json_files(draw: st.DrawFn) -> _File:
    """A file of JSON Lines, an array, or objects over several lines, with records to reject."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"]))
    _, invalid = INVALID[encoding]
    layout = draw(st.sampled_from(["lines", "array", "printed array", "printed"]))
    indent = draw(st.integers(0, 3)) if layout.startswith("printed") else None
    ascii_only = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n"]))
    objects = st.dictionaries(st.text('abé\\"', min_size=1, max_size=3), JSON_VALUES, max_size=3)
    bad = ["3", '"x"', "null", *(['{"a" 1}', "[1]", "invalid"] if layout == "lines" else [])]
    records = draw(st.lists(objects | st.sampled_from(bad), min_size=1, max_size=5))
    # What a file starts with decides its layout.
    records.insert(0, {"id": 0})
    data = MARKS.get(encoding, b"")
    rows: list[Any] = []
    rejects: list[tuple[int, int, bytes]] = []
    before, between, after = ("[", "," + end, "]") if "array" in layout else ("", end, "")
    data += _encoded(before, encoding)
    for number, record in enumerate(records):
        data += _encoded(between if number else "", encoding)
        if isinstance(record, dict):
            row = {"id": number, **record}
            rows.append(row)
            text = json.dumps(row, ensure_ascii=ascii_only, indent=indent)
            data += _encoded(text.replace("\n", end), encoding)
            continue
        raw = _encoded("[x" if record == "invalid" else record, encoding)
        if record == "invalid" and invalid is not None:
            raw += invalid
        rejects.append((len(data), 1 + _lines(data, encoding, end), raw))
        data += raw
    data += _encoded(after + (end if draw(st.booleans()) else ""), encoding)
    return _File(data, rows, rejects, ReadingOptions(encoding=encoding))


def _read(
    file: _File, kind: Format, compression: str, size: int
) -> tuple[list[Chunk], list[Reject]]:
    location = Delivered("f", kind, data=COMPRESSED[compression](file.data), size=size)
    rejects: list[Reject] = []
    reader = CatalogReader([location], ReadOptions(reading=file.reading), rejects.append)
    with reader:
        return list(reader.chunks()), rejects


def _all(stream: Any) -> bytes:
    return b"".join(iter(lambda: stream.read1(1 << 20), b""))


def _check_rejects(file: _File, rejects: list[Reject]) -> None:
    """Check the places and bytes of the rejects; their bytes are kept as UTF-8."""
    assert [(reject.byte_offset, reject.line) for reject in rejects] == [
        (offset, line) for offset, line, _ in file.rejects
    ]
    for reject, (_, _, raw) in zip(rejects, file.rejects, strict=True):
        stream, encoding = resolved(io.BytesIO(raw), file.reading.encoding, "f")
        assert reject.raw == _all(transcoded(stream, encoding))


@given(
    file=csv_files(),
    compression=st.sampled_from(list(COMPRESSED)),
    size=SIZES,
    output=st.sampled_from(["csv", "csv.gz", "tsv", "tsv.zst", "csv.xz"]),
    delimiter=st.sampled_from([None, ";", "|"]),
    encoding=st.sampled_from([None, "utf-8-sig", "utf-16", "gb18030"]),
)
def test_cells_of_any_dialect_are_written_as_they_were(
    file: _File,
    compression: str,
    size: int,
    output: str,
    delimiter: str | None,
    encoding: str | None,
) -> None:
    if not file.rows and file.rejects:
        return  # nothing can be read: an error
    chunks, rejects = _read(file, Format.CSV, compression, size)
    tables = [chunk for chunk in chunks if isinstance(chunk, TableChunk)]
    assert [list(row.values()) for c in tables for row in c.table.to_pylist()] == file.rows
    _check_rejects(file, rejects)
    writing = WritingOptions(output_delimiter=delimiter, output_encoding=encoding)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, f"o.{output}"))
        with open_writer(output_location(path), writing.encoder_options()) as writer:
            for chunk in tables:
                genres = pa.array([["War"]] * len(chunk), pa.list_(pa.string()))
                writer.write(chunk, pa.table({"g": genres}))
        location = input_location(path)
        with location.open_raw() as raw:
            written = _all(location.decompress(raw))
    lines = io.StringIO(written.decode(encoding or "utf-8"), newline="")
    separator = delimiter or ("\t" if "tsv" in output else ",")
    header, *cells = csv.reader(lines, delimiter=separator)
    assert header == [*IDS[: len(header) - 1], "g"]
    assert cells == [[*(cell or "" for cell in row), "War"] for row in file.rows]


@given(file=json_files(), compression=st.sampled_from(list(COMPRESSED)), size=SIZES)
def test_objects_of_any_layout_are_written_as_they_were(
    file: _File, compression: str, size: int
) -> None:
    chunks, rejects = _read(file, Format.JSONL, compression, size)
    _check_rejects(file, rejects)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "o.jsonl")
        with open_writer(output_location(str(path)), WritingOptions().encoder_options()) as writer:
            for chunk in chunks:
                assert isinstance(chunk, JsonLinesChunk)
                genres = pa.array([["War"]] * len(chunk), pa.list_(pa.string()))
                writer.write(chunk, pa.table({"g": genres}))
        written = path.read_text("utf-8").split("\n")
    assert written.pop() == ""
    # As text: two NaN are not equal, and 1 equals True.
    expected = [json.dumps({**row, "g": ["War"]}) for row in file.rows]
    assert [json.dumps(json.loads(line)) for line in written] == expected
