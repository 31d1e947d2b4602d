"""The arrays that threshold methods take and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "FilmMethod", "Films", "Floats", "Labels", "Method", "Probabilities"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Probabilities = npt.NDArray[np.floating]
"""(n, genres), 0..1."""
Labels = npt.NDArray[np.integer]
"""(n, genres), 0 or 1."""
Method = Callable[[Probabilities, Labels], Floats]
"""Finds thresholds, (genres,) float64, from probabilities and labels of the same shape."""
Films: TypeAlias = npt.NDArray[np.uint64] | None
"""(n,) ids, equal for rows that are wordings of one film; None: every row is a film."""
FilmMethod = Callable[[Probabilities, Labels, Films], Floats]
"""A method that keeps wordings of one film together."""
