"""`train`: a labelled catalog -> a run folder with a fine-tuned model, thresholds and figures."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset, variants
from genre_batch.dataset.load import load_dataset, load_extra
from genre_batch.errors import TrainingError, UsageError
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.files import check_output_folder, rename_into_place
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.report.page import write_report
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.distillation.embedding_distillation import (
    EmbeddingTeacher,
    distill_embeddings,
)
from genre_batch.training.distillation.sentence_mixing import recombined
from genre_batch.training.distillation.teachers import Targets, check_teacher, teacher_predictions
from genre_batch.training.encoder.base_model import Classifier, load_base_model, load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.linear_probe import fit_linear_probe
from genre_batch.training.loop.trainer import fine_tune, has_checkpoint
from genre_batch.training.options import FineTuneOptions
from genre_batch.training.run_folder import RunFolder
from genre_batch.training.run_report import run_report
from genre_batch.version import versions

__all__ = ["TrainJob", "TrainResult", "train"]

_ARCHITECTURES = {"distilbert": "DistilBERT", "mpnet": "MPNet", "bert": "BERT"}


@dataclass(frozen=True)
class TrainJob:
    """What to train, on what.

    Attributes:
        catalog: the labelled catalog.
        folder: the run's folder, new or empty.
        base_model: a hub id, a local folder, or `minilm`.
        recipe: the name of the recipe that `options` started from, for the record.
        options: how to fine-tune.
        columns: where texts, titles and genres are.
        reading: how to read the catalog; other files are read with the defaults.
        with_title: whether the model reads titles too.
        protocol: `clean` or `paper` (dataset/labelled.py).
        split: a split file to use instead of drawing one.
        extra_train: further films for the training part.
        teachers: finished runs to learn from besides the labels.
        align_to: a hub id, a local folder, or `minilm`: an encoder whose vectors the base model
            learns to give before it learns genres; None: it starts as it is.
        thresholds: the method, of `thresholds.METHODS`.
        resume: go on from the last checkpoint in `folder`.
    """

    catalog: Location
    folder: Path
    base_model: str = "distilbert-base-uncased"
    recipe: str = "default"
    options: FineTuneOptions = field(default_factory=FineTuneOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    with_title: bool = False
    protocol: str = "clean"
    split: Location | None = None
    extra_train: Location | None = None
    teachers: tuple[Path, ...] = ()
    align_to: str | None = None
    thresholds: str = "f1"
    resume: bool = False


@dataclass(frozen=True)
class TrainResult:
    """What came of it.

    Attributes:
        folder: the run's.
        films: how many films each part has, the extra ones in `train`.
        dropped: rows left out because they had no text or no genre.
        metrics: as in metrics.json: part -> variant of the text -> figures.
        seconds: the time of fine-tuning, over all its epochs.
        exportable: whether it is a DistilBERT; others can be teachers.
        page: the report.html.
    """

    folder: Path
    films: dict[str, int]
    dropped: int
    metrics: dict[str, Any]
    seconds: float
    exportable: bool
    page: Path


def train(job: TrainJob, progress: StepProgress = no_step_progress) -> TrainResult:
    """Runs a job and leaves its folder complete.

    Raises:
        TrainingError, ColumnError, UsageError: as reading, splitting and loading raise them;
            nothing was written then. Also when the folder is taken, or cannot be resumed.
    """
    folder = RunFolder(job.folder)
    check_output_folder(folder.path, error=TrainingError)
    begun = folder.provenance.exists()
    if folder.path.is_dir() and any(folder.path.iterdir()):
        if not job.resume:
            raise TrainingError(
                f"{folder.path} is not empty: add --resume to go on with the run in it, "
                f"or choose another -o"
            )
        if not begun:
            raise TrainingError(f"{folder.path} holds no run to go on with: choose another -o")
    if job.options.recombined and not job.teachers:
        raise UsageError(
            "--recombined needs a --teacher: nobody else knows the genres of texts put together"
        )
    dataset = load_dataset(
        job.catalog,
        job.columns,
        with_title=job.with_title,
        reading=job.reading,
        protocol=job.protocol,
        split_file=job.split,
        seed=job.options.seed,
    )
    extra = load_extra(job.extra_train, dataset) if job.extra_train else None
    training, development = dataset.part("train"), dataset.part("dev")
    if extra is not None:
        training = concatenate(training, extra)
    taught_by = [check_teacher(teacher, dataset) for teacher in job.teachers]
    model, tokenizer = load_base_model(
        job.base_model,
        dataset.names,
        job.options.pooling,
        job.options.seed,
        job.options.attention_dropout,
        job.options.layers,
        job.options.ffn_width,
    )
    positions = model.config.max_position_embeddings
    if job.options.max_length > positions:
        raise TrainingError(
            f"the base model {job.base_model!r} reads {positions} tokens at most, not "
            f"{job.options.max_length}: add --max-length {positions}"
        )
    if job.options.freeze_layers >= model.config.num_hidden_layers:
        has = "has" if job.options.layers is None else "keeps"
        raise TrainingError(
            f"the base model {job.base_model!r} {has} {model.config.num_hidden_layers} layers: "
            f"--freeze-layers has to leave some of them"
        )
    if job.options.masking and tokenizer.mask_token_id is None:
        raise TrainingError(
            f"the base model {job.base_model!r} has no mask token: train without --masking"
        )
    aligner = EmbeddingTeacher.load(job.align_to, job.options.max_length) if job.align_to else None
    provenance = _provenance(job, dataset, extra, model.config)
    provenance["teachers"] = taught_by
    if begun:
        _check_same_run(folder, provenance, dataset)
    folder.path.mkdir(parents=True, exist_ok=True)
    if not folder.weights.exists():
        dataset.write(folder.splits)
        if extra is not None:
            extra.write(folder.extra)
        folder.readme.write_text(_readme(job, model), encoding="utf-8")
        folder.write_json(folder.provenance, provenance)
        fresh = not (job.resume and has_checkpoint(folder.path, job.options))
        if aligner is not None and fresh:
            distill_embeddings(
                model, tokenizer, aligner, training, development, job.options, folder, progress
            )
        aligner = None  # its memory is wanted for training
        if isinstance(model, PooledClassifier) and fresh:
            fit_linear_probe(
                model,
                tokenizer,
                training,
                job.options.max_length,
                lambda done: progress(done, len(training), "starting the head"),
            )
        lesson, targets = _training_targets(job, training, progress)
        fine_tune(
            model,
            tokenizer,
            lesson,
            development,
            job.options,
            folder.path,
            targets=targets,
            labelled=len(training),
            resume=job.resume,
            progress=progress,
        )
        _save(model, tokenizer, folder)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    if not folder.is_finished:
        progress(0, 0, "measuring")
        folder.write_json(folder.metrics, _measure(job, dataset, folder))
    if not folder.report.exists():
        progress(0, 0, "writing the report")
        write_report(run_report(folder, dataset, training), folder.report)
    metrics = folder.read_json(folder.metrics)
    log = folder.log.read_text(encoding="utf-8").splitlines()
    seconds = sum(json.loads(line)["seconds"] for line in log)
    counts = {part: len(dataset.part(part)) for part in ("train", "dev", "test")}
    counts["train"] = len(training)
    exportable = not isinstance(model, PooledClassifier)
    return TrainResult(
        folder.path, counts, dataset.dropped, metrics, seconds, exportable, folder.report
    )


def _training_targets(
    job: TrainJob, training: Dataset, progress: StepProgress
) -> tuple[Dataset, Targets | None]:
    """The films and texts to learn, and what the teachers make of them."""
    if not job.teachers:
        return training, None
    targets = teacher_predictions(job.teachers, training, progress)
    count = round(job.options.recombined * len(training))
    if not count:
        return training, targets
    made = recombined(training, count, 1 - job.options.title_dropout, job.options.seed)
    also = teacher_predictions(job.teachers, made, progress)
    return concatenate(training, made), np.concatenate([targets, also], axis=1)


def _name(encoder: str) -> str:
    """Of a folder its name alone: where it lay is nobody else's business."""
    return os.path.basename(os.path.abspath(encoder)) if os.path.isdir(encoder) else encoder


