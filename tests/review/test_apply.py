from __future__ import annotations

import codecs
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch import (
    ApplyJob,
    ApplyResult,
    AuditJob,
    CatalogError,
    ColumnError,
    OutputExistsError,
    ReadingOptions,
    UsageError,
    apply_review,
    audit,
)
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ColumnOptions, WritingOptions
from genre_batch.catalog.reading.whole import read_table
from genre_batch.errors import GenreBatchWarning
from support.reviews import write_review

pytestmark = pytest.mark.usefixtures("default_model")

FILMS = """id,title,overview,genres
1,"A, b",cry,"Drama, Comedy"
2,B,laugh,Comedy
3,C,fight,"Action, Drama"
"""


def corrected(
    folder: Path, catalog: str | bytes, *records: str, name: str = "films.csv", **options: Any
) -> bytes:
    """Write a catalog, apply a review, and return the bytes of the output in the same format."""
    source = folder / name
    source.write_bytes(catalog.encode() if isinstance(catalog, str) else catalog)
    review = write_review(folder, *records)
    output = folder / f"corrected{''.join(source.suffixes)}"
    apply_review(ApplyJob(review, source, output, **options))
    return output.read_bytes()


def test_right_means_that_the_film_has_the_genre_and_wrong_that_it_does_not(
    tmp_path: Path,
) -> None:
    out = corrected(
        tmp_path,
        FILMS,
        "0,doubtful,Comedy,wrong",
        "0,doubtful,Drama,right",
        "1,missing,Drama,right",
        "1,missing,Action,wrong",
        "2,doubtful,Drama,skip",
        "2,missing,Comedy,",
    )
    assert out.decode() == FILMS.replace('"Drama, Comedy"', '"Drama"').replace(
        "laugh,Comedy", 'laugh,"Comedy, Drama"'
    )


def test_what_was_changed_is_counted_and_listed(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    review = write_review(
        tmp_path,
        "0,doubtful,Comedy,wrong",
        "0,doubtful,Drama,right",
        "1,missing,Drama,right",
        "2,doubtful,Drama,skip",
        "2,missing,Comedy,",
    )
    summary = tmp_path / "summary.json"
    result = apply_review(
        ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.csv", summary_json=summary)
    )
    assert isinstance(result, ApplyResult)
    assert (result.rows, result.rows_changed, result.confirmed) == (3, 2, 1)
    assert result.decisions == {"right": 2, "wrong": 1, "skip": 1, "undecided": 1}
    assert (result.added, result.removed) == ({"Drama": 1}, {"Comedy": 1})
    written = json.loads(summary.read_text())
    assert written["changes"] == [
        {"row": 0, "change": "removed", "genre": "Comedy"},
        {"row": 1, "change": "added", "genre": "Drama"},
    ]
    assert written["rows"] == 3


BYTES = {
    "CRLF": (
        b"overview,genres,n\r\ncry,Drama,007\r\nlaugh,Comedy,1e3\r\n",
        b"overview,genres,n\r\ncry,Drama,007\r\nlaugh,,1e3\r\n",
    ),
    "a byte order mark": (
        codecs.BOM_UTF8 + b"overview,genres\ncry,Drama\nlaugh,Comedy\n",
        codecs.BOM_UTF8 + b"overview,genres\ncry,Drama\nlaugh,\n",
    ),
    "all cells in quotes": (
        b'"overview","genres"\n"cry","Drama"\n"la ""ugh""","Comedy"\n',
        b'"overview","genres"\n"cry","Drama"\n"la ""ugh""",""\n',
    ),
    "semicolons": (
        b"genres;overview\nDrama;cry\nComedy;laugh, twice\n",
        b"genres;overview\nDrama;cry\n;laugh, twice\n",
    ),
    "blank lines and no last line end": (
        b"overview,genres\n\ncry,Drama\n\n\nlaugh,Comedy",
        b"overview,genres\n\ncry,Drama\n\n\nlaugh,",
    ),
    "line ends in cells": (
        b'overview,genres\n"cry\r\nand cry",Drama\n"laugh\n\n",Comedy\n',
        b'overview,genres\n"cry\r\nand cry",Drama\n"laugh\n\n",\n',
    ),
    "records that cannot be read": (
        b'overview,genres\n"bad" x,y\ncry,Drama\n\xff,Drama\na,b,c,d\nlaugh,Comedy\n"open,z\n',
        b'overview,genres\n"bad" x,y\ncry,Drama\n\xff,Drama\na,b,c,d\nlaugh,\n"open,z\n',
    ),
    "quotes within cells": (
        b'overview,genres\n5" tall,Drama\nsix" la"ugh,Comedy\n',
        b'overview,genres\n5" tall,Drama\nsix" la"ugh,\n',
    ),
    "old Macs": (
        b"overview,genres\rcry,Drama\rlaugh,Comedy\r",
        b"overview,genres\rcry,Drama\rlaugh,\r",
    ),
    "a line sep=": (
        b"sep=;\noverview;genres\ncry;Drama\nlaugh;Comedy\n",
        b"sep=;\noverview;genres\ncry;Drama\nlaugh;\n",
    ),
    "empty cells after the last column": (
        b"overview,genres\ncry,Drama,,\nlaugh,Comedy,,\n",
        b"overview,genres\ncry,Drama,,\nlaugh,,,\n",
    ),
    "row names": (
        b'"overview","genres"\n"1","cry","Drama"\n"2","laugh","Comedy"\n',
        b'"overview","genres"\n"1","cry","Drama"\n"2","laugh",""\n',
    ),
}


@pytest.mark.parametrize(("catalog", "expected"), BYTES.values(), ids=BYTES.keys())
def test_every_other_byte_of_a_csv_file_stays(
    tmp_path: Path, catalog: bytes, expected: bytes
) -> None:
    assert corrected(tmp_path, catalog, "1,doubtful,Comedy,wrong") == expected


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32", "shift_jis", "gb18030"]
)
def test_the_encoding_stays(tmp_path: Path, encoding: str) -> None:
    text = "overview,genres,x\r\ncry \xe9,Drama,\xe9\r\nlaugh,Comedy,\xfc\r\n"
    if encoding == "shift_jis":
        text = text.replace("\xe9", "\u6620").replace("\xfc", "\u753b")
    reading = ReadingOptions(encoding=encoding)
    expected = text.replace("laugh,Comedy", 'laugh,"Comedy, Drama"').encode(encoding)
    out = corrected(tmp_path, text.encode(encoding), "1,missing,Drama,right", reading=reading)
    assert out == expected


