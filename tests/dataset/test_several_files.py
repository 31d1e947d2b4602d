"""Promise: a labeled catalog may be in several files; columns and separators hold for all."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import CatalogPath, ColumnOptions, ReadingOptions
from genre_batch.dataset.labelled import read_labelled, sha256_of
from genre_batch.errors import CatalogError, ColumnError, GenreBatchWarning, UsageError
from support.catalogs import load, overviews, write_csv


def _locate(catalog: CatalogPath, **options: object) -> Location:
    return ReadingOptions(**options).locate_all(catalog)  # type: ignore[arg-type]


def _write(folder: Path, **files: list[tuple[str, str]]) -> list[str]:
    folder.mkdir(exist_ok=True)
    return [
        write_csv(folder / f"{name}.csv", ("overview", "genres"), rows).path
        for name, rows in files.items()
    ]


def test_files_globs_and_folders_are_one_catalog(tmp_path: Path) -> None:
    files = _write(tmp_path / "films", a=[("One.", "Drama")], b=[("Two.", "War")])
    for catalog in (
        files,
        str(tmp_path / "films"),
        str(tmp_path / "films" / "*.csv"),
        tuple(files),
    ):
        location = _locate(catalog)
        assert location.name == f"{files[0]} and 1 other file"
        assert read_labelled(location).texts == ["One.", "Two."]
    assert _locate(files[:1]) == _locate(files[0])


def test_formats_may_be_mixed(tmp_path: Path) -> None:
    (csv,) = _write(tmp_path, a=[("One.", "Drama, War"), ("Two.", "")])
    table = pa.table({"genres": [["War", "Sci-Fi, Weird"], None], "overview": ["Three.", "Four."]})
    pq.write_table(table, tmp_path / "b.parquet")
    row = {"overview": "Five.", "genres": [{"id": 1, "name": "War"}], "more": {"x": 1}}
    (tmp_path / "c.jsonl").write_text(json.dumps(row), encoding="utf-8")
    catalog = read_labelled(
        _locate([csv, str(tmp_path / "b.parquet"), str(tmp_path / "c.jsonl")]),
        ColumnOptions(empty="negative"),
    )
    assert catalog.genres == [["Drama", "War"], [], ["War", "Sci-Fi, Weird"], [], ["War"]]
    # An empty cell of CSV is empty, a null of Parquet is unknown.
    assert catalog.is_negative.tolist() == [False, True, False, False, False]


def test_the_separator_is_decided_over_all_files(tmp_path: Path) -> None:
    files = _write(
        tmp_path,
        a=[("One.", "Action, Adventure|Drama"), ("Two.", "Drama")],
        b=[("Three.", "Action, Adventure"), ("Four.", "Drama|Action, Adventure")],
    )
    genres = read_labelled(_locate(files)).genres
    assert {name for cell in genres for name in cell} == {"Action, Adventure", "Drama"}


def test_rows_are_counted_over_all_files(tmp_path: Path) -> None:
    texts = overviews(40)
    rows = [(text, ("Drama", "War")[number % 2]) for number, text in enumerate(texts)]
    files = _write(tmp_path, a=rows[:15], b=rows[15:])
    parts = ("train", "dev", "test", "train")
    split = write_csv(
        tmp_path / "split.csv", ("row", "part"), [(n, parts[n % 4]) for n in range(40)]
    )
    both = load(_locate(files), split_file=split)
    one = load(write_csv(tmp_path / "films.csv", ("overview", "genres"), rows), split_file=split)
    assert both.rows.tolist() == one.rows.tolist()
    assert (both.texts, both.parts) == (one.texts, one.parts)


def test_the_hash_depends_on_each_file_and_their_order(tmp_path: Path) -> None:
    a, b = _write(tmp_path, a=[("One.", "Drama")], b=[("Two.", "War")])
    digests = {sha256_of(_locate(files)) for files in (a, b, [a, b], [b, a])}
    assert len(digests) == 4


def test_folders_named_name_value_are_columns(tmp_path: Path) -> None:
    rows = [("One.", "Drama")]
    (tmp_path / "year=1999").mkdir()
    _write(tmp_path / "year=1999", a=rows)
    _write(tmp_path, b=rows)
    table = read_labelled(_locate(str(tmp_path / "**" / "*.csv"))).table
    assert table.column("year").to_pylist() == [None, "1999"]


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    (a,) = _write(tmp_path, a=[("One.", "Drama")])
    b = write_csv(tmp_path / "b.csv", ("plot", "genres"), [("Two.", "War")]).path
    with pytest.raises(ColumnError, match=r"b\.csv has no column 'overview', which other files"):
        read_labelled(_locate([a, b]))
    c = write_csv(tmp_path / "c.csv", ("overview", "tags"), [("Two.", "War")]).path
    with pytest.raises(ColumnError, match=r"c\.csv has no column 'genres', which other files"):
        read_labelled(_locate([a, c]))


def test_places_name_the_file(tmp_path: Path) -> None:
    header = ("overview", "Drama", "War")
    a = write_csv(tmp_path / "a.csv", header, [("One.", 1, 0)]).path
    b = write_csv(tmp_path / "b.csv", header, [("Two.", 1, 0), ("Three.", "maybe", 0)]).path
    with pytest.raises(ColumnError, match=r"'maybe' in row 1 of .*b\.csv \(counted from 0\)"):
        read_labelled(_locate([a, b]), ColumnOptions(label_columns=("Drama", "War")))
    files = _write(tmp_path, c=[("One.", "['a']")], d=[("Two.", "['b']"), ("Three.", "['a', 3")])
    with pytest.warns(GenreBatchWarning, match=r"in row 1 of .*d\.csv \(counted from 0\)"):
        catalog = read_labelled(_locate(files))
    assert catalog.cells.unreadable


def test_unreadable_rows_name_their_file(tmp_path: Path) -> None:
    a, b = _write(tmp_path, a=[("One.", "Drama")], b=[("Two.", "War")])
    with Path(b).open("a", encoding="utf-8") as file:
        file.write("Three.,War,more,and more\n")
    with pytest.raises(CatalogError, match=r"b\.csv.*line 3"):
        read_labelled(_locate([a, b], strict=True), None, ReadingOptions(strict=True))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.csv", "none.csv"], "no such file: .*none\\.csv"),
        (["a.csv", "a.csv"], "duplicate input .*a\\.csv: name each file once"),
        (["a.csv", "*.csv"], "duplicate input"),
        (["*.parquet"], "nothing to read"),
        (["run"], "a training run: name .*splits.parquet"),
        (["empty"], "nothing to read"),
    ],
)
def test_what_is_no_catalog_is_an_error(tmp_path: Path, names: list[str], message: str) -> None:
    _write(tmp_path, a=[("One.", "Drama")], b=[("Two.", "War")])
    for folder in ("run", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "run" / "splits.parquet").touch()
    with pytest.raises(UsageError, match=message):
        _locate([str(tmp_path / name) for name in names])
    with pytest.raises(UsageError, match="stdin can only be read alone"):
        _locate([str(tmp_path / "a.csv"), "-"])
