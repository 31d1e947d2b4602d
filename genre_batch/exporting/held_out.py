"""An exported model on the held-out films: its loss against the checkpoint, and its thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset, variants
from genre_batch.evaluation.bootstrap import centered_interval, draw_resamples
from genre_batch.evaluation.calibration import fit_calibration
from genre_batch.evaluation.metrics import macro_f1, resampled_macro_f1, score_predictions
from genre_batch.evaluation.operating_point import as_operating_point, measure_operating_points
from genre_batch.model.metadata import ModelMetadata
from genre_batch.model.tagger import GenreTagger
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.methods import METHODS, find_thresholds
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.inference import predict

__all__ = ["HeldOut", "Loss", "tune_thresholds"]

LOSS_RESAMPLES = 500
"""Resamples of the films for the interval of the loss."""

LOSS_DRAWS = 20
"""Random halvings of the development part over which the loss is averaged. Its standard error is
then 0.05 points on 2,000 films."""


@dataclass(frozen=True)
class Loss:
    """What an export loses against its checkpoint.

    Attributes:
        points: macro-F1 lost, in points (hundredths); negative if the export is better.
        interval: (low, high), 95 %, in points.
    """

    points: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class HeldOut:
    """Probabilities of the held-out films, from the checkpoint and from its export.

    Attributes:
        films: the development and test parts.
        checkpoint: (films, genres) float32, 0..1.
        export: (films, genres) float32, 0..1.
    """

    films: Dataset
    checkpoint: npt.NDArray[np.float32]
    export: npt.NDArray[np.float32]

    @classmethod
    def measure(
        cls,
        model: Classifier,
        tokenizer: PreTrainedTokenizerFast,
        tagger: GenreTagger,
        dataset: Dataset,
    ) -> HeldOut:
        """Predict the held-out films with both models.

        Args:
            model, tokenizer: the checkpoint.
            tagger: its export.
            dataset: all films, in their parts.
        """
        films = dataset.part("dev", "test")
        max_length = tagger.metadata.max_length
        return cls(
            films,
            predict(model, tokenizer, films.texts, max_length),
            tagger.predict_proba(films.texts),
        )

    def cross_fitted_loss(self, method: str) -> Loss:
        """Return the macro-F1 lost on the development part, at cross-fitted thresholds.

        The checkpoint's own thresholds were fitted to its probabilities of these films. With them,
        every film that rounding moves across a threshold would count against the export: a model
        that is as good on other films would seem to lose nearly a point. The interval is that of a
        paired bootstrap over films: both models are scored on the same resamples.

        Args:
            method: of `METHODS`.
        """
        rows = np.isin(self.films.parts, "dev")
        labels, before, after = self.films.labels[rows], self.checkpoint[rows], self.export[rows]
        ids = None if self.films.film_ids is None else self.films.film_ids[rows]
        weights = np.concatenate([*draw_resamples(len(labels), LOSS_RESAMPLES, films=ids)])
        losses = np.zeros(len(weights))
        for seed in range(LOSS_DRAWS):
            thresholds = cross_fitted(METHODS[method], before, labels, seed, ids)
            losses += resampled_macro_f1(labels, before >= thresholds, weights)
            losses -= resampled_macro_f1(labels, after >= thresholds, weights)
        losses *= 100 / LOSS_DRAWS
        points = float(losses[0])
        return Loss(points, centered_interval(losses[1:], points))

    def loss(self, thresholds: npt.NDArray[np.float64], *parts: str) -> float:
        """Return the macro-F1 that the export loses on these parts, in points.

        Args:
            thresholds: (genres,) of both models.
            parts: `dev`, `test`.
        """
        rows = np.isin(self.films.parts, parts)
        labels = self.films.labels[rows]
        before = macro_f1(labels, self.checkpoint[rows] >= thresholds)
        return 100 * (before - macro_f1(labels, self.export[rows] >= thresholds))

    @property
    def difference(self) -> float:
        """The mean absolute difference of probabilities."""
        return float(np.abs(self.checkpoint - self.export).mean())

    def of_part(self, part: str) -> npt.NDArray[np.float32]:
        """Return the export's probabilities of one part."""
        return self.export[np.isin(self.films.parts, part)]


def tune_thresholds(tagger: GenreTagger, held_out: HeldOut, method: str) -> ModelMetadata:
    """Return the export's metadata, tuned on its own probabilities of the development part.

    That is: thresholds, operating points, calibration, and metrics.

    Args:
        tagger: the export.
        held_out: its probabilities.
        method: of `METHODS`.
    """
    development = held_out.films.part("dev")
    probabilities = held_out.of_part("dev")
    thresholds = find_thresholds(method, probabilities, development.labels, development.film_ids)
    points = measure_operating_points(probabilities, development.labels, films=development.film_ids)
    return replace(
        tagger.metadata,
        thresholds=tuple(thresholds.tolist()),
        operating_points={name: as_operating_point(point) for name, point in points.items()},
        calibration=fit_calibration(probabilities, development.labels),
        metrics=_metrics(tagger, held_out, thresholds),
    )


def _metrics(
    tagger: GenreTagger, held_out: HeldOut, thresholds: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Score the export: part -> variant of the text -> scores."""
    metrics: dict[str, Any] = {}
    for part in ("dev", "test"):
        films = held_out.films.part(part)
        for index, (variant, texts) in enumerate(variants(films).items()):
            # The first variant's texts are those that `held_out` was predicted from.
            predicted = held_out.of_part(part) if index == 0 else tagger.predict_proba(texts)
            scores = score_predictions(
                films.labels, predicted, thresholds, films.names, films=films.film_ids
            )
            metrics.setdefault(part, {})[variant] = scores.as_dict()
    return metrics