def test_a_big_endian_file_with_a_mark_stays_one(tmp_path: Path) -> None:
    text = "overview,genres\ncry,Drama\n"
    catalog = codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    out = corrected(
        tmp_path, catalog, "0,missing,Comedy,right", reading=ReadingOptions(encoding="utf-16")
    )
    assert out == codecs.BOM_UTF16_BE + text.replace("Drama", '"Drama, Comedy"').encode("utf-16-be")


@pytest.mark.parametrize(
    ("catalog", "options", "expected"),
    [
        (
            "overview,genres\ncry,'Drama, War'\nit,'x''y'\n",
            {"quote": "'"},
            "overview,genres\ncry,'Drama, War, Comedy'\nit,'x''y'\n",
        ),
        (
            "overview,genres\ncr\\,y,Drama\\, War\nx,y\n",
            {"escape": "\\"},
            'overview,genres\ncr\\,y,"Drama, War, Comedy"\nx,y\n',
        ),
        (
            'a\n"b\noverview,genres\ncry,Drama\n',
            {"skip_lines": 2},
            'a\n"b\noverview,genres\ncry,"Drama, Comedy"\n',
        ),
    ],
    ids=["quote", "escape", "skip_lines"],
)
def test_the_reading_options_of_the_catalog_hold(
    tmp_path: Path, catalog: str, options: dict[str, Any], expected: str
) -> None:
    out = corrected(tmp_path, catalog, "0,missing,Comedy,right", reading=ReadingOptions(**options))
    assert out.decode() == expected


def test_a_file_without_quotes_gets_none(tmp_path: Path) -> None:
    catalog = 'overview\tgenres\ncry\tDrama|War\n"x\t\\N\n'
    reading = ReadingOptions(quote="none")
    records = ("0,missing,Comedy,right", "1,missing,Drama,right")
    out = corrected(tmp_path, catalog, *records, name="films.tsv", reading=reading)
    assert out.decode() == 'overview\tgenres\ncry\tDrama|War|Comedy\n"x\tDrama\n'


def test_a_genre_that_would_need_quotes_is_refused_where_there_are_none(tmp_path: Path) -> None:
    catalog = "overview,genres\ncry,Drama\nx,Comedy\n"
    with pytest.raises(CatalogError, match=r"line 2: 'Drama, Comedy' .* quotes no cells"):
        corrected(tmp_path, catalog, "0,missing,Comedy,right", reading=ReadingOptions(quote="none"))
    assert not (tmp_path / "corrected.csv").exists()


def test_a_character_that_the_encoding_lacks_is_refused(tmp_path: Path) -> None:
    catalog = "overview,genres\ncry,Drama\nx,Comedy\n"
    reading = ReadingOptions(encoding="latin-1")
    (tmp_path / "names.txt").write_text("Drama\nComedy\n\u5267\n")
    (tmp_path / "other.csv").write_text("x\n")
    catalog = "overview,is_\u5267\n"
    catalog = "overview,genres\ncry,Drama\nx,Com\xe9die\n"
    out = corrected(
        tmp_path, catalog.encode("latin-1"), "0,missing,Com\xe9die,right", reading=reading
    )
    assert out == 'overview,genres\ncry,"Drama, Com\xe9die"\nx,Com\xe9die\n'.encode("latin-1")


def test_a_row_that_ends_early_gets_the_cells_before_its_genres(tmp_path: Path) -> None:
    catalog = "overview,year,genres,x\ncry\ncry,1999\ncry,1999,Drama,1\n"
    records = ("0,missing,Drama,right", "1,missing,Comedy,right")
    out = corrected(tmp_path, catalog, *records)
    assert out.decode() == "overview,year,genres,x\ncry,,Drama\ncry,1999,Comedy\ncry,1999,Drama,1\n"


JSON_LINES = {
    "a list": (
        '{"overview":"a","genres":["Drama","War"],"n":1e3,"o":{"genres": []}}',
        '{"overview":"a","genres":["Drama","War","Comedy"],"n":1e3,"o":{"genres": []}}',
    ),
    "a spaced list": ('{"genres": ["Drama", "War"]}', '{"genres": ["Drama", "War", "Comedy"]}'),
    "an empty list": ('{"genres": [ ], "z": 1.50}', '{"genres": ["Comedy"], "z": 1.50}'),
    "null": ('{"genres": null}', '{"genres": ["Comedy"]}'),
    "no genres": ('{"z": "\\u00e9" }', '{"z": "\\u00e9", "genres": ["Comedy"] }'),
    "an empty object": ("{}", '{"genres":["Comedy"]}'),
    "text": ('{"genres":"Drama|War"}', '{"genres":"Drama|War|Comedy"}'),
    "objects": (
        '{"genres":[{"id":18,"name":"Drama"}]}',
        '{"genres":[{"id":18,"name":"Drama"}, {"name":"Comedy"}]}',
    ),
    "twice the same key": (
        '{"genres":["War"],"genres":["Drama"]}',
        '{"genres":["War"],"genres":["Drama", "Comedy"]}',
    ),
}


