"""Probabilities -> genres: which genres are predicted, and in which order."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.errors import UsageError
from genre_batch.model.calibration import calibrated, raw_thresholds, require_calibration
from genre_batch.model.metadata import ModelMetadata
from genre_batch.model.point_names import canonical_name
from genre_batch.names import known_names
from genre_batch.options import FLAG, STRING, Checked, integer, name_list, number

__all__ = ["Decision", "apply_thresholds"]


@dataclass(frozen=True)
class Decision(Checked):
    """How probabilities become genres; by default with the model's own thresholds.

    Attributes:
        threshold: one threshold for all genres, 0..1.
        operating_point: the name of one of the model's operating points; excludes `threshold`.
        top_k: the maximum number of genres per row, most probable first, 1 or more. Without
            `threshold`, `operating_point` and `min_k`, thresholds are ignored.
        exclude_genres: genres that are never predicted, as a sequence or joined by commas, in any
            case. Other genres are predicted as without this option.
        min_k: the minimum number of genres per row, 1 or more: the most probable genres that miss
            their thresholds are added. Excluded genres, and those that the operating point switches
            off, never are.
        calibrated: show, order and count genres by calibrated probabilities, and apply `threshold`
            to them. The model's own thresholds and its operating points select the same genres as
            without this option.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
    """

    threshold: float | None = field(default=None, metadata=number(0, 1))
    operating_point: str | None = field(default=None, metadata=STRING)
    top_k: int | None = field(default=None, metadata=integer(1))
    exclude_genres: str | Sequence[str] | None = None
    min_k: int | None = field(default=None, metadata=integer(1))
    calibrated: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exclude_genres is not None:
            names = name_list("exclude_genres", self.exclude_genres)
            object.__setattr__(self, "exclude_genres", names or None)
        if self.threshold is not None and self.operating_point is not None:
            raise UsageError("`threshold` and `operating_point` cannot be used together: give one")
        if self.min_k is not None and self.top_k is not None and self.min_k > self.top_k:
            raise UsageError(f"`min_k` must be at most `top_k` ({self.top_k}), got {self.min_k}")

    def excluded(self, metadata: ModelMetadata) -> npt.NDArray[np.bool_]:
        """Return (genres,) bool: whether a genre is never predicted.

        Raises:
            UsageError: the model does not know a genre of `exclude_genres`.
        """
        names = known_names("exclude_genres", self.exclude_genres or (), metadata.labels)
        return np.isin(np.array(metadata.labels, dtype=object), names)

    def thresholds(self, metadata: ModelMetadata) -> npt.NDArray[np.float64]:
        """Return one threshold per genre, of raw probabilities.

        Conditional thresholds are not applied: `row_thresholds` returns the final ones.

        Returns:
            (genres,) float64; infinity for a genre that is off or excluded, 0 where any probability
            passes.

        Raises:
            UsageError: the model has no such operating point, does not know an excluded genre, or
                has no calibration and `calibrated` needs one.
        """
        if self.calibrated:
            require_calibration(metadata)
        return np.where(self.excluded(metadata), np.inf, self._thresholds(metadata))

    def _thresholds(self, metadata: ModelMetadata) -> npt.NDArray[np.float64]:
        if self.operating_point is not None:
            return _point_thresholds(metadata, self.operating_point)
        if self.threshold is not None and self.calibrated:
            return raw_thresholds(self.threshold, metadata)
        if self.threshold is not None:
            return np.full(len(metadata.labels), self.threshold)
        if self._ranks_only:
            return np.zeros(len(metadata.labels))
        return np.array(metadata.thresholds)

    @property
    def _ranks_only(self) -> bool:
        """Whether only `top_k` is given, so that thresholds are ignored."""
        others = (self.threshold, self.operating_point, self.min_k)
        return self.top_k is not None and others == (None, None, None)

    def row_thresholds(
        self, metadata: ModelMetadata, probabilities: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """Return the thresholds of these rows; each row's depend only on its own probabilities.

        First, every genre is predicted with `thresholds`. Then a genre with a conditional threshold
        takes the one that matches the prediction of its given genre. Conditional thresholds only
        apply with the model's own ones: a threshold, an operating point or a top_k alone overrides
        them. `top_k` and `min_k` are not applied: `counted_thresholds` applies them.

        Args:
            metadata: the model's metadata.
            probabilities: (rows, genres), 0..1; a row of NaN has no text.

        Returns:
            (genres,) float64 where all rows share them, otherwise (rows, genres); infinity where a
            genre is off.

        Raises:
            UsageError: the model has no such operating point.
        """
        own = self.threshold is None and self.operating_point is None and not self._ranks_only
        if not own or not metadata.conditional_thresholds:
            return self.thresholds(metadata)
        thresholds = self._thresholds(metadata)
        columns = {label: column for column, label in enumerate(metadata.labels)}
        passed = probabilities >= thresholds
        rows = np.tile(thresholds, (len(probabilities), 1))
        for label, pair in metadata.conditional_thresholds.items():
            rows[:, columns[label]] = np.where(
                passed[:, columns[pair.given]],
                _or_infinity(pair.present),
                _or_infinity(pair.absent),
            )
        rows[:, self.excluded(metadata)] = np.inf
        return rows

    def counted_thresholds(
        self, metadata: ModelMetadata, probabilities: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        """Return `row_thresholds` with `top_k` and `min_k` applied, to score predictions with.

        Args:
            metadata: the model's metadata.
            probabilities: (rows, genres), 0..1; a row of NaN has no text.

        Returns:
            (genres,) or (rows, genres) float64. With `top_k` or `min_k`, a row's entry is 0 for a
            genre that it gets and infinity for one that it does not get.

        Raises:
            UsageError: the model has no such operating point.
        """
        thresholds = self.row_thresholds(metadata, probabilities)
        if self.top_k is None and self.min_k is None:
            return thresholds
        shown = self.shown(metadata, probabilities)
        order, passed = _ranked(probabilities, thresholds, shown, self.top_k, self.min_k)
        predicted = np.zeros(probabilities.shape, dtype=np.bool_)
        np.put_along_axis(predicted, order, passed, axis=1)
        return np.where(predicted, 0.0, np.inf)

    def shown(
        self, metadata: ModelMetadata, probabilities: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.floating]:
        """Return the probabilities to show, and to order genres by: with `calibrated`, those.

        Args:
            metadata: the model's metadata.
            probabilities: (rows, genres), 0..1; NaN stays NaN.

        Raises:
            UsageError: `calibrated` is set and the model has no calibration.
        """
        return calibrated(probabilities, metadata) if self.calibrated else probabilities

    def genres(
        self, metadata: ModelMetadata, probabilities: npt.NDArray[np.float32]
    ) -> pa.ListArray:
        """Return the predicted genres of every row, as `apply_thresholds` does.

        Args:
            metadata: the model's metadata.
            probabilities: (rows, genres) float32, 0..1; a row of NaN has no text.

        Raises:
            UsageError: the model has no such operating point.
        """
        thresholds = self.row_thresholds(metadata, probabilities)
        shown = self.shown(metadata, probabilities)
        return apply_thresholds(
            probabilities, thresholds, metadata.labels, self.top_k, self.min_k, shown
        )


def _point_thresholds(metadata: ModelMetadata, name: str) -> npt.NDArray[np.float64]:
    """Return the thresholds of an operating point, (genres,).

    Raises:
        UsageError: the model has no such operating point.
    """
    points = metadata.operating_points
    point = points.get(name) or points.get(canonical := canonical_name(name))
    if point is None:
        known = f"it has {', '.join(points)}" if points else "it has none"
        target = canonical if "=" in canonical else "precision=0.95"
        raise UsageError(
            f"the model has no operating point {name!r}: {known}; genre-batch tune CATALOG "
            f"-o tuned.onnx --operating-point {shlex.quote(target)} makes a model with another"
        )
    return np.array([_or_infinity(threshold) for threshold in point.thresholds])


def _or_infinity(threshold: float | None) -> float:
    return np.inf if threshold is None else threshold


def apply_thresholds(
    probabilities: npt.NDArray[np.float32],
    thresholds: npt.NDArray[np.float64],
    labels: Sequence[str],
    top_k: int | None = None,
    min_k: int | None = None,
    shown: npt.NDArray[np.floating] | None = None,
) -> pa.ListArray:
    """Return the genres of every row: probability descending, ties in label order.

    Args:
        probabilities: (rows, genres) float32; a row of NaN has no text.
        thresholds: (genres,) or (rows, genres) float64; a genre passes at its threshold or above.
        labels: the genres' names.
        top_k: the maximum number of genres per row, most probable first.
        min_k: the minimum number of genres per row; the most probable of those that do not pass are
            added, except those with an infinite threshold.
        shown: (rows, genres) the probabilities that genres are ordered and counted by; None:
            `probabilities`.

    Returns:
        (rows,) lists of strings; null for a row of NaN, empty where nothing passes.
    """
    rows, genres = probabilities.shape
    without_text = np.isnan(probabilities[:, 0]) if genres else np.zeros(rows, dtype=bool)
    shown = probabilities if shown is None else shown
    order, passed = _ranked(probabilities, thresholds, shown, top_k, min_k)
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(passed.sum(axis=1), out=offsets[1:])
    names = pa.array(labels, pa.string()).take(pa.array(order[passed]))
    return pa.ListArray.from_arrays(
        pa.array(offsets), names, mask=pa.array(without_text) if without_text.any() else None
    )


def _ranked(
    probabilities: npt.NDArray[np.floating],
    thresholds: npt.NDArray[np.float64],
    shown: npt.NDArray[np.floating],
    top_k: int | None,
    min_k: int | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the genres of each row by falling probability, and which of them the row gets.

    Arguments are those of `apply_thresholds`; both results are (rows, genres).
    """
    order = np.argsort(-shown, axis=1, kind="stable")
    passed = np.take_along_axis(probabilities >= thresholds, order, axis=1)
    if min_k is not None:
        allowed = np.isfinite(np.broadcast_to(thresholds, probabilities.shape))
        allowed = allowed & ~np.isnan(probabilities)
        candidates = ~passed & np.take_along_axis(allowed, order, axis=1)
        missing = min_k - passed.sum(axis=1, keepdims=True)
        passed |= candidates & (np.cumsum(candidates, axis=1) <= missing)
    if top_k is not None:
        passed &= np.cumsum(passed, axis=1) <= top_k
    return order, passed
