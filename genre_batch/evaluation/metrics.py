"""Metrics of multi-label predictions, the main ones with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.bootstrap import RESAMPLES, centered_interval, draw_resamples
from genre_batch.thresholds.confusion import f1_per_genre

__all__ = [
    "Average",
    "Gain",
    "Labels",
    "Probabilities",
    "Scores",
    "average_precision",
    "macro_f1",
    "macro_f1_gain",
    "mean_average_precision",
    "resampled_figures",
    "resampled_macro_f1",
    "score_predictions",
]

Labels = npt.NDArray[np.integer[Any] | np.bool_]
Floats = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Scores:
    """Metrics of a set of predictions, all in 0..1.

    Attributes:
        films: the number of rows scored.
        macro_f1: mean over genres of F1 (2 TP / (2 TP + FP + FN); 0 for a genre that no film has or
            gets).
        micro_f1: F1 of all decisions pooled.
        map: mean average precision over the genres that some film has; independent of thresholds.
        accuracy: (TP + TN) / (genres x films), as the paper defines it.
        score: (3 TP + TN) / (3 (TP + FN) + TN + FP), as the paper defines it.
        macro_f1_interval, micro_f1_interval, map_interval: (low, high), bootstrap over films, 95 %,
            centered on the metric, which it always contains.
        f1: each genre's F1, by name.
    """

    films: int
    macro_f1: float
    micro_f1: float
    map: float
    accuracy: float
    score: float
    macro_f1_interval: tuple[float, float]
    micro_f1_interval: tuple[float, float]
    map_interval: tuple[float, float]
    f1: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, its numbers rounded to four places."""
        rounded: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if isinstance(value, dict):
                rounded[key] = {name: round(number, 4) for name, number in value.items()}
            elif isinstance(value, tuple):
                rounded[key] = [round(number, 4) for number in value]
            else:
                rounded[key] = round(value, 4)
        return rounded


