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
