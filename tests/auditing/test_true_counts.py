from __future__ import annotations

import numpy as np

from genre_batch.auditing.true_counts import GenreHistogram
from genre_batch.odds import log_odds


def test_labels_that_were_removed_and_added_are_counted() -> None:
    random = np.random.default_rng(1)
    odds = random.normal(-2, 3, (20_000, 4))
    probabilities = 1 / (1 + np.exp(-odds))
    truth = random.random(odds.shape) < probabilities
    removed, added = (0.0, 0.1, 0.3, 0.2), (0.0, 0.0, 0.0, 0.02)
    labels = np.where(
        truth, random.random(odds.shape) >= removed, random.random(odds.shape) < added
    ).astype(np.uint8)
    histogram = GenreHistogram(4)
    for start in range(0, 20_000, 3000):
        rows = slice(start, start + 3000)
        histogram.add(probabilities[rows], odds[rows], labels[rows])
    found = histogram.estimate()
    assert np.allclose(found.count, truth.sum(axis=0), rtol=0.03)
    assert np.allclose(found.missing, (truth & (labels == 0)).sum(axis=0), atol=250)
    assert np.allclose(found.wrong, (~truth & (labels == 1)).sum(axis=0), atol=150)
    assert np.allclose(found.count, labels.sum(axis=0) - found.wrong + found.missing)
    inside = (found.low <= truth.sum(axis=0)) & (truth.sum(axis=0) <= found.high)
    assert inside.sum() >= 3


def test_a_genre_that_no_row_has_is_estimated_too() -> None:
    histogram = GenreHistogram(2)
    probabilities = np.full((10, 2), 1e-6)
    labels = np.zeros((10, 2), dtype=np.uint8)
    histogram.add(probabilities, log_odds(probabilities), labels)
    found = histogram.estimate()
    assert np.isfinite(found.count).all()
    assert (found.low <= found.count).all()
    assert (found.count <= found.high).all()
