from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.auditing.top_records import TopRecords

RECORDS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 5), st.integers(-3, 3)), unique_by=lambda r: r[:2]
)


@given(RECORDS, st.integers(1, 20), st.integers(1, 7))
def test_a_bounded_list_is_the_start_of_the_full_one(
    records: list[tuple[int, int, int]], most: int, size: int
) -> None:
    top = TopRecords(most, slack=0)
    for start in range(0, len(records), size):
        rows, genres, evidence = np.array(records[start : start + size]).T
        top.add(rows, genres, evidence.astype(np.float64))
    top.finish()
    expected = sorted(records, key=lambda record: (-record[2], record[0], record[1]))[:most]
    columns = top.rows.tolist(), top.genres.tolist(), top.evidence.tolist()
    assert list(zip(*columns, strict=True)) == expected
