"""The cuts through a genre's sorted probabilities, and the best of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Objective", "best_threshold"]

Floats = npt.NDArray[np.float64]
Objective = Callable[[Floats, Floats, int], Floats]
"""Of each cut: (how many predicted are right, how many are predicted, how many are there)."""


def best_threshold(
    scores: Floats, truth: npt.NDArray[np.bool_], objective: Objective
) -> float | None:
    """The threshold whose predictions have the largest value.

    Anything that depends on the predictions alone changes only where a probability is passed: the
    n cuts below each are all there are to try, and one sort counts them.

    Args:
        scores: (n,) probabilities.
        truth: (n,).
        objective: values of cuts; minus infinity for one that will not do.

    Returns:
        Half-way between the two probabilities that the cut separates; of equally good cuts the one
        that predicts fewest; None where none will do.
    """
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    hits = np.cumsum(truth[order]).astype(np.float64)
    below = np.append(scores[1:], 0.0)
    values = objective(hits, np.arange(1.0, len(scores) + 1), int(truth.sum()))
    values[:-1][scores[:-1] == scores[1:]] = -np.inf  # no threshold separates equal probabilities
    best = int(np.argmax(values))
    if values[best] == -np.inf:
        return None
    middle = float((scores[best] + below[best]) / 2)
    # Between two neighbouring floats there is no middle, and rounding may give the lower one.
    return middle if middle > below[best] else float(scores[best])