@pytest.mark.parametrize(("line", "expected"), JSON_LINES.values(), ids=JSON_LINES.keys())
def test_every_other_byte_of_a_json_object_stays(tmp_path: Path, line: str, expected: str) -> None:
    around = '{{"genres": ["Drama", "Horror"], "t": "x"}}\r\n\n  {}\t\r\nno json\n{{"a": 1.0}}'
    catalog = around.format(line)
    out = corrected(tmp_path, catalog, "1,missing,Comedy,right", name="films.jsonl")
    assert json.loads(expected) == json.loads(out.decode().split("\n")[2])
    assert out.decode() == around.format(expected)


def test_an_array_of_objects_becomes_lines_of_the_same_objects(tmp_path: Path) -> None:
    catalog = '[\n {"genres": ["Drama"], "n": 1.0},\n {"n": 2.50, "genres": []}\n]\n'
    (tmp_path / "films.json").write_text(catalog)
    review = write_review(tmp_path, "1,missing,Drama,right")
    output = tmp_path / "out.jsonl"
    apply_review(ApplyJob(review, tmp_path / "films.json", output))
    assert output.read_text() == (
        '{"genres": ["Drama"], "n": 1.0}\n{"n": 2.50, "genres": ["Drama"]}\n'
    )


TYPES = {
    "list": pa.list_(pa.string()),
    "large list": pa.large_list(pa.large_string()),
    "list of dictionaries": pa.list_(pa.dictionary(pa.int8(), pa.string())),
}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())
def test_a_list_column_of_parquet_stays_one(tmp_path: Path, kind: pa.DataType) -> None:
    values = [["Drama", "War"], None, []]
    table = pa.table(
        {
            "overview": pa.array(["a", "b", None], pa.large_string()),
            "genres": pa.array(values, kind),
            "year": pa.array([1, 2, None], pa.int16()),
        },
        metadata={"k": "v"},
    )
    pq.write_table(table, tmp_path / "films.parquet")
    review = write_review(
        tmp_path, "0,doubtful,War,wrong", "1,missing,Drama,right", "2,missing,War,right"
    )
    apply_review(ApplyJob(review, tmp_path / "films.parquet", tmp_path / "out.parquet"))
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.schema.equals(pq.read_table(tmp_path / "films.parquet").schema)
    assert written.schema.metadata[b"k"] == b"v"
    assert written.column("genres").to_pylist() == [["Drama"], ["Drama"], ["War"]]
    assert written.drop_columns("genres").equals(table.drop_columns("genres"))


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_a_text_column_of_parquet_keeps_its_separator(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"overview": ["a", "b"], "genres": pa.array(["Drama|War", "War"], kind)})
    pq.write_table(table, tmp_path / "films.parquet")
    review = write_review(tmp_path, "1,missing,Drama,right")
    apply_review(ApplyJob(review, tmp_path / "films.parquet", tmp_path / "out.parquet"))
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.column("genres").to_pylist() == ["Drama|War", "War|Drama"]
    assert written.schema.field("genres").type == kind


def test_a_map_gets_an_entry_with_the_value_of_the_others(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.int8())
    genres = pa.array([[("Drama", 1)], [("Drama", 1), ("War", 1)]], kind)
    pq.write_table(pa.table({"overview": ["a", "b"], "genres": genres}), tmp_path / "f.parquet")
    review = write_review(tmp_path, "0,missing,War,right", "1,doubtful,Drama,wrong")
    apply_review(ApplyJob(review, tmp_path / "f.parquet", tmp_path / "out.parquet"))
    written = pq.read_table(tmp_path / "out.parquet").column("genres")
    assert written.to_pylist() == [[("Drama", 1), ("War", 1)], [("War", 1)]]


def test_a_list_of_structs_gets_the_struct_of_other_rows(tmp_path: Path) -> None:
    drama, war = {"id": 18, "name": "Drama"}, {"id": 10752, "name": "War"}
    table = pa.table({"overview": ["a", "b"], "genres": [[drama], [drama, war]]})
    pq.write_table(table, tmp_path / "films.parquet")
    review = write_review(
        tmp_path, "0,missing,War,right", "0,missing,Comedy,right", "1,doubtful,Drama,wrong"
    )
    apply_review(ApplyJob(review, tmp_path / "films.parquet", tmp_path / "out.parquet"))
    assert pq.read_table(tmp_path / "out.parquet").column("genres").to_pylist() == [
        [drama, war, {"id": None, "name": "Comedy"}],
        [war],
    ]


FLAGS = {
    "0 and 1": ("x,Drama,War\na,1,0\nb,0,1\n", "x,Drama,War\na,0,1\nb,0,1\n"),
    "True and False": ("x,Drama,War\na,True,False\n", "x,Drama,War\na,False,True\n"),
    "yes and no": ("x,Drama,War\na,yes,no\n", "x,Drama,War\na,no,yes\n"),
    "x and nothing": ("x,Drama,War\na,x,\n", "x,Drama,War\na,,x\n"),
    "1.0 and 0.0, in quotes": ('x,Drama,War\na,"1.0","0.0"\n', 'x,Drama,War\na,"0.0","1.0"\n'),
    "on and off": ("x,Drama,War\na,on,off\n", "x,Drama,War\na,off,on\n"),
    "a column of ones": ("x,Drama,War\na,1,0\n", "x,Drama,War\na,0,1\n"),
}


