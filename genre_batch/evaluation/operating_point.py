"""Thresholds as a model file carries them: measured operating points and conditional thresholds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.model.metadata import OperatingPoint
from genre_batch.thresholds.operating_points import OPERATING_POINTS, Measured, measure_point

__all__ = ["as_operating_point", "genres_off", "measure_operating_points", "stored_thresholds"]


def measure_operating_points(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> dict[str, Measured]:
    """Fit every operating point, and measure it with cross-fitted thresholds.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres) 0 or 1.
    """
    return {
        name: measure_point(method, probabilities, labels)
        for name, method in OPERATING_POINTS.items()
    }


def stored_thresholds(thresholds: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    """Return thresholds as a model file stores them: None for infinity, which nothing reaches."""
    return tuple(None if np.isinf(value) else value for value in thresholds.tolist())


def as_operating_point(measured: Measured) -> OperatingPoint:
    """Return a measured set of thresholds as a model file stores it."""
    return OperatingPoint(
        thresholds=stored_thresholds(measured.thresholds),
        precision=round(measured.precision, 4),
        recall=round(measured.recall, 4),
    )


def genres_off(thresholds: npt.NDArray[np.float64], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the genres that an operating point switches off: those with an infinite threshold."""
    return tuple(
        label for label, value in zip(labels, thresholds.tolist(), strict=True) if np.isinf(value)
    )
