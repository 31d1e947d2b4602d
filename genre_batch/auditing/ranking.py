"""From probabilities and labels to records: the labels that are doubted, or the rows to label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.auditing.label_model import LabelModel, Sample
from genre_batch.auditing.labels import Labels
from genre_batch.auditing.row_store import RowBlock, RowStore
from genre_batch.auditing.scores import as_scores, evidence_below, row_evidence
from genre_batch.auditing.selection import candidates_for, diverse, uncertainty
from genre_batch.auditing.top_records import TopRecords
from genre_batch.auditing.true_counts import GenreHistogram, TrueCounts
from genre_batch.model.calibration import calibrated
from genre_batch.model.tagger import GenreTagger
from genre_batch.odds import log_odds

__all__ = ["Candidates", "Findings", "Ranking"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Findings:
    """Labels or rows of a catalog, in some order.

    Attributes:
        rows: (n,) int64 row numbers.
        genres: (n,) int64 positions of genres; -1 where no label of a row can be doubted.
        has: (n,) bool: whether the row has the genre.
        probabilities: (n,) of the genre, 0..1; NaN where there is none.
        scores: (n,) 0..1; NaN where a label was not scored.
        codes: (n,) int32, the code of each row's genre cell (auditing/labels.py).
    """

    rows: npt.NDArray[np.int64]
    genres: npt.NDArray[np.int64]
    has: Bools
    probabilities: Floats
    scores: Floats
    codes: npt.NDArray[np.int32]


class Ranking:
    """Scores of every label of a catalog, fitted to the catalog's own labels."""

    def __init__(
        self, store: RowStore, labels: Labels, wanted: Bools, *, by_row: bool, least: float
    ) -> None:
        """Fit the scores.

        Args:
            store: all rows.
            labels: what their codes state; of some row with text, the genres are known.
            wanted: (genres,) bool: the genres that records may be about.
            by_row: find one label of each row, its worst.
            least: the smallest score.
        """
        self._store = store
        self._labels = labels
        self._wanted = wanted
        self._by_row = by_row
        self._least = least
        genres = len(wanted)
        sample = Sample(genres)
        histogram = GenreHistogram(genres)
        self.rows_by_genre = np.zeros(genres, dtype=np.int64)
        for block in store.blocks():
            rows = self._audited(block)
            probabilities, given = block.probabilities[rows], labels.matrix[block.codes[rows]]
            odds = log_odds(probabilities)
            sample.add(odds, given)
            histogram.add(probabilities, odds, given)
            self.rows_by_genre += given.sum(axis=0, dtype=np.int64)
        self._model = LabelModel.fit(*sample.arrays())
        self._histogram = histogram

    def true_counts(self) -> TrueCounts:
        """Estimate how many rows have each genre in truth."""
        return self._histogram.estimate()

    def _audited(self, block: RowBlock) -> npt.NDArray[np.int64]:
        return np.flatnonzero(block.has_text & self._labels.labeled[block.codes])

    def _evidence(self, block: RowBlock) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return the n audited rows, and (n, genres) the evidence against each of their labels.

        It is NaN for a genre that is not wanted.
        """
        rows = self._audited(block)
        codes, of_row = np.unique(block.codes[rows], return_inverse=True)
        evidence = self._model.evidence(
            log_odds(block.probabilities[rows]), self._labels.matrix[codes], of_row
        )
        evidence[:, ~self._wanted] = np.nan
        return rows, evidence

    def top(self, most: int) -> Findings:
        """Return the labels with the highest scores, best first."""
        records = TopRecords(most)
        for block in self._store.blocks():
            records.add(*self._ranked(block))
        records.finish()
        probabilities, codes = self._values(records)
        return Findings(
            rows=records.rows,
            genres=records.genres,
            has=self._labels.matrix[codes, records.genres] == 1,
            probabilities=probabilities,
            scores=as_scores(records.evidence),
            codes=codes,
        )

    def _ranked(
        self, block: RowBlock
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        """Return rows, genres and evidence of the block's labels with a sufficient score."""
        audited, evidence = self._evidence(block)
        if self._by_row:
            rows, genres, against = _worst(evidence)
        else:
            rows, genres = np.nonzero(evidence >= evidence_below(self._least))
            against = evidence[rows, genres]
        enough = as_scores(against) >= self._least
        return audited[rows[enough]] + block.start, genres[enough], against[enough]

    def _values(self, records: TopRecords) -> tuple[Floats, npt.NDArray[np.int32]]:
        """Return the probability of each record's genre, and the code of its row's cell."""
        probabilities = np.empty(len(records.rows))
        codes = np.empty(len(records.rows), dtype=np.int32)
        order = np.argsort(records.rows, kind="stable")
        ordered = records.rows[order]
        for block in self._store.blocks():
            first, last = np.searchsorted(ordered, [block.start, block.start + len(block)])
            chosen = order[first:last]
            rows, genres = records.rows[chosen] - block.start, records.genres[chosen]
            probabilities[chosen] = block.probabilities[rows, genres]
            codes[chosen] = block.codes[rows]
        return probabilities, codes

    def every(self, start: int, rows: int) -> Findings:
        """Return every label of consecutive rows, or each one's worst, whatever its score is.

        Rows keep their order; in a row, the highest scores come first.
        """
        block = self._store.read(start, rows)
        audited, found = self._evidence(block)
        evidence = np.full(block.probabilities.shape, np.nan)
        evidence[audited] = found
        if self._by_row:
            scored, worst, values = _worst(evidence)
            row_of = np.arange(len(block))
            genre_of = np.full(len(block), -1)
            against = np.full(len(block), np.nan)
            genre_of[scored], against[scored] = worst, values
        else:
            genres = np.flatnonzero(self._wanted)
            order = np.argsort(-evidence[:, genres], axis=1, kind="stable")
            row_of = np.repeat(np.arange(len(block)), len(genres))
            genre_of = genres[order].ravel()
            against = evidence[row_of, genre_of]
        scores = as_scores(against)
        if self._least > 0:
            enough = scores >= self._least
            row_of, genre_of, scores = row_of[enough], genre_of[enough], scores[enough]
        known = genre_of >= 0
        return Findings(
            rows=row_of + start,
            genres=genre_of,
            has=known & (self._labels.matrix[block.codes[row_of], genre_of] == 1),
            probabilities=np.where(
                known, block.probabilities[row_of, genre_of].astype(np.float64), np.nan
            ),
            scores=scores,
            codes=block.codes[row_of],
        )