@pytest.mark.parametrize(("catalog", "expected"), FLAGS.values(), ids=FLAGS.keys())
def test_a_flag_is_written_as_its_column_writes_them(
    tmp_path: Path, catalog: str, expected: str
) -> None:
    out = corrected(
        tmp_path,
        catalog,
        "0,doubtful,Drama,wrong",
        "0,missing,War,right",
        label_columns=("Drama..War",),
    )
    assert out.decode() == expected


def test_columns_of_names_are_no_columns_of_flags(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match=r"'genre_1' .* holds 'Drama': only columns of 0 and 1"):
        corrected(
            tmp_path,
            "x,genre_1,genre_2\na,Drama,War\n",
            "0,missing,War,right",
            label_columns=("genre_1", "genre_2"),
        )


def test_flags_of_parquet_and_json_keep_their_types(tmp_path: Path) -> None:
    table = pa.table({"Drama": [True, False], "War": pa.array([0, 1], pa.int8())})
    pq.write_table(table, tmp_path / "films.parquet")
    review = write_review(tmp_path, "0,doubtful,Drama,wrong", "0,missing,War,right")
    columns = ("Drama", "War")
    job = ApplyJob(
        review, tmp_path / "films.parquet", tmp_path / "out.parquet", label_columns=columns
    )
    apply_review(job)
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.schema.equals(table.schema)
    assert written.to_pydict() == {"Drama": [False, False], "War": [1, 1]}
    lines = '{"War": 0, "Drama": true}\n{"Drama": false, "War": 1}\n'
    (tmp_path / "films.jsonl").write_text(lines)
    apply_review(
        ApplyJob(review, tmp_path / "films.jsonl", tmp_path / "out.jsonl", label_columns=columns)
    )
    expected = lines.replace('"War": 0, "Drama": true', '"War": 1, "Drama": false')
    assert (tmp_path / "out.jsonl").read_text() == expected


def test_numbers_with_names_are_written_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("id,name\n18,Drama\n35,Comedy\n")
    catalog = 'overview,genres\na,"[18]"\nb,"[18, 35]"\n'
    records = ("0,missing,Comedy,right", "1,doubtful,Drama,wrong")
    out = corrected(tmp_path, catalog, *records, label_names=tmp_path / "names.csv")
    assert out.decode() == 'overview,genres\na,"[18, 35]"\nb,"[35]"\n'


def test_a_genre_is_written_as_the_catalog_spells_it(tmp_path: Path) -> None:
    catalog = "overview,genres\na,DRAMA\nb,COMEDY\n"
    records = ("0,missing,Comedy,right", "1,doubtful,Comedy,wrong")
    out = corrected(tmp_path, catalog, *records)
    assert out.decode() == 'overview,genres\na,"DRAMA, COMEDY"\nb,\n'


def test_a_catalog_without_any_genre_gets_the_separator_of_the_option(tmp_path: Path) -> None:
    records = ("0,missing,Drama,right", "0,missing,Comedy,right")
    writing = WritingOptions(separator="|")
    out = corrected(tmp_path, "overview,genres\na,\n", *records, writing=writing)
    assert out.decode() == "overview,genres\na,Drama|Comedy\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("out.tsv", "overview\tgenres\ncry\tDrama|War\nlaugh\tComedy|Drama\n"),
        (
            "out.jsonl",
            '{"overview":"cry","genres":"Drama|War"}\n{"overview":"laugh","genres":"Comedy|Drama"}\n',
        ),
    ],
)
def test_another_format_has_the_same_rows(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "films.csv").write_text("overview,genres\ncry,Drama|War\nlaugh,Comedy\n")
    review = write_review(tmp_path, "1,missing,Drama,right")
    apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / name))
    assert (tmp_path / name).read_text() == expected


def test_rows_that_cannot_be_read_go_to_the_rejects_in_another_format(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text('overview,genres\n"bad" x,y\ncry,Drama\n')
    review = write_review(tmp_path, "0,doubtful,Drama,wrong")
    result = apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.parquet"))
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"overview": "cry", "genres": ""}
    ]
    assert (result.rows_rejected, result.rejected_kept) == (1, False)
    assert result.rejects == str(tmp_path / "out.parquet.rejects.jsonl")
    strict = ReadingOptions(strict=True)
    job = ApplyJob(review, tmp_path / "films.csv", tmp_path / "no.parquet", reading=strict)
    with pytest.raises(CatalogError, match="line 2"):
        apply_review(job)


@pytest.mark.parametrize("option", [{"output_delimiter": ";"}, {"output_encoding": "utf-8-sig"}])
def test_another_spelling_of_csv_is_written_anew(tmp_path: Path, option: dict[str, str]) -> None:
    out = corrected(
        tmp_path, FILMS, "1,missing,Drama,right", writing=WritingOptions(**option)
    ).decode("utf-8-sig")
    mark = option.get("output_delimiter", ",")
    assert out.splitlines()[0] == mark.join(["id", "title", "overview", "genres"])
    assert "Comedy, Drama" in out


def test_compressed_catalogs_and_pipes_are_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "films.csv.gz").write_bytes(gzip.compress(FILMS.encode()))
    review = write_review(tmp_path, "1,missing,Drama,right")
    apply_review(ApplyJob(review, tmp_path / "films.csv.gz", tmp_path / "out.csv.gz"))
    expected = FILMS.replace("laugh,Comedy", 'laugh,"Comedy, Drama"')
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()).decode() == expected

    class Pipe(io.RawIOBase):
        def fileno(self) -> int:
            return read

    import os

    read, write = os.pipe()
    os.write(write, FILMS.encode())
    os.close(write)
    monkeypatch.setattr("sys.stdin", Pipe())
    reading = ReadingOptions(input_format="csv")
    apply_review(ApplyJob(review, "-", tmp_path / "piped.csv", reading=reading))
    os.close(read)
    assert (tmp_path / "piped.csv").read_text() == expected


