"""`export_onnx`: run folder -> one ONNX file, checked against the checkpoint, thresholds tuned."""

from __future__ import annotations

import datetime
import os
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import DistilBertForSequenceClassification, PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.exporting.draft import export_graph, quantize, rewrite, write_model
from genre_batch.exporting.held_out import HeldOut, Loss, tune_thresholds
from genre_batch.exporting.workspace import working_folder
from genre_batch.failures import failures_as
from genre_batch.files import rename_into_place
from genre_batch.model.batching import load_tokenizer, tokenize
from genre_batch.model.language import main_language
from genre_batch.model.metadata import ModelMetadata, read_model_file
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text_keys import TEXT_KEY_VERSION
from genre_batch.options import FLAG, STRING, Checked, StrPath, check_job, number, one_of
from genre_batch.path_checks import check_model_name, check_output_file, check_separate_files
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.runs.disk_space import check_free
from genre_batch.runs.films import training_films, training_keys
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.version import versions

__all__ = ["PRECISIONS", "ExportJob", "ExportResult", "export_onnx"]

PRECISIONS = ("int8", "fp32")
CALIBRATION_TEXTS = 200


@dataclass(frozen=True)
class ExportJob(Checked):
    """What to export, and how.

    Attributes:
        run: the folder of a finished training run.
        output: the .onnx file to write.
        precision: `int8` (8-bit weights and embeddings, the head in float) or `fp32`.
        max_loss: the most macro-F1, in points (hundredths), that the export may lose against the
            checkpoint on the development part, at the same cross-fitted thresholds.
        force: overwrite an existing output.

    Raises:
        UsageError: an unknown precision, or a loss that is not a number from -100 to 100.
    """

    run: StrPath = field(metadata=STRING)
    output: StrPath = field(metadata=STRING)
    precision: str = field(default="int8", metadata=one_of(*PRECISIONS))
    max_loss: float = field(default=0.5, metadata=number(-100, 100))
    force: bool = field(default=False, metadata=FLAG)


@dataclass(frozen=True)
class ExportResult:
    """What an export wrote, and how good it is.

    Attributes:
        output: the file written.
        size: its size in bytes.
        loss_points: macro-F1 lost against the checkpoint on the development part, at the same
            cross-fitted thresholds, in points; negative if the export is better.
        metrics: as in the file: part -> variant of the text -> scores, and `export` (the losses).
        row_name: what the model calls a row, in the plural.
        loss_interval: (low, high) of `loss_points`, 95 %.
    """

    output: Path
    size: int
    loss_points: float
    metrics: dict[str, Any]
    row_name: str = "films"
    loss_interval: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class _Run:
    """A finished run.

    Attributes:
        model, tokenizer: the checkpoint.
        dataset: its films, in their parts.
        training: the films that it was trained on, extra ones included.
        keys: the text keys of those, and of the films of runs that it started from.
        method: how its thresholds were found, of `METHODS`.
        thresholds: (genres,) float64.
        provenance: how it was trained.
    """

    model: DistilBertForSequenceClassification
    tokenizer: PreTrainedTokenizerFast
    dataset: Dataset
    training: Dataset
    keys: npt.NDArray[np.uint64]
    method: str
    thresholds: npt.NDArray[np.float64]
    provenance: dict[str, Any]


def export_onnx(job: ExportJob, progress: StepProgress = no_step_progress) -> ExportResult:
    """Export a training run as one ONNX file, written completely or not at all.

    Args:
        job: what to export, and how.
        progress: called at each stage.

    Raises:
        UsageError: the output is a folder or not named .onnx, or its folder does not exist.
        OutputExistsError: the output exists and `job.force` is false.
        TrainingError: the run is not finished or not of a DistilBERT, or the export loses too much.
    """
    check_job("export_onnx", job, ExportJob)
    check_output_file(job.output, force=job.force)
    run_files = [path for path in Path(job.run).rglob("*") if path.suffix != ".onnx"]
    check_separate_files([("`output`", job.output)], run_files)
    check_model_name(job.output)
    folder = os.path.dirname(os.path.realpath(job.output))
    with failures_as(TrainingError, os.fspath(job.run)):
        run = _read_run(Path(job.run))
    size = sum(parameter.nbytes for parameter in run.model.parameters())
    needed = size if job.precision == "int8" else 2 * size  # the graph, and the model file
    check_free(folder, needed, "the export", "choose another `output`")
    metadata = _metadata(run, job.precision)
    with failures_as(TrainingError, folder), working_folder(job.output) as temporary:
        graph, draft = temporary / "graph.onnx", temporary / "draft.onnx"
        progress(0, 0, "exporting the graph")
        export_graph(run.model, graph)
        rewrite(graph, run.model.config.n_heads)
        if job.precision == "int8":
            quantize(graph, _calibration_texts(metadata, run.training))
        write_model(graph, metadata, draft)
        tagger = GenreTagger(read_model_file(draft))
        progress(0, 0, "checking it against the checkpoint")
        held_out = HeldOut.measure(run.model, run.tokenizer, tagger, run.dataset)
        loss = held_out.cross_fitted_loss(run.method)
        _check_loss(job, loss, len(run.dataset.part("dev")))
        progress(0, 0, "tuning the thresholds")
        tuned = tune_thresholds(tagger, held_out, run.method)
        metrics = {**tuned.metrics, "export": _losses(job.precision, loss, held_out, run)}
        write_model(graph, replace(tuned, metrics=metrics), draft)
        size = draft.stat().st_size
        rename_into_place(draft, job.output)
    return ExportResult(
        Path(job.output), size, loss.points, metrics, metadata.row_name, loss.interval
    )


