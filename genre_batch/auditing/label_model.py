"""How probable each label of a catalog is, given the model's probability and the other labels.

A model's probability measures how well a genre fits a text. Whether a catalog gives it to the film
also depends on the catalog: on how often it uses the genre, and on the film's other genres.
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
    """Evenly spaced rows of a catalog of unknown length: every row, then every second, ..."""

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
        counts = labels.sum(axis=0, dtype=np.float64)
        frequent = np.argsort(-counts, kind="stable")[:_MOST_OTHERS]
        frequent = np.sort(frequent[counts[frequent] > 0])
        slopes, shifts = np.ones(genres), np.zeros(genres)
        others = np.zeros((genres, genres))
        groups = _Groups.of(labels)
        by_genre = np.ascontiguousarray(odds.T)
        for genre in range(genres):
            columns = frequent[frequent != genre]
            weights = _ridge(groups, by_genre[genre], labels[:, genre], columns)
            shifts[genre], slopes[genre] = weights[0], 1 + weights[1]
            others[genre, columns] = weights[2:]
        share = (counts + 1) / (rows + 2)
        return cls(slopes, shifts, others, np.log(share / (1 - share)))

    def evidence(
        self, odds: Floats, labels: npt.NDArray[np.uint8], of_row: npt.NDArray[np.int64]
    ) -> Floats:
        """Return (rows, genres) the evidence against each label, as log odds.

        A genre that a row lacks has the log odds that the row should have it. A genre that a row
        has is compared with a row drawn at random: its evidence is above 0 if the genre is less
        probable here than in the catalog as a whole, so that a rare genre, whose probability is
        always low, is not suspected in every row that has it. Both are comparable between genres
        and with each other; confident learning (Northcutt et al. 2021) has a threshold per genre
        for this purpose.

        Args:
            odds: (rows, genres) log odds of the model's probabilities.
            labels: (cells, genres), 0 or 1: distinct genre cells.
            of_row: (rows,) the cell of each row.
        """
        given, has = self._given(labels), labels == 1
        slopes = np.where(has, -self.slopes, self.slopes)
        constants = np.where(has, self.prior - given, given)
        evidence: Floats = slopes[of_row]
        evidence *= odds
        evidence += constants[of_row]
        return evidence

    def log_odds(self, odds: Floats, labels: npt.NDArray[np.uint8]) -> Floats:
        """Return (rows, genres) log odds that a row has a genre, given its text and other labels.

        Arguments are those of `fit`.
        """
        return np.asarray(odds * self.slopes + self._given(labels))

    def _given(self, labels: npt.NDArray[np.uint8]) -> Floats:
        """Return (rows, genres) the part of the log odds that depends on other labels only.

        Args:
            labels: (rows, genres), 0 or 1.
        """
        # Not a matrix product: its sums would depend on the number of threads of the library.
        return np.asarray(
            self.shifts + np.einsum("ij,kj->ik", labels.astype(np.float64), self.others)
        )


@dataclass(frozen=True, eq=False)
class _Groups:
    """Rows with the same labels: a catalog repeats its combinations of genres.

    Attributes:
        of_row: (rows,) int64, the group of each row.
        labels: (groups, genres) float64, 0 or 1, those of its rows.
    """

    of_row: npt.NDArray[np.int64]
    labels: Floats

    @classmethod
    def of(cls, labels: npt.NDArray[np.uint8]) -> _Groups:
        """Group rows, (rows, genres), at least one of each."""
        packed = np.packbits(labels, axis=1)
        keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
        _, first, of_row = np.unique(keys, return_index=True, return_inverse=True)
        return cls(of_row, labels[first].astype(np.float64))

    def sums(self, values: Floats) -> Floats:
        """Return (groups,) the sums of (rows,) values."""
        return np.bincount(self.of_row, values, len(self.labels)).astype(np.float64)


def _ridge(
    groups: _Groups, odds: Floats, truth: npt.NDArray[np.uint8], columns: npt.NDArray[np.int64]
) -> Floats:
    """Fit a logistic regression whose offset is the log odds, by Newton's method.

    Its features are 1, the log odds, and the other labels. The sums over rows that involve the
    latter are taken by group. No sum uses a BLAS product, whose order of summation, and so the
    last bits, would depend on its threads.

    Args:
        groups: rows by their labels.
        odds: (rows,) log odds of the genre.
        truth: (rows,) 0 or 1: whether a row has it.
        columns: (n - 2,) the other genres.

    Returns:
        (n,) weights.
    """
    others = np.ascontiguousarray(groups.labels[:, columns])
    penalties = np.full(2 + len(columns), _OTHERS_PENALTY)
    penalties[0], penalties[1] = _SHIFT_PENALTY, _SLOPE_PENALTY
    weights = np.zeros(len(penalties))
    information = np.empty((len(penalties), len(penalties)))
    for _ in range(_STEPS):
        given = np.einsum("ij,j->i", others, weights[2:])
        fitted = sigmoid(odds * (1 + weights[1]) + weights[0] + given[groups.of_row])
        error, spread = fitted - truth, fitted * (1 - fitted)
        gradient = penalties * weights
        gradient[:2] += error.sum(), (error * odds).sum()
        gradient[2:] += np.einsum("ij,i->j", others, groups.sums(error))
        slope = spread * odds
        in_group = groups.sums(spread)
        information[0, :2] = spread.sum(), slope.sum()
        information[1, 1] = (slope * odds).sum()
        information[0, 2:] = np.einsum("ij,i->j", others, in_group)
        information[1, 2:] = np.einsum("ij,i->j", others, groups.sums(slope))
        information[1:, 0], information[2:, 1] = information[0, 1:], information[1, 2:]
        information[2:, 2:] = np.einsum("ij,ik->jk", others * in_group[:, None], others)
        step = np.linalg.solve(information + np.diag(penalties), gradient)
        step *= min(1.0, _LONGEST_STEP / max(np.abs(step).max(), _TOLERANCE))
        weights = weights - step
        if np.abs(step).max() <= _TOLERANCE:
            break
    return weights
