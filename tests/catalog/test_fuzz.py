"""Promise: readers of corrupt files either read rows or raise an error that states the cause."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError
from support.delivery import scaled

TABLE = pa.table(
    {
        "id": list(range(50)),
        "overview": [None if row % 9 == 0 else f"film {row}" for row in range(50)],
        "genres": [["Drama"] * (row % 3) for row in range(50)],
    }
)


def _parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(TABLE, stream, row_group_size=20)
    return stream.getvalue()


def _arrow() -> bytes:
    stream = io.BytesIO()
    with pa.ipc.new_file(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return stream.getvalue()


CSV = b"id,overview\n" + b"".join(b'%d,"a film, %d"\n' % (row, row) for row in range(50))
LINES = b"".join(b'{"id":%d,"overview":"film"}\n' % row for row in range(50))
GOOD = {
    "f.csv": CSV,
    "f.csv.gz": gzip.compress(CSV),
    "f.jsonl": LINES,
    "f.jsonl.gz": gzip.compress(LINES),
    "f.parquet": _parquet(),
    "f.arrow": _arrow(),
}


def _rows(path: Path) -> int | None:
    """Count the rows read and rejected; None if the catalog was refused."""
    rejects: list[Reject] = []
    try:
        with CatalogReader(
            [input_location(str(path))], ReadOptions(as_table=True), rejects.append
        ) as reader:
            return sum(len(chunk) for chunk in reader.chunks()) + len(rejects)
    except CatalogError:
        return None


@pytest.mark.parametrize("name", GOOD)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8),
    cut=st.just(0) | st.integers(1, 400),
)
def test_changed_bytes_are_read_or_refused(
    tmp_path: Path, name: str, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(GOOD[name])
    for place, value in changes:
        content[place % len(content)] = value
    (tmp_path / name).write_bytes(content[: len(content) - cut])
    rows = _rows(tmp_path / name)
    assert rows == 50 or changes or cut


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=scaled(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_nonsense_is_refused_or_rejected(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    _rows(tmp_path / name)
