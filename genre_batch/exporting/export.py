"""Run folder -> one ONNX file: exported, made int8, checked, its thresholds tuned again."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from optimum.exporters.onnx import export as optimum_export
from optimum.exporters.onnx.model_configs import DistilBertOnnxConfig
from transformers import DistilBertForSequenceClassification

from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset, variants
from genre_batch.errors import TrainingError
from genre_batch.evaluation.metrics import macro_f1, score_predictions
from genre_batch.evaluation.operating_point import as_operating_point
from genre_batch.exporting.graph.attention import fuse_attention
from genre_batch.exporting.graph.quantize_embeddings import quantize_embeddings
from genre_batch.exporting.graph.quantize_matmul import calibrate, quantize_matmuls
from genre_batch.exporting.graph.smooth_outliers import (
    activation_ranges,
    cap_outliers,
    of_normalized,
)
from genre_batch.files import check_output_file, replacing
from genre_batch.model.batching import load_tokenizer, tokenize
from genre_batch.model.metadata import (
    ModelMetadata,
    read_model_file,
    write_metadata,
)
from genre_batch.model.tagger import GenreTagger
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.methods import METHODS, find_thresholds
from genre_batch.thresholds.operating_points import OPERATING_POINTS, measure_point
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.run_folder import RunFolder
from genre_batch.version import versions

__all__ = ["PRECISIONS", "ExportJob", "ExportResult", "export_graph", "export_onnx"]

PRECISIONS = ("int8", "fp32")
OPSET = 17
CALIBRATION_TEXTS = 200
LOSS_DRAWS = 20
"""Halvings of the development part over which the loss is averaged; its standard error is then a
twentieth of a point on 2,000 films."""


@dataclass(frozen=True)
class ExportJob:
    """What to export and how.

    Attributes:
        run: a finished run's folder.
        output: the .onnx file to write.
        precision: `int8` (weights and embeddings 8-bit, the head float) or `fp32`.
        max_loss: the most macro-F1 it may lose against the checkpoint on the development part,
            with the same cross-fitted thresholds, in points (hundredths).
        force: overwrite an existing output.
    """

    run: Path
    output: Path
    precision: str = "int8"
    max_loss: float = 0.5
    force: bool = False


@dataclass(frozen=True)
class ExportResult:
    """What came of it.

    Attributes:
        output: the file written.
        size: its bytes.
        loss_points: macro-F1 lost on development against the checkpoint, same cross-fitted
            thresholds, in points; negative where the export is better.
        metrics: as in the file: part -> variant of the text -> figures, and `export` (the losses).
    """

    output: Path
    size: int
    loss_points: float
    metrics: dict[str, Any]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps tracing warnings and quantisation advice, which tell the user nothing, off stderr."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.root.setLevel(level)


def export_graph(model: DistilBertForSequenceClassification, path: Path) -> None:
    """Writes the float32 graph as optimum makes it: input_ids, attention_mask -> logits.

    `main_export` on a folder would load the stock class, which pools the first token; exporting
    the model in memory keeps its own pooling.
    """
    config = DistilBertOnnxConfig(model.config, task="text-classification")
    with _quiet():
        optimum_export(model, config, path, opset=OPSET)


def _rewrite(graph: Path, heads: int) -> None:
    """The rewrites that both precisions get."""
    onnx.save(fuse_attention(onnx.load(graph), heads), graph)


def _to_int8(graph: Path, texts: list[npt.NDArray[np.int64]]) -> None:
    """Makes weights, their products' inputs and the embeddings 8-bit.

    The head, a thousandth of the work, stays in float.

    Args:
        graph: the float model's file, rewritten in place.
        texts: token ids of some training texts, on which the products' inputs are measured.
    """
    model = onnx.load(graph)
    cap_outliers(model, of_normalized(model, activation_ranges(model, texts)))
    quantize_matmuls(model, calibrate(model, texts))
    onnx.save(quantize_embeddings(model), graph)


def _write_model(graph: Path, metadata: ModelMetadata, target: Path) -> None:
    model = onnx.load(graph)
    write_metadata(model, metadata)
    onnx.checker.check_model(model)
    with replacing(target) as file:
        file.write(model.SerializeToString(deterministic=True))


def export_onnx(job: ExportJob, progress: StepProgress = no_step_progress) -> ExportResult:
    """Runs a job; its output is written whole or not at all.

    Raises:
        UsageError: the output is a folder, or its folder does not exist.
        OutputExistsError: the output exists and `force` is not set.
        TrainingError: the run is not finished, or the export lost too much.
    """
    check_output_file(job.output, force=job.force)
    folder = RunFolder(job.run)
    dataset = read_dataset(folder.splits)
    folder.read_json(folder.metrics)
    tuned = folder.read_json(folder.thresholds)
    trained = folder.read_json(folder.provenance)
    model, tokenizer = load_checkpoint(folder.path)
    if not isinstance(model, DistilBertForSequenceClassification):
        raise TrainingError(
            f"{folder.path} is a {model.config.model_type}, and only a DistilBERT can be exported: "
            f"let one learn from it (genre-batch train ... --teacher {folder.path})"
        )
    checkpoint_thresholds = np.array([tuned["thresholds"][name] for name in dataset.names])
    training = dataset.part("train")
    if folder.extra.exists():
        training = concatenate(training, read_dataset(folder.extra))
    metadata = ModelMetadata(
        labels=tuple(dataset.names),
        thresholds=tuple(checkpoint_thresholds.tolist()),
        operating_points={},
        tokenizer=tokenizer.backend_tokenizer.to_str(),
        max_length=trained["options"]["max_length"],
        text_template=dataset.template,
        training_text_keys=np.unique(training.keys),
        metrics={},
        provenance=_provenance(trained, job.precision),
    )
    with tempfile.TemporaryDirectory(
        dir=job.output.parent, prefix=f".{job.output.name}."
    ) as temporary:
        graph, draft = Path(temporary, "graph.onnx"), Path(temporary, "draft.onnx")
        progress(0, 0, "exporting the graph")
        export_graph(model, graph)
        _rewrite(graph, model.config.n_heads)
        if job.precision == "int8":
            _to_int8(graph, _calibration(metadata, training))
        _write_model(graph, metadata, draft)
        tagger = GenreTagger(read_model_file(draft))
        progress(0, 0, "checking it against the checkpoint")
        checked = _Checked.measure(model, tokenizer, metadata, tagger, dataset)
        loss = checked.cross_fitted_loss(tuned["method"])
        if loss > job.max_loss:
            raise TrainingError(
                f"the {job.precision} model loses {loss:.2f} points of macro-F1 on the development "
                f"part, more than --max-loss {job.max_loss:g}: nothing written; "
                f"raise it, or export with --precision fp32"
            )
        progress(0, 0, "measuring")
        metadata = _tuned(metadata, tagger, dataset, checked, tuned["method"])
        export = {
            "precision": job.precision,
            "macro_f1_loss_points_cross_fitted": round(loss, 3),
            "macro_f1_loss_points_development": round(
                checked.loss(checkpoint_thresholds, "dev"), 3
            ),
            "macro_f1_loss_points_development_and_test": round(
                checked.loss(checkpoint_thresholds, "dev", "test"), 3
            ),
            "mean_probability_difference": round(checked.difference, 6),
        }
        metadata = replace(metadata, metrics={**metadata.metrics, "export": export})
        _write_model(graph, metadata, job.output)
        size = job.output.stat().st_size
    return ExportResult(job.output, size, loss, dict(metadata.metrics))


def _calibration(metadata: ModelMetadata, training: Dataset) -> list[npt.NDArray[np.int64]]:
    """Token ids of `CALIBRATION_TEXTS` training texts, spread evenly over the part."""
    step = max(1, len(training) // CALIBRATION_TEXTS)
    tokenizer = load_tokenizer(metadata.tokenizer, metadata.max_length, "the checkpoint")
    return tokenize(tokenizer, training.texts[::step][:CALIBRATION_TEXTS])


@dataclass(frozen=True)
class _Checked:
    """The held-out films' probabilities by the checkpoint and by its export."""

    dataset: Dataset
    before: npt.NDArray[np.float32]
    after: npt.NDArray[np.float32]

    @classmethod
    def measure(
        cls,
        model: DistilBertForSequenceClassification,
        tokenizer: Any,
        metadata: ModelMetadata,
        tagger: GenreTagger,
        dataset: Dataset,
    ) -> _Checked:
        held_out = dataset.part("dev", "test")
        return cls(
            held_out,
            predict(model, tokenizer, held_out.texts, metadata.max_length),
            tagger.predict_proba(held_out.texts),
        )

    def cross_fitted_loss(self, method: str) -> float:
        """Points of macro-F1 that the export loses on development, thresholds from other films.

        The checkpoint's own thresholds, fitted to its probabilities of these very films, would
        charge an export with every film that any rounding moves across one of them: measured that
        way, a model that is no worse on other films loses nearly a point.
        """
        rows = np.isin(self.dataset.parts, "dev")
        truth, before, after = self.dataset.labels[rows], self.before[rows], self.after[rows]
        losses = []
        for seed in range(LOSS_DRAWS):
            thresholds = cross_fitted(METHODS[method], before, truth, seed)
            losses.append(
                macro_f1(truth, before >= thresholds) - macro_f1(truth, after >= thresholds)
            )
        return 100 * float(np.mean(losses))

    def loss(self, thresholds: npt.NDArray[np.float64], *parts: str) -> float:
        """Points of macro-F1 that the export loses on these parts, at the same thresholds."""
        rows = np.isin(self.dataset.parts, parts)
        truth = self.dataset.labels[rows]
        before = macro_f1(truth, self.before[rows] >= thresholds)
        return 100 * (before - macro_f1(truth, self.after[rows] >= thresholds))

    @property
    def difference(self) -> float:
        """Mean absolute difference of probabilities."""
        return float(np.abs(self.before - self.after).mean())

    def exported(self, part: str) -> npt.NDArray[np.float32]:
        """The export's probabilities of one part."""
        return self.after[np.isin(self.dataset.parts, part)]


