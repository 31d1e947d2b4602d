"""Probabilities -> genres: which pass, and in which order they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.errors import UsageError
from genre_batch.model.metadata import ModelMetadata

__all__ = ["Decision", "apply_thresholds"]


@dataclass(frozen=True)
class Decision:
    """What makes a probability a predicted genre; the default is the model's own thresholds.

    Attributes:
        threshold: one threshold for all genres, 0..1.
        operating_point: the name of one of the model's; excludes `threshold`.
        top_k: at most so many genres, the most probable; alone, thresholds are ignored.
    """

    threshold: float | None = None
    operating_point: str | None = None
    top_k: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and self.operating_point is not None:
            raise UsageError("`threshold` and `operating_point` exclude each other: give one")

    def thresholds(self, metadata: ModelMetadata) -> npt.NDArray[np.float64]:
        """(genres,) float64; infinity for a genre that is off, 0 where any probability passes.

        Where the model's own thresholds look at other genres, these are the ones that those other
        genres are judged by: `row_thresholds` has what decides.

        Raises:
            UsageError: the model has no such operating point.
        """
        if self.operating_point is not None:
            point = metadata.operating_points.get(self.operating_point)
            if point is None:
                known = ", ".join(metadata.operating_points) or "none"
                raise UsageError(
                    f"the model has no operating point {self.operating_point!r}; it has: {known}"
                )
            return np.array([np.inf if t is None else t for t in point.thresholds])
        if self.threshold is not None:
            return np.full(len(metadata.labels), self.threshold)
        if self.top_k is not None:
            return np.zeros(len(metadata.labels))
        return np.array(metadata.thresholds)

    def row_thresholds(
        self, metadata: ModelMetadata, probabilities: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """The thresholds that decide on these rows, each row's by its own probabilities alone.

        First every genre is judged by `thresholds`; then a genre that looks at another one takes
        the threshold that goes with whether that one passed. Only the model's own thresholds do
        so: a threshold, an operating point or a top_k sets them aside.

        Args:
            metadata: the model's.
            probabilities: (rows, genres), 0..1; a row of NaN has no text.

        Returns:
            (genres,) float64 where all rows have the same, (rows, genres) where they need not;
            infinity where a genre is off.

        Raises:
            UsageError: the model has no such operating point.
        """
        thresholds = self.thresholds(metadata)
        if self != Decision() or not metadata.conditional_thresholds:
            return thresholds
        place = {label: at for at, label in enumerate(metadata.labels)}
        passed = probabilities >= thresholds
        rows = np.tile(thresholds, (len(probabilities), 1))
        for label, one in metadata.conditional_thresholds.items():
            absent, present = (np.inf if t is None else t for t in (one.absent, one.present))
            rows[:, place[label]] = np.where(passed[:, place[one.given]], present, absent)
        return rows


def apply_thresholds(
    probabilities: npt.NDArray[np.float32],
    thresholds: npt.NDArray[np.float64],
    labels: Sequence[str],
    top_k: int | None = None,
) -> pa.ListArray:
    """The genres of every row: probability descending, ties in label order.

    Args:
        probabilities: (rows, genres) float32; a row of NaN has no text.
        thresholds: (genres,) or (rows, genres) float64; a genre passes at its threshold or above.
        labels: the genres' names.
        top_k: at most so many, the most probable.

    Returns:
        (rows,) lists of strings; null for a row of NaN, empty where nothing passes.
    """
    rows, genres = probabilities.shape
    without_text = np.isnan(probabilities[:, 0]) if genres else np.zeros(rows, dtype=bool)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    passed = np.take_along_axis(probabilities >= thresholds, order, axis=1)
    if top_k is not None:
        passed &= np.cumsum(passed, axis=1) <= top_k
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(passed.sum(axis=1), out=offsets[1:])
    names = pa.array(labels, pa.string()).take(pa.array(order[passed]))
    return pa.ListArray.from_arrays(
        pa.array(offsets), names, mask=pa.array(without_text) if without_text.any() else None
    )
