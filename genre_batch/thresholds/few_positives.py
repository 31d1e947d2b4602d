"""A lower limit for the thresholds of genres with too few positives to fit a threshold to."""

from __future__ import annotations

import numpy as np

from genre_batch.odds import log_odds, sigmoid
from genre_batch.thresholds.arrays import Bools, Floats, Labels, Method, Probabilities

__all__ = ["FEW_POSITIVES", "has_few_positives", "limited", "raise_thresholds"]

FEW_POSITIVES = 5
"""Genres with fewer positives than this get a lower limit. One positive that happens to rank low
among n rows would otherwise take the genre to most rows; five of them do so together only if the
model has not learned the genre at all."""
REACH = 2.0
"""How far the limit of a genre with at most one positive is above its median, in units of the
distance from the median to the highest negative. In simulated tables of 100 to 10,000 rows, at
most 2.6 % of new rows pass it (docs/results/thresholds-small.md); on 20 rows, 1.5 would let about
eight times as many pass as 2."""


def has_few_positives(labels: Labels) -> Bools:
    """Return for each genre of (n, genres) labels whether it has fewer than `FEW_POSITIVES`."""
    few: Bools = labels.sum(axis=0) < FEW_POSITIVES
    return few


def raise_thresholds(thresholds: Floats, probabilities: Probabilities, labels: Labels) -> Floats:
    """Raise the thresholds of genres with few positives to a limit.

    A threshold method maximizes something on the rows that it is given. With one positive that
    ranks low, the best F1 is reached by predicting the genre for half of all rows, and any recall
    by predicting it down to that row. So a genre with 2, 3 or 4 positives is predicted for at most
    as many negative rows as it has positives; with one positive or none, the rows do not show
    where its films begin, and the limit lies well above the highest negative (`REACH`). The
    distance from the median to the highest negative is that of the genre or that of the median
    genre, whichever is larger: on few rows it may be small by chance.

    Args:
        thresholds: (genres,) float64, from any method; infinite for a genre that is off.
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; at least `thresholds`, and at most 1 where these are.
    """
    few = np.flatnonzero(has_few_positives(labels) & (labels == 0).any(axis=0))
    if not len(few):
        return thresholds
    odds = log_odds(probabilities)
    middles = np.median(odds, axis=0)
    reaches = np.where(labels == 0, odds, -np.inf).max(axis=0) - middles
    typical = np.median(reaches[np.isfinite(reaches)])
    raised = thresholds.copy()
    for genre in few.tolist():
        positives = int(labels[:, genre].sum())
        negatives = probabilities[labels[:, genre] == 0, genre].astype(np.float64)
        limit = _lowest_threshold(negatives, positives if positives > 1 else 0)
        if positives <= 1:
            reach = REACH * max(reaches[genre], typical)
            limit = max(limit, float(sigmoid(middles[genre] + reach)))
        raised[genre] = max(raised[genre], limit)
    return raised


def _lowest_threshold(negatives: Floats, allowed: int) -> float:
    """Return the lowest threshold that at most `allowed` of the negatives reach.

    It is halfway between two of them, or, if all that are left are equal, just above them; at most
    1.
    """
    if len(negatives) <= allowed:
        return 0.0
    ordered = np.sort(negatives)
    excluded = ordered[-1 - allowed]
    higher = ordered[np.searchsorted(ordered, excluded, side="right") :]
    above = float(np.nextafter(excluded, 2.0))
    return min(1.0, max(above, float(excluded + higher[0]) / 2) if len(higher) else above)


def limited(method: Method) -> Method:
    """Return a threshold method that applies `raise_thresholds` to the result of another."""

    def find(probabilities: Probabilities, labels: Labels) -> Floats:
        return raise_thresholds(method(probabilities, labels), probabilities, labels)

    return find
