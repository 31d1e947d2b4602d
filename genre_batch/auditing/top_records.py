"""The records with the highest scores, of any number, in memory for as many as are wanted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["TopRecords"]

_SLACK = 4096


class TopRecords:
    """Rows and genres with the highest evidence; ties go to the first row, then the first genre.

    Attributes:
        rows, genres: (n,) int64, best first, once `finish` was called.
        evidence: (n,) float64, likewise.
    """

    def __init__(self, most: int, slack: int = _SLACK) -> None:
        """Start empty.

        Args:
            most: the number of records to keep.
            slack: records are sorted and cut when more than 2 * `most` + `slack` were collected.
        """
        self._most, self._slack = most, slack
        self._floor = -np.inf
        self.rows = np.zeros(0, dtype=np.int64)
        self.genres = np.zeros(0, dtype=np.int64)
        self.evidence = np.zeros(0)

    def add(
        self,
        rows: npt.NDArray[np.int64],
        genres: npt.NDArray[np.int64],
        evidence: npt.NDArray[np.float64],
    ) -> None:
        """Add records, (n,) each.

        Args:
            rows: their row numbers.
            genres: their genres' positions.
            evidence: by which they are ranked.
        """
        worthy = np.flatnonzero(evidence >= self._floor)
        if not len(worthy):
            return
        self.rows = np.concatenate([self.rows, rows[worthy]])
        self.genres = np.concatenate([self.genres, genres[worthy]])
        self.evidence = np.concatenate([self.evidence, evidence[worthy]])
        if len(self.rows) > 2 * self._most + self._slack:
            self.finish()

    def finish(self) -> None:
        """Sort the records and drop those that are too many."""
        order = np.lexsort((self.genres, self.rows, -self.evidence))[: self._most]
        self.rows, self.genres = self.rows[order], self.genres[order]
        self.evidence = self.evidence[order]
        if len(order) == self._most:
            self._floor = self.evidence[-1]
