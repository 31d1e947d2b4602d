"""Probabilities as log odds, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["log_odds", "sigmoid"]

_CLIP = 1e-6
"""Probabilities are clipped to _CLIP .. 1 - _CLIP, so that their log odds are finite."""

_LARGEST_POWER = 700.0
"""Where exp does not overflow yet; the probability is 0 in float32."""


def log_odds(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return log(p / (1 - p)) as float64, finite for 0 and 1 too; same shape."""
    # In place: to allocate an array for each step would take most of the time.
    odds = np.asarray(np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP))
    np.divide(odds, 1 - odds, out=odds)
    np.log(odds, out=odds)
    return odds


def sigmoid(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probabilities of log odds, 0..1; same shape."""
    power = np.asarray(np.negative(odds, dtype=np.float64))
    np.minimum(power, _LARGEST_POWER, out=power)
    np.exp(power, out=power)
    power += 1
    np.divide(1, power, out=power)
    return power