def test_a_catalog_may_be_replaced_by_its_corrected_self(tmp_path: Path) -> None:
    films = tmp_path / "films.csv"
    films.write_text(FILMS)
    review = write_review(tmp_path, "1,missing,Drama,right")
    with pytest.raises(OutputExistsError):
        apply_review(ApplyJob(review, films, films))
    apply_review(ApplyJob(review, films, films, force=True))
    assert '"Comedy, Drama"' in films.read_text()
    with pytest.raises(UsageError, match="one of the inputs"):
        apply_review(ApplyJob(review, films, review, force=True))


def test_a_review_without_decisions_copies_and_warns(tmp_path: Path) -> None:
    with pytest.warns(GenreBatchWarning, match="no decision"):
        assert corrected(tmp_path, FILMS, "1,missing,Drama,").decode() == FILMS


def test_many_blocks_keep_their_rows_apart(tmp_path: Path) -> None:
    """Rows are counted over the blocks in which a file is read."""
    rows = [f"{'cry ' * 50}{number},Drama\n" for number in range(12_000)]
    wanted = range(7, 12_000, 1_999)
    expected = list(rows)
    for row in wanted:
        expected[row] = rows[row].replace("Drama", '"Drama, Comedy"')
    out = corrected(
        tmp_path,
        "overview,genres\n" + "".join(rows),
        *(f"{row},missing,Comedy,right" for row in wanted),
    )
    assert out.decode() == "overview,genres\n" + "".join(expected)


REFUSED = {
    "a row that is not there": (("9,doubtful,Drama,wrong",), r"line 2, column 'row': .* no row 9"),
    "a row that is no number": (("one,doubtful,Drama,wrong",), r"line 2, column 'row': 'one' is"),
    "a negative row": (("-1,doubtful,Drama,wrong",), "'-1' is not the number of a row"),
    "no row": ((",doubtful,Drama,wrong",), "'' is not the number of a row"),
    "a decision in other words": (
        ("0,doubtful,Drama,", "1,missing,Drama,yes"),
        r"line 3, column 'decision': 'yes' is not a decision: write right",
    ),
    "no kind": (("0,,Drama,right",), "line 2, column 'kind': no kind: leave it as audit wrote it"),
    "an unknown kind": (("0,mising,Drama,right",), "unknown kind 'mising': did you mean 'missing'"),
    "an unknown genre": (
        ("1,missing,Dramma,right",),
        r"line 2, column 'genre': unknown genre 'Dramma': did you mean 'Drama'\?",
    ),
    "no genre": (("1,missing,,right",), "no genre"),
    "a missing genre that is there": (("0,missing,Drama,right",), "has 'Drama', which the review"),
    "a doubtful genre that is not": (("1,doubtful,Drama,wrong",), "does not have 'Drama'"),
    "two minds": (
        ("0,doubtful,Drama,wrong", "1,missing,Drama,right", "0,doubtful,drama,right"),
        r"line 4, column 'decision': right for 'drama' of row 0, but wrong in .*, line 2",
    ),
    "a short record": (("0,doubtful,Drama,wrong", "1,missing"), None),
}


