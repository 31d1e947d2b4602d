"""report.html and README.md of a run."""

from __future__ import annotations

import os
from importlib.resources import files

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.split import PARTS
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.page import Report
from genre_batch.report.training_page import PartCounts, training_report
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.options import TrainJob

__all__ = ["run_readme", "run_report"]


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


def run_readme(job: TrainJob, model: Classifier) -> str:
    """Return the text of a run's README.md."""
    folder = os.fspath(job.folder)
    load = "`genre_batch.training.encoder.base_model.load_checkpoint`"
    if isinstance(model, PooledClassifier):
        kind = model.config.model_type
        usage = (
            f"Its head is one linear layer on the pooled token vectors (`pooling: "
            f"{job.options.model.pooling}` in config.json): load it with {load}. It cannot be "
            f"exported, but a DistilBERT can learn from it."
        )
        following = f"Train a model that learns from it: `genre-batch train ... --teacher {folder}`"
    else:
        kind = "DistilBERT"
        usage = (
            "Its head reads the mean of the token vectors (`pooling: mean` in config.json). The "
            "stock class `DistilBertForSequenceClassification` loads these weights too, but its "
            "head reads the first token's vector, for which it was not trained: its predictions "
            f"are wrong. Load the model with {load}, or export it."
            if job.options.model.pooling == "mean"
            else "It is a stock `DistilBertForSequenceClassification`."
        )
        following = f"Export it to a model file: `genre-batch export-onnx {folder} -o model.onnx`"
    template = files(__package__).joinpath("run_readme.md").read_text(encoding="utf-8")
    return template.format(
        kind=kind,
        base_model=os.fspath(job.base_model),
        catalog=os.path.basename(job.catalog),
        protocol=job.protocol,
        usage=usage,
        following=following,
    )
