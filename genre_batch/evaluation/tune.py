"""A model's thresholds found anew on a labelled catalog."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from genre_batch.errors import CatalogError, UsageError
from genre_batch.evaluation.evaluate import EvaluationJob, read_labelled
from genre_batch.evaluation.metrics import Scores, score_predictions
from genre_batch.files import check_output_file, replacing
from genre_batch.model.decision import Decision
from genre_batch.model.metadata import (
    ConditionalThreshold,
    ModelMetadata,
    OperatingPoint,
    read_model_file,
    write_metadata,
)
from genre_batch.model.tagger import GenreTagger, default_model
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.thresholds.conditional import conditional
from genre_batch.thresholds.methods import METHODS
from genre_batch.thresholds.operating_points import OPERATING_POINTS, Measured, measure_point

__all__ = ["TUNE_METHODS", "TuneJob", "TuneResult", "as_operating_point", "tune"]

LEAST_FILMS = 20
TUNE_METHODS = (*METHODS, "conditional")
"""Those that give one threshold a genre, and the one that may give two."""


@dataclass(frozen=True)
class TuneJob:
    """What to tune on and how.

    Attributes:
        data: the labelled catalog and the model.
        output: the .onnx file to write.
        method: of `TUNE_METHODS`; what `tag` then uses unless told otherwise.
        force: overwrite an existing output.
    """

    data: EvaluationJob
    output: str
    method: str = "f1"
    force: bool = False

    def __post_init__(self) -> None:
        if self.method not in TUNE_METHODS:
            raise UsageError(f"--method {self.method}: known are {', '.join(TUNE_METHODS)}")


@dataclass(frozen=True)
class TuneResult:
    """What came of it.

    Attributes:
        output: the file written.
        films: how many it was tuned on.
        scores: figures on these very films, at thresholds fitted to them: optimistic.
        points: the operating points by name, each measured on films without a say in it.
        off: the genres that each operating point switches off, where it does.
        given: the genres that have two thresholds, and which other genre each looks at.
    """

    output: str
    films: int
    scores: Scores
    points: dict[str, Measured]
    off: dict[str, tuple[str, ...]]
    given: dict[str, str]


def tune(job: TuneJob, progress: RowProgress = no_row_progress) -> TuneResult:
    """Writes a model with thresholds and operating points found on a labelled catalog.

    Graph, tokenizer and labels stay as they are; figures that belonged to the old thresholds go.

    Args:
        job: what and how.
        progress: is told (films done, films in all).

    Raises:
        UsageError, CatalogError, ModelError: as `evaluate` does; too few films, or the output is
            there; nothing is written then.
    """
    location = job.data.reading.locate(job.data.source)
    if location.is_stdio:
        raise UsageError("stdin cannot be named in the model's provenance: tune on a file")
    if not job.output.endswith(".onnx"):
        raise UsageError(f"{job.output}: a model's name ends with .onnx")
    check_output_file(job.output, force=job.force)
    file = read_model_file(Path(job.data.model) if job.data.model else default_model())
    tagger = GenreTagger(file, job.data.threads)
    films = read_labelled(job.data, location, tagger)
    if len(films.labels) < LEAST_FILMS:
        raise CatalogError(
            f"{location.name}: {len(films.labels)} films are too few to tune on: "
            f"at least {LEAST_FILMS} are needed"
        )
    probabilities = films.predict(tagger, progress)
    found = _found(job.method, probabilities, films.labels, tagger.metadata)
    points = {
        name: measure_point(method, probabilities, films.labels)
        for name, method in OPERATING_POINTS.items()
    }
    thresholds = Decision().row_thresholds(found, probabilities)
    scores = score_predictions(films.labels, probabilities, thresholds, tagger.labels)
    with contextlib.closing(location.open_raw()) as raw:
        digest = hashlib.file_digest(raw, "sha256").hexdigest()  # type: ignore[arg-type]
    tuned = {
        "catalog_sha256": digest,
        "part": job.data.part,
        "films": len(films.labels),
        "method": job.method,
    }
    old = tagger.metadata
    metadata = replace(
        found,
        operating_points={name: as_operating_point(measured) for name, measured in points.items()},
        metrics={"tuned_on": scores.as_dict()}
        | ({"export": old.metrics["export"]} if "export" in old.metrics else {}),
        provenance={**old.provenance, "tuned": tuned},
    )
    model = onnx.load_model_from_string(file.content)
    write_metadata(model, metadata)
    try:
        with replacing(job.output) as stream:
            stream.write(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise CatalogError(f"cannot write {job.output}: {error.strerror or error}") from error
    return TuneResult(
        output=job.output,
        films=len(films.labels),
        scores=scores,
        points=points,
        off={
            name: _off(measured.thresholds, tagger.labels)
            for name, measured in points.items()
            if np.isinf(measured.thresholds).any()
        },
        given={label: one.given for label, one in found.conditional_thresholds.items()},
    )


def _found(
    method: str,
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    old: ModelMetadata,
) -> ModelMetadata:
    """The metadata with the thresholds that a method finds, and none of the old ones."""
    if method in METHODS:
        plain = METHODS[method](probabilities, labels)
        return replace(old, thresholds=tuple(plain.tolist()), conditional_thresholds={})
    pairs = conditional(probabilities, labels)
    looking = np.flatnonzero(pairs.given != np.arange(len(old.labels))).tolist()
    return replace(
        old,
        thresholds=tuple(pairs.base.tolist()),
        conditional_thresholds={
            old.labels[at]: ConditionalThreshold(
                old.labels[pairs.given[at]], *_or_none(pairs.thresholds[:, at])
            )
            for at in looking
        },
    )


def _off(thresholds: npt.NDArray[np.float64], labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        label for label, one in zip(labels, thresholds.tolist(), strict=True) if np.isinf(one)
    )


def _or_none(thresholds: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    """Thresholds as a model carries them: None for one that nothing passes."""
    return tuple(None if np.isinf(one) else one for one in thresholds.tolist())


def as_operating_point(measured: Measured) -> OperatingPoint:
    """A measured set of thresholds as a model carries it."""
    return OperatingPoint(
        thresholds=_or_none(measured.thresholds),
        precision=round(measured.precision, 4),
        recall=round(measured.recall, 4),
    )
