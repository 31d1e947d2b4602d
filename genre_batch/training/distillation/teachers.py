"""Teachers: finished runs whose probabilities a smaller model learns to predict.

Distillation as in Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network":
the student learns from the labels and from its teachers' probabilities for the same texts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.errors import TrainingError
from genre_batch.files import replacing
from genre_batch.options import StrPath
from genre_batch.progress import StepProgress
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict

__all__ = ["Targets", "check_teacher", "teacher_predictions"]

Targets = npt.NDArray[np.float32]
"""(2, films, genres): the teachers' mean probabilities for `texts` and for `bare_texts`."""


def check_teacher(teacher: StrPath, dataset: Dataset) -> dict[str, Any]:
    """Check that a run can be a teacher for this split.

    Args:
        teacher: the teacher's run folder.
        dataset: the student's films, split.

    Returns:
        What the student's provenance records of the teacher.

    Raises:
        TrainingError: the run is not finished; its genres differ; or it was trained on films of
            this split's dev and test parts, whose labels it would leak.
    """
    name = os.fspath(teacher)
    run = RunFolder(Path(teacher))
    provenance = run.read_json(run.provenance)
    run.read_json(run.metrics)
    films = read_dataset(run.splits)
    if films.names != dataset.names:
        raise TrainingError(
            f"the genres of the teacher {name} differ from this catalog's: train it on this catalog"
        )
    films = films.part("train")
    if run.extra.exists():
        films = concatenate(films, read_dataset(run.extra))
    trained = films.keys_as(dataset.key_version)
    leaked = int(np.isin(dataset.part("dev", "test").keys, trained).sum())
    if leaked:
        raise TrainingError(
            f"the teacher {name} was trained on {leaked:,} films of this split's dev and test "
            f"parts: train it with the same `split`"
        )
    keys = ("base_model", "architecture", "shape", "options", "teachers", "data")
    record = {key: provenance.get(key) for key in keys}
    aligned_to = provenance.get("aligned_to")
    return record | ({"aligned_to": aligned_to} if aligned_to else {})


def teacher_predictions(
    teachers: Sequence[StrPath], films: Dataset, progress: StepProgress
) -> Targets:
    """Return the mean of the teachers' probabilities for every film, with and without its title.

    Each teacher's probabilities are cached in its own folder. They are not computed again for the
    same films, and a student's run that is resumed has the same targets.

    Args:
        teachers: the teachers' run folders, at least one.
        films: the films; their genres are in the teachers' order.
        progress: called with the number of texts that a teacher has predicted.
    """
    mean: Targets = np.mean(
        [_cached_predictions(RunFolder(Path(teacher)), films, progress) for teacher in teachers],
        axis=0,
    )
    return mean


def _cached_predictions(run: RunFolder, films: Dataset, progress: StepProgress) -> Targets:
    cache = run.predictions(_key(films))
    if cache.exists():
        cached: Targets = np.load(cache, allow_pickle=False)
        return cached
    predictions = _predict(run, films, progress)
    with contextlib.suppress(OSError), replacing(cache) as file:  # the folder may be read-only
        np.save(file, predictions, allow_pickle=False)
    return predictions


def _key(films: Dataset) -> str:
    """Return a hash of what the predictions depend on, besides the teacher."""
    texts = "\0".join([*films.texts, *films.bare_texts])
    return hashlib.sha256(texts.encode("utf-8")).hexdigest()[:16]


def _predict(run: RunFolder, films: Dataset, progress: StepProgress) -> Targets:
    model, tokenizer = load_checkpoint(run.path)
    max_length = run.read_json(run.provenance)["options"]["max_length"]
    titled = films.bare_texts != films.texts
    variants = [films.texts, films.bare_texts] if titled else [films.texts]
    total = len(variants) * len(films)

    def predicted(number: int) -> npt.NDArray[np.float32]:
        def advance(done: int) -> None:
            progress(number * len(films) + done, total, "asking the teacher")

        return predict(model, tokenizer, variants[number], max_length, fast=True, progress=advance)

    predictions = [predicted(number) for number in range(len(variants))]
    return np.stack([predictions[0], predictions[-1]])
