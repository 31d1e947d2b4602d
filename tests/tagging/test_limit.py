"""Promise: a limited run knows nothing of what comes after its last row."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.tagging.api import tag_catalog

CSV = b"id,overview\n1,laugh\n2,cry\n"
JSONL = b'{"id": 1, "overview": "laugh"}\n{"id": 2, "overview": "cry"}\n'
AFTER = {
    "csv": (b"a,b,c,d\n", b"4\n", b'5,"x"y\n', b"\xff,\xff\n", b'"open\n', b"word,laugh\n"),
    "jsonl": (b"oops\n", b"[]\n", b"\xff\n", b'{"id": "word", "more": {"late": 1}}\n'),
}


@pytest.mark.parametrize("output", ["o.csv", "o.jsonl", "o.parquet", "o.arrow"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_nothing_after_the_limit_changes_the_run(
    tiny_model: Path, tmp_path: Path, kind: str, output: str
) -> None:
    whole, longer = tmp_path / f"whole.{kind}", tmp_path / f"longer.{kind}"
    start = CSV if kind == "csv" else JSONL
    whole.write_bytes(start)
    results = []
    for after in (b"", *AFTER[kind], b"".join(AFTER[kind]), start * 1000 + AFTER[kind][0]):
        longer.write_bytes(start + after)
        for strict in (False, True):
            target = tmp_path / output
            summary = tag_catalog(
                longer,
                target,
                model=tiny_model,
                limit=2,
                strict=strict,
                infer_types=True,
                force=True,
            )
            assert (summary.rows, summary.rows_rejected, summary.rows_padded) == (2, 0, 0)
            assert not (tmp_path / f"{output}.rejects.jsonl").exists()
            results.append(target.read_bytes())
    assert len(set(results)) == 1


def test_rejects_before_the_last_row_are_reported(tiny_model: Path, tmp_path: Path) -> None:
    films = tmp_path / "films.csv"
    films.write_bytes(b"id,overview\na,b,c\n1,laugh\n2\nd,e,f\n3,cry\ng,h,i\n4\n")
    for limit, counts in ((1, (1, 0)), (2, (1, 1)), (3, (2, 1)), (4, (3, 2)), (5, (3, 2))):
        summary = tag_catalog(films, tmp_path / "o.csv", model=tiny_model, limit=limit, force=True)
        assert (summary.rows_rejected, summary.rows_padded) == counts, limit


def test_the_limit_counts_the_rows_of_all_inputs(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(CSV + b"x,y,z\n")
    inputs = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for limit, rejected in ((2, 0), (3, 1), (4, 1)):
        summary = tag_catalog(inputs, tmp_path / "o.csv", model=tiny_model, limit=limit, force=True)
        assert (summary.rows, summary.rows_rejected) == (limit, rejected)


_RECORDS = st.lists(
    st.sampled_from([b"1,laugh", b'2,"two\nlines"', b"3", b"a,b,c", b'"x"y,z', b"", b"\xff,b"]),
    max_size=12,
)


@given(records=_RECORDS, limit=st.integers(0, 13))
def test_a_limited_reader_reads_and_rejects_the_same_up_to_its_last_row(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], limit: int
) -> None:
    path = tmp_path_factory.mktemp("limit") / "a.csv"
    path.write_bytes(b"id,overview\n" + b"\n".join([b"0,cry", *records]))

    def read(limit: int | None) -> tuple[list[object], list[Reject]]:
        rejects: list[Reject] = []
        with CatalogReader(
            [input_location(str(path))], ReadOptions(limit=limit), rejects.append
        ) as reader:
            rows = [row for chunk in reader.chunks() for row in chunk.table.to_pylist()]  # type: ignore[union-attr]
        return rows, rejects

    rows, rejects = read(None)
    some_rows, some_rejects = read(limit)
    assert some_rows[:limit] == rows[:limit]
    assert some_rejects == rejects[: len(some_rejects)]