@dataclass(frozen=True)
class Average:
    """A named metric over all genres.

    Attributes:
        name: of the metric.
        value: 0..1.
        interval: (low, high), 95 %; None where none was computed.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any], empty: float) -> Floats:
    """Return part / whole, and `empty` where the whole is 0."""
    filled: Floats = np.full(np.shape(whole), empty, dtype=np.float64)
    np.divide(part, whole, out=filled, where=whole > 0)
    return filled


def macro_f1(labels: Labels, predicted: Labels) -> float:
    """Return the mean over genres of the F1 of two (n, genres) arrays of 0 and 1."""
    return float(f1_per_genre(labels.astype(bool), predicted.astype(bool)).mean())


@dataclass(frozen=True)
class Gain:
    """The gain in macro-F1 of one set of predictions over another on the same films.

    Attributes:
        points: the difference, in points (hundredths).
        interval: (low, high), its 95 % bootstrap interval, centered on `points`; both sets are
            resampled together.
    """

    points: float
    interval: tuple[float, float]


def macro_f1_gain(labels: Labels, predicted: Labels, reference: Labels, seed: int = 0) -> Gain:
    """Return the gain of `predicted` over `reference`, with a paired bootstrap interval.

    Args:
        labels: (n, genres) 0 or 1, the true genres.
        predicted: (n, genres) 0 or 1, the predictions to compare.
        reference: (n, genres) 0 or 1, the predictions to compare them with.
        seed: of the resampling.
    """
    resamples = draw_resamples(len(labels), 2 * RESAMPLES, seed)
    gains = 100 * np.concatenate(
        [
            resampled_macro_f1(labels, predicted, weights)
            - resampled_macro_f1(labels, reference, weights)
            for weights in resamples
        ]
    )
    return Gain(float(gains[0]), centered_interval(gains[1:], float(gains[0])))


def _resampled_f1(labels: Labels, predicted: Labels, weights: Floats) -> tuple[Floats, Floats]:
    """Return the F1 of each genre, (resamples, genres), and micro-F1, (resamples,)."""
    truth, guess = labels.astype(np.float64), predicted.astype(np.float64)
    hits, total = 2 * (weights @ (truth * guess)), weights @ (truth + guess)
    micro = _ratio(hits.sum(axis=1), total.sum(axis=1), empty=0.0)
    return _ratio(hits, total, empty=0.0), micro


def resampled_macro_f1(labels: Labels, predicted: Labels, weights: Floats) -> Floats:
    """Return (resamples,) macro-F1.

    Args:
        labels, predicted: (n, genres) 0 or 1.
        weights: (resamples, n) how often each resample has each row.
    """
    return np.asarray(_resampled_f1(labels, predicted, weights)[0].mean(axis=1))


def resampled_figures(
    labels: Labels, predicted: Labels, scores: Probabilities, weights: Floats
) -> Floats:
    """Return (resamples, 3 + genres): macro-F1, micro-F1, mAP, and the F1 of each genre.

    Args:
        labels, predicted: (n, genres) 0 or 1.
        scores: (n, genres), higher is more likely.
        weights: (resamples, n) how often each resample has each row.
    """
    genres, micro = _resampled_f1(labels, predicted, weights)
    precision = _mean_average_precision(labels, scores, weights)
    return np.column_stack([genres.mean(axis=1), micro, precision, genres])


def average_precision(
    labels: npt.NDArray[Any],
    scores: npt.NDArray[np.floating[Any]],
    weights: npt.NDArray[np.floating[Any]] | None = None,
) -> Floats:
    """Return the average precision of one genre: the sum over recall steps of precision x step.

    Rows with equal scores form one step, as in scikit-learn's `average_precision_score`.

    Args:
        labels: (n,) 0 or 1.
        scores: (n,), higher is more likely.
        weights: (resamples, n) how often each row counts; default: one resample, each row once.

    Returns:
        (resamples,) float64; NaN for a resample without a positive row.
    """
    if weights is None:
        weights = np.ones((1, len(scores)))
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    weights = weights[:, order].astype(np.float64)
    hits = np.cumsum(weights * labels[order].astype(np.float64), axis=1)
    seen = np.cumsum(weights, axis=1)
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits, seen = hits[:, ends], seen[:, ends]
    steps = np.diff(hits, axis=1, prepend=0.0)
    precision = _ratio(hits, seen, empty=0.0)
    return _ratio((precision * steps).sum(axis=1), hits[:, -1], empty=np.nan)


def _mean_average_precision(
    labels: Labels, scores: Probabilities, weights: npt.NDArray[Any]
) -> Floats:
    """Return (resamples,) `mean_average_precision`, given how often each resample has each row."""
    columns = [
        average_precision(labels[:, genre], scores[:, genre], weights)
        for genre in range(labels.shape[1])
        if labels[:, genre].any()
    ]
    if not columns:
        return np.zeros(len(weights))
    stacked = np.stack(columns)
    # A resample may contain no positive row of a genre, or of any genre.
    return _ratio(np.nansum(stacked, axis=0), (~np.isnan(stacked)).sum(axis=0), empty=0.0)


def mean_average_precision(labels: Labels, scores: Probabilities) -> float:
    """Return the mean of `average_precision` over the genres with a positive row; 0 if none has.

    Args:
        labels: (n, genres) 0 or 1; n at least 1.
        scores: (n, genres), higher is more likely.
    """
    return float(_mean_average_precision(labels, scores, np.ones((1, len(labels))))[0])


def _share_interval(samples: npt.NDArray[Any], estimate: float) -> tuple[float, float]:
    """Return `centered_interval` of a metric in 0..1, cut off at these limits."""
    low, high = centered_interval(samples, estimate)
    return max(0.0, float(low)), min(1.0, float(high))


def score_predictions(
    labels: Labels,
    probabilities: Probabilities,
    thresholds: Floats,
    names: Sequence[str],
    seed: int = 0,
    films: npt.NDArray[np.uint64] | None = None,
) -> Scores:
    """Compute every metric of `Scores`.

    Args:
        labels: (n, genres) 0 or 1; n at least 1.
        probabilities: (n, genres), 0..1.
        thresholds: (genres,) or (n, genres); a genre is predicted at its threshold or above.
        names: the genres' names, in column order.
        seed: of the bootstrap's resampling.
        films: (n,) equal for rows of one film, which are resampled together; None: each row is a
            film.
    """
    rows, genres = labels.shape
    truth, guess = labels.astype(bool), probabilities >= thresholds
    tp, fp, fn = (cell.sum(axis=0) for cell in (truth & guess, ~truth & guess, truth & ~guess))
    tn = rows * genres - tp.sum() - fp.sum() - fn.sum()
    figures = np.concatenate(
        [
            resampled_figures(labels, guess, probabilities, weights)
            for weights in draw_resamples(rows, RESAMPLES, seed, films)
        ]
    )
    macro, micro, mean_precision, *per_genre = figures[0].tolist()
    macros, micros, maps = figures[1:, :3].T
    return Scores(
        films=rows,
        macro_f1=macro,
        micro_f1=micro,
        map=mean_precision,
        accuracy=float((tp.sum() + tn) / (rows * genres)),
        score=float((3 * tp.sum() + tn) / (3 * (tp + fn).sum() + tn + fp.sum())),
        macro_f1_interval=_share_interval(macros, macro),
        micro_f1_interval=_share_interval(micros, micro),
        map_interval=_share_interval(maps, mean_precision),
        f1=dict(zip(names, per_genre, strict=True)),
    )
