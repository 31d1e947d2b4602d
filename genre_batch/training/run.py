"""`train`: from a labeled catalog to a run folder with a fine-tuned model and its metrics."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset, concatenate, variants
from genre_batch.dataset.extra import ExtraFilms, load_extras, training_films
from genre_batch.dataset.load import ReadingOptions, load_dataset
from genre_batch.dataset.sentence_mixing import mix_sentences
from genre_batch.dataset.wordings import Wordings
from genre_batch.errors import UsageError
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.files import rename_into_place, write_json, write_text
from genre_batch.options import StrPath, check_job, flat_values
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.report.page import write_report
from genre_batch.runs.folder import RunFolder, Stage
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.distillation.embedding_distillation import (
    EmbeddingTeacher,
    distill_embeddings,
)
from genre_batch.training.distillation.teachers import (
    Targets,
    Teacher,
    load_teacher,
    teacher_predictions,
)
from genre_batch.training.encoder.base_model import (
    Classifier,
    check_base_model,
    load_base_model,
    load_checkpoint,
)
from genre_batch.training.encoder.inference import predict
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.trainer import fine_tune, resume_point
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.recipe import recipe_text
from genre_batch.training.run_report import run_readme, run_report
from genre_batch.version import versions

__all__ = ["TrainJob", "TrainResult", "predict_test_part", "train"]

_ARCHITECTURES = {"distilbert": "DistilBERT", "mpnet": "MPNet", "bert": "BERT"}


@dataclass(frozen=True)
class TrainResult:
    """The result of a run.

    Attributes:
        folder: the run's folder.
        films: number of films in each part, those of `extra_train` in `train`.
        dropped: number of rows left out because they have no text or no genre.
        extras: per file of `extra_train`, what was taken of it and what was left out.
        metrics: as in metrics.json: part -> variant of the text -> metrics.
        seconds: time of fine-tuning, over all epochs.
        exportable: whether the model is a DistilBERT; other models can be teachers.
        page: the report.html.
    """

    folder: Path
    films: dict[str, int]
    dropped: int
    extras: tuple[ExtraFilms, ...]
    metrics: dict[str, Any]
    seconds: float
    exportable: bool
    page: Path


def train(job: TrainJob, progress: StepProgress = no_step_progress) -> TrainResult:
    """Run a job, or continue it from the stage that its folder has reached.

    Args:
        job: what to train, on what.
        progress: called after every step.

    Raises:
        TrainingError, CatalogError, UsageError: the folder cannot be used or resumed, or the
            catalog, the base model or a teacher cannot be used; nothing is written then.
    """
    check_job("train", job, TrainJob)
    folder = RunFolder(Path(job.folder))
    folder.check_usable(resume=job.resume)
    stage = folder.stage
    run, aligner = _prepare(job)
    if stage >= Stage.BEGUN:
        folder.check_same_run(run.provenance, run.dataset, flat_values(TrainingOptions()))
    if stage < Stage.TRAINED:
        _begin(run, folder)
        if aligner is not None:
            _align(run, aligner, folder, progress)
        aligner = None  # free its memory
        _fit(run, folder, progress)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    predictions = None
    if stage < Stage.MEASURED:
        progress(0, 0, "measuring")
        predictions = _measure(run, folder)
    if stage < Stage.DONE:
        progress(0, 0, "writing the report")
        predictions = predictions or predict_test_part(run.dataset, folder)
        write_report(run_report(folder, run.dataset, run.training, predictions), folder.report)
    parts = {part: len(run.dataset.part(part)) for part in ("dev", "test")}
    return TrainResult(
        folder=folder.path,
        films={"train": len(run.training)} | parts,
        dropped=run.dataset.dropped,
        extras=run.extras,
        metrics=folder.read_json(folder.metrics),
        seconds=folder.seconds,
        exportable=not isinstance(run.model, PooledClassifier),
        page=folder.report,
    )


@dataclass(frozen=True)
class _Run:
    """A job and what was loaded for it.

    Attributes:
        job: the job.
        dataset: the catalog's films, split.
        extras: the films of `extra_train`.
        training: the films to train on: the training part and `extras`.
        teachers: the teachers.
        model: the base model under a new head.
        tokenizer: the base model's tokenizer.
        provenance: the content of provenance.json.
    """

    job: TrainJob
    dataset: Dataset
    extras: tuple[ExtraFilms, ...]
    training: Dataset
    teachers: tuple[Teacher, ...]
    model: Classifier
    tokenizer: PreTrainedTokenizerFast
    provenance: dict[str, Any]


def _prepare(job: TrainJob) -> tuple[_Run, EmbeddingTeacher | None]:
    """Load everything that a job needs and check it, before anything is written."""
    options = job.options
    if options.distillation.recombined and not job.teachers:
        raise UsageError("`recombined` needs `teachers`: only they can label mixed texts")
    dataset = load_dataset(
        job.reading.locate(job.catalog),
        job.columns,
        with_title=job.with_title,
        reading=job.reading,
        protocol=job.protocol,
        split_file=None if job.split is None else ReadingOptions().locate(job.split),
        seed=options.seed,
        further=job.further,
    )
    extras = load_extras(job.extra_train, dataset, job.further)
    training = training_films(dataset, extras)
    teachers = tuple(load_teacher(teacher, dataset) for teacher in job.teachers)
    model, tokenizer = load_base_model(job.base_model, dataset.names, options.model, options.seed)
    check_base_model(os.fspath(job.base_model), model, tokenizer, options)
    aligner = None
    if job.align_to is not None:
        aligner = EmbeddingTeacher.load(job.align_to, options.model.max_length)
    provenance = _provenance(job, dataset, extras, model.config)
    provenance["teachers"] = [teacher.record for teacher in teachers]
    return _Run(job, dataset, extras, training, teachers, model, tokenizer, provenance), aligner


def _begin(run: _Run, folder: RunFolder) -> None:
    """Write what the run is made of; the provenance last, which makes it resumable."""
    folder.path.mkdir(parents=True, exist_ok=True)
    run.dataset.write(folder.splits)
    if run.extras:
        further = range(len(run.dataset.part("train")), len(run.training))
        run.training.take(further).write(folder.extra)
    write_text(folder.readme, run_readme(run.job, run.model))
    write_text(folder.recipe, recipe_text(run.job))
    write_json(folder.provenance, run.provenance)


def _align(run: _Run, teacher: EmbeddingTeacher, folder: RunFolder, progress: StepProgress) -> None:
    """Distill the embeddings of another encoder, unless fine-tuning has begun already."""
    if not run.job.resume or resume_point(run.job.options, folder)[0] is None:
        distill_embeddings(
            run.model,
            run.tokenizer,
            teacher,
            run.training,
            run.dataset.part("dev"),
            run.job.options,
            folder,
            progress,
        )


def _fit(run: _Run, folder: RunFolder, progress: StepProgress) -> None:
    """Train the model and save it as a transformers checkpoint, the weights last."""
    model, tokenizer = run.model, run.tokenizer
    films, targets = _training_targets(run, folder, progress)
    fine_tune(
        model,
        tokenizer,
        films,
        run.dataset.part("dev"),
        run.job.options,
        folder,
        targets=targets,
        resume=run.job.resume,
        progress=progress,
    )
    partial = folder.partial_model
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    weights = partial / folder.weights.name
    for file in [*(file for file in partial.iterdir() if file != weights), weights]:
        rename_into_place(file, folder.path / file.name)
    partial.rmdir()


def _training_targets(
    run: _Run, folder: RunFolder, progress: StepProgress
) -> tuple[Dataset, Targets | None]:
    """Return the films to train on, mixed texts included, and the teachers' predictions."""
    teachers, options = run.teachers, run.job.options
    if not teachers:
        return run.training, None
    targets = teacher_predictions(teachers, run.training, folder, progress)
    count = round(options.distillation.recombined * len(Wordings(run.training)))
    if not count:
        return run.training, targets
    titled = 1 - options.optimization.title_dropout
    mixed = mix_sentences(run.training, count, titled, options.seed)
    more = teacher_predictions(teachers, mixed, folder, progress)
    return concatenate(run.training, mixed), np.concatenate([targets, more], axis=1)


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