@pytest.mark.parametrize(("records", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_nonsense_is_refused_with_its_line_and_nothing_is_written(
    tmp_path: Path, records: tuple[str, ...], message: str | None
) -> None:
    if message is None:
        corrected(tmp_path, FILMS, *records)
        return
    with pytest.raises(CatalogError, match=message):
        corrected(tmp_path, FILMS, *records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films.csv", "review.csv"]


def test_a_line_is_counted_over_texts_of_several_lines(tmp_path: Path) -> None:
    header = "row,kind,genre,overview,decision"
    review = write_review(
        tmp_path, '0,doubtful,Drama,"cry\n\n", ', "", "1,missing,Drama,laugh,maybe", header=header
    )
    (tmp_path / "films.csv").write_text(FILMS)
    with pytest.raises(CatalogError, match=r"review\.csv, line 6, column 'decision': 'maybe'"):
        apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.csv"))


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (('0,doubtful,Drama,wrong,cry,"Comedy, Drama"',), None),
        (("0,doubtful,Drama,wrong,  cry ,Comedy|Drama",), None),
        (("0,doubtful,Drama,wrong,cr…,",), None),
        (
            ("0,doubtful,Drama,wrong,laugh,",),
            r"column 'overview': row 0 .* has 'cry' in 'overview'",
        ),
        (("0,doubtful,Drama,wrong,cry,Drama",), r"column 'genres': row 0 .* 'Drama, Comedy'"),
    ],
)
def test_the_review_s_copy_of_a_row_must_be_the_catalog_s(
    tmp_path: Path, records: tuple[str, ...], message: str | None
) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    header = "row,kind,genre,decision,overview,genres"
    job = ApplyJob(
        write_review(tmp_path, *records, header=header),
        tmp_path / "films.csv",
        tmp_path / "out.csv",
    )
    if message is None:
        apply_review(job)
        return
    with pytest.raises(CatalogError, match=message):
        apply_review(job)
    assert not (tmp_path / "out.csv").exists()


def test_a_review_of_another_kind_of_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    out = tmp_path / "out.csv"
    review = write_review(tmp_path, "0,missing,Drama", header="row,kind,genre")
    with pytest.raises(CatalogError, match=r"no column 'decision': add a column"):
        apply_review(ApplyJob(review, tmp_path / "films.csv", out))
    with pytest.raises(CatalogError, match=r"no column 'row': name the file that audit"):
        apply_review(ApplyJob(tmp_path / "films.csv", tmp_path / "films.csv", out))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    review = write_review(tmp_path, "0,missing,Drama,right")
    with pytest.raises(ColumnError, match="genre_column"):
        apply_review(ApplyJob(review, tmp_path / "other.csv", out))


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "tsv", "csv.gz"])
def test_a_review_may_be_of_any_format(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    review = tmp_path / f"review.{suffix}"
    record = {"row": 1, "kind": "missing", "genre": "Drama", "decision": "Right "}
    if suffix == "jsonl":
        review.write_text(json.dumps(record) + "\n")
    elif suffix == "parquet":
        pq.write_table(pa.table({name: [value, None] for name, value in record.items()}), review)
    else:
        mark = "\t" if suffix == "tsv" else ","
        text = mark.join(record) + "\n" + mark.join(map(str, record.values())) + "\n"
        review.write_bytes(gzip.compress(text.encode()) if "gz" in suffix else text.encode())
    apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.csv"))
    assert '"Comedy, Drama"' in (tmp_path / "out.csv").read_text()


def test_a_review_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    review = tmp_path / "review.csv"
    text = "row;kind;genre;decision\r\n1.0;missing;Drama;RIGHT\r\n;;;\r\n"
    review.write_bytes(text.encode("utf-8-sig"))
    apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.csv"))
    assert '"Comedy, Drama"' in (tmp_path / "out.csv").read_text()


TEXT = "A story that is long enough to tell the row."
SPREADSHEET = {
    "a formula that an apostrophe makes a text": ("=1+1", "'=1+1"),
    "a formula that was computed": ("=1+1", "2"),
    "a name that is none": ("@home", "#NAME?"),
    "a date": ("9/11", "11-Sep"),
    "a date in another order": ("2012-01-05", "05/01/2012"),
    "a month in another language": ("Mar-21", "21. Mrz"),
    "a time": ("24:7", "24:07:00"),
    "a number without its zeros": ("007", "7"),
    "a long number": ("12345678901234567890", "1.23457E+19"),
    "a rounded number": ("12345678901234567890", "12345678901234600000"),
    "a rounded identifier": ("12345678901234586", "12345678901234500"),
    "a float": ("12345678901234587", "1.2345678901234588e+16"),
    "a number without its comma": ("10,000", "10000"),
    "a percentage": ("100%", "1"),
    "a logical value": ("True", "WAHR"),
}


@pytest.mark.parametrize(("own", "saved"), SPREADSHEET.values(), ids=SPREADSHEET.keys())
def test_what_a_spreadsheet_makes_of_a_cell_does_not_matter_where_the_text_tells_the_row(
    tmp_path: Path, own: str, saved: str
) -> None:
    source = tmp_path / "films.csv"
    source.write_text(f'title,overview,genres\n"{own}",{TEXT},Comedy\nB,{TEXT},Drama\n')
    header = "row,kind,genre,title,overview,decision"
    record = f"0,doubtful,Comedy,{saved},{{}},wrong"
    review = write_review(tmp_path, record.format(TEXT), header=header)
    assert apply_review(ApplyJob(review, source, tmp_path / "out.csv")).rows_changed == 1
    for other in (
        record.format("Another story of the same length."),
        f"1{record[1:]}".format(TEXT),
    ):
        review = write_review(tmp_path, other.replace("Comedy", "Drama"), header=header)
        with pytest.raises(CatalogError, match="is this the review of another catalog"):
            apply_review(ApplyJob(review, source, tmp_path / "out.csv", force=True))


@pytest.mark.parametrize(
    ("own", "copy", "shown"),
    [
        ("One.", "Two.", "has 'One.' in 'overview', not 'Two.'"),
        ("x" * 99 + " One. " + "y" * 99, "x" * 99 + " Two.", r"'…x{29} One. y+…' .* '…x{29} Two.'"),
        ("x" * 200, "x" * 100, r"'…x{60}…' in 'overview', not '…x{30}'"),
    ],
)
def test_texts_that_differ_are_shown_from_where_they_differ(
    tmp_path: Path, own: str, copy: str, shown: str
) -> None:
    source = tmp_path / "films.csv"
    source.write_text(f"overview,genres\n{own},Comedy\n")
    header = "row,kind,genre,overview,decision"
    review = write_review(tmp_path, f"0,doubtful,Comedy,{copy},wrong", header=header)
    with pytest.raises(CatalogError, match=shown):
        apply_review(ApplyJob(review, source, tmp_path / "out.csv"))


def test_an_identifier_of_another_row_is_reported_though_the_texts_are_twins(
    tmp_path: Path,
) -> None:
    source = tmp_path / "films.csv"
    source.write_text(f"id,overview,genres\n11,{TEXT},Comedy\n12,{TEXT},Comedy\n")
    header = "row,kind,genre,id,overview,decision"
    review = write_review(tmp_path, f"0,doubtful,Comedy,12,{TEXT},wrong", header=header)
    with pytest.raises(CatalogError, match="row 0 of the catalog has '11' in 'id', not '12'"):
        apply_review(ApplyJob(review, source, tmp_path / "out.csv"))


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("12345678901234586", "12345678999999999"),
        ("12345678901234586", "12345678901234587"),
        ("123456789012345", "123456999999999"),
        ("12345678901234586", "1.23458E+16"),
    ],
)
@pytest.mark.parametrize("text", [TEXT, "Short."])
def test_a_long_identifier_of_another_row_is_reported(
    tmp_path: Path, own: str, other: str, text: str
) -> None:
    source = tmp_path / "films.csv"
    source.write_text(f"id,overview,genres\n{own},{text},Comedy\n")
    header = "row,kind,genre,id,overview,decision"
    review = write_review(tmp_path, f"0,doubtful,Comedy,{other},{text},wrong", header=header)
    with pytest.raises(CatalogError, match="is this the review of another catalog"):
        apply_review(ApplyJob(review, source, tmp_path / "out.csv"))


