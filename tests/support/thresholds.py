"""Random probabilities and labels, and scores of predictions written out plainly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]
Case = tuple[Floats, Labels]


def random_case(seed: int, rows: int, genres: int) -> Case:
    """Draw probabilities, some of them on the grid, and labels that follow them."""
    random = np.random.default_rng(seed)
    probabilities = np.round(random.random((rows, genres)), random.integers(1, 4))
    return probabilities, (random.random((rows, genres)) < probabilities).astype(np.int64)


CASES = st.integers(0, 2**32 - 1).map(lambda seed: random_case(seed, 20, 2))


def f1(predicted: Bools, truth: npt.NDArray[np.generic]) -> float:
    """Compute the F1 of one genre; 0 without any positive and any prediction."""
    hits = int((predicted & (truth == 1)).sum())
    return 2 * hits / max(1, int(predicted.sum()) + int(truth.sum()))


def macro_f1(predicted: Bools, truth: Labels) -> float:
    """Compute the mean F1 of the genres."""
    return float(np.mean([f1(*columns) for columns in zip(predicted.T, truth.T, strict=True)]))


def mcc(predicted: Bools, truth: Labels) -> float:
    """Compute the Matthews correlation of one genre; 0 where it is undefined."""
    if predicted.all() or not predicted.any() or truth.all() or not truth.any():
        return 0.0
    return float(np.corrcoef(predicted.astype(float), truth.astype(float))[0, 1])
