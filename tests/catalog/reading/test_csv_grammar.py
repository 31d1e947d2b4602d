"""Where CSV records end, and which of them are broken."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genre_batch.catalog.reading.csv_grammar import BadRecord, Grammar

TWO = Grammar(",", 2)
MARKS = st.lists(st.sampled_from([b"a", b"\n", b'"', b'""', b",", b"\r\n", b"\r", b"\xc3\xa9"]))


def _cells(data: bytes, separator: str = ",") -> list[list[str]]:
    """What Python's own reader makes of it, told that only a newline ends a record."""
    text = io.StringIO(data.decode(), newline="\n")
    return [row for row in csv.reader(text, delimiter=separator, strict=True) if row]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a,b\n", True),
        (b'"a","b"\n', True),
        (b'"a\nb","c ""d"""\r\n"",\n', True),
        (b'"open,\n', True),
        (b"5'10\",b\n", False),
        (b'"a"b,c\n', False),
        (b'"a" ,c\n', False),
        (b'"a"\rb,c\n', False),
        (b'x,"a""\n', True),
    ],
)
def test_well_placed_quotes_open_close_or_are_doubled(data: bytes, expected: bool) -> None:
    assert TWO.is_well_quoted(data) is expected


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"", 0),
        (b"a,b", 0),
        (b"a,b\nc", 4),
        (b'a,"b\nc', 0),
        (b'a,"b\nc"\nd', 8),
        (b'5\'10",b\n"open\n', 8),
        (b'a,"b" c\nd,e\n', 12),
    ],
)
def test_whole_records_end_with_a_newline_outside_of_quotes(data: bytes, whole: int) -> None:
    assert TWO.whole(data) == whole


def test_a_quote_inside_an_unquoted_cell_is_an_ordinary_character() -> None:
    good, bad = TWO.sift(b'5\'10" tall,x\n1,say "hi"\r\n2,tail"\n')
    assert bad == []
    assert _cells(good) == [["5'10\" tall", "x"], ["1", 'say "hi"'], ["2", 'tail"']]


def test_a_record_with_too_many_fields_is_rejected_as_a_whole() -> None:
    data = b'a,b\n1,"x\ny",z\nc,d\n'
    good, bad = TWO.sift(data)
    assert good == b"a,b\nc,d\n"
    assert bad == [BadRecord(4, 14, "too_many_fields")]


def test_an_unclosed_quote_only_loses_its_own_line() -> None:
    good, bad = TWO.sift(b'a,b\n1,"open\nc,d\n"e",f\n')
    assert good == b'a,b\nc,d\n"e",f\n'
    assert bad == [BadRecord(4, 12, "bad_quoting")]


THREE = Grammar(",", 3)
STRAY = b'1,one,a\n2,"two,b\n3,three,c\n4,four,d\n5",five,e\n6,six,f\n'


@pytest.mark.parametrize("between", [b"", b"3,three,c\n", b"3,three,c\n4\n" + b"5,f,\r\n" * 300])
def test_a_stray_pair_of_quotes_only_loses_its_first_line(between: bytes) -> None:
    rest = between.replace(b"4\n", b"") + b'5"",five,e\n'.replace(b'""', b'"')
    data = b'1,one,a\n2,two,"b\n' + between + b'5",five,e\n6,six,f\n'
    good, bad = THREE.sift(data)
    assert good == b"1,one,a\n" + rest.replace(b'5"', b'"5"""') + b"6,six,f\n"
    assert bad[0] == BadRecord(8, 17, "bad_quoting")
    assert len(bad) == 1 + (b"\n4\n" in between)


@pytest.mark.parametrize(
    "record",
    [
        b'1,"x\ny, z",a,b\n',
        b'1,"x\n\ny, z\nw",a,b,c\n',
        b'1,a,"x\n1, 2, 3\nand then\ny",b\n',
        b'1,"x\ny",a,b\n',
    ],
)
def test_a_long_record_with_a_cell_of_several_lines_is_rejected_as_a_whole(record: bytes) -> None:
    good, bad = THREE.sift(b"1,2,3\n" + record + b"4,5,6\n")
    assert good == b"1,2,3\n4,5,6\n"
    assert bad == [BadRecord(6, 6 + len(record), "too_many_fields")]


