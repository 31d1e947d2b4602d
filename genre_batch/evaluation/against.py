"""Two models on the same rows: how much better one is, on which genres, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.errors import CatalogError
from genre_batch.evaluation.bootstrap import RESAMPLES, centered_interval, draw_resamples
from genre_batch.evaluation.films import LabelledFilms
from genre_batch.evaluation.metrics import resampled_figures
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.model.decision import Decision
from genre_batch.model.tagger import GenreTagger
from genre_batch.progress import RowProgress

__all__ = ["ChangedRow", "Difference", "ModelComparison", "compare_with"]


@dataclass(frozen=True)
class Difference:
    """A figure of two models.

    Attributes:
        name: of the metric, or of a genre, whose metric is F1.
        model, against: its values, 0..1.
        interval: (low, high) of `difference`, 95 %, by a paired bootstrap over rows (Koehn 2004,
            "Statistical Significance Tests for Machine Translation Evaluation").
    """

    name: str
    model: float
    against: float
    interval: tuple[float, float]

    @property
    def difference(self) -> float:
        """The model's figure less the other's."""
        return self.model - self.against

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a JSON-ready dict, rounded to four places."""
        return {
            "name": self.name,
            "model": round(self.model, 4),
            "against": round(self.against, 4),
            "difference": round(self.difference, 4),
            "interval": [round(end, 4) for end in self.interval],
        }


@dataclass(frozen=True)
class ChangedRow:
    """A row for which the two models predict different genres.

    Attributes:
        row: its number in the catalog (0-based).
        genres: those of the catalog.
        model, against: those predicted.
    """

    row: int
    genres: tuple[str, ...]
    model: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True)
class ModelComparison:
    """A model compared with another one, on the genres that both know.

    Attributes:
        against, against_sha256: the other model's file.
        left_out: the genres that only one of them knows.
        averages: macro-F1, micro-F1 and mAP.
        genres: F1 of each genre.
        changed: the rows that they predict differently.
    """

    against: str
    against_sha256: str
    left_out: tuple[str, ...]
    averages: tuple[Difference, ...]
    genres: tuple[Difference, ...]
    changed: tuple[ChangedRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "against": self.against,
            "against_sha256": self.against_sha256,
            "left_out": list(self.left_out),
            "averages": [figure.as_dict() for figure in self.averages],
            "genres": [figure.as_dict() for figure in self.genres],
            "changed": [
                {
                    "row": row.row,
                    "genres": list(row.genres),
                    "model": list(row.model),
                    "against": list(row.against),
                }
                for row in self.changed
            ],
        }


def compare_with(
    other: GenreTagger,
    films: LabelledFilms,
    model: Predictions,
    decision: Decision,
    progress: RowProgress,
) -> ModelComparison:
    """Predict the films with another model too, and compare both on the genres that both know.

    Args:
        other: the other model.
        films: the films.
        model: the first model's predictions for them.
        decision: how the other model's probabilities become genres.
        progress: called with (films done, all films).

    Raises:
        CatalogError: the models have no genre in common.
        UsageError: the other model has no such operating point.
        ModelError: the other model cannot be run.
    """
    decision.thresholds(other.metadata)  # raises its errors before any film is predicted
    common = [name for name in model.names if name in other.labels]
    if not common:
        raise CatalogError(
            f"the model {other.path} has no genre in common with the first one: choose another "
            f"`against`"
        )
    probabilities = films.predict(other, progress)
    thresholds = decision.counted_thresholds(other.metadata, probabilities)
    theirs = [list(other.labels).index(name) for name in common]
    ours = [model.names.index(name) for name in common]
    labels = model.labels[:, ours].astype(bool)
    scores = model.probabilities[:, ours], probabilities[:, theirs]
    predicted = scores[0] >= model.thresholds[..., ours], scores[1] >= thresholds[..., theirs]
    averages, genres = _differences(labels, scores, predicted, common, films.film_ids)
    return ModelComparison(
        against=str(other.path),
        against_sha256=other.sha256,
        left_out=tuple(sorted(set(model.names) ^ set(other.labels))),
        averages=averages,
        genres=genres,
        changed=_changed(films.rows, labels, predicted, common),
    )


_Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def _differences(
    labels: npt.NDArray[np.bool_],
    scores: _Pair,
    predicted: _Pair,
    names: Sequence[str],
    film_ids: npt.NDArray[np.uint64] | None,
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Return the figures of both models over all genres, and of each genre."""
    figures = np.concatenate(
        [
            [
                resampled_figures(labels, guess, score, weights)
                for score, guess in zip(scores, predicted, strict=True)
            ]
            for weights in draw_resamples(len(labels), RESAMPLES, films=film_ids)
        ],
        axis=1,
    )  # (2, 1 + resamples, figures)
    gains = figures[0] - figures[1]
    low, high = centered_interval(gains[1:], gains[0])
    differences = tuple(
        Difference(
            name,
            float(figures[0, 0, column]),
            float(figures[1, 0, column]),
            (float(low[column]), float(high[column])),
        )
        for column, name in enumerate(("macro-F1", "micro-F1", "mAP", *names))
    )
    return differences[:3], differences[3:]


def _changed(
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.bool_],
    predicted: _Pair,
    names: Sequence[str],
) -> tuple[ChangedRow, ...]:
    def named(row: npt.NDArray[Any]) -> tuple[str, ...]:
        return tuple(name for name, is_set in zip(names, row.tolist(), strict=True) if is_set)

    return tuple(
        ChangedRow(
            int(rows[index]),
            named(labels[index]),
            named(predicted[0][index]),
            named(predicted[1][index]),
        )
        for index in np.flatnonzero((predicted[0] != predicted[1]).any(axis=1)).tolist()
    )