def _tuned(
    metadata: ModelMetadata, tagger: GenreTagger, dataset: Dataset, checked: _Checked, method: str
) -> ModelMetadata:
    """The metadata with thresholds tuned on the export's own probabilities, and its figures."""
    development = dataset.part("dev")
    tuned_on = checked.exported("dev")
    thresholds = find_thresholds(method, tuned_on, development.labels)
    metrics: dict[str, Any] = {}
    for part in ("dev", "test"):
        films = dataset.part(part)
        for number, (variant, texts) in enumerate(variants(films).items()):
            # The first variant is what the check already ran.
            probabilities = checked.exported(part) if number == 0 else tagger.predict_proba(texts)
            scores = score_predictions(films.labels, probabilities, thresholds, films.names)
            metrics.setdefault(part, {})[variant] = scores.as_dict()
    points = {
        name: as_operating_point(measure_point(find, tuned_on, development.labels))
        for name, find in OPERATING_POINTS.items()
    }
    return replace(
        metadata,
        thresholds=tuple(thresholds.tolist()),
        operating_points=points,
        metrics=metrics,
    )


def _provenance(trained: dict[str, Any], precision: str) -> dict[str, Any]:
    """The run's, with the export's versions and date (`SOURCE_DATE_EPOCH`, if that is set)."""
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    moment = (
        datetime.datetime.fromtimestamp(int(stamp), datetime.UTC)
        if stamp
        else datetime.datetime.now(datetime.UTC)
    )
    return {
        **trained,
        "precision": precision,
        "export_versions": versions(),
        "date": moment.date().isoformat(),
    }
