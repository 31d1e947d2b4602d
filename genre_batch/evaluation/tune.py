"""`tune`: find new thresholds for a model on a labeled catalog."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from genre_batch.dataset.labelled import sha256_of
from genre_batch.errors import CatalogError, counted_rows
from genre_batch.evaluation.calibration import CrossFitted, cross_fitted_errors, fit_calibration
from genre_batch.evaluation.films import EvaluationJob, LabelledFilms, read_films
from genre_batch.evaluation.metrics import Scores, score_predictions
from genre_batch.evaluation.operating_point import (
    as_operating_point,
    genres_off,
    measure_operating_points,
    stored_thresholds,
    target_methods,
)
from genre_batch.failures import reason_of
from genre_batch.files import replacing
from genre_batch.model.decision import Decision
from genre_batch.model.metadata import (
    ConditionalThreshold,
    ModelFile,
    ModelMetadata,
    read_model_file,
    write_metadata,
)
from genre_batch.model.point_names import is_target, parse_targets
from genre_batch.model.shipped import model_path
from genre_batch.model.tagger import GenreTagger
from genre_batch.options import (
    FLAG,
    STRING,
    STRINGS,
    Checked,
    StrPath,
    check_job,
    instance_of,
    one_of,
)
from genre_batch.path_checks import check_model_name, check_output_file, check_separate_files
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.thresholds.conditional import conditional
from genre_batch.thresholds.methods import DEFAULT_METHOD, METHODS, Method
from genre_batch.thresholds.operating_points import Measured

__all__ = ["TUNE_METHODS", "TuneJob", "TuneResult", "tune"]

_LEAST_FILMS = 20
TUNE_METHODS = (*METHODS, "conditional")
"""The methods with one threshold per genre, and the one with up to two."""


@dataclass(frozen=True)
class TuneJob(Checked):
    """What to tune on and how.

    Attributes:
        data: the labeled catalog and the model.
        output: the .onnx file to write.
        method: of `genre_batch.evaluation.tune.TUNE_METHODS`, for the thresholds that `tag` uses by
            default.
        operating_points: operating points to find besides the usual ones: `precision=X`,
            `recall=X`, `cost=FP:FN`, also for one genre (model/point_names.py). Those of this kind
            that the model has already are found again.
        force: overwrite an existing output.

    Raises:
        UsageError: an unknown method, or an operating point of another form.
    """

    data: EvaluationJob = field(metadata=instance_of(EvaluationJob))
    output: StrPath = field(metadata=STRING)
    method: str = field(default=DEFAULT_METHOD, metadata=one_of(*TUNE_METHODS))
    operating_points: tuple[str, ...] = field(default=(), metadata=STRINGS)
    force: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.operating_points:
            parse_targets(name)


@dataclass(frozen=True)
class TuneResult:
    """The result of `tune`.

    Attributes:
        output: the file written.
        films: the number of films that the thresholds were fitted to; with `group`, of their
            wordings.
        scores: figures on the same films: optimistic.
        points: the operating points by name, each measured with cross-fitted thresholds.
        off: the genres that each operating point switches off, if any.
        row_name: what the model calls a row, in the plural.
        calibration_error: of raw probabilities, and of cross-fitted calibrated ones.
        given: the genres with two thresholds, and the genre whose prediction selects between them.
        distinct_films: the number of films that the wordings are of; None without `group`.
    """

    output: str
    films: int
    scores: Scores
    points: dict[str, Measured]
    off: dict[str, tuple[str, ...]]
    given: dict[str, str]
    calibration_error: CrossFitted
    row_name: str = "films"
    distinct_films: int | None = None


def tune(job: TuneJob, progress: RowProgress = no_row_progress) -> TuneResult:
    """Write a copy of a model with thresholds, points and calibration fitted to a labeled catalog.

    Graph, tokenizer and labels stay unchanged; figures measured at the old thresholds are removed.

    Args:
        job: the catalog, the model and the options.
        progress: called with (films done, all films).

    Raises:
        UsageError, ColumnError, ModelError: as `evaluate` raises them; the catalog is stdin, the
            output is not a name for a model file, or the model does not have the genre of an
            operating point.
        CatalogError: as `evaluate` raises it; there are too few films, or the output exists or
            cannot be written. No output is written then.
    """
    check_job("tune", job, TuneJob)
    output = os.fspath(job.output)
    location = job.data.reading.locate_all(job.data.catalog)
    check_model_name(output)
    read = [file.path for file in location.each_file]
    read += [] if job.data.split is None else [os.fspath(job.data.split)]
    rejects = [("`rejects`", path) for path in (job.data.reading.rejects,) if path is not None]
    check_separate_files([("`output`", output), *rejects], read)
    check_output_file(output, force=job.force)
    digest = sha256_of(location)
    file = read_model_file(model_path(job.data.model or None))
    tagger = GenreTagger(file, job.data.threads)
    targets = _targets(job, tagger.metadata)
    films = read_films(job.data, location, tagger)
    _check_enough(films, location.name, tagger.metadata.row_name)
    probabilities = films.predict(tagger, progress)
    metadata = _with_thresholds(job.method, probabilities, films, tagger.metadata)
    fitted = fit_calibration(probabilities, films.labels)
    metadata = replace(metadata, calibration=fitted)
    points = measure_operating_points(probabilities, films.labels, targets, films.film_ids)
    scores = _scores(films, probabilities, metadata)
    provenance = {
        "catalog_sha256": digest,
        "part": job.data.part,
        "films": len(films.labels),
        "method": job.method,
        **({} if films.distinct is None else {"distinct_films": films.distinct}),
    }
    _write_model(file, _tuned_metadata(metadata, points, scores, provenance), output)
    off = {name: genres_off(point.thresholds, tagger.labels) for name, point in points.items()}
    return TuneResult(
        output=output,
        films=len(films.labels),
        scores=scores,
        points=points,
        off={name: genres for name, genres in off.items() if genres},
        row_name=tagger.metadata.row_name,
        calibration_error=cross_fitted_errors(probabilities, films.labels, films.film_ids),
        given={label: pair.given for label, pair in metadata.conditional_thresholds.items()},
        distinct_films=films.distinct,
    )


def _check_enough(films: LabelledFilms, name: str, row_name: str) -> None:
    count = len(films.labels) if films.distinct is None else films.distinct
    if count < _LEAST_FILMS:
        raise CatalogError(
            f"{name}: {counted_rows(count, row_name)} cannot be tuned on: at least "
            f"{_LEAST_FILMS} are needed: add more"
        )


def _targets(job: TuneJob, old: ModelMetadata) -> dict[str, Method]:
    """Return the methods of the job's operating points, and of such ones that the model has."""
    # Conditional thresholds have those of `f1` as their base.
    base = METHODS["f1" if job.method == "conditional" else job.method]
    kept = [name for name in old.operating_points if is_target(name)]
    return target_methods([*kept, *job.operating_points], old.labels, base)


