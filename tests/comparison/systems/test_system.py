"""Training targets of a single-genre system."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.comparison.systems.system import genre_shares


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1))
def test_each_film_is_divided_equally_among_its_genres(rows: list[list[bool]]) -> None:
    labels = np.array(rows, dtype=np.uint8)
    shares = genre_shares(labels)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert ((shares > 0) == (labels > 0)).all()
