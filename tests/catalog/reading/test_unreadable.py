"""Rows that cannot be read are counted and told; a catalog of nothing else is an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.unreadable import PaddedRows
from genre_batch.catalog.reading.whole import read_table
from genre_batch.catalog.rejects import ignore_reject
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError


def _read(path: Path, data: bytes, **options: object) -> list[dict[str, object]]:
    path.write_bytes(data)
    reading = ReadingOptions(**options)  # type: ignore[arg-type]
    rows: list[dict[str, object]] = read_table(
        input_location(str(path), reading.input_format), reading
    ).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("f.csv", b"id,overview\n1,a,b\n2,c,d\n", "name every column in the header"),
        ("f.csv", b"films\nid,overview\n1,a\n", "`skip_lines`"),
        ("f.csv", b"id,overview\n1,\xe9\n2,\xe8\n", "set `encoding` to cp1252"),
        ("f.csv", b'id,overview\n1,"a"b\n', "`quote` to none"),
        ("f.jsonl", b"id,overview\n1,a\n", "it looks like CSV: set `input_format` to csv"),
        ("f.jsonl", b"id\toverview\n1\ta\n", "it looks like TSV: set `input_format` to tsv"),
        ("f.jsonl", b'"a"\n"b"\n', "each line must be one JSON object"),
        ("f.jsonl", b"<films>\n", "each line must be one JSON object"),
        ("f.jsonl", b'found([{"a":1},{"a":2}]);\n', "each line must be one JSON object"),
        ("f.jsonl", b'[["id","overview"],[1,"a"]]', "jq -c '.[0] as $c | .[1:][]"),
        ("f.jsonl", b'["id","overview"]\n[1,"a"]\n', "jq -sc '.[0] as $c | .[1:][]"),
    ],
)
def test_without_a_readable_row_the_likely_reason_is_named(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    with pytest.raises(CatalogError) as raised:
        _read(tmp_path / name, data)
    assert f"no row of {tmp_path / name} could be read" in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize(("name", "data"), [("f.csv", b"id\n"), ("f.jsonl", b"")])
def test_a_catalog_without_rows_is_not_an_error(tmp_path: Path, name: str, data: bytes) -> None:
    assert _read(tmp_path / name, data) == []


def test_rejects_are_reported_with_the_first_one_and_written_on_request(tmp_path: Path) -> None:
    data = b"id,overview\n1,a\n2,b,c\n3,d,e\n"
    with pytest.warns(GenreBatchWarning, match=r"2 rows could not be read .*line 3.*save them"):
        assert len(_read(tmp_path / "f.csv", data)) == 1
    with pytest.warns(GenreBatchWarning, match=r"written to .*bad\.jsonl"):
        _read(tmp_path / "f.csv", data, rejects=tmp_path / "bad.jsonl")
    lines = (tmp_path / "bad.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == [3, 4]


def test_strict_stops_at_the_first(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"line 3 .* has more fields"):
        _read(tmp_path / "f.csv", b"id,overview\n1,a\n2,b,c\n", strict=True)


def test_padded_rows_are_reported(tmp_path: Path) -> None:
    with pytest.warns(GenreBatchWarning, match="1 row has fewer fields than the header"):
        rows = _read(tmp_path / "f.csv", b"id,overview\n1\n2,b\n")
    assert rows == [{"id": "1", "overview": None}, {"id": "2", "overview": "b"}]


def test_rejects_never_replace_another_file(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(CatalogError, match=r"mine\.txt exists: choose another name for `rejects`"):
        _read(tmp_path / "f.csv", b"id\n1,2\n3\n", rejects=tmp_path / "mine.txt")
    with pytest.raises(UsageError, match="is one of the inputs"):
        _read(tmp_path / "f.csv", b"id\n1,2\n3\n", rejects=tmp_path / "f.csv")
    assert (tmp_path / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "options", "nulls"),
    [
        ("f.tsv", {}, ["\\N"]),
        ("f.csv", {}, []),
        ("f.csv", {"null_values": "NULL,N/A"}, ["NULL", "N/A"]),
        ("f.csv", {"null_values": ("NaN", "a,b")}, ["NaN"]),
        ("f.tsv", {"null_values": ""}, []),
    ],
)
def test_texts_that_mean_null_are_null(
    tmp_path: Path, name: str, options: dict[str, object], nulls: list[str]
) -> None:
    texts = ["\\N", "NULL", "N/A", "NaN", "None", "a film"]
    rows = _read(tmp_path / name, "\n".join(["overview", *texts, ""]).encode(), **options)
    assert [row["overview"] for row in rows] == [None if text in nulls else text for text in texts]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf_16_and_32_are_read_with_or_without_a_mark(tmp_path: Path, name: str, end: str) -> None:
    text = f"id,überblick{end}1,größe 🎬{end}"
    expected = [{"id": "1", "überblick": "größe 🎬"}]
    assert _read(tmp_path / "f.csv", text.encode(name), encoding=name) == expected
    generic = name[:6]
    assert _read(tmp_path / "f.csv", text.encode(name), encoding=generic) == expected


def test_half_a_surrogate_pair_is_a_bad_row_and_half_a_character_an_error(tmp_path: Path) -> None:
    data = "id,t\n1,a".encode("utf-16-le") + b"\x00\xd8" + "\n2,b\n".encode("utf-16-le")
    with pytest.warns(GenreBatchWarning, match="line 2 .* is not valid UTF-16-LE"):
        assert _read(tmp_path / "f.csv", data, encoding="utf-16-le") == [{"id": "2", "t": "b"}]
    with pytest.raises(CatalogError, match="cannot be read after line"):
        _read(tmp_path / "f.csv", data + b"x", encoding="utf-16-le")


@pytest.mark.parametrize(
    ("content", "first"),
    [
        (b"id,overview\n1,laugh\n2\n3\n", r"line 3 \(byte 20\): '2'"),
        (b"id,overview\n\n\na,b,c\n1,laugh\n\n2\n3\n", r"line 7 \(byte 29\): '2'"),
        (b'id,overview\n"x"y,z\n\xff\n"1\n1",cry\n\n"2 "\r\n', r"line 7 \(byte 32\): '\"2 \"'"),
        (b"\n\nsep=;\nid;overview\n1;cry\n2", r"line 6 \(byte 26\): '2'"),
        (b"id,overview\r1,cry\r2\r", r"line 3 \(byte 18\): '2'"),
        (b"id,overview\n" + b"1,cry\n" * 400_000 + b"2\n3\n", r"line 400002 \(byte 2400012\): '2'"),
    ],
)
def test_the_first_padded_row_is_reported_with_its_place(
    tmp_path: Path, content: bytes, first: str
) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes(content)
    for limit in (None, 450_000):
        padded = PaddedRows()
        with CatalogReader(
            [input_location(str(path))], ReadOptions(limit=limit), ignore_reject
        ) as reader:
            for chunk in reader.chunks():
                padded.add(chunk)
        assert re.fullmatch(f"{re.escape(str(path))}, {first}", padded.first)


def test_the_first_padded_row_of_another_encoding_has_its_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes("id,overview\n1,Amélie\n2\n".encode("utf-16"))
    reading = ReadingOptions(encoding="utf-16")
    with pytest.warns(GenreBatchWarning, match=r"line 3 \(byte 44\): '2'\): the missing cells"):
        read_table(input_location(str(path)), reading)
