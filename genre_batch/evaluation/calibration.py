"""How well probabilities agree with frequencies, and the calibration that a model file stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.metrics import Labels, Probabilities
from genre_batch.odds import log_odds, sigmoid
from genre_batch.thresholds.arrays import Films
from genre_batch.thresholds.calibration import calibrate
from genre_batch.thresholds.cross_fit import halves

__all__ = [
    "BINS",
    "CrossFitted",
    "GenreCalibration",
    "calibration_error",
    "cross_fitted_errors",
    "fit_calibration",
    "genre_calibrations",
    "reliability",
]

BINS = 15
"""The most bins of a genre's calibration error and reliability diagram."""
FILMS_PER_BIN = 20
"""The least films of a bin, on average: with fewer, chance alone would make a large error."""
_DIGITS = 6
"""Significant digits of a stored slope or shift."""


@dataclass(frozen=True)
class GenreCalibration:
    """How well the probabilities of one genre agree with its labels.

    Attributes:
        genre: its name.
        share: the fraction of films that have it, 0..1.
        mean_probability: of all films, 0..1.
        error: its calibration error (`calibration_error`), 0..1.
        calibrated_mean_probability, calibrated_error: the same of calibrated probabilities; None
            without any.
    """

    genre: str
    share: float
    mean_probability: float
    error: float
    calibrated_mean_probability: float | None = None
    calibrated_error: float | None = None


@dataclass(frozen=True)
class CrossFitted:
    """Calibration errors, means over genres, 0..1.

    Attributes:
        raw: of the probabilities as they are.
        calibrated: of probabilities calibrated with a fit to the other half of the films.
    """

    raw: float
    calibrated: float


def genre_calibrations(
    labels: Labels,
    probabilities: Probabilities,
    names: Sequence[str],
    calibrated: Probabilities | None = None,
) -> tuple[GenreCalibration, ...]:
    """Measure the calibration of each genre, in column order.

    Args:
        labels: (n, genres) 0 or 1, at least one film.
        probabilities: (n, genres), 0..1.
        names: (genres,) genre names.
        calibrated: (n, genres), 0..1; None: not measured.
    """
    errors = _errors(labels, probabilities)
    after = None if calibrated is None else _errors(labels, calibrated)
    return tuple(
        GenreCalibration(
            genre=name,
            share=float(labels[:, genre].mean()),
            mean_probability=float(probabilities[:, genre].mean(dtype=np.float64)),
            error=errors[genre],
            calibrated_mean_probability=(
                None if calibrated is None else float(calibrated[:, genre].mean(dtype=np.float64))
            ),
            calibrated_error=None if after is None else after[genre],
        )
        for genre, name in enumerate(names)
    )


def calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """Return the expected calibration error, 0..1: the mean over genres.

    A genre's error is the absolute difference between mean probability and fraction of positives in
    each of its bins of equal mass (`reliability`), weighted by the bin's size. Bins of equal width
    would hold nearly all films of a rare genre in one bin (Guo et al. 2017, "On Calibration of
    Modern Neural Networks"; by genre and with equal mass: Nixon et al. 2019, "Measuring Calibration
    in Deep Learning"). Chance alone makes it positive, more so with few films.

    Args:
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
    """
    errors = _errors(labels, probabilities)
    return sum(errors) / max(1, len(errors))


def _errors(labels: Labels, probabilities: Probabilities) -> list[float]:
    return [
        sum(
            abs(mean - fraction) * count
            for mean, fraction, count in reliability(labels[:, genre], probabilities[:, genre])
        )
        / max(1, len(labels))
        for genre in range(labels.shape[1])
    ]


def reliability(
    labels: Labels, probabilities: Probabilities
) -> tuple[tuple[float, float, int], ...]:
    """Return the mean probability, fraction of positives and size of each bin, in ascending order.

    There are up to `BINS` bins of equal mass: of equally many films, at least `FILMS_PER_BIN` on
    average. Equal probabilities share a bin, so that the order of the films does not matter.

    Args:
        labels: (n,) 0 or 1, of one genre.
        probabilities: (n,), 0..1.
    """
    films = len(labels)
    count = max(1, min(BINS, films // FILMS_PER_BIN))
    values = np.asarray(probabilities, dtype=np.float64)
    below = np.searchsorted(np.sort(values), values)  # the number of lower probabilities
    bins = below * count // max(1, films)
    sizes = np.bincount(bins, minlength=count)
    means = np.bincount(bins, weights=values, minlength=count)
    positives = np.bincount(bins, weights=labels.astype(np.float64), minlength=count)
    return tuple(
        (float(means[bin_] / sizes[bin_]), float(positives[bin_] / sizes[bin_]), int(sizes[bin_]))
        for bin_ in np.flatnonzero(sizes).tolist()
    )


def fit_calibration(
    probabilities: Probabilities, labels: Labels
) -> tuple[tuple[float, float], ...]:
    """Fit the calibration of a model: each genre's slope and shift (`thresholds.calibration`).

    Args:
        probabilities: (n, genres), 0..1, of films that the model was not trained on.
        labels: (n, genres) 0 or 1.

    Returns:
        (slope, shift) of each genre, as `ModelMetadata.calibration` has them.
    """
    slopes, shifts = calibrate(log_odds(probabilities), labels.astype(np.int64))
    return tuple(
        (_stored(slope), _stored(shift))
        for slope, shift in zip(slopes.tolist(), shifts.tolist(), strict=True)
    )


def _stored(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def cross_fitted_errors(
    probabilities: Probabilities, labels: Labels, films: Films = None
) -> CrossFitted:
    """Measure what a calibration fitted to these films is worth on others, by cross-fitting.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres) 0 or 1, at least two films.
        films: (n,) ids, equal for wordings of one film, which are in one half.
    """
    odds = log_odds(probabilities)
    calibrated: npt.NDArray[np.float64] = np.empty(odds.shape)
    for scored, fitted in halves(len(labels), 0, films):
        slopes, shifts = calibrate(odds[fitted], labels[fitted].astype(np.int64))
        calibrated[scored] = sigmoid(slopes * odds[scored] + shifts)
    return CrossFitted(
        calibration_error(labels, probabilities), calibration_error(labels, calibrated)
    )
