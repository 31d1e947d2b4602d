"""Trials of a comparison with random predictions, and fitting a system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from genre_batch.comparison.scoring import SCHEMES, LabelledPredictions, Trial, score_trial
from genre_batch.comparison.systems.system import System
from genre_batch.dataset.dataset import Dataset
from genre_batch.progress import no_step_progress

GENRES = ["Action", "Comedy", "Drama"]
TRIAL = Trial(
    system="tfidf-logreg",
    says="words",
    protocol="clean",
    data="original",
    reads="overview",
    single_genre=False,
    training_films=70,
    seen=0,
    schemes=SCHEMES,
    seconds=1.5,
    films_per_second=1000.0,
    copies_by=None,
    base_model=None,
    parameters=12,
    seed=0,
    quick=False,
)


def random_predictions(seed: int, films: int = 60) -> LabelledPredictions:
    """Draw probabilities and labels of random films."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((films, 3)) < [0.2, 0.3, 0.6]).astype(np.uint8)
    noise = rng.random((films, 3), dtype=np.float32)
    return (0.3 * labels + 0.7 * noise).astype(np.float32), labels


def trial_rows(**changes: Any) -> list[dict[str, Any]]:
    """Score a random trial with fields of the caller's choice."""
    trial = replace(TRIAL, **changes)
    rows = score_trial(trial, GENRES, random_predictions(0), random_predictions(1))
    return [row.as_dict() for row in rows]


def fitted(system: System, films: Dataset) -> System:
    """Fit a system on the parts of a dataset."""
    system.fit(films.part("train"), films.part("dev"), no_step_progress)
    return system
