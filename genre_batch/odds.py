"""Probabilities as log odds, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["log_odds", "sigmoid"]

_CLIP = 1e-6
"""Probabilities are clipped to _CLIP .. 1 - _CLIP, so that their log odds are finite."""


def log_odds(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return log(p / (1 - p)) as float64, finite for 0 and 1 too; same shape."""
    clipped = np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))


def sigmoid(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probabilities of log odds, 0..1; same shape."""
    return np.asarray(np.exp(-np.logaddexp(0, -odds)))
