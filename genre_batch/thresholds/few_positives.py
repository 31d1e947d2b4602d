"""A lower limit for the thresholds of genres with too few positives to fit a threshold to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from genre_batch.odds import log_odds, sigmoid
from genre_batch.thresholds.arrays import (
    Bools,
    FilmMethod,
    Films,
    Floats,
    Labels,
    Method,
    Probabilities,
)

__all__ = [
    "FEW_POSITIVES",
    "Limited",
    "fit",
    "has_few_positives",
    "limited",
    "positive_films",
    "raise_thresholds",
]

FEW_POSITIVES = 5
"""Genres with fewer positives than this get a lower limit. One positive that happens to rank low
among n rows would otherwise take the genre to most rows; five of them do so together only if the
model has not learned the genre at all."""
LARGEST_SHARE = 0.01
"""The largest share of new rows that a genre with at most one positive should be predicted on."""
REACH = 2.0
"""How far the limit of a genre with one positive is above its median at least, in units of the
distance from the median to the highest negative."""
CHANCE, FEWEST_ROWS = 0.01, 20
"""The chance that normal log odds exceed `LARGEST_SHARE` above that limit, for a genre whose own
distance counts; tables of fewer rows are limited like those of `FEWEST_ROWS`."""
DEVIATIONS = math.sqrt(1 / LARGEST_SHARE - 1)
"""How far the limit of a genre without a positive is above its median, in standard deviations: by
the one-sided inequality of Chebyshev (Cantelli 1928), at most `LARGEST_SHARE` of any distribution
is further above its mean than that. It is 9.9; on 100 rows of a normal distribution, `REACH`
corresponds to about 5."""


def positive_films(labels: Labels, films: Films = None) -> npt.NDArray[np.int64]:
    """Return for each genre of (n, genres) labels the number of films that have it.

    Args:
        labels: (n, genres), 0 or 1.
        films: (n,) ids of the rows' films: a film whose wordings have the genre counts once.
    """
    if films is None:
        return np.asarray(labels.sum(axis=0), dtype=np.int64)
    ids, film_of = np.unique(films, return_inverse=True)
    has = np.zeros((len(ids), labels.shape[1]), dtype=np.int64)
    np.maximum.at(has, film_of, labels)
    return np.asarray(has.sum(axis=0), dtype=np.int64)


def has_few_positives(labels: Labels, films: Films = None) -> Bools:
    """Return for each genre whether fewer films than `FEW_POSITIVES` have it (`positive_films`)."""
    few: Bools = positive_films(labels, films) < FEW_POSITIVES
    return few


def raise_thresholds(
    thresholds: Floats, probabilities: Probabilities, labels: Labels, films: Films = None
) -> Floats:
    """Raise the thresholds of genres with few positives to a limit.

    A threshold method maximizes something on the rows that it is given. With one positive that
    ranks low, the best F1 is reached by predicting the genre for half of all rows, and any recall
    by predicting it down to that row. So the limit depends on the number of positives:

    - 2, 3 or 4: the genre is predicted for at most as many negative rows as it has positives.
    - One: the rows do not show where its films begin, and the limit lies well above the highest
      negative (`_reach`).
    - None, as a genre of a single film, which is in the training part: nothing shows that the model
      has learned the genre, and the limit holds `LARGEST_SHARE` for any distribution of its log
      odds (`DEVIATIONS`). A film that the model is sure of still passes.

    The distance from the median to the highest negative, and the standard deviation, are those of
    the genre or those of the median genre, whichever are larger: on few rows they may be small by
    chance. In simulated tables of 100 to 10,000 rows with 30 genres of one film each, at most 0.2 %
    of new rows pass (docs/results/thresholds-small.md).

    Args:
        thresholds: (genres,) float64, from any method; infinite for a genre that is off.
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        films: (n,) ids of the rows' films. Several wordings of one film are one positive, as they
            say no more about other films.

    Returns:
        (genres,) float64; at least `thresholds`, and at most 1 where these are.
    """
    few = np.flatnonzero(has_few_positives(labels, films) & (labels == 0).any(axis=0))
    if not len(few):
        return thresholds
    odds = log_odds(probabilities)
    middles = np.median(odds, axis=0)
    reaches = _at_least_typical(np.where(labels == 0, odds, -np.inf).max(axis=0) - middles)
    deviations = _at_least_typical(
        odds.std(axis=0, ddof=1) if len(odds) > 1 else np.full(len(middles), np.inf)
    )
    distances = np.where(
        labels.any(axis=0),
        _reach(len(labels) if films is None else len(np.unique(films))) * reaches,
        np.maximum(reaches, DEVIATIONS * deviations),
    )
    limits = sigmoid(middles + distances)
    raised, counts = thresholds.copy(), positive_films(labels, films)
    for genre in few.tolist():
        positives = int(counts[genre])
        negatives = probabilities[labels[:, genre] == 0, genre].astype(np.float64)
        limit = _lowest_threshold(negatives, positives if positives > 1 else 0)
        if positives <= 1:
            limit = max(limit, float(limits[genre]))
        raised[genre] = max(raised[genre], limit)
    return raised


def _at_least_typical(values: Floats) -> Floats:
    """Return (genres,) values, at least the median of those that are finite."""
    finite = values[np.isfinite(values)]
    return np.maximum(values, np.median(finite)) if len(finite) else values


def _reach(rows: int) -> float:
    """Return how far the limit of a genre with one positive is above its median.

    A tolerance limit: let q be the distance in standard deviations that the highest of n normal
    values exceeds with a probability of 1 - `CHANCE`. The limit at z / q times the distance to the
    highest value is then, with that probability, above the quantile z of 1 - `LARGEST_SHARE`. From
    37 rows on, `REACH` is larger.
    """
    normal = NormalDist()
    highest = normal.inv_cdf(CHANCE ** (1 / max(rows, FEWEST_ROWS)))
    return max(REACH, normal.inv_cdf(1 - LARGEST_SHARE) / highest)


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


@dataclass(frozen=True)
class Limited:
    """A threshold method that applies `raise_thresholds` to the result of another.

    Attributes:
        method: the other one.
    """

    method: FilmMethod

    def __call__(self, probabilities: Probabilities, labels: Labels, films: Films = None) -> Floats:
        """Find thresholds, (genres,) float64, as a `FilmMethod` does."""
        thresholds = self.method(probabilities, labels, films)
        return raise_thresholds(thresholds, probabilities, labels, films)


def limited(method: Method) -> Limited:
    """Return `Limited` for a method to which every row is a film."""
    return Limited(lambda probabilities, labels, films: method(probabilities, labels))


def fit(method: Method, probabilities: Probabilities, labels: Labels, films: Films) -> Floats:
    """Find thresholds with a method, which is given the rows' films if it can use them."""
    if isinstance(method, Limited):
        return method(probabilities, labels, films)
    return method(probabilities, labels)
