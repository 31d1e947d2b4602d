"""Thresholds as a model file carries them: measured operating points and conditional thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from genre_batch.errors import UsageError
from genre_batch.model.metadata import OperatingPoint
from genre_batch.model.point_names import canonical_name, parse_targets
from genre_batch.options import nearest_name
from genre_batch.thresholds.arrays import Films, Method
from genre_batch.thresholds.operating_points import (
    OPERATING_POINTS,
    Measured,
    combined,
    measure_point,
    method_of_target,
)

__all__ = [
    "as_operating_point",
    "genres_off",
    "measure_operating_points",
    "stored_thresholds",
    "target_methods",
]


def target_methods(names: Iterable[str], labels: Sequence[str], base: Method) -> dict[str, Method]:
    """Return the methods of operating points that state targets, by canonical name.

    Args:
        names: such as `precision=0.95` or `Horror:precision=0.9` (model/point_names.py).
        labels: the model's genres.
        base: finds the thresholds of genres that a name has no target for.

    Raises:
        UsageError: a name is not a target, or the model does not have its genre.
    """
    columns = {label: column for column, label in enumerate(labels)}
    methods: dict[str, Method] = {}
    for name in names:
        general, by_genre = base, {}
        for target in parse_targets(name):
            method = method_of_target(target.kind, target.values)
            if target.genre is None:
                general = method
            elif target.genre in columns:
                by_genre[columns[target.genre]] = method
            else:
                raise UsageError(
                    f"`operating_points`: the model has no genre {target.genre!r}: "
                    f"{nearest_name(target.genre, labels)}"
                )
        methods[canonical_name(name)] = combined(general, by_genre)
    return methods


def measure_operating_points(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    more: Mapping[str, Method] | None = None,
    films: Films = None,
) -> dict[str, Measured]:
    """Fit every operating point, and measure it with cross-fitted thresholds.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres) 0 or 1.
        more: methods by name, besides the usual ones; a usual name keeps its method.
        films: (n,) ids, equal for wordings of one film; None: every row is a film.
    """
    methods: dict[str, Method] = {**OPERATING_POINTS, **(more or {}), **OPERATING_POINTS}
    return {
        name: measure_point(method, probabilities, labels, films)
        for name, method in methods.items()
    }


def stored_thresholds(thresholds: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    """Return thresholds as a model file stores them: None for infinity, which nothing reaches."""
    return tuple(None if np.isinf(value) else value for value in thresholds.tolist())


def as_operating_point(measured: Measured) -> OperatingPoint:
    """Return a measured set of thresholds as a model file stores it."""
    return OperatingPoint(
        thresholds=stored_thresholds(measured.thresholds),
        precision=round(measured.precision, 4),
        recall=round(measured.recall, 4),
    )


def genres_off(thresholds: npt.NDArray[np.float64], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the genres that an operating point switches off: those with an infinite threshold."""
    return tuple(
        label for label, value in zip(labels, thresholds.tolist(), strict=True) if np.isinf(value)
    )
