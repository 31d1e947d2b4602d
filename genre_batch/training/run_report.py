"""report.html of a run."""

from __future__ import annotations

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.split import PARTS
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.page import Report
from genre_batch.report.training_page import PartCounts, training_report
from genre_batch.runs.folder import RunFolder

__all__ = ["run_report"]


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
