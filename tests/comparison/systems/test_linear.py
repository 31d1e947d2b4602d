"""Linear systems learn the words of each genre."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.comparison.systems.system import Setting
from genre_batch.dataset.dataset import Dataset
from genre_batch.evaluation.metrics import mean_average_precision
from support.trials import fitted

LINEAR = ["tfidf-nb", "tfidf-logreg", "tfidf-svm", "tfidf-logreg-grid", "tfidf-nb-grid"]


@pytest.mark.parametrize("name", LINEAR)
def test_linear_systems_learn_the_words_of_each_genre(
    name: str, films: Dataset, tmp_path: Path
) -> None:
    system = fitted(SYSTEMS[name].make(Setting(tmp_path)), films)
    test = films.part("test")
    assert mean_average_precision(test.labels, system.predict_proba(test)) > 0.9


@pytest.mark.parametrize("name", ["tfidf-nb", "tfidf-logreg", "tfidf-svm"])
def test_a_genre_without_training_films_is_never_probable(
    name: str, films: Dataset, tmp_path: Path
) -> None:
    absent = np.zeros((len(films), 1), dtype=np.uint8)
    wider = replace(
        films, names=[*films.names, "Western"], labels=np.hstack([films.labels, absent])
    )
    system = fitted(SYSTEMS[name].make(Setting(tmp_path, quick=True)), wider)
    probabilities = system.predict_proba(wider.part("test"))
    assert probabilities.shape[1] == len(films.names) + 1
    assert (probabilities[:, -1] < 0.5).all()