def _provenance(
    job: TrainJob, dataset: Dataset, extra: Dataset | None, config: Any
) -> dict[str, Any]:
    data = [{"file": Path(job.catalog.path).name, "sha256": dataset.sha256, "films": len(dataset)}]
    if extra is not None and job.extra_train is not None:
        data.append(
            {
                "file": Path(job.extra_train.path).name,
                "sha256": extra.sha256,
                "films": len(extra),
            }
        )
    return {
        "base_model": _name(job.base_model),
        "aligned_to": _name(job.align_to) if job.align_to else None,
        "architecture": _ARCHITECTURES.get(config.model_type, config.model_type),
        "shape": [
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            getattr(config, "hidden_dim", None) or config.intermediate_size,
        ],
        "recipe": job.recipe,
        "options": asdict(job.options),
        "with_title": job.with_title,
        "protocol": job.protocol,
        "split": Path(job.split.path).name if job.split else f"drawn, seed {job.options.seed}",
        "thresholds": job.thresholds,
        "seed": job.options.seed,
        "data": data,
        "versions": versions(),
    }


def _check_same_run(folder: RunFolder, provenance: dict[str, Any], dataset: Dataset) -> None:
    before = folder.read_json(folder.provenance)
    # A run begun before an option was there had what is now its default.
    before["options"] = asdict(FineTuneOptions()) | before.get("options", {})
    for key, value in provenance.items():
        if before.get(key) != value and key != "versions":
            raise TrainingError(
                f"{folder.path} was begun with another {key}: {before.get(key)!r}, now {value!r}: "
                f"type the same command, or choose another -o"
            )
    held = read_dataset(folder.splits)
    if (held.texts, held.parts, held.names) != (dataset.texts, dataset.parts, dataset.names) or (
        not np.array_equal(held.labels, dataset.labels)
    ):
        raise TrainingError(
            f"{folder.path} was begun with other columns or another split: "
            f"type the same command, or choose another -o"
        )