def _measure(run: _Run, folder: RunFolder) -> Predictions:
    """Tune thresholds on dev, and write them and the metrics on dev and test.

    Returns:
        The predictions for the test part, with titles if the model reads them.
    """
    predicted, names, method = _predictor(folder), run.dataset.names, run.job.thresholds
    parts = {part: run.dataset.part(part) for part in ("dev", "test")}
    probabilities = {
        part: {variant: predicted(texts) for variant, texts in variants(films).items()}
        for part, films in parts.items()
    }
    on_dev, on_test = (next(iter(by_variant.values())) for by_variant in probabilities.values())
    thresholds = find_thresholds(method, on_dev, parts["dev"].labels)
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
    return Predictions(tuple(names), parts["test"].labels, on_test, thresholds)


def predict_test_part(dataset: Dataset, folder: RunFolder) -> Predictions:
    """Predict the test part of a run that has been measured, as `_measure` did."""
    films = dataset.part("test")
    by_genre = folder.read_json(folder.thresholds)["thresholds"]
    thresholds = np.array([by_genre[name] for name in films.names])
    return Predictions(
        tuple(films.names), films.labels, _predictor(folder)(films.texts), thresholds
    )


def _name(encoder: StrPath) -> str:
    """Return a folder's name without its path, which is private; any other name as it is."""
    name = os.fspath(encoder)
    return os.path.basename(os.path.abspath(name)) if os.path.isdir(name) else name


def _provenance(
    job: TrainJob, dataset: Dataset, extras: tuple[ExtraFilms, ...], config: Any
) -> dict[str, Any]:
    return {
        "base_model": _name(job.base_model),
        "aligned_to": None if job.align_to is None else _name(job.align_to),
        "architecture": _ARCHITECTURES.get(config.model_type, config.model_type),
        "shape": [
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            getattr(config, "hidden_dim", None) or config.intermediate_size,
        ],
        "recipe": job.recipe,
        "options": flat_values(job.options),
        "with_title": job.with_title,
        "protocol": job.protocol,
        "split": f"drawn, seed {job.options.seed}" if job.split is None else Path(job.split).name,
        "thresholds": job.thresholds,
        "seed": job.options.seed,
        "group": job.group,
        "soft_labels": job.soft_labels,
        "data": [
            {"file": Path(job.catalog).name, "sha256": dataset.sha256, "films": len(dataset)},
            *(extra.provenance for extra in extras),
        ],
        "versions": versions(),
    }
