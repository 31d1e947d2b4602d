"""Teachers: finished runs and exported models, whose probabilities a student learns to predict.

Distillation as in Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network":
the student learns from the labels and from its teachers' probabilities for the same texts.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.dataset.sentence_mixing import mix_sentences
from genre_batch.dataset.wordings import Wordings
from genre_batch.errors import TrainingError, counted
from genre_batch.model.shipped import SHIPPED_MODELS
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import OVERVIEW_ONLY
from genre_batch.model.text_keys import TEXT_KEY_VERSION, known_keys
from genre_batch.options import StrPath
from genre_batch.progress import StepProgress
from genre_batch.runs.films import training_keys
from genre_batch.runs.folder import RunFolder
from genre_batch.runs.integrity import is_whole
from genre_batch.runs.predictions import Predict, predict_in_parts, save_array
from genre_batch.runs.provenance import TitlesRead, titles_read
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import TrainingOptions

__all__ = ["Targets", "Teacher", "load_teacher", "teacher_predictions", "training_targets"]

Targets = npt.NDArray[np.float32]
"""(2, films, genres): the teachers' mean probabilities for `texts` and for `bare_texts`."""
_RECORDED = ("base_model", "architecture", "shape", "options", "teachers", "data")


@dataclass(frozen=True)
class Teacher:
    """A finished run or an exported model.

    Attributes:
        record: what a student's provenance records of it.
        predictor: returns a function from texts to (texts, genres) float32 probabilities, in the
            order of the student's genres. The model is loaded when it is called.
        titles: whether the texts it learned from had titles. If always, its predictions for `texts`
            are the targets of `bare_texts` too, and if never, those for `bare_texts` are the
            targets of `texts`: better ones, for half the work.
        cache: the folder for predictions; None: the student's.
    """

    record: dict[str, Any]
    predictor: Callable[[], Predict]
    titles: TitlesRead = "sometimes"
    cache: Path | None = None


def load_teacher(path: StrPath, dataset: Dataset) -> Teacher:
    """Check that a run or a model can be a teacher for this split.

    Args:
        path: the teacher's run folder, an exported .onnx file, or the name of a shipped model.
        dataset: the student's films, split.

    Raises:
        TrainingError: the run is not finished, or damaged; its genres differ; or it was trained on
            films of this split's dev and test parts, whose labels it would leak.
        ModelError: the file is not a genre-batch model.
    """
    name = os.fspath(path)
    is_file = os.path.isfile(name) or name.endswith(".onnx") or name in SHIPPED_MODELS
    load = _load_model if is_file else _load_run
    teacher, genres, keys, version = load(name, dataset.names)
    only = sorted((set(genres) ^ set(dataset.names)) - set(dataset.excluded))
    if only:
        raise TrainingError(
            f"the genres of the teacher {name} differ from this catalog's in {', '.join(only)}: "
            f"train it on this catalog"
        )
    leaked = int(known_keys(dataset.part("dev", "test").keys_as(version), keys).sum())
    if leaked:
        raise TrainingError(
            f"the teacher {name} was trained on {counted(leaked, 'film')} of this split's dev and "
            f"test parts: train it with the same `split`"
        )
    return teacher


_Loaded = tuple[Teacher, Sequence[str], npt.NDArray[np.uint64], int]
"""A teacher, its genres in order, the text keys of its training films, and their version."""


def _record(provenance: Any) -> dict[str, Any]:
    aligned_to = provenance.get("aligned_to")
    record = {key: provenance.get(key) for key in _RECORDED}
    return record | ({"aligned_to": aligned_to} if aligned_to else {})


def _load_run(name: str, genres: Sequence[str]) -> _Loaded:
    run = RunFolder(Path(name))
    run.check_finished()
    provenance = run.read_json(run.provenance)
    films = read_dataset(run.splits)

    def predictor() -> Predict:
        model, tokenizer = load_checkpoint(run.path)
        length = provenance["options"]["max_length"]
        order = [films.names.index(genre) for genre in genres]
        return lambda texts: predict(model, tokenizer, texts, length, fast=True)[:, order]

    template = films.template if films.texts != films.bare_texts else OVERVIEW_ONLY
    teacher = Teacher(_record(provenance), predictor, titles_read(template, provenance), run.path)
    return teacher, films.names, training_keys(run, TEXT_KEY_VERSION), TEXT_KEY_VERSION


