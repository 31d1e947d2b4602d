"""Cross-fitted thresholds: each row is scored with thresholds fitted on the other half."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.arrays import Films, Floats, Labels, Method, Probabilities
from genre_batch.thresholds.few_positives import fit

__all__ = ["cross_fitted", "folds", "halves"]

Indices = npt.NDArray[np.int64]


def folds(count: int, rows: int, seed: int, films: Films = None) -> list[Indices]:
    """Divide the row numbers at random into folds, each film's wordings into one.

    Args:
        count: the number of folds.
        rows: the number of rows.
        seed: determines the folds.
        films: (rows,) ids of the rows' films.
    """
    if films is None:
        order = np.random.default_rng(seed).permutation(rows)
        return [order[fold::count] for fold in range(count)]
    _, first, film_of = np.unique(films, return_index=True, return_inverse=True)
    # Films are numbered by their first rows: ids without repetition give the folds of no ids.
    number = np.argsort(np.argsort(first))
    ranks = np.argsort(np.random.default_rng(seed).permutation(len(first)))[number[film_of]]
    order = np.argsort(ranks, kind="stable")
    return [order[ranks[order] % count == fold] for fold in range(count)]


def halves(
    rows: int, seed: int, films: Films = None
) -> tuple[tuple[Indices, Indices], tuple[Indices, Indices]]:
    """Draw two random halves of the row numbers.

    Args:
        rows: the number of rows.
        seed: determines the halves.
        films: (rows,) ids of the rows' films, each of which is in one half.

    Returns:
        Two pairs (scored, fitted); each half is scored in one pair and fitted in the other.
    """
    first, second = folds(2, rows, seed, films)
    return (second, first), (first, second)


def cross_fitted(
    method: Method, probabilities: Probabilities, labels: Labels, seed: int, films: Films = None
) -> Floats:
    """Find the thresholds of each row on the half of the rows that does not contain it.

    Thresholds evaluated on the rows that they were fitted on give optimistic scores. This is the
    two-fold cross-fitting of Chernozhukov et al. 2018, "Double/debiased machine learning",
    section 3, applied to thresholds.

    Args:
        method: finds the thresholds.
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        seed: determines the halves.
        films: (n,) ids of the rows' films; no thresholds are fitted on a wording of the film that
            they score.

    Returns:
        (n, genres) float64.
    """
    thresholds = np.empty(labels.shape, dtype=np.float64)
    for scored, fitted in halves(len(labels), seed, films):
        own = None if films is None else films[fitted]
        thresholds[scored] = fit(method, probabilities[fitted], labels[fitted], own)
    return thresholds