def test_a_rounded_identifier_alone_does_not_tell_the_row(tmp_path: Path) -> None:
    source = tmp_path / "films.csv"
    source.write_text("id,overview,genres\n12345678901234586,Short.,Comedy\n")
    header = "row,kind,genre,id,decision"
    review = write_review(tmp_path, "0,doubtful,Comedy,1.23457E+16,wrong", header=header)
    with pytest.raises(CatalogError, match="is this the review of another catalog"):
        apply_review(ApplyJob(review, source, tmp_path / "out.csv"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_spreadsheet_s_unicode_text_is_read_and_its_line_reported(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "films.csv").write_text(FILMS)
    review = tmp_path / "review.tsv"
    text = "Row\tKind\tgenre\tDecision \r\n0\tdoubtful\tComedy\twrong\r\n"
    review.write_bytes(text.encode(encoding))
    result = apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.csv"))
    assert result.removed == {"Comedy": 1}
    review.write_bytes((text + "9\tmissing\tDrama\tright\r\n").encode(encoding))
    with pytest.raises(CatalogError, match=r"line 3, column .row.: .* has no row 9"):
        apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "o.csv"))


def test_a_cell_that_cannot_be_changed_is_reported(tmp_path: Path) -> None:
    catalog = 'overview,genres\na,"{""Drama"": 1, ""War"": 0}"\n'
    with pytest.raises(CatalogError, match=r"row 0 .*, column 'genres': genres written like"):
        corrected(tmp_path, catalog, "0,doubtful,Drama,wrong")


def test_a_usual_other_name_is_the_genre_of_the_review(tmp_path: Path) -> None:
    catalog = "overview,genres\na,Sci-Fi|Drama\nb,Drama\n"
    records = ("0,doubtful,Science Fiction,wrong", "1,missing,Science Fiction,right")
    out = corrected(tmp_path, catalog, *records)
    assert out.decode() == "overview,genres\na,Drama\nb,Drama|Sci-Fi\n"
    with pytest.raises(CatalogError, match="does not have 'Science Fiction'"):
        corrected(tmp_path, catalog, *records, no_aliases=True, force=True)


def test_a_map_of_names_holds_as_in_the_audit(tmp_path: Path) -> None:
    genre_map = tmp_path / "map.csv"
    genre_map.write_text("name,genre\nLustspiel,Comedy\nDrama-Com,Drama,Comedy\n")
    catalog = "overview,genres\na,Lustspiel\nb,Drama\nc,Drama-Com\n"
    records = ("0,doubtful,Lustspiel,wrong", "1,missing,Comedy,right")
    out = corrected(tmp_path, catalog, *records, genre_map=genre_map)
    assert out.decode() == 'overview,genres\na,\nb,"Drama, Lustspiel"\nc,Drama-Com\n'
    with pytest.raises(CatalogError, match=r"row 2 .* cannot be changed one by one"):
        corrected(tmp_path, catalog, "2,doubtful,Comedy,wrong", genre_map=genre_map, force=True)