def _scores(
    films: LabelledFilms, probabilities: npt.NDArray[np.float32], metadata: ModelMetadata
) -> Scores:
    """Score the films at the thresholds that were fitted to them."""
    thresholds = Decision().row_thresholds(metadata, probabilities)
    return score_predictions(
        films.labels, probabilities, thresholds, metadata.labels, films=films.film_ids
    )


def _with_thresholds(
    method: str,
    probabilities: npt.NDArray[np.floating],
    films: LabelledFilms,
    old: ModelMetadata,
) -> ModelMetadata:
    """Return the metadata with the thresholds of a method in place of the old ones."""
    if method in METHODS:
        plain = METHODS[method](probabilities, films.labels, films.film_ids)
        return replace(old, thresholds=tuple(plain.tolist()), conditional_thresholds={})
    pairs = conditional(probabilities, films.labels, films.film_ids)
    with_two = np.flatnonzero(pairs.given != np.arange(len(old.labels))).tolist()
    return replace(
        old,
        thresholds=tuple(pairs.base.tolist()),
        conditional_thresholds={
            old.labels[genre]: ConditionalThreshold(
                old.labels[pairs.given[genre]], *stored_thresholds(pairs.thresholds[:, genre])
            )
            for genre in with_two
        },
    )


def _tuned_metadata(
    metadata: ModelMetadata,
    points: dict[str, Measured],
    scores: Scores,
    provenance: dict[str, Any],
) -> ModelMetadata:
    """Return the metadata with operating points, figures and provenance of the tuning."""
    metrics: dict[str, Any] = {"tuned_on": scores.as_dict()}
    if "export" in metadata.metrics:
        metrics["export"] = metadata.metrics["export"]
    return replace(
        metadata,
        operating_points={name: as_operating_point(point) for name, point in points.items()},
        metrics=metrics,
        provenance={**metadata.provenance, "tuned": provenance},
    )


def _write_model(file: ModelFile, metadata: ModelMetadata, output: str) -> None:
    """Write the model with other metadata, complete or not at all."""
    model = onnx.load_model_from_string(file.content)
    write_metadata(model, metadata)
    try:
        with replacing(output) as stream:
            stream.write(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise CatalogError(f"cannot write {output}: {reason_of(error)}") from error
