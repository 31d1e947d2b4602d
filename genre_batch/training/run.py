"""`train`: from a labeled catalog to a run folder with a fine-tuned model and its metrics."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.extra import ExtraFilms, load_extras, training_films
from genre_batch.dataset.load import ReadingOptions, load_dataset
from genre_batch.dataset.readable import check_readable
from genre_batch.errors import TrainingError, UsageError
from genre_batch.failures import failures_as
from genre_batch.files import write_json, write_text
from genre_batch.options import check_job, flat_values
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.report.page import write_report
from genre_batch.runs.disk_space import check_run_fits
from genre_batch.runs.folder import RunFolder, Stage, is_readable
from genre_batch.runs.integrity import write_checksums
from genre_batch.runs.provenance import run_provenance
from genre_batch.runs.readme import run_readme
from genre_batch.runs.resume import check_same_run, repair, restore, resume_point
from genre_batch.runs.starting_point import StartingPoint, read_starting_point
from genre_batch.training.distillation.embedding_distillation import (
    EmbeddingTeacher,
    distill_embeddings,
)
from genre_batch.training.distillation.teachers import Teacher, load_teacher, training_targets
from genre_batch.training.encoder.base_model import (
    Classifier,
    check_base_model,
    load_base_model,
    load_starting_point,
)
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.measuring import measure, predict_test_part, run_report
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.recipe import recipe_text

__all__ = ["TrainJob", "TrainResult", "predict_test_part", "train"]


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

    Files of that folder that are damaged are made again, with a warning.

    Args:
        job: what to train, on what.
        progress: called after every step.

    Raises:
        TrainingError, CatalogError, UsageError: the folder cannot be used or resumed, or the
            catalog, the base model or a teacher cannot be used; nothing is written then. Or the
            disk or the memory is full; the run can be resumed then, if it has begun.
    """
    check_job("train", job, TrainJob)
    folder = RunFolder(Path(job.folder))
    with (
        failures_as(TrainingError, folder.path, folder.next_step),
        folder.opened(resume=job.resume),
    ):
        return _train(job, folder, progress)