def test_the_rows_within_a_stray_pair_of_quotes_do_not_depend_on_how_far_was_read() -> None:
    for length in range(len(STRAY) + 1):
        cut = THREE.whole(STRAY[:length])
        parts = [THREE.sift(piece) for piece in (STRAY[:cut], STRAY[cut:])]
        assert parts[0][0] + parts[1][0] == THREE.sift(STRAY)[0]


@pytest.mark.parametrize("cells", [b',""', b',"  "', b", ", b',,"",'])
def test_blank_cells_after_the_last_column_are_ignored(cells: bytes) -> None:
    for end in (b"\n", b"\r\n", b""):
        assert TWO.sift(b"1,x" + cells + end) == (b"1,x" + end, [])
    assert Grammar(";", 2, quotes=False).sift(b"1;x; \n") == (b"1;x\n", [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_end_mark_of_postgresql_is_a_blank_line(end: bytes) -> None:
    rows = b'1,x\n"\\.\n\\.\n",\\.\n'
    assert TWO.without_blank_lines(rows + b"\\." + end) == rows
    assert TWO.sift(rows + b"\\." + end) == (rows, [])


def test_the_rest_of_a_broken_cell_is_not_read_as_rows() -> None:
    """Its lines precede the misplaced quote, and have too few fields for a row."""
    good, bad = TWO.sift(b'a,b\n1,"first\nsecond\nthird "loud" word"\nc,d\n')
    assert good == b"a,b\nc,d\n"
    assert [record.start for record in bad] == [4, 13, 20]
    assert {record.reason for record in bad} == {"bad_quoting"}


def test_invalid_utf8_only_loses_its_own_record() -> None:
    good, bad = TWO.sift(b"a,b\n1,\xff\nc,d\n")
    assert good == b"a,b\nc,d\n"
    assert bad == [BadRecord(4, 8, "invalid_utf8")]


@pytest.mark.parametrize(
    ("data", "short"),
    [
        (b"a,b\n", []),
        (b"a\nb,c\nd", [0, 2]),
        (b'"a,b"\nc,"d,e"\n', [0]),
        (b'a,""\n"x\n,y",z\n', []),
    ],
)
def test_rows_with_too_few_fields_are_found(data: bytes, short: list[int]) -> None:
    assert TWO.short_rows(data).tolist() == short


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab",;|\n\ré '), max_size=6), min_size=3, max_size=3),
        max_size=6,
    ),
    st.sampled_from(",;|"),
)
def test_what_a_writer_quotes_is_read_back(rows: list[list[str]], separator: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        rows
    )
    data = written.getvalue().encode()
    grammar = Grammar(separator, 3)
    good, bad = grammar.sift(data)
    assert (good, bad) == (data, [])
    assert grammar.whole(data) == len(data)
    assert grammar.is_well_quoted(data)


@given(MARKS.map(b"".join))
@example(b'a,"b""\n')
@example(b'""a\n"')
def test_every_byte_belongs_to_a_record_or_to_a_blank_line(data: bytes) -> None:
    _, bad = TWO.sift(data)
    places = list(TWO._walk(data))
    covered = b"".join(data[start:end] for start, end, _ in places)
    assert covered.translate(None, b"\r\n") == data.translate(None, b"\r\n")
    assert all(end > start for start, end, _ in places)
    assert [start for start, _, _ in places] == sorted(start for start, _, _ in places)
    assert {(record.start, record.end) for record in bad} <= {(s, e) for s, e, _ in places}


@given(MARKS.map(b"".join))
def test_sifted_records_are_well_quoted_and_have_at_most_one_field_per_column(data: bytes) -> None:
    good, _ = TWO.sift(data)
    assert TWO.is_well_quoted(good)
    again, bad = TWO.sift(good)
    assert (again, bad) == (good, [])


@given(MARKS.map(b"".join))
def test_well_quoted_data_is_sifted_the_same_in_any_blocks(data: bytes) -> None:
    if not TWO.is_well_quoted(data) or data.count(b'"') % 2:
        return
    cut = TWO.whole(data)
    one, bad = TWO.sift(data)
    first, bad_first = TWO.sift(data[:cut])
    second, bad_second = TWO.sift(data[cut:])
    assert one == first + second
    assert len(bad) == len(bad_first) + len(bad_second)
