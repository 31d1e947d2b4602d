"""JSON that is not one object per line: arrays, and objects over several lines."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.reading.json_values import are_lines, holds_rows
from genre_batch.catalog.reading.jsonlines import read_json_lines
from genre_batch.catalog.rejects import Reject, ignore_reject
from genre_batch.errors import CatalogError, GenreBatchWarning
from support.delivery import Pieces

FILM = {"id": 1, "title": "A [b] {c}", "overview": 'He said "}],{" \\ \n and left.', "x": [{}, []]}
OTHER = {"id": 2, "overview": "é 😀 \u2028", "genres": [{"id": 1, "name": "Drama"}], "n": 1.50}


def _read(
    data: bytes, size: int = 1 << 20, name: str = "f.json", encoding: str = "utf-8"
) -> tuple[list[dict[str, Any]], list[Reject]]:
    rejects: list[Reject] = []
    stream: Any = Pieces(data, size)
    chunks = list(read_json_lines(stream, name, rejects.append, encoding))
    rows = [row for chunk in chunks for row in chunk.objects]
    lines = [line for chunk in chunks for line in chunk.lines]
    if all(len(line) < 4000 for line in lines):
        assert str([json.loads(line) for line in lines]) == str(rows)
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    return rows, rejects


LAYOUTS = {
    "one line": json.dumps([FILM, OTHER]),
    "compact": json.dumps([FILM, OTHER], separators=(",", ":"), ensure_ascii=False),
    "indented": json.dumps([FILM, OTHER], indent=2),
    "tabs": json.dumps([FILM, OTHER], indent="\t"),
    "no indentation": json.dumps([FILM, OTHER], indent=0),
    "one per line": f"[\n{json.dumps(FILM)},\n{json.dumps(OTHER)}\n]\n",
    "commas first": f"[ {json.dumps(FILM)}\n, {json.dumps(OTHER)}\n]",
    "CRLF": json.dumps([FILM, OTHER], indent=4).replace("\n", "\r\n"),
    "space around": f" \n\n [ {json.dumps(FILM)} , {json.dumps(OTHER)} ] \n\n",
    "marks": f"\ufeff[{json.dumps(FILM)}]\n\ufeff[{json.dumps(OTHER)}]",
    "two arrays": f"[{json.dumps(FILM)}]\n[{json.dumps(OTHER)}]\n",
    "a comma too many": f"[{json.dumps(FILM)},{json.dumps(OTHER)},]",
    "objects over lines": f"{json.dumps(FILM, indent=2)}\n{json.dumps(OTHER, indent=2)}\n",
    "objects over lines, first key beside": '{"id": 1,\n"a": 2}\n{"id": 3,\n"a": 4}',
    "side by side": json.dumps(FILM) + json.dumps(OTHER),
    "side by side, commas": f"{json.dumps(FILM)}, {json.dumps(OTHER)}",
    "lines with commas": f"{json.dumps(FILM)},\n{json.dumps(OTHER)},\n",
    "side by side, then a line": f"{json.dumps(FILM)}{json.dumps(OTHER)}\n",
    "carriage returns": f"{json.dumps(FILM)}\r{json.dumps(OTHER)}\r",
    "text sequence over lines": "".join(f"\x1e{json.dumps(x, indent=1)}\n" for x in (FILM, OTHER)),
    "array with empty lines": json.dumps([FILM, OTHER], indent=1).replace("\n", "\n\n"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_every_layout_gives_its_objects_whatever_the_pieces(layout: str, size: int) -> None:
    expected = [FILM, OTHER]
    if layout == "objects over lines, first key beside":
        expected = [{"id": 1, "a": 2}, {"id": 3, "a": 4}]
    assert _read(LAYOUTS[layout].encode(), size) == (expected, [])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=5),
    st.sampled_from([None, 0, 1, 3, "\t"]),
    st.booleans(),
    st.sampled_from([1, 8, 64, 512]),
)
def test_an_array_of_any_objects_gives_these_objects(
    rows: list[dict[str, Any]], indent: int | str | None, ascii_only: bool, size: int
) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)
    assert _read(text.encode("utf-8", "replace"), size, "f.jsonl")[1] == []
    expected = json.loads(text.encode("utf-8", "replace"))
    assert _read(text.encode("utf-8", "replace"), size, "f.jsonl")[0] == expected


@pytest.mark.parametrize(
    ("text", "rows", "places"),
    [
        ('[{"a":1},\n{"a":tru},\n{"a":3}]', [1, 3], [(2, 10, "invalid_json")]),
        ('[{"a":1},{"a":tru},{"a":3}]', [1, 3], [(1, 9, "invalid_json")]),
        ('[\n {\n  "a": 1\n },\n {\n  "a": 1"\n },\n {\n  "a": 3\n }\n]', [1, 3],
         [(5, 19, "invalid_json")]),
        ('[{"a":1},\n{"a":"x},\n{"a":3}]', [1, 3], [(2, 10, "invalid_json")]),
        ('[{"a":1},\n{"a":2\n', [1], [(2, 10, "invalid_json")]),
        ('[{"a":1},{"a":2}', [1, 2], [(1, 16, "invalid_json")]),
        ('[{"a":1}, 7, "x", null, [1, {"a":9}], {"a":3}]', [1, 3],
         [(1, 10, "not_an_object"), (1, 13, "not_an_object"), (1, 18, "not_an_object"),
          (1, 24, "not_an_object")]),
        ('[{"a":1},\n{"a":"\udcff"},\n{"a":3}]', [1, 3], [(2, 10, "invalid_utf8")]),
        ('[{"a":1}, nul, {"a":3}]', [1, 3], [(1, 10, "invalid_json")]),
        ('[{"a":1}, {\'a\': 2}, {"a":3}]', [1, 3], [(1, 10, "invalid_json")]),
        ('[{"a":1},\n{"a":' + "[" * 20_000 + "]" * 20_000 + '},\n{"a":3}]', [1, 3],
         [(2, 10, "too_deep")]),
    ],
)  # fmt: skip
def test_a_bad_element_is_reported_with_its_place_and_the_others_are_read(
    text: str, rows: list[int], places: list[tuple[int, int, str]]
) -> None:
    data = text.encode("utf-8", "surrogateescape")
    for size in (max(5, len(data) // 50), 1 << 20):
        objects, rejects = _read(data, size)
        assert [row["a"] for row in objects] == rows
        assert [(bad.line, bad.byte_offset, bad.reason) for bad in rejects] == places
        for bad in rejects:
            assert data[bad.byte_offset :].startswith(bad.raw)


@pytest.mark.parametrize("size", [5, 64, 1 << 20])
@pytest.mark.parametrize("between", [",", ",\n", "\n\n,  "])
def test_every_bad_element_has_its_place(between: str, size: int) -> None:
    good, bad = '{"é":"😀"}', '{"é":tru}'
    data = ("[" + between.join([good, bad, "5", bad, good, "[1]", bad]) + "]").encode()
    rows, rejects = _read(data, size)
    assert len(rows) == 2
    assert [reject.raw for reject in rejects] == [
        bad.encode(),
        b"5",
        bad.encode(),
        b"[1]",
        bad.encode(),
    ]
    for reject in rejects:
        assert data[reject.byte_offset :].startswith(reject.raw)
        assert reject.line == 1 + data.count(b"\n", 0, reject.byte_offset)


def test_the_message_says_where_in_the_object_the_error_is() -> None:
    _, rejects = _read(b'[{"a":1},\n{"a":\n  tru}]')
    assert "f.json, line 2 (byte 10) is not valid JSON (line 3, column 3: Expecting value)" in str(
        rejects[0]
    )
    _, rejects = _read(b'{"a":1}\n{"a":tru}\n', name="f.jsonl")
    assert "is not valid JSON (column 6: Expecting value)" in str(rejects[0])


@pytest.mark.parametrize("data", [b"[]", b" [ ] \n", b"\xef\xbb\xbf[]", b"", b"\n\n"])
def test_an_empty_array_has_no_rows(data: bytes) -> None:
    for size in (1, 100):
        assert _read(data, size) == ([], [])


@pytest.mark.parametrize(
    "data",
    [b"[1,2]\n", b'["a"]\n{"a":1}\n', b"[[1]]\n", b'[]\n{"a":1}\n', b"7\n", b'{"a":\n{"a":1}\n',
     b"id,title\n", b"{\n{}\n"],
)  # fmt: skip
def test_a_line_that_is_no_object_is_still_a_bad_line(data: bytes) -> None:
    rows, rejects = _read(data, name="f.jsonl")
    lines = [line for line in data.split(b"\n") if line]
    assert [reject.raw for reject in rejects] == lines[: len(rejects)]
    assert len(rows) + len(rejects) == len(lines)


@pytest.mark.parametrize("layout", ["[{},\n{}]", "{}\n{}\n"])
@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_tokens_that_python_writes_are_numbers_and_are_reported(layout: str, token: str) -> None:
    data = layout.replace("{}", f'{{"a":1,"b":{token}}}').encode()
    count = data.count(token.encode())
    with pytest.warns(GenreBatchWarning, match=f"NaN or Infinity.* in {count} rows .*line 1"):
        rows, rejects = _read(data)
    assert rejects == []
    assert [str(row["b"]) for row in rows] == [str(float(token))] * count


def test_integers_of_thousands_of_digits_and_marks_between_files_are_read() -> None:
    long = b'{"n":' + b"7" * 5000 + b"}"
    for data in (long + b"\n\xef\xbb\xbf" + long, b"[" + long + b"," + long + b"]"):
        rows, rejects = _read(data)
        assert (len(rows), rejects) == (2, [])


FILMS = [{"title": "A", "overview": "B"}, {"title": "C", "overview": "D"}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("value", "command"),
    [
        ({"page": 1, "results": FILMS}, "jq -c '.results[]' f.json > rows.jsonl"),
        ({"data": {"movies": FILMS, "n": []}}, "jq -c '.data.movies[]' f.json"),
        ({"my films": FILMS}, """jq -c '.["my films"][]' f.json"""),
        ({"tt1": FILMS[0], "tt2": FILMS[1]}, "jq -c '.[]' f.json"),
        ({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}}]},
         "jq -c '.features[].properties' f.json"),
    ],
)  # fmt: skip
def test_an_object_with_the_rows_under_a_key_is_answered_with_the_command(
    value: dict[str, Any], command: str, indent: int | None
) -> None:
    text = json.dumps(value, indent=indent).encode()
    with pytest.raises(CatalogError) as caught:
        _read(text)
    assert command in str(caught.value)
    with pytest.raises(CatalogError, match=r"gzip -dc f\.json\.gz \| jq -c '"):
        _read(text, name="f.json.gz")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "value",
    [
        {"overview": {"0": "B", "1": "D"}, "title": {"0": "A", "1": "C"}},
        {"overview": {"9": "B", "10": "D"}, "title": {"9": "A", "10": "C"}},
        {"title": ["A", "C"], "Overview": ["B", "D"]},
        {"columns": ["title", "overview"], "index": [0, 1], "data": [["A", "B"], ["C", "D"]]},
    ],
)
def test_an_object_of_columns_is_answered_with_a_command_that_makes_rows(
    tmp_path: Path, value: dict[str, Any], indent: int | None
) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(value, indent=indent))
    with pytest.raises(CatalogError, match="is one JSON object of columns") as caught:
        _read(path.read_bytes(), name=str(path))
    command = str(caught.value).rpartition("first: ")[2].partition(" > ")[0]
    if shutil.which("jq"):
        lines = subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout
        rows = [json.loads(line) for line in lines.splitlines()]
        films = [{key.lower(): text for key, text in row.items()} for row in rows]
        assert films == FILMS


@pytest.mark.parametrize(
    "film",
    [
        {"overview": ["x"], "cast": ["y", "z"]},
        {"overview": {"en": "x"}, "id": {"a": 1}},
        FILM,
        OTHER,
        {"Overview": "x", "cast": [{"name": "y"}]},
        {"id": 1},
    ],
)
def test_one_film_in_a_file_is_a_row(film: dict[str, Any]) -> None:
    assert _read(json.dumps(film, indent=2).encode()) == ([film], [])
    assert _read(json.dumps(film).encode()) == ([film], [])


def test_a_value_without_end_is_an_error_that_names_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genre_batch.catalog.reading.json_values.MAX_RECORD_BYTES", 1 << 20)
    data = b'{\n "results": [' + b",\n".join([b'{"a":1}'] * 300_000)
    with pytest.raises(CatalogError, match=r"line 1 does not end .*\.results\[\]' f\.json"):
        _read(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "cp1252"])
def test_arrays_in_other_encodings_have_places_in_the_file(encoding: str) -> None:
    text = '[{"a":"é"},\n{"a":tru}]'
    _, rejects = _read(text.encode(encoding), encoding=encoding)
    data = text.encode(encoding)
    assert (
        data[rejects[0].byte_offset :]
        == '{"a":tru}]'.encode(encoding)[2 * (encoding == "utf-16") :]
    )


def test_memory_does_not_grow_with_the_array() -> None:
    row = json.dumps({"id": 1, "overview": "word " * 200}).encode()

    class Endless(io.RawIOBase):
        left = 60

        def read1(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"," + b",".join([row] * 500) if self.left >= 0 else b""

    stream: Any = Endless()
    tracemalloc.start()
    rows = 0
    rejects: list[Reject] = []
    Endless.read1(stream)
    array: Any = io.BufferedReader(_Chain(b"[" + row, stream))
    for chunk in read_json_lines(array, "f.json", rejects.append):
        rows += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 59 * 500 + 1
    assert peak < 20 << 20


class _Chain(io.RawIOBase):
    """Some bytes, the pieces of a stream, and the end of an array."""

    def __init__(self, first: bytes, stream: Any) -> None:
        self._pending = first
        self._stream = stream
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._pending and not self._ended:
            self._pending = self._stream.read1()
            if not self._pending:
                self._pending, self._ended = b"]", True
        count = min(len(buffer), len(self._pending))
        buffer[:count], self._pending = self._pending[:count], self._pending[count:]
        return count


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"[", None), (b"[ {", False), (b"[1", True), (b"{", None), (b"{\n", None),
        (b'{\n "', False), (b'{"a":1}', None), (b'{"a":1}\n', True), (b"", None), (b"x", True),
        (b'{"a":1,\n"b"', False), (b'{"a":1,\n{', True), (b'{"a":1},\n', False),
        (b'{"a":1}{"a":2}\n', False), (b'{"a":1}{"a":2}', None), (b'{"a":1}x}\n', True),
        (b"[]", None), (b"[]\n{", True),
    ],
)  # fmt: skip
def test_a_few_bytes_show_the_layout(head: bytes, expected: bool | None) -> None:
    assert are_lines(head, at_end=False) is expected
    assert are_lines(head, at_end=True) is not None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'[{"a":1}]', True), (b'{"a":1}\n{"a":2}\n', True), (b'{"a":1}', False),
        (b'{\n "name": "x"\n}', False), (b"[1, 2]", False), (b"", False), (b"[]", True),
    ],
)  # fmt: skip
def test_a_json_file_in_a_folder_is_a_catalog_by_its_content(head: bytes, expected: bool) -> None:
    assert holds_rows(head) is expected


def test_line_breaks_and_the_space_around_them_are_one_space() -> None:
    data = b'[{"a":\t \r\n  \n 1, \r\r "b": "  x"\n}]'
    chunks = list(read_json_lines(io.BytesIO(data), "f", ignore_reject))
    lines = [line for chunk in chunks for line in chunk.lines]
    assert lines == [b'{"a":  1, "b": "  x" }']


def test_much_space_in_an_object_over_several_lines_is_kept() -> None:
    text = " " * 200_000
    data = json.dumps({"overview": f"a{text}b"}, indent=1).encode()
    chunks = read_json_lines(io.BytesIO(data), "f", ignore_reject)
    assert [line for chunk in chunks for line in chunk.lines] == [
        b'{ "overview": "a' + text.encode() + b'b" }'
    ]