def _save(model: Any, tokenizer: Any, folder: RunFolder) -> None:
    """Puts the transformers checkpoint into the folder, its weights last and whole."""
    partial = folder.path / "partial"
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    weights = partial / folder.weights.name
    for file in [*(file for file in partial.iterdir() if file != weights), weights]:
        rename_into_place(file, folder.path / file.name)
    partial.rmdir()


def _measure(job: TrainJob, dataset: Dataset, folder: RunFolder) -> dict[str, Any]:
    """Tunes thresholds on development, writes them, and scores both held-out parts.

    The model is the one on disk, in float32: the one in memory still computes as it trained. One
    that can only teach is measured as it teaches, in bfloat16 where that is faster.
    """
    model, tokenizer = load_checkpoint(folder.path)
    length = job.options.max_length
    fast = isinstance(model, PooledClassifier)
    held_out = {part: dataset.part(part) for part in ("dev", "test")}
    development = held_out["dev"]
    metrics: dict[str, Any] = {}
    thresholds = np.empty(0)
    for part, films in held_out.items():
        for variant, texts in variants(films).items():
            probabilities = predict(model, tokenizer, texts, length, fast=fast)
            if not thresholds.size:
                thresholds = find_thresholds(job.thresholds, probabilities, development.labels)
            scores = score_predictions(films.labels, probabilities, thresholds, films.names)
            metrics.setdefault(part, {})[variant] = scores.as_dict()
    folder.write_json(
        folder.thresholds,
        {
            "method": job.thresholds,
            "part": "dev",
            "thresholds": dict(zip(dataset.names, thresholds.tolist(), strict=True)),
        },
    )
    return metrics


def _readme(job: TrainJob, model: Classifier) -> str:
    load = "`genre_batch.training.encoder.base_model.load_checkpoint`"
    if isinstance(model, PooledClassifier):
        kind = model.config.model_type
        how = (
            f"Its head is one linear layer on the pooled token vectors (`pooling: "
            f"{job.options.pooling}` in config.json): load it with {load}. It cannot be exported, "
            f"but a DistilBERT can learn from it."
        )
        then = f"Let one learn from it: `genre-batch train ... --teacher {job.folder}`"
    else:
        kind = "DistilBERT"
        how = (
            "Its head reads the mean of the token vectors (`pooling: mean` in config.json). The "
            "stock class `DistilBertForSequenceClassification` loads these weights too, but feeds "
            "the head the first token's vector, for which it was not trained: its predictions are "
            f"wrong. Load it with {load}, or export it."
            if job.options.pooling == "mean"
            else "It is a stock `DistilBertForSequenceClassification`."
        )
        then = f"Make a model file of it: `genre-batch export-onnx {job.folder} -o model.onnx`"
    return f"""# A genre-batch run

A {kind} fine-tuned from `{job.base_model}` on {Path(job.catalog.path).name} ({job.protocol}
protocol). {how}

| file | what |
|---|---|
| config.json, model.safetensors, tokenizer files | the transformers checkpoint |
| splits.parquet | the films: row, group, part, text, labels, text_without_title |
| extra_train.parquet | the films of --extra-train, if any |
| thresholds.json | one threshold a genre, tuned on the part dev |
| metrics.json | figures on dev (thresholds tuned there: optimistic) and test |
| training_log.jsonl | one line an epoch |
| alignment_log.jsonl | one line an epoch of --align-to, if it was given |
| report.html | figures, curves, films and options on one page |
| provenance.json | options, data hashes, versions |

{then}
"""
