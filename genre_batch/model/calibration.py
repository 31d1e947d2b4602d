"""Calibrated probabilities: those that agree with frequencies, by a model file's `calibration`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.errors import UsageError
from genre_batch.model.metadata import ModelMetadata
from genre_batch.odds import log_odds, sigmoid

__all__ = ["calibrated", "raw_thresholds", "require_calibration"]

_ONE = int(np.float32(1.0).view(np.int32))
"""1.0 as an integer: the float32 from 0 to 1 have the order of their bits."""
_ABOVE_ONE = float(np.nextafter(1.0, 2.0))
"""A threshold that no probability reaches, of a genre that is not off."""


def calibrated(
    probabilities: npt.NDArray[np.floating[Any]], metadata: ModelMetadata
) -> npt.NDArray[np.float32]:
    """Return calibrated probabilities: the sigmoid of slope * log odds + shift (Platt 1999).

    Each result only depends on its own probability, in every bit. It never falls where that rises.

    Args:
        probabilities: (rows, genres), 0..1, as the model predicts them; NaN stays NaN.
        metadata: of the model.

    Returns:
        (rows, genres) float32, 0..1.

    Raises:
        UsageError: the model has no calibration.
    """
    require_calibration(metadata)
    pairs = np.array(metadata.calibration, dtype=np.float64)
    slopes, shifts = pairs[:, 0], pairs[:, 1]
    # numpy computes strided arrays with other routines, which may round differently.
    odds = log_odds(np.ascontiguousarray(probabilities, dtype=np.float32))
    with np.errstate(invalid="ignore"):  # logaddexp warns of NaN
        return sigmoid(slopes * odds + shifts).astype(np.float32)


def raw_thresholds(threshold: float, metadata: ModelMetadata) -> npt.NDArray[np.float64]:
    """Return each genre's least probability whose calibrated value reaches a threshold.

    A raw probability passes its result exactly where its calibrated value passes `threshold`:
    all float32 numbers from 0 to 1 are searched, by bisection.

    Args:
        threshold: of calibrated probabilities, 0..1.
        metadata: of the model.

    Returns:
        (genres,) float64; slightly above 1 where no probability reaches the threshold.

    Raises:
        UsageError: the model has no calibration.
    """
    genres = len(metadata.labels)
    low, high = np.full(genres, -1, np.int32), np.full(genres, _ONE + 1, np.int32)
    while (unknown := high - low > 1).any():
        middle = np.where(unknown, low + (high - low) // 2, np.maximum(low, 0))
        values = calibrated(middle.view(np.float32)[None, :], metadata)[0]
        passes = values.astype(np.float64) >= threshold
        high = np.where(unknown & passes, middle, high)
        low = np.where(unknown & ~passes, middle, low)
    found = np.minimum(high, _ONE).view(np.float32).astype(np.float64)
    return np.where(high > _ONE, _ABOVE_ONE, found)


def require_calibration(metadata: ModelMetadata) -> None:
    """Check that a model has a calibration.

    Raises:
        UsageError: it has none.
    """
    if not metadata.calibration:
        raise UsageError(
            "`calibrated` needs a model with a calibration, and this one has none: genre-batch "
            "tune CATALOG -o tuned.onnx makes a model with one"
        )
