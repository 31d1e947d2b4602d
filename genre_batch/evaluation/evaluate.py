"""`evaluate`: score a model on a labeled catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from genre_batch.evaluation.against import ModelComparison, compare_with
from genre_batch.evaluation.calibration import GenreCalibration, genre_calibrations
from genre_batch.evaluation.films import EvaluationJob, read_films
from genre_batch.evaluation.metrics import Average, Scores, score_predictions
from genre_batch.evaluation.per_genre import (
    GenreScores,
    Predictions,
    exact_match,
    genre_scores,
    samples_f1,
)
from genre_batch.model.calibration import calibrated
from genre_batch.model.decision import Decision
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import uses_title
from genre_batch.model.text_keys import known_keys
from genre_batch.options import check_job
from genre_batch.progress import RowProgress, no_row_progress

__all__ = ["Evaluation", "EvaluationJob", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        catalog, part: what the model was scored on; part None: all films.
        model, model_sha256: the model file.
        films: the number of films scored; with `group`, of their wordings.
        left_out: the number of rows of the part without a text or without a genre.
        trained_on: the number of films whose overview the model was trained on; its figures on them
            do not carry over to other films.
        ignored: the number of films of each genre that the model does not know.
        excluded: the genres of the model that are not scored.
        scores: averages, with intervals.
        samples_f1, exact_match: 0..1, as in evaluation/per_genre.py.
        genres: each genre's figures, in the model's order.
        calibration: how well each genre's probabilities agree with frequencies, likewise.
        decision: how probabilities became genres.
        provenance: how the model was made, from its file.
        row_name: what the model calls a row, in the plural.
        against: the comparison with another model, if there is one.
        distinct_films: the number of films that the wordings are of; None without `group`.
        predictions: the films' labels and probabilities, for figures; not in `as_dict`.
    """

    catalog: str
    part: str | None
    model: str
    model_sha256: str
    films: int
    left_out: int
    trained_on: int
    ignored: dict[str, int]
    excluded: tuple[str, ...]
    scores: Scores
    samples_f1: float
    exact_match: float
    genres: tuple[GenreScores, ...]
    calibration: tuple[GenreCalibration, ...]
    decision: Decision = field(default_factory=Decision)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    row_name: str = "films"
    against: ModelComparison | None = None
    distinct_films: int | None = None
    predictions: Predictions | None = field(default=None, repr=False, compare=False)

    @property
    def calibration_error(self) -> float:
        """The mean over genres of the calibration error, 0..1 (evaluation/calibration.py)."""
        return sum(genre.error for genre in self.calibration) / len(self.calibration)

    @property
    def calibrated_error(self) -> float | None:
        """The same of calibrated probabilities; None if the model has no calibration."""
        errors = [genre.calibrated_error for genre in self.calibration]
        known = [error for error in errors if error is not None]
        return sum(known) / len(known) if known else None

    @property
    def averages(self) -> tuple[Average, ...]:
        """The metrics over all genres, in the order in which tables list them."""
        scores, calibrated = self.scores, self.calibrated_error
        return (
            Average("macro-F1", scores.macro_f1, scores.macro_f1_interval),
            Average("micro-F1", scores.micro_f1, scores.micro_f1_interval),
            Average("mAP", scores.map, scores.map_interval),
            Average("samples F1", self.samples_f1),
            Average("exact match", self.exact_match),
            Average("calibration error", self.calibration_error),
            *([] if calibrated is None else [Average("  calibrated", calibrated)]),
            Average("accuracy (paper)", scores.accuracy),
            Average("score (paper)", scores.score),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a JSON-ready dict, fractions rounded to four places."""
        result = asdict(replace(self, predictions=None, against=None))
        result["scores"] = self.scores.as_dict()
        result["against"] = None if self.against is None else self.against.as_dict()
        for key in ("decision", "provenance", "row_name", "predictions"):
            del result[key]
        for key in ("samples_f1", "exact_match"):
            result[key] = round(result[key], 4)
        for key in ("calibration_error", "calibrated_error"):
            result[key] = _rounded(getattr(self, key))
        for key in ("genres", "calibration"):
            result[key] = [
                {name: _rounded(value) for name, value in row.items()} for row in result[key]
            ]
        return result


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def evaluate(job: EvaluationJob, progress: RowProgress = no_row_progress) -> Evaluation:
    """Score a model on a labeled catalog.

    Args:
        job: the catalog, the model and the options.
        progress: called with (films done, all films).

    Raises:
        UsageError: there is no such catalog, split file or model, or no such operating point.
        ColumnError: a column is missing, or exists in two spellings.
        CatalogError: no film of the part has a text and a genre, the model does not know a genre,
            or the split file is of another catalog.
        ModelError: the file is not a genre-batch model.
    """
    check_job("evaluate", job, EvaluationJob)
    location = job.reading.locate_all(job.catalog)
    tagger = GenreTagger.load(job.model, threads=job.threads, lazy=True)
    job.decision.thresholds(tagger.metadata)  # raises its errors before any film is predicted
    other = None
    if job.against is not None:
        other = GenreTagger.load(job.against, threads=job.threads, lazy=True)
        job.decision.thresholds(other.metadata)
    titles = other is not None and uses_title(other.metadata.text_template)
    films = read_films(job, location, tagger, titles=titles)
    probabilities = films.predict(tagger, progress)
    thresholds = job.decision.counted_thresholds(tagger.metadata, probabilities)
    has_calibration = bool(tagger.metadata.calibration)
    all_calibrated = calibrated(probabilities, tagger.metadata) if has_calibration else None
    scored = np.flatnonzero(~job.decision.excluded(tagger.metadata))
    names = tuple(tagger.labels[column] for column in scored)
    labels, probabilities = films.labels[:, scored], probabilities[:, scored]
    thresholds = thresholds[..., scored]
    predicted = probabilities >= thresholds
    after = None if all_calibrated is None else all_calibrated[:, scored]
    predictions = Predictions(names, labels, probabilities, thresholds, after)
    comparison = None
    if other is not None:
        comparison = compare_with(other, films, predictions, job.decision, progress)
    return Evaluation(
        catalog=location.name,
        part=job.part,
        model=str(tagger.path),
        model_sha256=tagger.sha256,
        films=len(films.labels),
        distinct_films=films.distinct,
        left_out=films.left_out,
        trained_on=int(known_keys(films.keys, tagger.metadata.training_text_keys).sum()),
        ignored=films.ignored,
        excluded=tuple(name for name in tagger.labels if name not in names),
        scores=score_predictions(labels, probabilities, thresholds, names, films=films.film_ids),
        samples_f1=samples_f1(labels, predicted),
        exact_match=exact_match(labels, predicted),
        genres=genre_scores(labels, probabilities, thresholds, names),
        calibration=genre_calibrations(labels, probabilities, names, after),
        decision=job.decision,
        provenance=tagger.metadata.provenance,
        row_name=tagger.metadata.row_name,
        against=comparison,
        predictions=predictions,
    )
