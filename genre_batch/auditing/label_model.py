"""How probable each label of a catalog is, given the model's probability and the other labels.

A model's probability says how well a genre fits a text. Whether a catalog gives the genre to the
film also depends on the catalog: on how often it uses the genre, and on the film's other genres.
Both are learned from the catalog's own labels, most of which are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.odds import sigmoid

__all__ = ["LabelModel", "Sample"]

Floats = npt.NDArray[np.float64]

_CELLS = 400_000
"""Labels of the sample that the model is fitted to: about 21,000 rows of 19 genres."""
_LEAST_ROWS = 1_000
_MOST_OTHERS = 40
"""Other genres that a label may depend on: the most frequent ones."""
_SHIFT_PENALTY, _SLOPE_PENALTY, _OTHERS_PENALTY = 0.1, 0.5, 5.0
"""Ridge penalties, as numbers of rows: for how much the model is trusted where labels are few. Of
penalties of 2 to 50, 5 found the most changed labels of the other genres on development films."""
_STEPS = 25
_LONGEST_STEP = 3.0
_TOLERANCE = 1e-6


class Sample:
    """Evenly spaced rows of a catalog of unknown length: every row, then every second, ...

    Attributes:
        rows: (n,) the numbers of the rows.
    """

    def __init__(self, genres: int) -> None:
        """Start empty.

        Args:
            genres: the number of genres of a row.
        """
        self._most = max(_LEAST_ROWS, _CELLS // max(1, genres))
        self._step = 1
        self._seen = 0
        self._odds: list[Floats] = []
        self._labels: list[npt.NDArray[np.uint8]] = []
        self._kept = 0

    def add(self, odds: Floats, labels: npt.NDArray[np.uint8]) -> None:
        """Add consecutive labeled rows.

        Args:
            odds: (rows, genres) log odds.
            labels: (rows, genres), 0 or 1.
        """
        first = -self._seen % self._step
        self._seen += len(odds)
        self._odds.append(odds[first :: self._step])
        self._labels.append(labels[first :: self._step])
        self._kept += len(self._odds[-1])
        while self._kept > 2 * self._most:
            self._odds = [np.concatenate(self._odds)[::2]]
            self._labels = [np.concatenate(self._labels)[::2]]
            self._kept = len(self._odds[0])
            self._step *= 2

    def arrays(self) -> tuple[Floats, npt.NDArray[np.uint8]]:
        """Return the log odds and the labels, (rows, genres) each."""
        return np.concatenate(self._odds), np.concatenate(self._labels)


@dataclass(frozen=True, eq=False)
class LabelModel:
    """A logistic regression per genre on the log odds of its probability and on other labels.

    Attributes:
        slopes, shifts: (genres,) of the log odds.
        others: (genres, genres): what each label (column) adds to the log odds of a genre (row).
        prior: (genres,) log odds of the share of rows that have the genre.
    """

    slopes: Floats
    shifts: Floats
    others: Floats
    prior: Floats

    @classmethod
    def fit(cls, odds: Floats, labels: npt.NDArray[np.uint8]) -> LabelModel:
        """Fit to a catalog's labels.

        With few labels, ridge penalties keep a genre's log odds close to those of the model.

        Args:
            odds: (rows, genres) log odds of the model's probabilities.
            labels: (rows, genres), 0 or 1; at least one row.
        """
        rows, genres = labels.shape
        truth = labels.astype(np.float64)
        counts = truth.sum(axis=0)
        frequent = np.argsort(-counts, kind="stable")[:_MOST_OTHERS]
        frequent = np.sort(frequent[counts[frequent] > 0])
        slopes, shifts = np.ones(genres), np.zeros(genres)
        others = np.zeros((genres, genres))
        for genre in range(genres):
            columns = frequent[frequent != genre]
            features = np.column_stack([np.ones(rows), odds[:, genre], truth[:, columns]])
            weights = _ridge(features, truth[:, genre], odds[:, genre])
            shifts[genre], slopes[genre] = weights[0], 1 + weights[1]
            others[genre, columns] = weights[2:]
        share = (counts + 1) / (rows + 2)
        return cls(slopes, shifts, others, np.log(share / (1 - share)))

    def evidence(self, odds: Floats, labels: npt.NDArray[np.uint8]) -> Floats:
        """Return (rows, genres) the evidence against each label, as log odds.

        A genre that a row lacks has the log odds that the row should have it. A genre that a row
        has is compared with a row drawn at random: its evidence is above 0 if the genre is less
        probable here than in the catalog as a whole, so that a rare genre, which is never probable,
        is not suspected wherever it occurs. The two are comparable between genres and with each
        other, for what confident learning (Northcutt et al. 2021) has a threshold per genre.

        Arguments are those of `fit`.
        """
        given = self.log_odds(odds, labels)
        return np.where(labels == 1, self.prior - given, given)

    def log_odds(self, odds: Floats, labels: npt.NDArray[np.uint8]) -> Floats:
        """Return (rows, genres) log odds that a row has a genre, given its text and other labels.

        Arguments are those of `fit`.
        """
        # Not a matrix product: its sums would depend on the number of threads of the library.
        given = np.einsum("ij,kj->ik", labels.astype(np.float64), self.others)
        return np.asarray(odds * self.slopes + self.shifts + given)


def _ridge(features: Floats, truth: Floats, offset: Floats) -> Floats:
    """Fit a logistic regression with fixed offsets by Newton's method.

    Args:
        features: (rows, n): ones, the log odds, the other labels.
        truth: (rows,) 0 or 1.
        offset: (rows,) log odds without any weight.

    Returns:
        (n,) weights.
    """
    count = features.shape[1]
    penalties = np.full(count, _OTHERS_PENALTY)
    penalties[0], penalties[1] = _SHIFT_PENALTY, _SLOPE_PENALTY
    weights = np.zeros(count)
    for _ in range(_STEPS):
        fitted = sigmoid(offset + np.einsum("ij,j->i", features, weights))
        gradient = np.einsum("ij,i->j", features, fitted - truth) + penalties * weights
        spread = features * (fitted * (1 - fitted))[:, None]
        information = np.einsum("ij,ik->jk", spread, features) + np.diag(penalties)
        step = np.linalg.solve(information, gradient)
        step *= min(1.0, _LONGEST_STEP / max(np.abs(step).max(), _TOLERANCE))
        weights = weights - step
        if np.abs(step).max() <= _TOLERANCE:
            break
    return weights
