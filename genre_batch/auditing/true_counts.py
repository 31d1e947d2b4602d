"""How many rows have a genre in truth, estimated from labels that have mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["GenreHistogram", "TrueCounts"]

Floats = npt.NDArray[np.float64]

_BINS = 64
"""Bins of probabilities, evenly spaced on the logit scale."""
_RANGE = 8.0
"""Log odds of the outermost bins."""
_STEPS = 60
_REPLICATES = 200
_INTERVAL = (2.5, 97.5)
_START = 0.01, 0.05
_LARGEST = 0.5
"""The largest error rate of labels that the estimate considers: most of them are right."""
_SMALLEST = 1e-6


@dataclass(frozen=True)
class TrueCounts:
    """Estimates per genre.

    Attributes:
        missing: (genres,) rows that lack the genre and should have it.
        wrong: (genres,) rows that have it and should not.
        count: (genres,) rows that should have it.
        low, high: (genres,) its 95 % interval.
    """

    missing: Floats
    wrong: Floats
    count: Floats
    low: Floats
    high: Floats


class GenreHistogram:
    """Rows by probability and label, for each genre."""

    def __init__(self, genres: int) -> None:
        """Start without rows.

        Args:
            genres: their number.
        """
        self._rows = np.zeros((genres, 2, _BINS))
        self._sums = np.zeros((genres, 2, _BINS))

    def add(
        self,
        probabilities: npt.NDArray[np.floating],
        odds: Floats,
        labels: npt.NDArray[np.uint8],
    ) -> None:
        """Add labeled rows.

        Args:
            probabilities: (rows, genres) 0..1, without NaN.
            odds: (rows, genres) their log odds.
            labels: (rows, genres), 0 or 1.
        """
        positions = odds + _RANGE
        positions *= _BINS / (2 * _RANGE)
        cells = np.clip(positions, 0, _BINS - 1, out=positions).astype(np.int64)
        cells += (np.arange(probabilities.shape[1]) * 2 + labels) * _BINS
        size = self._rows.size
        self._rows += np.bincount(cells.ravel(), minlength=size).reshape(self._rows.shape)
        weights = probabilities.ravel()
        self._sums += np.bincount(cells.ravel(), weights, size).reshape(self._rows.shape)

    def estimate(self) -> TrueCounts:
        """Estimate the true counts, with intervals.

        Each label is taken as a noisy observation of the truth. Its two error rates, of a genre
        that is left out and of one that is added, are estimated by expectation maximization (Dawid
        and Skene 1979), with the model's probability as the probability of the truth before the
        label is seen. The sum of the probabilities after that is the count. The interval is that of
        a parametric bootstrap: truths and labels are drawn from the estimate 200 times, and the
        count is estimated again from each. It covers chance, not a model whose probabilities are
        systematically wrong for the catalog.
        """
        rows = self._rows
        in_bin = rows.sum(axis=1)
        sums = self._sums.sum(axis=1)
        probability = np.where(in_bin > 0, sums / np.maximum(in_bin, 1), 0.5)
        probability = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
        by_label = np.ascontiguousarray(rows.swapaxes(0, 1)[:, None])
        added, omitted = _error_rates(by_label, probability)
        posterior = _posterior(probability, added, omitted)
        missing, kept = (posterior * by_label).sum(axis=-1)[:, 0]
        have = rows[:, 1].sum(axis=-1)
        count = missing + kept
        errors = self._errors(probability, added[0], omitted[0], in_bin)
        low, high = np.percentile(errors, _INTERVAL, axis=0)
        total = in_bin.sum(axis=-1)
        return TrueCounts(
            missing=missing,
            wrong=have - kept,
            count=count,
            low=np.clip(count - np.maximum(high, 0), 0, total),
            high=np.clip(count - np.minimum(low, 0), 0, total),
        )

    def _errors(
        self, probability: Floats, added: Floats, omitted: Floats, in_bin: Floats
    ) -> Floats:
        """Return (replicates, genres) errors of the estimate on data drawn from the model.

        In each replicate the true labels are drawn from the probabilities, and the catalog's labels
        from the true ones at the estimated error rates; then they are estimated from these labels.
        """
        random = np.random.default_rng(0)
        shape = (_REPLICATES, *probability.shape)
        rows = in_bin.astype(np.int64)
        true = random.binomial(rows, probability, shape)
        kept_labels = random.binomial(true, (1 - omitted)[:, None], shape)
        added_labels = random.binomial(rows - true, added[:, None], shape)
        with_label = kept_labels + added_labels
        drawn = np.stack([rows - with_label, with_label]).astype(np.float64)
        posterior = _posterior(probability, *_error_rates(drawn, probability))
        errors: Floats = (posterior * drawn).sum(axis=(0, 3)) - true.sum(axis=2)
        return errors


def _posterior(probability: Floats, added: Floats, omitted: Floats) -> Floats:
    """Return the probability of the truth given the label.

    Args:
        probability: (genres, bins), 0..1 without the two.
        added, omitted: (replicates, genres).

    Returns:
        (2, replicates, genres, bins), for rows without and with the label.
    """
    against = (1 - probability) / probability
    # How many times as probable the label is if the genre is not right.
    ratios = np.stack([(1 - added) / omitted, added / (1 - omitted)])
    return 1 / (1 + ratios[..., None] * against)


def _error_rates(rows: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """Return the rates of added and of omitted labels, (replicates, genres) each.

    Args:
        rows: (2, replicates, genres, bins) numbers of rows without and with the label.
        probability: (genres, bins), 0..1 without the two.
    """
    added = np.full(rows.shape[1:3], _START[0])
    omitted = np.full(rows.shape[1:3], _START[1])
    having = rows[1].sum(axis=-1)
    total = rows.sum(axis=(0, 3))
    for _ in range(_STEPS):
        posterior = _posterior(probability, added, omitted)
        missing, kept = np.einsum("lrgb,lrgb->lrg", posterior, rows)
        count = missing + kept
        omitted = np.clip(missing / np.maximum(count, _SMALLEST), _SMALLEST, _LARGEST)
        added = (having - kept) / np.maximum(total - count, _SMALLEST)
        added = np.clip(added, _SMALLEST, _LARGEST)
    return added, omitted