def _load_model(name: str, genres: Sequence[str]) -> _Loaded:
    tagger = GenreTagger.load(name, lazy=True)
    metadata = tagger.metadata

    def predictor() -> Predict:
        order = [metadata.labels.index(genre) for genre in genres]

        def predict_texts(texts: list[str]) -> npt.NDArray[np.float32]:
            probabilities = np.empty((len(texts), len(order)), dtype=np.float32)
            for rows, batch in tagger.predict_composed(texts):
                probabilities[rows] = batch[:, order]
            return probabilities

        return predict_texts

    record = _record(metadata.provenance) | {"model": tagger.sha256}
    teacher = Teacher(record, predictor, titles_read(metadata.text_template, metadata.provenance))
    keys, version = metadata.training_text_keys, metadata.text_key_version
    return teacher, metadata.labels, keys, version


def training_targets(
    teachers: Sequence[Teacher],
    films: Dataset,
    options: TrainingOptions,
    folder: RunFolder,
    progress: StepProgress,
) -> tuple[Dataset, Targets | None]:
    """Return the films to train on, mixed texts included, and the teachers' predictions, if any."""
    if not teachers:
        return films, None
    titled = 1 - options.optimization.title_dropout
    targets = teacher_predictions(teachers, films, folder, progress, titled < 1)
    count = round(options.distillation.recombined * len(Wordings(films)))
    if not count:
        return films, targets
    mixed = mix_sentences(films, count, titled, options.seed)
    more = teacher_predictions(teachers, mixed, folder, progress, titled < 1)
    return concatenate(films, mixed), np.concatenate([targets, more], axis=1)


def teacher_predictions(
    teachers: Sequence[Teacher], films: Dataset, run: RunFolder, progress: StepProgress, bare: bool
) -> Targets:
    """Return the mean of the teachers' probabilities for every film, with and without its title.

    A run's probabilities are cached in its own folder, a model's in the student's until it is
    trained. They are written as they are computed, so that a student's run that is resumed does not
    compute them again, and has the same targets.

    Args:
        teachers: at least one.
        films: the films; their genres are in the teachers' order.
        run: the student's run folder.
        progress: called with the number of texts that a teacher has predicted.
        bare: whether the student reads films without their title too; if not, no teacher does.
    """
    predictions = []
    for number, teacher in enumerate(teachers):
        name = hashlib.sha256(repr((number, teacher.record)).encode("utf-8")).hexdigest()[:16]
        parts = run.checkpoints / f"teacher-{name}"
        predictions.append(_cached_predictions(teacher, films, parts, progress, bare))
    mean: Targets = np.mean(predictions, axis=0)
    return mean


def _cached_predictions(
    teacher: Teacher, films: Dataset, parts: Path, progress: StepProgress, bare: bool
) -> Targets:
    variants = [films.texts, films.bare_texts]
    if teacher.titles == "never" or films.texts == films.bare_texts:
        del variants[0]
    elif teacher.titles == "always" or not bare:
        del variants[1]
    texts = "\0".join(itertools.chain(films.names, *variants))
    key = hashlib.sha256(texts.encode("utf-8")).hexdigest()[:16]
    cache = None if teacher.cache is None else RunFolder(teacher.cache).predictions(key)
    if cache is not None and is_whole(cache):
        cached: Targets = np.load(cache, allow_pickle=False)
        return cached
    parts = parts.with_name(f"{parts.name}-{key}")
    stacked = predict_in_parts(variants, teacher.predictor, parts, progress)
    predictions: Targets = np.stack([stacked[0], stacked[-1]])
    if cache is not None:
        save_array(cache, predictions)
    return predictions