def _train(job: TrainJob, folder: RunFolder, progress: StepProgress) -> TrainResult:
    run, aligner = _prepare(job)
    check_run_fits(folder, run.model, run.training, job.options)
    if not folder.is_begun:
        _begin(run, folder)
    else:
        _repair(run, folder)
    stage = folder.stage
    if stage < Stage.TRAINED:
        if aligner is not None:
            _align(run, aligner, folder, progress)
        aligner = None  # free its memory
        _fit(run, folder, progress)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    predictions = None
    if stage < Stage.MEASURED:
        progress(0, 0, "measuring")
        predictions = measure(run.dataset, folder, job.thresholds)
    if stage < Stage.DONE:
        progress(0, 0, "writing the report")
        predictions = predictions or predict_test_part(run.dataset, folder)
        write_report(run_report(folder, run.dataset, run.training, predictions), folder.report)
        folder.seal(folder.report)
    folder.seal_all()
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
        start: what the run starts from instead of a base model; None: a base model.
    """

    job: TrainJob
    dataset: Dataset
    extras: tuple[ExtraFilms, ...]
    training: Dataset
    teachers: tuple[Teacher, ...]
    model: Classifier
    tokenizer: PreTrainedTokenizerFast
    provenance: dict[str, Any]
    start: StartingPoint | None


def _prepare(job: TrainJob) -> tuple[_Run, EmbeddingTeacher | None]:
    """Load everything that a job needs and check it, before anything is written."""
    options = job.options
    if options.distillation.recombined and not job.teachers:
        raise UsageError("`recombined` needs `teachers`: only they can label mixed texts")
    start = None if job.init_from is None else read_starting_point(job.init_from)
    earlier = None if start is None else start.films
    further = job.further if start is None else start.further(job.further)
    dataset = load_dataset(
        job.reading.locate_all(job.catalog),
        job.columns,
        with_title=job.with_title,
        reading=job.reading,
        protocol=job.protocol,
        split_file=None if job.split is None else ReadingOptions().locate(job.split),
        seed=options.seed,
        further=further,
        labels=job.labels,
        part_column=job.part_column,
        earlier_run=earlier,
    )
    extras = load_extras(job.extra_train, dataset, further, earlier, job.columns, job.reading)
    training = training_films(dataset, extras)
    teachers = tuple(load_teacher(teacher, dataset) for teacher in job.teachers)
    made = (dataset.names, options.model, options.seed)
    if start is None:
        model, tokenizer = load_base_model(job.base_model, *made)
    else:
        model, tokenizer = load_starting_point(start, *made)
    name = os.fspath(job.base_model if job.init_from is None else job.init_from)
    check_base_model(name, model, tokenizer, options)
    check_readable(name, tokenizer.backend_tokenizer, dataset.bare_texts)
    aligner = None
    if job.align_to is not None:
        aligner = EmbeddingTeacher.load(job.align_to, options.model.max_length)
    provenance = run_provenance(job, dataset, extras, model.config, start)
    provenance["teachers"] = [teacher.record for teacher in teachers]
    run = _Run(job, dataset, extras, training, teachers, model, tokenizer, provenance, start)
    return run, aligner


def _begin(run: _Run, folder: RunFolder) -> None:
    """Write what the run is made of; the provenance last, which makes it resumable.

    If that fails, what was written is removed again: there is nothing to resume yet.
    """
    sources = _sources(run, folder)
    try:
        for path, write in sources.items():
            write(path)
        folder.seal(*sources)
    except BaseException:
        for path in sources:
            path.unlink(missing_ok=True)
        raise


def _sources(run: _Run, folder: RunFolder) -> dict[Path, Callable[[Path], object]]:
    """Return what the run is made of: files, and how each is written; the provenance last."""
    sources: dict[Path, Callable[[Path], object]] = {folder.splits: run.dataset.write}
    if run.extras:
        further = range(len(run.dataset.part("train")), len(run.training))
        sources[folder.extra] = run.training.take(further).write
    if run.start is not None:
        sources[folder.earlier] = run.start.films.write
    kind = run.model.config.model_type
    sources[folder.readme] = lambda path: write_text(path, run_readme(run.job, kind))
    sources[folder.recipe] = lambda path: write_text(path, recipe_text(run.job))
    sources[folder.provenance] = lambda path: write_json(path, run.provenance)
    return sources


def _repair(run: _Run, folder: RunFolder) -> None:
    """Check that the run in the folder is this one, and make its damaged files again.

    Raises:
        TrainingError: it has other options or films, or a file cannot be made again.
    """
    sources = _sources(run, folder)
    restore(folder.provenance, sources[folder.provenance])
    restore(folder.splits, sources[folder.splits])
    defaults = flat_values(TrainingOptions())
    check_same_run(folder, run.provenance, run.dataset, defaults, run.training)
    for path in sources.keys() - {folder.provenance, folder.splits}:
        if path not in (folder.readme, folder.recipe):
            restore(path, sources[path])
        elif not is_readable(path):
            sources[path](path)
    removed = repair(folder)
    made_again = {folder.weights, folder.metrics, folder.thresholds, folder.report}
    if folder.stage >= Stage.TRAINED and set(removed) - made_again:
        _save_model(run, folder, [path.name for path in removed])


def _align(run: _Run, teacher: EmbeddingTeacher, folder: RunFolder, progress: StepProgress) -> None:
    """Distill the embeddings of another encoder, unless a checkpoint of fine-tuning has all of it.

    Frozen layers are in no checkpoint: they are always loaded, or made again.
    """
    dev, options = run.dataset.part("dev"), run.job.options
    begun = run.job.resume and resume_point(folder, options.optimization.keep)[0] is not None
    if not begun or options.model.freeze_layers:
        distill_embeddings(
            run.model, run.tokenizer, teacher, run.training, dev, options, folder, progress
        )


def _fit(run: _Run, folder: RunFolder, progress: StepProgress) -> None:
    """Train the model and save it as a transformers checkpoint, the weights last."""
    films, targets = training_targets(run.teachers, run.training, run.job.options, folder, progress)
    fine_tune(
        run.model,
        run.tokenizer,
        films,
        run.dataset.part("dev"),
        run.job.options,
        folder,
        targets=targets,
        resume=run.job.resume,
        kept=() if run.start is None else run.start.head_rows(run.dataset.names),
        progress=progress,
    )
    _save_model(run, folder)


def _save_model(run: _Run, folder: RunFolder, names: list[str] | None = None) -> None:
    """Save the model as a transformers checkpoint, the weights last; with `names`, only these."""
    partial = folder.partial_model
    run.model.save_pretrained(partial)
    run.tokenizer.save_pretrained(partial)
    saved = [file for file in partial.iterdir() if names is None or file.name in names]
    write_checksums(partial, saved)
    folder.place_model()