def test_a_column_that_audit_renamed_is_compared_with_its_own(tmp_path: Path) -> None:
    catalog = "overview,genre\na,Drama|War\n"
    review = write_review(
        tmp_path,
        "0,doubtful,War,wrong,a,Drama|War",
        header="row,kind,genre,decision,overview,catalog_genre",
    )
    (tmp_path / "films.csv").write_text(catalog)
    apply_review(ApplyJob(review, tmp_path / "films.csv", tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text() == "overview,genre\na,Drama\n"
    (tmp_path / "films.csv").write_text(catalog.replace("|War", "|War|Comedy"))
    job = ApplyJob(review, tmp_path / "films.csv", tmp_path / "out2.csv")
    with pytest.raises(CatalogError, match="column 'catalog_genre'"):
        apply_review(job)


def test_the_genres_of_the_audit_are_changed_though_a_usual_column_is_there(
    tmp_path: Path,
) -> None:
    source = tmp_path / "films.csv"
    source.write_text("overview,genres,moods\ncry,Comedy,Drama\nlaugh,Drama,Comedy\nx,War,Action\n")
    queue = tmp_path / "queue.jsonl"
    audit(AuditJob(source, queue, all=True, columns=ColumnOptions(genre_column="moods")))
    records = [json.loads(line) for line in queue.read_text().splitlines()]
    wanted = [one for one in records if (one["row"], one["genre"]) == (0, "Comedy")]
    review = tmp_path / "review.jsonl"
    review.write_text("".join(json.dumps({**one, "decision": "right"}) + "\n" for one in wanted))
    apply_review(ApplyJob(review, source, tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text() == source.read_text().replace(
        "cry,Comedy,Drama", 'cry,Comedy,"Drama, Comedy"'
    )


def test_rows_to_label_take_no_decision(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="write its genres into the catalog"):
        corrected(tmp_path, FILMS, "0,unlabeled,Drama,right")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_review_copies_the_texts_that_mean_null_in_the_catalog(
    tmp_path: Path, suffix: str
) -> None:
    catalog, queue = tmp_path / "films.tsv", tmp_path / f"review.{suffix}"
    catalog.write_text("title\toverview\tgenres\n\\N\tcry\tDrama\nB\tlaugh\t\\N\nC\tcry\tDrama\n")
    audit(AuditJob(catalog, queue, all=True))
    with pytest.warns(GenreBatchWarning, match="no decision"):
        apply_review(ApplyJob(_decided(queue, ""), catalog, tmp_path / "same.tsv"))
    assert (tmp_path / "same.tsv").read_bytes() == catalog.read_bytes()
    apply_review(ApplyJob(_decided(queue, "right"), catalog, tmp_path / "right.tsv"))
    rows = [line.split("\t") for line in (tmp_path / "right.tsv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["title", "\\N", "B", "C"]


@pytest.mark.parametrize("name", ["films.csv", "films.jsonl"])
def test_named_null_values_are_null_in_the_review_too(tmp_path: Path, name: str) -> None:
    rows = [
        {"title": "n/a", "overview": "cry", "genres": "Drama"},
        {"title": "B", "overview": "cry", "genres": "Drama"},
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "films.csv")
    pl.DataFrame(rows).write_ndjson(tmp_path / "films.jsonl")
    header = "row,kind,genre,decision,title"
    review = write_review(tmp_path, "0,doubtful,Drama,wrong,n/a", header=header)
    reading = ReadingOptions(null_values=("n/a",))
    output = tmp_path / f"corrected-{name}"
    apply_review(ApplyJob(review, tmp_path / name, output, reading=reading))
    assert "n/a" in output.read_text().splitlines()[name.endswith("csv")]
    review = write_review(tmp_path, "1,doubtful,Drama,wrong,n/a", header=header)
    with pytest.raises(CatalogError, match="has 'B' in 'title', not 'n/a'"):
        apply_review(ApplyJob(review, tmp_path / name, tmp_path / f"x-{name}", reading=reading))


def _decided(queue: Path, word: str) -> Path:
    """Return a review with one decision for each of its records about a row with genres."""
    suffix = queue.suffix
    read: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".csv": pl.read_csv,
        ".tsv": lambda path: pl.read_csv(path, separator="\t"),
        ".jsonl": pl.read_ndjson,
        ".parquet": pl.read_parquet,
    }
    frame = read[suffix](queue).with_columns(
        pl.when(pl.col("row") == 1).then(pl.lit("")).otherwise(pl.lit(word)).alias("decision")
    )
    path = queue.with_name(f"decided{suffix}")
    if suffix == ".tsv":
        frame.write_csv(path, separator="\t")
    else:
        write: dict[str, Callable[[Path], object]] = {
            ".csv": frame.write_csv,
            ".jsonl": frame.write_ndjson,
            ".parquet": frame.write_parquet,
        }
        write[suffix](path)
    return path


ROWS = 6
IDENTIFIERS = {
    "nanoseconds": pa.array([10**18 + 51 * row for row in range(ROWS)], pa.timestamp("ns")),
    "bytes": pa.array([b"k%d" % row for row in range(ROWS)], pa.binary()),
    "objects": pa.array([{"$oid": f"5f{row}"} for row in range(ROWS)]),
    "lists": pa.array([[1, row] for row in range(ROWS)]),
    "flags": pa.array([row == 1 for row in range(ROWS)]),
    "durations": pa.array(range(ROWS), pa.duration("s")),
    "dates": pa.array(range(ROWS), pa.date32()),
}


@pytest.mark.parametrize("review", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_identifiers_of_every_type_are_recognized_as_audit_writes_them(
    tmp_path: Path, kind: str, review: str
) -> None:
    genres = ["Drama", "Comedy", *["Drama"] * (ROWS - 2)]
    table = pa.table({"id": IDENTIFIERS[kind], "overview": ["cry"] * ROWS, "genres": genres})
    catalog = tmp_path / "films.parquet"
    pq.write_table(table, catalog)
    queue = tmp_path / f"queue.{review}"
    audit(AuditJob(catalog, queue))
    records = read_table(input_location(str(queue))).to_pylist()
    record = next(each for each in records if each["kind"] == "doubtful")
    found = int(record["row"])
    own, other = tmp_path / f"own.{review}", tmp_path / f"other.{review}"
    for path, row in ((own, found), (other, 0 if found == 1 else 1)):
        decided = {**record, "row": row, "genre": genres[row], "decision": "wrong"}
        del decided["overview"]
        frame = pl.DataFrame([decided])
        write: dict[str, Callable[[Path], object]] = {
            "csv": frame.write_csv,
            "jsonl": frame.write_ndjson,
            "parquet": frame.write_parquet,
        }
        write[review](path)
    result = apply_review(ApplyJob(own, catalog, tmp_path / "corrected.parquet"))
    assert result.rows_changed == 1
    with pytest.raises(CatalogError, match="in 'id', not "):
        apply_review(ApplyJob(other, catalog, tmp_path / "x.parquet"))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_ids_of_genres_are_written_into_lists_of_integers(tmp_path: Path, suffix: str) -> None:
    catalog, names = tmp_path / "films.parquet", tmp_path / "names.csv"
    pq.write_table(pa.table({"overview": ["cry", "laugh"], "genres": [[18], [35, 18]]}), catalog)
    names.write_text("18,Drama\n35,Comedy\n10751,Family\n")
    review = write_review(tmp_path, "0,missing,Family,right", header="row,kind,genre,decision")
    output = tmp_path / f"out.{suffix}"
    apply_review(ApplyJob(review, catalog, output, label_names=names))
    if suffix == "parquet":
        assert pq.read_table(output).column("genres").to_pylist() == [[18, 10751], [35, 18]]
    else:
        assert "10751" in output.read_text()


def test_text_views_are_changed(tmp_path: Path) -> None:
    catalog = tmp_path / "films.arrow"
    frame = pl.DataFrame({"overview": ["cry", "laugh"], "genres": ["Drama", "Comedy"]})
    frame.write_ipc(catalog)
    review = write_review(tmp_path, "0,missing,Comedy,right", header="row,kind,genre,decision")
    apply_review(ApplyJob(review, catalog, tmp_path / "out.arrow"))
    genres = pl.read_ipc(tmp_path / "out.arrow")["genres"].to_list()
    assert genres == ["Drama, Comedy", "Comedy"]
