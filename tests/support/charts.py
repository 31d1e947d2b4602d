"""Random predictions, and the data that a figure carries."""

from __future__ import annotations

from typing import Any

import numpy as np

from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.page import Figure

GENRES = ("Comedy", "Drama", "War")


def random_predictions(seed: int, films: int = 40) -> Predictions:
    """Draw labels, probabilities and thresholds of four decimals; every genre has a film."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (films, len(GENRES)))
    labels[0] = 1
    probabilities = (0.3 * labels + 0.7 * random.random(labels.shape)).round(4)
    return Predictions(GENRES, labels, probabilities, random.random(len(GENRES)).round(4))


def datasets(figure: Figure) -> list[list[dict[str, Any]]]:
    """Return all datasets of a figure, the largest first."""
    return sorted(figure.spec["datasets"].values(), key=len, reverse=True)


def dataset(figure: Figure, *fields: str) -> list[dict[str, Any]]:
    """Return the one dataset of a figure whose rows have exactly these fields."""
    (rows,) = [rows for rows in datasets(figure) if set(rows[0]) == set(fields)]
    return rows
