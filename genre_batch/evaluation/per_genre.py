"""What averages hide: each genre's figures, each film's, and how honest probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.metrics import average_precision

__all__ = [
    "BINS",
    "GenreScores",
    "Predictions",
    "calibration_error",
    "exact_match",
    "genre_scores",
    "reliability",
    "samples_f1",
    "shared_thresholds",
]

Labels = npt.NDArray[np.integer[Any] | np.bool_]
Probabilities = npt.NDArray[np.floating[Any]]

BINS = 15
"""Of equal width, in which probabilities are compared with what came true."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said of some films, and what is right.

    Attributes:
        names: (genres,) of the genres.
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
        thresholds: (genres,) float64, or (n, genres) where a film's own decide; infinity where a
            genre is off.
    """

    names: tuple[str, ...]
    labels: Labels
    probabilities: Probabilities
    thresholds: npt.NDArray[np.float64]


@dataclass(frozen=True)
class GenreScores:
    """One genre's confusion matrix and what follows from it; None where it is not defined.

    Attributes:
        genre: its name.
        threshold: the probability from which it was predicted, 0..1; None: never, or not the same
            for all films.
        tp, fp, fn, tn: films rightly and wrongly given it, wrongly and rightly not.
        precision: tp / (tp + fp), 0..1; None where it was never predicted.
        recall: tp / (tp + fn), 0..1; None where no film has it.
        f1: 2 tp / (2 tp + fp + fn), 0..1.
        average_precision: over all thresholds, 0..1; None where no film has it.
        mcc: Matthews correlation coefficient, -1..1; None where a side of the matrix is empty.
    """

    genre: str
    threshold: float | None
    tp: int
    fp: int
    fn: int
    tn: int
    precision: float | None
    recall: float | None
    f1: float
    average_precision: float | None
    mcc: float | None

    @property
    def films(self) -> int:
        """How many films have the genre."""
        return self.tp + self.fn


def genre_scores(
    labels: Labels,
    probabilities: Probabilities,
    thresholds: npt.NDArray[np.float64],
    names: Sequence[str],
) -> tuple[GenreScores, ...]:
    """Each genre's figures, in column order.

    Args:
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
        thresholds: (genres,) or (n, genres); infinity where a genre is off.
        names: of the genres.
    """
    shared = shared_thresholds(thresholds)
    scores = []
    for at, name in enumerate(names):
        truth, guess = labels[:, at].astype(bool), probabilities[:, at] >= thresholds[..., at]
        tp, fp = int((truth & guess).sum()), int((~truth & guess).sum())
        fn, tn = int((truth & ~guess).sum()), int((~truth & ~guess).sum())
        sides = float(tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        ap = average_precision(truth, probabilities[:, at])[0]
        scores.append(
            GenreScores(
                genre=name,
                threshold=float(shared[at]) if np.isfinite(shared[at]) else None,
                tp=tp,
                fp=fp,
                fn=fn,
                tn=tn,
                precision=tp / (tp + fp) if tp + fp else None,
                recall=tp / (tp + fn) if tp + fn else None,
                f1=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0,
                average_precision=None if np.isnan(ap) else float(ap),
                mcc=(tp * tn - fp * fn) / float(np.sqrt(sides)) if sides else None,
            )
        )
    return tuple(scores)


def shared_thresholds(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(genres,) or (n, genres) thresholds -> (genres,): NaN where films have different ones."""
    rows = np.atleast_2d(thresholds)
    return np.where((rows == rows[0]).all(axis=0), rows[0], np.nan)


def samples_f1(labels: Labels, predicted: Labels) -> float:
    """The mean over films of the F1 of its genres; 1 for a film that has none and gets none."""
    truth, guess = labels.astype(bool), predicted.astype(bool)
    hits, sizes = (truth & guess).sum(axis=1), truth.sum(axis=1) + guess.sum(axis=1)
    return float(np.where(sizes > 0, 2 * hits / np.maximum(1, sizes), 1.0).mean())


def exact_match(labels: Labels, predicted: Labels) -> float:
    """The share of films all of whose genres are right, 0..1."""
    return float((labels.astype(bool) == predicted.astype(bool)).all(axis=1).mean())


def calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """Expected calibration error over all decisions, 0..1: how far confidence is from frequency.

    `BINS` bins of equal width; in each, the distance between the mean probability and the share of
    positives, weighted by the bin's size (Guo et al. 2017, "On Calibration of Modern Neural
    Networks", here of binary decisions).
    """
    total = max(1, probabilities.size)
    return (
        sum(
            abs(chance - share) * count
            for chance, share, count in reliability(labels, probabilities)
        )
        / total
    )


def reliability(
    labels: Labels, probabilities: Probabilities
) -> tuple[tuple[float, float, int], ...]:
    """Each bin's mean probability, share of positives and size, from 0 upwards; empty ones not."""
    chances = probabilities.ravel().astype(np.float64)
    bins = np.minimum((chances * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    confidence = np.bincount(bins, weights=chances, minlength=BINS)
    truth = np.bincount(bins, weights=labels.ravel().astype(np.float64), minlength=BINS)
    return tuple(
        (float(confidence[at] / count[at]), float(truth[at] / count[at]), int(count[at]))
        for at in np.flatnonzero(count)
    )
