"""How much each label of a row contradicts what is probable: scores that any two labels share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.auditing.label_model import LabelModel
from genre_batch.odds import log_odds, sigmoid

__all__ = ["as_scores", "label_scores", "row_evidence"]

Floats = npt.NDArray[np.float64]

_SHARPNESS = 2.0
"""Of the soft maximum over a row's labels; at 1 it would be the sum of the odds."""


def label_scores(
    model: LabelModel, probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.uint8]
) -> Floats:
    """Return (rows, genres) float64: the evidence against every label of some rows, as log odds.

    A genre that a row lacks has the log odds that the row should have it. A genre that a row has is
    compared with a row drawn at random: its evidence is above 0 if the genre is less probable here
    than in the catalog as a whole, so that a rare genre, which is never probable, is not suspected
    wherever it occurs. The two are comparable between genres and with each other, for what
    confident learning (Northcutt et al. 2021) has a threshold per genre.

    Args:
        model: fitted to the catalog.
        probabilities: (rows, genres), 0..1, without NaN.
        labels: (rows, genres), 0 or 1.
    """
    odds = model.log_odds(log_odds(probabilities), labels)
    return np.where(labels == 1, model.prior - odds, odds)


def row_evidence(evidence: Floats) -> Floats:
    """Return (rows,) log odds of whole rows: a soft maximum over the labels of each.

    The worst label decides; several bad ones count for more than one. (Of the aggregates tried on
    development films, it found the most changed films; the maximum and the moving average of
    Thyagarajan et al. 2022 found up to a point of AUROC less.)

    Args:
        evidence: (rows, genres); minus infinity for a label that does not count, but not for all
            labels of a row.
    """
    worst = evidence.max(axis=1)
    powers = np.exp(_SHARPNESS * (evidence - worst[:, None]))
    return np.asarray(worst + np.log(powers.sum(axis=1)) / _SHARPNESS)


def as_scores(evidence: Floats) -> Floats:
    """Return evidence as scores, 0..1; NaN stays NaN."""
    scores = np.full(evidence.shape, np.nan)
    known = ~np.isnan(evidence)
    scores[known] = sigmoid(evidence[known])
    return scores
