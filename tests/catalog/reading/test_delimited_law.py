"""Promise: CSV is read as Python's own reader reads it, and nonsense raises only our errors."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.reading.csv_dialect import Dialect
from genre_batch.catalog.reading.delimited import read_delimited
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError

CELLS = st.text(st.sampled_from('ab,;|\t"\n\ré 0=+-@'), min_size=0, max_size=8)


def _read(data: bytes, dialect: Dialect | None = None) -> tuple[list[list[Any]], list[Reject]]:
    rejects: list[Reject] = []
    chunks = list(read_delimited(io.BytesIO(data), "f.csv", dialect or Dialect(), rejects.append))
    return [list(row.values()) for chunk in chunks for row in chunk.table.to_pylist()], rejects


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8), st.sampled_from(",;|\t"))
def test_any_cells_come_back(rows: list[list[str]], separator: str) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "y", "z"], *rows])
    read, rejects = _read(written.getvalue().encode(), Dialect(delimiter=separator))
    assert read == rows
    assert rejects == []


@given(
    st.lists(
        st.sampled_from(
            [b"a", b"\n", b'"', b'""', b",", b"\r\n", b"\r", b"\xff", b"\x00", b"\xc3\xa9", b","]
        )
    ).map(b"".join)
)
def test_no_bytes_are_lost_or_crash_it(tail: bytes) -> None:
    data = b"x,y\n1,2\n" + tail + b"\n3,4\n"
    try:
        rows, rejects = _read(data)
    except CatalogError as error:
        is_mixed = "line ends are mixed" in str(error)
        assert b"\x00" in tail or (is_mixed and b"\r" in tail)
        return
    assert rows[0] == ["1", "2"]
    # Whatever stands between, the last row is read, or reported, or inside of an open quote.
    assert rows[-1] == ["3", "4"] or rejects or b'"' in tail
    for reject in rejects:
        assert data[reject.byte_offset :].startswith(reject.raw)
        assert reject.line == 1 + data.count(b"\n", 0, reject.byte_offset)
