"""Training targets of a single-genre system."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.comparison.systems.system import genre_shares
from genre_batch.comparison.systems.transformer import single_genre_loss


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1))
def test_each_film_is_divided_equally_among_its_genres(rows: list[list[bool]]) -> None:
    labels = np.array(rows, dtype=np.uint8)
    shares = genre_shares(labels)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert ((shares > 0) == (labels > 0)).all()


def test_nothing_is_learned_from_a_film_without_a_genre() -> None:
    labels = np.array([[0, 0], [1, 0]], dtype=np.uint8)
    np.testing.assert_array_equal(genre_shares(labels), [[0, 0], [1, 0]])
    logits = torch.tensor([[2.0, -1.0], [0.5, 1.5]])
    loss = single_genre_loss(logits, torch.from_numpy(labels).float())
    alone = single_genre_loss(logits[1:], torch.from_numpy(labels[1:]).float())
    assert float(loss) == pytest.approx(float(alone) / 2)
