"""The LSTM learns words, and the same ones again."""

from __future__ import annotations

import numpy as np
import pytest

from genre_batch.comparison.systems.lstm import Lstm
from genre_batch.dataset.dataset import Dataset
from genre_batch.evaluation.metrics import mean_average_precision
from genre_batch.progress import no_step_progress


@pytest.mark.parametrize("single_genre", [False, True])
def test_an_lstm_learns_words_and_is_reproducible(single_genre: bool, films: Dataset) -> None:
    def predictions() -> np.ndarray:
        network = Lstm(3, single_genre=single_genre, quick=False)
        # Each epoch has eight passes over the films: there are too few of them for enough steps.
        many = films.part("train").take(list(range(len(films.part("train")))) * 8)
        network.fit(many, films.part("dev"), no_step_progress)
        return network.predict_proba(films.part("test"))

    first = predictions()
    assert mean_average_precision(films.part("test").labels, first) > 0.8
    np.testing.assert_array_equal(first, predictions())
