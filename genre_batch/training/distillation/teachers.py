"""Teachers: finished runs whose probabilities a smaller model learns from.

Distillation as in Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network":
the student learns the labels and what its teachers make of the same texts.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.errors import TrainingError
from genre_batch.files import replacing
from genre_batch.progress import StepProgress
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.run_folder import RunFolder

__all__ = ["Targets", "check_teacher", "teacher_predictions"]

Targets = npt.NDArray[np.float32]
"""(2, films, genres): the teachers' mean probabilities, of `texts` and of `bare_texts`."""


def check_teacher(folder: Path, dataset: Dataset) -> dict[str, Any]:
    """That a run may teach on this split.

    Args:
        folder: the teacher's run.
        dataset: the student's films, split.

    Returns:
        What the student's provenance says of it.

    Raises:
        TrainingError: it is no finished run, knows other genres, or has learnt from films that are
            held out here, whose labels it would pass on.
    """
    run = RunFolder(folder)
    provenance = run.read_json(run.provenance)
    run.read_json(run.metrics)
    learnt = read_dataset(run.splits)
    if learnt.names != dataset.names:
        raise TrainingError(
            f"the teacher {folder} knows other genres than this catalog has: train it on this one"
        )
    films = learnt.part("train")
    if run.extra.exists():
        films = concatenate(films, read_dataset(run.extra))
    leaked = int(np.isin(dataset.part("dev", "test").keys, films.keys).sum())
    if leaked:
        raise TrainingError(
            f"the teacher {folder} was trained on {leaked:,} films of this split's dev and test "
            f"parts: train it with the same --split"
        )
    said = {
        key: provenance.get(key)
        for key in ("base_model", "architecture", "shape", "options", "teachers", "data")
    }
    aligned_to = provenance.get("aligned_to")
    return said | ({"aligned_to": aligned_to} if aligned_to else {})


def teacher_predictions(folders: Sequence[Path], films: Dataset, progress: StepProgress) -> Targets:
    """The mean of the teachers' probabilities of every film, with and without its title.

    A teacher's answers are kept in its own folder: asked for the same films again it need not think
    again, and a student's run that was broken off goes on with the very same targets.

    Args:
        folders: the teachers' runs, at least one.
        films: whose genres are in the teachers' order.
        progress: is told how many texts of each teacher are done.
    """
    mean: Targets = np.mean(
        [_cached_predictions(folder, films, progress) for folder in folders], axis=0
    )
    return mean


def _cached_predictions(folder: Path, films: Dataset, progress: StepProgress) -> Targets:
    kept = folder / f"answers-{_key(films)}.npy"
    if kept.exists():
        answers: Targets = np.load(kept, allow_pickle=False)
        return answers
    answers = _predict(folder, films, progress)
    # The teacher's folder may be read-only: then the predictions are not cached.
    with contextlib.suppress(OSError), replacing(kept) as file:
        np.save(file, answers, allow_pickle=False)
    return answers


def _key(films: Dataset) -> str:
    """What the answers depend on, besides the teacher."""
    texts = "\0".join([*films.texts, *films.bare_texts])
    return hashlib.sha256(texts.encode("utf-8")).hexdigest()[:16]


def _predict(folder: Path, films: Dataset, progress: StepProgress) -> Targets:
    model, tokenizer = load_checkpoint(folder)
    run = RunFolder(folder)
    length = run.read_json(run.provenance)["options"]["max_length"]
    variants = [films.texts]
    if films.bare_texts != films.texts:
        variants.append(films.bare_texts)
    total = len(variants) * len(films)

    def ask(number: int) -> npt.NDArray[np.float32]:
        def told(done: int) -> None:
            progress(number * len(films) + done, total, "asking the teacher")

        return predict(model, tokenizer, variants[number], length, fast=True, told=told)

    answers = [ask(number) for number in range(len(variants))]
    return np.stack([answers[0], answers[-1]])
