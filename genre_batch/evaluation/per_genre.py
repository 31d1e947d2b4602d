"""Metrics by genre and by film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.metrics import Labels, Probabilities, average_precision

__all__ = [
    "GenreScores",
    "Predictions",
    "exact_match",
    "genre_scores",
    "samples_f1",
    "shared_thresholds",
]


@dataclass(frozen=True, eq=False)
class Predictions:
    """A model's probabilities for some films, and their true labels.

    Attributes:
        names: (genres,) genre names.
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
        thresholds: (genres,) float64, or (n, genres) if they differ between films; infinity for a
            genre that is off.
        calibrated: (n, genres), 0..1, the calibrated probabilities; None: the model has none.
    """

    names: tuple[str, ...]
    labels: Labels
    probabilities: Probabilities
    thresholds: npt.NDArray[np.float64]
    calibrated: Probabilities | None = None


@dataclass(frozen=True)
class GenreScores:
    """The confusion matrix of one genre and its metrics; None where a metric is undefined.

    Attributes:
        genre: its name.
        threshold: the least probability at which it is predicted, 0..1; None: it is off, or the
            threshold differs between films.
        tp, fp, fn, tn: true positives, false positives, false negatives and true negatives, in
            films.
        precision: tp / (tp + fp), 0..1; None if it is never predicted.
        recall: tp / (tp + fn), 0..1; None if no film has it.
        f1: 2 tp / (2 tp + fp + fn), 0..1.
        average_precision: over all thresholds, 0..1; None if no film has it.
        mcc: Matthews correlation coefficient, -1..1; None if a row or column of the matrix is
            empty.
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
        """The number of films that have the genre."""
        return self.tp + self.fn


def genre_scores(
    labels: Labels,
    probabilities: Probabilities,
    thresholds: npt.NDArray[np.float64],
    names: Sequence[str],
) -> tuple[GenreScores, ...]:
    """Compute the metrics of each genre, in column order.

    Args:
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
        thresholds: (genres,) or (n, genres); infinity for a genre that is off.
        names: (genres,) genre names.
    """
    shared = shared_thresholds(thresholds)
    return tuple(
        _scores_of(
            name,
            labels[:, genre].astype(bool),
            probabilities[:, genre],
            thresholds[..., genre],
            float(shared[genre]),
        )
        for genre, name in enumerate(names)
    )


def _scores_of(
    name: str,
    truth: npt.NDArray[np.bool_],
    probabilities: Probabilities,
    thresholds: npt.NDArray[np.float64],
    shared: float,
) -> GenreScores:
    """Compute the metrics of one genre; `shared`: its threshold if it is the same for all films."""
    guess = probabilities >= thresholds
    tp, fp = int((truth & guess).sum()), int((~truth & guess).sum())
    fn, tn = int((truth & ~guess).sum()), int((~truth & ~guess).sum())
    margins = float(tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    ap = average_precision(truth, probabilities)[0]
    return GenreScores(
        genre=name,
        threshold=shared if np.isfinite(shared) else None,
        tp=tp,
        fp=fp,
        fn=fn,
        tn=tn,
        precision=tp / (tp + fp) if tp + fp else None,
        recall=tp / (tp + fn) if tp + fn else None,
        f1=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0,
        average_precision=None if np.isnan(ap) else float(ap),
        mcc=(tp * tn - fp * fn) / float(np.sqrt(margins)) if margins else None,
    )


def shared_thresholds(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (genres,) thresholds, NaN where they differ between films.

    Args:
        thresholds: (genres,) or (n, genres).
    """
    rows = np.atleast_2d(thresholds)
    return np.where((rows == rows[0]).all(axis=0), rows[0], np.nan)


def samples_f1(labels: Labels, predicted: Labels) -> float:
    """Return the mean F1 of the films' sets of genres, 0..1.

    A film that has no genre and gets none counts as 1.

    Args:
        labels: (n, genres) 0 or 1, the true genres.
        predicted: (n, genres) 0 or 1.
    """
    truth, guess = labels.astype(bool), predicted.astype(bool)
    hits, sizes = (truth & guess).sum(axis=1), truth.sum(axis=1) + guess.sum(axis=1)
    return float(np.where(sizes > 0, 2 * hits / np.maximum(1, sizes), 1.0).mean())


def exact_match(labels: Labels, predicted: Labels) -> float:
    """Return the fraction of films whose genres are all predicted correctly, 0..1.

    Arguments are those of `samples_f1`.
    """
    return float((labels.astype(bool) == predicted.astype(bool)).all(axis=1).mean())
