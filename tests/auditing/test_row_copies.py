"""auditing/row_copies.py: copies of rows give the records that reading the catalog again gives."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch import AuditJob, audit
from genre_batch.auditing import run
from genre_batch.auditing.row_copies import RowCopies
from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.options import ColumnOptions, ReadingOptions

pytestmark = pytest.mark.usefixtures("default_model")

WORDS = {"fight": "Action", "laugh": "Comedy", "cry": "Drama", "robot": "Science Fiction"}
TEXTS = [f"{word} film{row}" for row in range(15) for word in WORDS]
GENRES = [name for _ in range(15) for name in WORDS.values()]


def _write(folder: Path, kind: str) -> Path:
    """Write a catalog with empty cells, cells of several types, or columns of 0 and 1."""
    path = folder / f"films.{kind}"
    films = {"id": list(range(60)), "overview": TEXTS, "genres": GENRES, "year": [1999] * 60}
    if kind == "csv":
        cells = ["n/a" if row % 9 == 0 else text for row, text in enumerate(TEXTS)]
        pl.DataFrame({**films, "overview": cells}).write_csv(path)
    elif kind == "jsonl":
        rows = [
            {
                "overview": 5 if row % 7 == 0 else text,
                "id": None if row % 2 else row,
                "genres": cell,
            }
            for row, (text, cell) in enumerate(
                zip(TEXTS, [*GENRES[:30], *([name, None] for name in GENRES[30:])], strict=True)
            )
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        flags = {name: [int(name == cell) for cell in GENRES] for name in WORDS.values()}
        table = pa.table({"overview": pa.array(TEXTS).dictionary_encode(), **flags})
        pq.write_table(table, path, row_group_size=25)
    return path


@pytest.mark.parametrize("options", [{}, {"all": True}], ids=["the worst", "all"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_records_do_not_depend_on_whether_rows_were_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, options: dict[str, bool]
) -> None:
    names = tuple(WORDS.values()) if kind == "parquet" else None
    columns = ColumnOptions(label_columns=names)
    catalog = _write(tmp_path, kind)
    reading = ReadingOptions(null_values=("n/a",))
    outputs = [tmp_path / f"{size}.csv" for size in (1 << 30, 0)]
    for size, output in zip((1 << 30, 0), outputs, strict=True):
        monkeypatch.setattr(run, "RowCopies", functools.partial(RowCopies, most_bytes=size))
        audit(AuditJob(catalog, output, reading, columns, min_score=0, **options))  # type: ignore[arg-type]
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert outputs[0].read_bytes().count(b"\n") > 60


def test_copies_are_given_up_when_they_are_too_large(tmp_path: Path) -> None:
    with RowCopies(tmp_path, most_bytes=1500) as copies:
        chunk = TableChunk(pa.table({"id": [1, 2], "other": ["x" * 5000] * 2}))
        copies.append(chunk, ["id"])
        assert copies.complete
        (copy,) = copies.chunks()
        assert copy.table.to_pydict() == {"id": [1, 2]}
        copies.append(chunk, ["id", "other"])
        assert not copies.complete
        copies.append(chunk, ["id"])
    assert not any(tmp_path.iterdir())


def test_no_copies_are_kept_where_none_can_be_written(tmp_path: Path) -> None:
    with RowCopies(tmp_path / "missing") as copies:
        copies.append(TableChunk(pa.table({"id": [1]})), ["id"])
        assert not copies.complete


def test_each_copy_has_the_texts_that_mean_null_in_its_own_file(tmp_path: Path) -> None:
    table = pa.table({"text": ["\\N", "a"]})
    with RowCopies(tmp_path) as copies:
        copies.append(TableChunk(table, nulls=("\\N",)), ["text"])
        copies.append(TableChunk(table), ["text"])
        texts = [chunk.strings("text").to_pylist() for chunk in copies.chunks()]
    assert texts == [[None, "a"], ["\\N", "a"]]


@pytest.mark.parametrize("lists", [range(9000, 9040), range(40)], ids=["last", "first"])
def test_records_are_found_in_chunks_whose_values_are_of_other_types(
    tmp_path: Path, lists: range
) -> None:
    words = list(WORDS)
    rows: list[dict[str, object]] = []
    for row in range(9040):
        genre = WORDS[words[row % 4]]
        text = f"{words[row % 4]} film{row} " + "word " * 30
        rows.append({"overview": text, "genres": [genre] if row in lists else genre})
    rows[10] |= {"genres": ["Drama"] if 10 in lists else "Drama"}
    rows[9010] |= {"genres": ["Action"] if 9010 in lists else "Action"}
    path = tmp_path / "films.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    audit(AuditJob(path, tmp_path / "records.jsonl", min_score=0, top=40_000))
    records = map(json.loads, (tmp_path / "records.jsonl").read_text().splitlines())
    genres = {each["row"]: each["genres"] for each in records}
    assert genres[10] == ('["Drama"]' if 10 in lists else "Drama")
    assert genres[9010] == ('["Action"]' if 9010 in lists else "Action")


def test_rows_of_files_with_other_null_values_are_labeled_next(tmp_path: Path) -> None:
    texts = ["fight one", "laugh fight", "cry robot", "\\N"]
    for suffix, separator in (("csv", ","), ("tsv", "\t")):
        frame = pl.DataFrame({"overview": texts, "title": ["\\N"] * 4, "genres": [None] * 4})
        (tmp_path / "films").mkdir(exist_ok=True)
        frame.write_csv(tmp_path / "films" / f"films.{suffix}", separator=separator)
    output = tmp_path / "records.jsonl"
    audit(AuditJob(tmp_path / "films", output, select=8))
    records = list(map(json.loads, output.read_text().splitlines()))
    assert {each["row"] for each in records} == {0, 1, 2, 3, 4, 5, 6}