def _read_run(path: Path) -> _Run:
    folder = RunFolder(path)
    folder.check_finished()
    dataset = read_dataset(folder.splits)
    method, thresholds = folder.read_thresholds(dataset.names)
    provenance = folder.read_json(folder.provenance)
    model, tokenizer = load_checkpoint(folder.path)
    if not isinstance(model, DistilBertForSequenceClassification):
        raise TrainingError(
            f"{folder.path} is a {model.config.model_type}, and only a DistilBERT can be exported: "
            f"train one with it as the teacher (genre-batch train ... --teacher {folder.path})"
        )
    training, keys = training_films(folder), training_keys(folder, TEXT_KEY_VERSION)
    return _Run(model, tokenizer, dataset, training, keys, method, thresholds, provenance)


def _metadata(run: _Run, precision: str) -> ModelMetadata:
    """Return the metadata before tuning, with the checkpoint's thresholds and no metrics."""
    return ModelMetadata(
        labels=tuple(run.dataset.names),
        thresholds=tuple(run.thresholds.tolist()),
        operating_points={},
        tokenizer=run.tokenizer.backend_tokenizer.to_str(),
        max_length=run.provenance["options"]["max_length"],
        text_template=run.dataset.template,
        training_text_keys=run.keys,
        columns=run.dataset.used_columns,
        row_name=run.provenance.get("row_name", "films"),
        language=main_language(run.training.bare_texts),
        metrics={},
        provenance=_provenance(run.provenance, precision),
    )


def _provenance(trained: dict[str, Any], precision: str) -> dict[str, Any]:
    """Return the run's provenance with the export's versions and date.

    The date is `SOURCE_DATE_EPOCH` where that is set, so that an export can be reproduced.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = (
        datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        if epoch
        else datetime.datetime.now(datetime.UTC)
    )
    return {
        **trained,
        "precision": precision,
        "export_versions": versions(),
        "date": now.date().isoformat(),
    }


def _calibration_texts(metadata: ModelMetadata, training: Dataset) -> list[npt.NDArray[np.int64]]:
    """Return the token ids of `CALIBRATION_TEXTS` training texts, evenly spread over the part."""
    step = max(1, len(training) // CALIBRATION_TEXTS)
    tokenizer = load_tokenizer(metadata.tokenizer, metadata.max_length, "the checkpoint")
    return tokenize(tokenizer, training.texts[::step][:CALIBRATION_TEXTS])


def _check_loss(job: ExportJob, loss: Loss, films: int) -> None:
    """Refuse a loss that is too large, unless it may well be chance on so few films.

    Raises:
        TrainingError: the loss exceeds `max_loss`, and its interval excludes a model without loss.
    """
    if loss.points <= job.max_loss:
        return
    low, high = loss.interval
    lost = (
        f"the {job.precision} model loses {loss.points:.2f} points of macro-F1 (95 % interval "
        f"{low:.2f} to {high:.2f}) on the {films:,} films of the development part, more than "
        f"`max_loss` ({job.max_loss:g})"
    )
    if low > min(job.max_loss, 0.0):
        raise TrainingError(
            f"{lost}: nothing was written: raise `max_loss`, or set `precision` to fp32"
        )
    warnings.warn(
        f"{lost}, but that may be chance on so few films: evaluate both precisions on more",
        GenreBatchWarning,
        stacklevel=3,
    )


def _losses(precision: str, loss: Loss, held_out: HeldOut, run: _Run) -> dict[str, Any]:
    """Return the file's `export` metrics: what the export loses against the checkpoint."""
    development = held_out.loss(run.thresholds, "dev")
    development_and_test = held_out.loss(run.thresholds, "dev", "test")
    return {
        "precision": precision,
        "macro_f1_loss_points_cross_fitted": round(loss.points, 3),
        "macro_f1_loss_points_interval": [round(end, 3) for end in loss.interval],
        "macro_f1_loss_points_development": round(development, 3),
        "macro_f1_loss_points_development_and_test": round(development_and_test, 3),
        "mean_probability_difference": round(held_out.difference, 6),
    }
