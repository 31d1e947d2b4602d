"""The bootstrap: resamples of films, and the interval of a figure from its values in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RESAMPLES", "centered_interval", "draw_resamples"]

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000

_AT_ONCE = 100
"""Resamples drawn at a time, which bounds the memory."""

_INTERVAL_PERCENT = 95.0


def draw_resamples(
    rows: int, resamples: int, seed: int = 0, films: npt.NDArray[np.uint64] | None = None
) -> Iterator[Floats]:
    """Yield how often each row counts: once, then as often as each resample of the films has it.

    The first array is (1, rows), for the rows as they are, so that a figure and its values in the
    resamples are computed alike; the others are (at most 100, rows). Films are drawn with
    replacement. Two models scored on the same resamples are compared by the paired bootstrap (Koehn
    2004, "Statistical Significance Tests for Machine Translation Evaluation"). It removes the
    variance that both share: which films are drawn.

    Args:
        rows: the number of rows, at least 1.
        resamples: the number of resamples.
        seed: of the drawing; the resamples do not depend on how many are drawn at a time.
        films: (rows,) equal for rows of one film, which are drawn together; None: each row is a
            film.
    """
    yield np.ones((1, rows))
    film_of = np.arange(rows) if films is None else np.unique(films, return_inverse=True)[1]
    count = int(film_of.max()) + 1
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_ONCE):
        size = min(_AT_ONCE, resamples - start)
        draws = rng.multinomial(count, np.full(count, 1 / count), size=size)
        yield draws[:, film_of].astype(np.float64)


def centered_interval(samples: npt.NDArray[Any], estimate: Any) -> tuple[Any, Any]:
    """Return the 95 % bootstrap interval of estimates, (low, high); it contains the estimate.

    A resample that lacks every film of a rare genre loses that genre's term of the mean, or counts
    it as 0, and one that holds a film twice ranks it twice. So macro averages of resamples are
    biased, and with many rare genres the middle 95 % of them may lie beside the estimate. The bias
    is measured (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 10) and
    removed: the samples are shifted until their median is the estimate. With the 1,991 films of a
    development part as the population and samples of 300 of them, the shifted interval of macro-F1
    contained the population's value in 90 of 100 samples (unshifted: 88), that of mAP in 89 (85);
    with samples of 100 films in 72 (54) and 75 (70).

    Args:
        samples: (resamples,) or (resamples, figures), each figure in each resample.
        estimate: the figure, or (figures,), on the films themselves.

    Returns:
        Two floats, or two arrays (figures,).
    """
    tail = (100.0 - _INTERVAL_PERCENT) / 2
    low, middle, high = np.percentile(samples, [tail, 50.0, 100.0 - tail], axis=0)
    return estimate + (low - middle), estimate + (high - middle)