def _worst(evidence: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """Return the rows that were scored, the worst label of each, and the rows' own evidence."""
    rows = np.flatnonzero(~np.isnan(evidence).all(axis=1))
    scored = np.nan_to_num(evidence[rows], nan=-np.inf)
    return rows, np.argmax(scored, axis=1), row_evidence(scored)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Rows without genres that the model is most unsure of.

    Attributes:
        rows: (n,) int64 row numbers.
        genres: (n,) int64, the genre of each that is nearest to its threshold.
        values: (n,) the sum of the uncertainties of a row's genres, falling.
        odds: (n, genres) log odds of its genres.
        probabilities: (n,) of `genres`.
        codes: (n,) int32, the code of each row's genre cell (auditing/labels.py).
    """

    rows: npt.NDArray[np.int64]
    genres: npt.NDArray[np.int64]
    values: Floats
    odds: Floats
    probabilities: Floats
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, store: RowStore, labels: Labels, tagger: GenreTagger, wanted: int) -> Candidates:
        """Find them: more than wanted, to choose from.

        Args:
            store: all rows.
            labels: what their codes state.
            tagger: the model.
            wanted: how many rows will be chosen.
        """
        top = TopRecords(candidates_for(wanted))
        for numbers, uncertain, _ in _unlabeled(store, labels, tagger):
            top.add(numbers, np.argmax(uncertain, axis=1), uncertain.sum(axis=1))
        top.finish()
        odds = np.empty((len(top.rows), len(tagger.labels)))
        probabilities = np.empty(len(top.rows))
        codes = np.empty(len(top.rows), dtype=np.int32)
        order = np.argsort(top.rows, kind="stable")
        for block in store.blocks():
            ends = [block.start, block.start + len(block)]
            first, last = np.searchsorted(top.rows[order], ends)
            chosen = order[first:last]
            rows = top.rows[chosen] - block.start
            odds[chosen] = log_odds(block.probabilities[rows])
            probabilities[chosen] = block.probabilities[rows, top.genres[chosen]]
            codes[chosen] = block.codes[rows]
        return cls(top.rows, top.genres, top.evidence, odds, probabilities, codes)

    def chosen(self, vectors: npt.NDArray[np.floating] | None, wanted: int) -> Findings:
        """Return the rows to label next, best first.

        Args:
            vectors: (n, dim) of the encoder; None: the log odds are used.
            wanted: the maximum number of rows.
        """
        vectors = self.odds if vectors is None else vectors
        positions, worth = diverse(self.values, vectors, wanted)
        return Findings(
            rows=self.rows[positions],
            genres=self.genres[positions],
            has=np.zeros(len(positions), dtype=np.bool_),
            probabilities=self.probabilities[positions],
            scores=1 - np.exp(-worth),
            codes=self.codes[positions],
        )


def _unlabeled(
    store: RowStore, labels: Labels, tagger: GenreTagger
) -> Iterator[tuple[npt.NDArray[np.int64], Floats, RowBlock]]:
    """Yield row numbers and uncertainties of the rows with text but without genres."""
    thresholds = tagger.thresholds
    if tagger.metadata.calibration:
        thresholds = calibrated(thresholds[None, :], tagger.metadata)[0].astype(np.float64)
    for block in store.blocks():
        rows = np.flatnonzero(block.has_text & ~labels.labeled[block.codes])
        open_ = uncertainty(block.probabilities[rows], thresholds)
        yield rows + block.start, open_, block
