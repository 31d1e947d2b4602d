"""Measure a trained run: thresholds tuned on dev, figures on dev and test, and its page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset, variants
from genre_batch.dataset.split import PARTS
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.files import write_json
from genre_batch.report.page import Report
from genre_batch.report.training_page import PartCounts, training_report
from genre_batch.runs.folder import RunFolder
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.encoder.pooling import PooledClassifier

__all__ = ["measure", "predict_test_part", "run_report"]


def _predictor(folder: RunFolder) -> Callable[[list[str]], npt.NDArray[np.float32]]:
    """Return a function that predicts texts with the saved model.

    A model that can be exported computes in float32, as it is saved (the one in memory still
    computes as in training). A teacher computes as it will for its students, in bfloat16 where that
    is faster.
    """
    model, tokenizer = load_checkpoint(folder.path)
    max_length = folder.read_json(folder.provenance)["options"]["max_length"]
    fast = isinstance(model, PooledClassifier)
    return lambda texts: predict(model, tokenizer, texts, max_length, fast=fast)


def measure(dataset: Dataset, folder: RunFolder, method: str) -> Predictions:
    """Tune thresholds on dev, and write them and the metrics on dev and test.

    Args:
        dataset: the run's films, in their parts.
        folder: the folder of a run that has been trained.
        method: of `METHODS`.

    Returns:
        The predictions for the test part, with titles if the model reads them.
    """
    predict_texts, names = _predictor(folder), dataset.names
    parts = {part: dataset.part(part) for part in ("dev", "test")}
    probabilities = {
        part: {variant: predict_texts(texts) for variant, texts in variants(films).items()}
        for part, films in parts.items()
    }
    on_dev, on_test = (next(iter(by_variant.values())) for by_variant in probabilities.values())
    thresholds = find_thresholds(method, on_dev, parts["dev"].labels, parts["dev"].film_ids)
    by_genre = dict(zip(names, thresholds.tolist(), strict=True))
    write_json(folder.thresholds, {"method": method, "part": "dev", "thresholds": by_genre})
    metrics = {
        part: {
            variant: score_predictions(
                films.labels, values, thresholds, names, films=films.film_ids
            ).as_dict()
            for variant, values in probabilities[part].items()
        }
        for part, films in parts.items()
    }
    write_json(folder.metrics, metrics)
    folder.seal(folder.thresholds, folder.metrics)
    return Predictions(tuple(names), parts["test"].labels, on_test, thresholds)


def predict_test_part(dataset: Dataset, folder: RunFolder) -> Predictions:
    """Predict the test part of a run that has been measured, as `measure` did."""
    films = dataset.part("test")
    _, thresholds = folder.read_thresholds(films.names)
    return Predictions(
        tuple(films.names), films.labels, _predictor(folder)(films.texts), thresholds
    )


def run_report(
    folder: RunFolder, dataset: Dataset, training: Dataset, tested: Predictions
) -> Report:
    """Return the report of a run.

    Args:
        folder: the folder of a run that has been measured.
        dataset: the run's films, in their parts.
        training: the films that the model was trained on, those of `extra_train` included.
        tested: the model's predictions for the test part.

    Raises:
        TrainingError: a file of the run is missing or broken.
    """
    parts = {part: dataset.part(part) for part in PARTS} | {"train": training}
    return training_report(
        folder.read_json(folder.provenance),
        folder.read_json(folder.metrics),
        folder.read_log(folder.log),
        folder.read_log(folder.alignment_log),
        {part: _counts(films) for part, films in parts.items()},
        tested,
    )


def _counts(films: Dataset) -> PartCounts:
    by_genre = films.labels.sum(axis=0, dtype=int).tolist()
    return PartCounts(len(films), dict(zip(films.names, by_genre, strict=True)))
