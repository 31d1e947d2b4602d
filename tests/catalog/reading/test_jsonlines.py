"""JSON Lines: objects with their bytes, or columns that hold all values."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pyarrow as pa
import pytest

from genre_batch.catalog.reading.json_table import infer_schema, to_table
from genre_batch.catalog.reading.jsonlines import read_json_lines
from genre_batch.catalog.reading.records import LineRecords
from genre_batch.catalog.rejects import Reject, ignore_reject
from genre_batch.catalog.stretches import Stretch
from genre_batch.errors import CatalogError, GenreBatchWarning


def _read(data: bytes) -> tuple[list[bytes], list[dict[str, Any]], list[Reject]]:
    rejects: list[Reject] = []
    chunks = list(read_json_lines(io.BytesIO(data), "f.jsonl", rejects.append))
    lines = [line for chunk in chunks for line in chunk.lines]
    return lines, [row for chunk in chunks for row in chunk.objects], rejects


def _table(*lines: bytes) -> pa.Table:
    chunks = list(read_json_lines(io.BytesIO(b"\n".join(lines)), "f", lambda reject: None))
    schema = infer_schema(chunks)
    return pa.concat_tables([to_table(chunk, schema, "f").table for chunk in chunks])


def test_the_bytes_of_a_line_are_kept_with_its_object() -> None:
    lines, objects, rejects = _read(b'{"n": 1.50}\r\n\n  {"b":null}  ')
    assert lines == [b'{"n": 1.50}', b'{"b":null}']
    assert objects == [{"n": 1.5}, {"b": None}]
    assert rejects == []


def test_a_byte_order_mark_is_removed() -> None:
    assert _read(b'\xef\xbb\xbf{"a":1}\n')[1] == [{"a": 1}]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"a":', "invalid_json"),
        (b'{"a":nan}', "invalid_json"),
        (b"[" * 100_000, "too_deep"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a":"\xff"}', "invalid_utf8"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
    ],
)
def test_a_bad_line_is_reported_with_its_location_and_the_rest_kept(
    bad: bytes, reason: str
) -> None:
    _, objects, rejects = _read(b'{"a":0}\n\n' + bad + b'\n{"a":2}\n')
    assert objects == [{"a": 0}, {"a": 2}]
    assert rejects == [Reject("f.jsonl", 3, 9, reason, bad)]  # type: ignore[arg-type]


def test_a_key_that_first_appears_late_is_a_column() -> None:
    table = _table(b'{"a":1}', b"{}", b'{"b":"x"}')
    assert table.to_pylist() == [
        {"a": 1, "b": None},
        {"a": None, "b": None},
        {"a": None, "b": "x"},
    ]


@pytest.mark.parametrize(
    ("one", "other", "kind", "values"),
    [
        (b"1", b"2.5", pa.float64(), [1.0, 2.5]),
        (b"1", b"null", pa.int64(), [1, None]),
        (b"true", b"false", pa.bool_(), [True, False]),
        (b"1", b'"x"', pa.string(), ["1", "x"]),
        (b"[1]", b'"x"', pa.string(), ["[1]", "x"]),
        (b"123456789012345678901", b"1", pa.string(), ["123456789012345678901", "1"]),
        (b"0.5", b"true", pa.string(), ["0.5", "true"]),
        (b"0.5", b"9007199254740993", pa.string(), ["0.5", "9007199254740993"]),
        (b"[9007199254740993]", b"[0.5]", pa.string(), ["[9007199254740993]", "[0.5]"]),
        (b"[0.5]", b"[false]", pa.string(), ["[0.5]", "[false]"]),
        (b'{"k":0.5}', b'{"k":true}', pa.string(), ['{"k":0.5}', '{"k":true}']),
        (b"9007199254740993", b"1", pa.int64(), [9007199254740993, 1]),
        (b"1e400", b"1", pa.string(), ["1e400", "1"]),
        (b"-1e999", b'"x"', pa.string(), ["-1e999", "x"]),
        (b'["a"]', b"[]", pa.list_(pa.string()), [["a"], []]),
        (b'{"k":1}', b'{"l":"x"}', None, [{"k": 1, "l": None}, {"k": None, "l": "x"}]),
    ],
)
def test_a_column_s_type_holds_all_its_values(
    one: bytes, other: bytes, kind: pa.DataType | None, values: list[Any]
) -> None:
    column = _table(b'{"v":' + one + b"}", b'{"v":' + other + b"}").column("v")
    assert column.to_pylist() == values
    assert kind is None or column.type == kind


def test_text_that_looks_like_a_date_stays_text() -> None:
    assert _table(b'{"d":"2020-01-01"}').column("d").type == pa.string()


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert _table(b'{"a":"x\\ud800"}').to_pylist() == [{"a": "x?"}]


@pytest.mark.parametrize("kind", ["flat", "nested", "in a list"])
def test_keys_that_differ_in_a_lone_surrogate_stay_two(kind: str) -> None:
    row = b'{"\\ud800":1,"\\ud801":"x\\udfff"}'
    expected: object = {r"\ud800": 1, r"\ud801": "x?"}
    if kind == "flat":
        assert _table(row).to_pylist() == [expected]
    elif kind == "nested":
        assert _table(b'{"a":' + row + b"}", b'{"b":1}')["a"].to_pylist() == [expected, None]
    else:
        assert _table(b'{"a":[' + row + b"]}")["a"].to_pylist() == [[expected]]


@pytest.mark.parametrize("layout", ["lines", "array"])
@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            '{"a":1,"a":2}',
            r"a key is twice in an object in 2 rows \(the first: 'a', line 2\): the la",
        ),
        ('{"b":[{"c":1,"c":2}]}', r"in 2 rows \(the first: 'c', line 2\): the last value is used"),
        (
            '{"a":0.12345678901234567891}',
            r"more digits .* \(the first: 0.12345678901234567891, lin",
        ),
        ('{"a":0.98765432109876543}', "more digits than a float has in 2 rows"),
        ('{"a":4503599627370497.25}', "more digits than a float has in 2 rows"),
        ('{"a":[-123456789012345678.5e3]}', "more digits than a float has in 2 rows"),
        (
            '{"a":"x\\uD83d"}',
            r"half of a surrogate pair in 2 rows \(the first: line 2\): written as",
        ),
    ],
)
def test_what_a_table_loses_is_told(layout: str, row: str, said: str) -> None:
    rows = ['{"a":0}', row, "NaN", '{"a":null}', row]
    text = "\n".join(rows) if layout == "lines" else f"[{f',{chr(10)}'.join(rows)}]"

    def read(*, finds_losses: bool) -> int:
        stream = io.BytesIO(text.encode())
        chunks = read_json_lines(stream, "f", lambda reject: None, finds_losses=finds_losses)
        return sum(map(len, chunks))

    with pytest.warns(GenreBatchWarning, match=f"f: .*{said}") as warned:
        assert read(finds_losses=True) == 4
    assert len(warned) == 1
    assert read(finds_losses=False) == 4


@pytest.mark.parametrize(
    "row",
    [
        '{"a":0.1234567890123456,"b":1.50000000000000000000000,"c":123456789012345678901}',
        '{"a":0.00000000000000000000012345,"b":-1.7976931348623157e+308,"c":{"a":1}}',
        '{"a":0.30000000000000004,"b":300000000000000.4,"c":-12.30000000000000000E-5}',
        '{"a":"\\ud83d\\ude00","b":"\\\\ud83d"}',
    ],
)
def test_what_a_table_holds_is_not_told(row: str) -> None:
    stream = io.BytesIO(row.encode())
    chunks = read_json_lines(stream, "f", lambda reject: None, finds_losses=True)
    assert sum(map(len, chunks)) == 1


@pytest.mark.parametrize("padding", [b"\x1a", b"\0\0\0", b"\x1a\r", b"\x1e"])
def test_lines_of_padding_are_blank(padding: bytes) -> None:
    data = b'{"a":0}\n' + padding + b'\n{"a":1}\n' + padding
    assert _read(data) == ([b'{"a":0}', b'{"a":1}'], [{"a": 0}, {"a": 1}], [])


@pytest.mark.parametrize(
    ("data", "bad"),
    [
        (b'-- exported by hand\n{"a":0},\n {"a":1} , \r\n{"a":2}\n', [1]),
        (b'const films = [\n{"a":0},\n{"a":1},\n{"a":2}\n];\n', [1, 5]),
        (b'{"a":0}\n,{"a":1}\n, {"a":2}', []),
        (b'{"a":0}\n,\n{"a":1}\n,\n{"a":2}', []),
    ],
)
def test_commas_around_objects_are_skipped_wherever_the_lines_start(
    data: bytes, bad: list[int]
) -> None:
    rejects: list[Reject] = []
    chunks = list(read_json_lines(io.BytesIO(data), "f", rejects.append))
    assert [line for chunk in chunks for line in chunk.lines] == [b'{"a":%d}' % i for i in range(3)]
    assert [reject.line for reject in rejects] == bad
    # The second half of the file, as it is cut, and as its bytes are copied.
    middle = data.index(b"\n", data.index(b'{"a":0}')) + 1
    line = data.count(b"\n", 0, middle) + 1
    half = Stretch(1, 2, middle, len(data), line)
    cut = list(read_json_lines(io.BytesIO(data), "f", ignore_reject, stretch=half))
    assert [line for chunk in cut for line in chunk.lines] == [b'{"a":1}', b'{"a":2}']
    spans = [
        records.data[start:end]
        for records in LineRecords(io.BytesIO(data), "f").blocks()
        for start, end in records.record_spans
    ]
    assert spans == [b'{"a":%d}' % i for i in range(3)]


def test_records_may_start_with_the_separator_of_text_sequences() -> None:
    assert _read(b'\x1e{"a":0}\n\x1e{"a":1}\n')[1] == [{"a": 0}, {"a": 1}]


def test_a_file_that_changes_between_two_passes_is_an_error() -> None:
    chunk = next(read_json_lines(io.BytesIO(b'{"a":"now text"}'), "f", lambda reject: None))
    with pytest.raises(CatalogError, match="changed while it was being read"):
        to_table(chunk, {"a": pa.int64()}, "f")


def test_objects_without_a_key_are_rows_without_a_column() -> None:
    chunk = next(read_json_lines(io.BytesIO(b"{}\n{}\n"), "f", lambda reject: None))
    assert to_table(chunk, {}, "f").table.shape == (2, 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bytes(range(256)) * 4, "is not a text file"),
        (b"\x01\xff\x02\n", "is not a text file"),
        ('{"a":1}\n'.encode("utf-16"), "set `encoding` to utf-16"),
    ],
)
def test_a_file_that_is_not_text_is_refused_as_a_whole(data: bytes, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        _read(data)


@pytest.mark.parametrize("name", ["utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_the_encoding_of_wide_characters_is_named(name: str) -> None:
    with pytest.raises(CatalogError, match=f"set `encoding` to {name}$"):
        _read('{"overview":"é"}\n'.encode(name))


def test_another_encoding_is_read_with_offsets_in_its_own_bytes() -> None:
    rejects: list[Reject] = []
    data = '{"a":"größe"}\noops\n'.encode("utf-16")
    chunks = list(read_json_lines(io.BytesIO(data), "f", rejects.append, "utf-16"))
    assert chunks[0].objects == [{"a": "größe"}]
    assert rejects[0].byte_offset == data.index("oops".encode("utf-16-le"))


def test_each_of_many_bad_lines_is_placed() -> None:
    lines = [f"oops, größe {'x' * (number % 7)}\n" for number in range(20_000)]
    data = "".join(['{"id": 1}\n', *lines]).encode("cp1252")
    rejects: list[Reject] = []
    list(read_json_lines(io.BytesIO(data), "f", rejects.append, "cp1252"))
    starts = itertools.accumulate(map(len, lines), initial=len('{"id": 1}\n'))
    assert [reject.byte_offset for reject in rejects] == list(starts)[:-1]
